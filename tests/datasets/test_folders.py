import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot import files
from earshot.datasets import folders
from earshot.errors import EarshotError, EarshotWarning


def test_mixed_formats_rates_and_channels_become_one_set(folder):
    words = folders.from_folder(folder)
    assert words.counts() == {"cat": 3, "dog": 2}
    assert words.sample_rate == 16000
    assert list(words.speakers) == ["anna", "anna", "bob", "anna", "eve"]
    np.testing.assert_allclose(words.durations_s, 0.5, atol=0.06)


def test_broken_files_are_listed_and_the_rest_is_read(folder):
    (folder / "cat" / "broken.wav").write_text("no sound")
    (folder / "cat" / "empty.wav").touch()
    with pytest.warns(EarshotWarning, match=r"Skipped 2: .*broken\.wav .*empty\.wav"):
        words = folders.from_folder(folder)
    assert len(words) == 5


def test_a_word_without_recordings_is_listed(folder):
    (folder / "bird").mkdir()
    with pytest.warns(EarshotWarning, match="bird has no recordings"):
        words = folders.from_folder(folder)
    assert words.class_names == ("cat", "dog")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(EarshotError, match="no folder .*nowhere"):
        folders.from_folder(tmp_path / "nowhere")


def test_one_word_is_not_enough(tones, tmp_path):
    tones("cat/a.wav")
    with pytest.raises(EarshotError, match="1 word, and at least 2"):
        folders.from_folder(tmp_path)


@given(st.text(min_size=1))
def test_every_word_makes_one_safe_folder_name(word):
    from urllib.parse import unquote

    name = files.safe_name(word)
    assert not set(name) & set('<>:"/\\|?*\0')
    assert name not in (".", "..")
    assert unquote(name, errors="surrogatepass") == word or max(word) >= "\ud800"


def test_reading_a_good_folder_warns_of_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(folders.from_folder(folder)) == 5


def test_speakers_whose_names_end_in_numbers_stay_two(tones):
    names = ("sub-01.wav", "sub-02.wav")
    words = folders.from_folder(tones(*(f"{word}/{n}" for word in ("ja", "nee") for n in names)))
    left_out = [speaker for speaker, _, _ in words.leave_one_speaker_out()]
    assert left_out == ["sub-01", "sub-02"]


def test_who_speaks_can_be_told(tones):
    folder = tones("cat/x.wav", "dog/x.wav")
    words = folders.from_folder(folder, speaker_of=lambda path: path.parent.name.upper())
    assert list(words.speakers) == ["CAT", "DOG"]


@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("cat/anna_0.wav", "anna"),
        ("cat/anna.wav", "anna"),
        ("cat/anna_2.flac", "anna"),
        ("cat/anna 3.wav", "anna"),
        ("cat/cat_anna_2.wav", "anna"),
        ("cat/cat_anna.wav", "anna"),
        ("cat/anna_b_12.wav", "anna_b"),
        ("cat/anna_b.wav", "anna_b"),
        ("cat/sub-01.wav", "sub-01"),
        ("cat/sub-02.wav", "sub-02"),
        ("cat/sub-02_2.wav", "sub-02"),
        ("cat/0a7c2a8d_nohash_1.wav", "0a7c2a8d"),
        ("seven/seven_jackson_3.wav", "jackson"),
        ("7/7_jackson_3.wav", "jackson"),
        ("seven/7_jackson_3.wav", "jackson"),
        ("cat/01_5.wav", "01"),
        ("cat/01.wav", "unknown"),
        ("cat/cat.wav", "unknown"),
        ("cat/cat_3.wav", "unknown"),
        ("cat/cat 3.wav", "unknown"),
        ("%3F/%3F_anna_0.wav", "anna"),
        ("cat/anna%2Fb_0.wav", "anna/b"),
        ("two words/two words_eve_0.wav", "eve"),
    ],
)
def test_the_speaker_is_read_from_the_usual_names(path, speaker):
    assert folders.speaker_of(f"data/{path}") == speaker


@pytest.mark.parametrize("speaker", ["anna", "anna_b", "sub-01", "Zoë K.", "a/b", "50%", "_x"])
@pytest.mark.parametrize("number", [0, 12])
def test_what_the_package_names_it_reads(speaker, number):
    assert folders.speaker_of(f"cat/{files.clip_name(speaker, number)}") == speaker
