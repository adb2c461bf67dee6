import warnings

import numpy as np
import pytest

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
