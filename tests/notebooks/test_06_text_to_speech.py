"""Notebook 06: words are spoken into files, and a spectrogram is read aloud."""

import pytest
from support.notebooks import n_images, n_players, run

pytestmark = pytest.mark.long


def test_it_speaks_words_and_spectrograms(tmp_path):
    printed, cells = run("06_text_to_speech", tmp_path, f"FOLDER={tmp_path}", "ENGINE=espeak")
    assert "seven (espeak)" in printed
    assert (tmp_path / "en-espeak" / "seven.wav").is_file()
    assert "the list of words is empty" in printed
    assert n_images(cells) >= 4
    assert n_players(cells) == 4
