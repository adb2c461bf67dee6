import re
import shutil
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earshot import audio
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
    with pytest.warns(EarshotWarning, match=r"Skipped: 2 unreadable .*broken\.wav .*empty\.wav"):
        words = folders.from_folder(folder)
    assert len(words) == 5


def test_a_word_without_recordings_is_listed(folder):
    (folder / "bird").mkdir()
    with pytest.warns(EarshotWarning, match="1 without recordings .bird"):
        words = folders.from_folder(folder)
    assert words.class_names == ("cat", "dog")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(EarshotError, match="no folder .*nowhere"):
        folders.from_folder(tmp_path / "nowhere")


def test_one_word_alone_is_read(tones, tmp_path):
    """As of a wake word, which is learned against all others."""
    tones("cat/a.wav")
    assert folders.from_folder(tmp_path).class_names == ("cat",)


def test_a_folder_without_any_word_is_refused(tmp_path):
    with pytest.raises(EarshotError, match="holds no recordings of words: give each word"):
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


@pytest.mark.parametrize(
    ("naming", "found"),
    [
        ("anna", ["anna", "anna"]),
        (re.compile(r"^\d+-(\w+)"), ["bob", "unknown"]),
        (re.compile(r"x+"), ["unknown", "x"]),
        (lambda path: path.stem[:1] if path.stem != "x" else "", ["3", "unknown"]),
    ],
)
def test_who_speaks_is_told_by_a_name_an_expression_or_a_function(tones, naming, found):
    words = folders.from_folder(tones("cat/3-bob.wav", "dog/x.wav"), speaker_of=naming)
    assert list(words.speakers) == found


def test_a_set_that_is_printed_shows_who_was_found(tones):
    words = folders.from_folder(tones("cat/eve_0.wav", "cat/bob_0.wav", "dog/bob_0.wav"))
    assert str(words) == "WordSet(3 clips, 2 words, 2 speakers: bob 2, eve 1, 8,000 Hz)"


class TestWarnings:
    """What lies in a folder and is no good recording of one word."""

    def said(self, folder):
        """Read a folder; gives the words and the one warning."""
        with pytest.warns(EarshotWarning) as caught:
            words = folders.from_folder(folder)
        (warning,) = caught
        return words, str(warning.message)

    @pytest.mark.parametrize(
        ("x", "reason"),
        [
            (np.zeros(4000), "silent"),
            (np.full(4000, 5e-5), "silent"),
            (np.full(4000, 0.1), "silent"),  # a sound card's offset
            ([0.1, 0.2, 0.3], "shorter than 0.01 s"),
        ],
    )
    def test_what_holds_no_word_is_left_out_and_named(self, folder, x, reason):
        audio.write(folder / "cat" / "odd.wav", np.array(x), 8000, subtype="FLOAT")
        words, message = self.said(folder)
        assert len(words) == 5
        assert message == f"Skipped: 1 {reason} (cat/odd.wav)."

    def test_a_day_of_sound_is_not_read(self, folder, monkeypatch):
        path = folder / "cat" / "day.flac"
        with soundfile.SoundFile(path, "w", 8000, 1) as file:
            for _ in range(24):
                file.write(np.zeros(8000 * 150, np.int16))
        read = audio.read
        monkeypatch.setattr(audio, "read", lambda p: pytest.fail("read") if p == path else read(p))
        words, message = self.said(folder)
        assert len(words) == 5
        assert message == "Skipped: 1 longer than 60 s (cat/day.flac)."

    def test_one_sound_under_two_words_is_kept_and_named(self, folder):
        shutil.copy(folder / "cat" / "anna_1.wav", folder / "dog" / "bob_0.wav")
        words, message = self.said(folder)
        assert len(words) == 6
        assert "1 sounds under two words (cat/anna_1.wav and dog/bob_0.wav)" in message

    def test_words_that_differ_in_capitals_or_spaces_are_kept_and_named(self, tones):
        folder = tones("cat/a_0.wav", "Cat/a_0.wav", "cat%20/a_0.wav", "dog/a_0.wav")
        words, message = self.said(folder)
        assert words.class_names == ("Cat", "cat", "cat ", "dog")
        assert "1 words but for capitals or spaces ('Cat' and 'cat' and 'cat%20')" in message

    def test_composed_and_decomposed_umlauts_are_named(self, tones):
        _, message = self.said(tones("Tür/a_0.wav", unicodedata.normalize("NFD", "Tür/a_1.wav")))
        assert "1 words but for capitals or spaces" in message

    def test_all_problems_come_in_one_warning_with_counts_and_a_few_names(self, folder):
        for i in range(9):
            audio.write(folder / "cat" / f"mute_{i}.wav", np.zeros(4000), 8000)
            (folder / "dog" / f"broken_{i}.wav").write_text("no sound")
        (folder / "bird").mkdir()
        (folder / "cat" / "phone.m4a").touch()
        words, message = self.said(folder)
        assert len(words) == 5
        kinds = (
            "9 silent (",
            "9 unreadable (",
            "1 without recordings (",
            "1 of a kind that cannot",
        )
        assert all(kind in message for kind in kinds)
        assert message.count("mute_") == message.count("and 5 more") * 2 == 4

    def test_a_folder_of_damaged_files_alone_is_refused(self, tmp_path):
        for word in ("cat", "dog"):
            (tmp_path / word).mkdir()
            (tmp_path / word / "a.wav").write_text("no sound")
        with pytest.raises(EarshotError, match=r"no recordings of words.* 2 unreadable .*a\.wav"):
            folders.from_folder(tmp_path)


class TestWithoutPermission:
    """The one who runs the tests may be refused nothing, so that the system's no is made."""

    @pytest.fixture
    def closed(self, folder, monkeypatch):
        """Close one folder."""
        (folder / "dog2").mkdir()
        shut, iterdir = [], Path.iterdir

        def listed(path):
            if path in shut:
                raise PermissionError(13, "Permission denied")
            return iterdir(path)

        monkeypatch.setattr(Path, "iterdir", listed)
        return folder, shut.append

    def test_a_word_that_cannot_be_opened_is_named_and_the_others_are_read(self, closed):
        folder, close = closed
        close(folder / "dog2")
        with pytest.warns(EarshotWarning, match=r"dog2 cannot be opened \(Permission denied\)"):
            assert len(folders.from_folder(folder)) == 5

    def test_a_folder_that_cannot_be_opened_is_named(self, closed):
        folder, close = closed
        close(folder)
        with pytest.raises(EarshotError, match="cannot be opened .Permission denied.: get the"):
            folders.from_folder(folder)
