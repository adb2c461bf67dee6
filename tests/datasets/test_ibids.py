import sys
import zipfile

import h5py
import numpy as np
import pytest
from support.ibids_maker import make_subject, make_table

from earshot.datasets import downloads, ibids
from earshot.errors import EarshotError, EarshotWarning

WORDS = ["`s", "12", "four", "two", "nine", "one", "`s", "six"]


@pytest.fixture(scope="module")
def made(speech, tmp_path_factory):
    """Two subjects in the true layout, one of them with timestamps instead of a rate."""
    folder = tmp_path_factory.mktemp("ibids") / ibids.NAME
    make_table(folder, ["sub-01", "sub-02"])
    rng = np.random.default_rng(1)
    spoken = {}
    for i, speaker in enumerate(np.unique(speech.speakers)[1:3]):
        said = speech.subset(speech.speakers == speaker)
        clips = said.waveforms[:: len(said) // len(WORDS)][: len(WORDS)]
        subject = f"sub-0{i + 1}"
        spoken[subject] = make_subject(folder, subject, WORDS, clips, 8000, rng, timestamps=bool(i))
    return folder, spoken


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_word_is_found_where_it_was_spoken(made, tmp_path):
    folder, spoken = made
    done = ibids.prepare(folder, tmp_path)
    for subject, segments in done.items():
        assert [segment.word for segment in segments] == WORDS
        for segment, (start_s, end_s) in zip(segments, spoken[subject], strict=True):
            shared = min(segment.end_s, end_s) - max(segment.start_s, start_s)
            assert shared > 0.6 * (end_s - start_s)


def test_sounds_words_and_clips_are_written(made, tmp_path):
    words = ibids.from_ibids(made[0], tmp_path)
    assert words.sample_rate == 16000
    assert words.counts() == {"12": 2, "`s": 4, "four": 2, "nine": 2, "one": 2, "six": 2, "two": 2}
    assert set(words.speakers) == {"sub-01", "sub-02"}
    uncut = tmp_path / "uncut_audios_dir" / "sub-01"
    assert (uncut / "words.txt").read_text().split() == WORDS
    assert (uncut / "audio.wav").is_file()


def test_preparing_twice_changes_nothing(made, tmp_path):
    ibids.prepare(made[0], tmp_path)
    before = everything(tmp_path)
    ibids.prepare(made[0], tmp_path)
    assert everything(tmp_path) == before


def test_a_zip_that_is_there_is_unpacked(made, tmp_path):
    with zipfile.ZipFile(tmp_path / f"{ibids.NAME}.zip", "w") as archive:
        for path in made[0].rglob("*"):
            archive.write(path, path.relative_to(made[0].parent))
    folder = ibids.obtain(tmp_path)
    assert (folder / "participants.tsv").is_file()
    x, rate, shown = ibids.read_subject(
        folder / "sub-01" / "ieeg" / "sub-01_task-wordProduction_ieeg.nwb"
    )
    assert rate == 48000
    assert len(shown) == len(WORDS)
    assert np.abs(x).max() == 1


def test_a_subject_whose_file_is_missing_is_named_and_the_others_go_on(made, tmp_path):
    table = made[0] / "participants.tsv"
    before = table.read_text()
    try:
        make_table(made[0], ["sub-01", "sub-07"])
        with pytest.warns(EarshotWarning, match=r"Left out: 1: .*sub-07_task"):
            assert list(ibids.prepare(made[0], tmp_path)) == ["sub-01"]
    finally:
        table.write_text(before)


@pytest.mark.parametrize("absent", ["Audio", "Stimulus"])
def test_a_file_without_sound_or_words_is_named(tmp_path, absent):
    rng = np.random.default_rng(0)
    make_subject(tmp_path, "sub-01", ["ja"], [rng.standard_normal(4000)], 8000, rng, leave=[absent])
    (path,) = tmp_path.rglob("*.nwb")
    with pytest.raises(EarshotError, match=f"sub-01_task.* has no acquisition {absent}"):
        ibids.read_subject(path)


def test_a_file_that_is_no_nwb_is_named(tmp_path):
    path = tmp_path / "sub-01.nwb"
    path.write_bytes(b"not HDF5")
    with pytest.raises(EarshotError, match=r"sub-01\.nwb cannot be read as NWB"):
        ibids.read_subject(path)


def test_without_internet_the_way_by_hand_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ibids, "URL", "http://127.0.0.1:9/g6q5m")
    monkeypatch.setattr(downloads, "PATIENCE_S", 1)
    with pytest.raises(EarshotError, match=r"refused.*By hand: .*save it as .*iBIDS\.zip"):
        ibids.obtain(tmp_path)


def test_a_folder_without_participants_is_refused(tmp_path):
    (tmp_path / ibids.NAME).mkdir()
    with pytest.raises(EarshotError, match=r"no participants\.tsv"):
        ibids.obtain(tmp_path)


def test_without_pynwb_its_name_is_told(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynwb", None)
    (path, *_) = made[0].rglob("*.nwb")
    with pytest.raises(EarshotError, match="pynwb, which reads .*is not installed: pip install py"):
        ibids.read_subject(path)


@pytest.mark.parametrize("subject", ["../sub-01", "/sub-01", "..", "a b", "sub/01"])
def test_a_participant_that_is_a_path_is_refused(tmp_path, subject):
    make_table(tmp_path / ibids.NAME, [subject])
    with pytest.raises(EarshotError, match=r"participants\.tsv names .*, no participant"):
        ibids.prepare(tmp_path / ibids.NAME, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ibids.NAME]


@pytest.mark.parametrize("rate", [0.0, -8000.0, np.inf, np.nan])
def test_a_rate_that_is_none_is_named(tmp_path, rate, rng):
    clip = rng.standard_normal(4000)
    make_subject(tmp_path, "sub-01", ["ja"], [clip], 8000, rng)
    (path,) = tmp_path.rglob("*.nwb")
    with h5py.File(path, "r+") as file:
        file["acquisition/Stimulus/starting_time"].attrs["rate"] = rate
    with pytest.raises(EarshotError, match=r"sub-01_task.*: Stimulus begins at 0.0 s with .* Hz"):
        ibids.read_subject(path)
