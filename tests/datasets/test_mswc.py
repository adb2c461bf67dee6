"""The Multilingual Spoken Words Corpus from stand-ins of the same structure."""

import numpy as np
import pytest
from support.archives import pack, sound

from earshot.datasets import mswc as module
from earshot.datasets.mswc import spoken_words
from earshot.errors import EarshotError, EarshotWarning

pytest.importorskip("pyarrow")
HEAD = "SET,LINK,WORD,VALID,SPEAKER,GENDER"
SETS = {"anna": "TRAIN", "bob": "DEV", "eve": "TEST"}
ROWS = [
    f"{part},{word}/common_voice_de_{i}.opus,{word},TRUE,{who * 30},OTHER"
    for i, (word, (who, part)) in enumerate(
        (word, pair) for word in ("ja", "über") for pair in SETS.items()
    )
]


def opus(i):
    options = {"kind": "OGG", "subtype": "OPUS", "rate": 48000}
    return sound(300 + 100 * i, duration_s=0.2, **options)


CLIPS = {f"de/clips/{row.split(',')[1]}": opus(i) for i, row in enumerate(ROWS)}


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Put stand-ins into the folder of the downloads; gives that of the data."""

    def make(rows=ROWS, clips=CLIPS, head=HEAD):
        table = "\n".join([head, *rows]).encode()
        lists = {"version.txt": b"1.0", "de_splits.csv": table, "de_train.csv": b""}
        pack(tmp_path / "downloads" / "mswc-splits-de.tar.gz", lists)
        pack(tmp_path / "downloads" / "mswc-audio-de.tar.gz", clips)
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
        return tmp_path

    return make


def test_words_speakers_and_parts_are_those_of_the_list(archives):
    words = spoken_words("de", archives())
    assert words.counts() == {"ja": 3, "über": 3}
    assert {who[:3] for who in words.speakers} == {"ann", "bob", "eve"}
    assert words.parts.tolist() == ["train", "validation", "test"] * 2
    assert (words.sample_rate, len(words.waveforms[0])) == (16000, 3200)
    assert np.ptp(words.waveforms[0]) == pytest.approx(0.6, abs=0.1)


def test_the_archive_is_read_once(archives):
    folder = archives()
    first = spoken_words("de", folder).fingerprint()
    for path in (folder / "downloads").iterdir():
        path.unlink()
    assert spoken_words("de", folder).fingerprint() == first


def test_who_tests_is_in_no_other_part(archives):
    again = ROWS[0].replace("_0.opus", "_9.opus").replace("TRAIN", "TEST")
    folder = archives([*ROWS, again], CLIPS | {"de/clips/ja/common_voice_de_9.opus": opus(0)})
    with pytest.warns(EarshotWarning, match="2 clips belong to no part"):
        words = spoken_words("de", folder)
    assert words.parts.tolist().count("train") == 0


def test_damaged_and_unlisted_clips_are_left_out_by_name(archives):
    broken = {"de/clips/ja/common_voice_de_0.opus": b"OggS", "de/clips/ja/x.opus": opus(0)}
    with pytest.warns(
        EarshotWarning, match=r"1 unreadable \(ja/common_voice_de_0.*1 that no list knows \(ja/x"
    ):
        assert len(spoken_words("de", archives(clips=CLIPS | broken))) == 5


@pytest.mark.parametrize(
    ("rows", "head"), [(ROWS, "A,B,C"), ([ROWS[0].replace("TRAIN", "OTHER")], HEAD)]
)
def test_another_list_is_told(archives, rows, head):
    with pytest.raises(EarshotError, match=r"mswc-splits-de\.tar\.gz lacks SET"):
        spoken_words("de", archives(rows, head=head))


def test_without_internet_it_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BASE", "http://127.0.0.1:9")
    monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
    with pytest.raises(EarshotError, match=r"splits/de\.tar\.gz .*as mswc-splits-de\.tar\.gz"):
        spoken_words("de", tmp_path)


@pytest.mark.parametrize("language", ["", "german language", "../de", "DE"])
def test_what_is_no_language_is_refused(tmp_path, language):
    with pytest.raises(EarshotError, match="A language has a code such as 'de'"):
        spoken_words(language, tmp_path)
