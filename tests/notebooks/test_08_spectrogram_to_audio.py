import pytest
from support.notebooks import n_images, n_players, run

pytestmark = pytest.mark.long


def test_spectrograms_become_sound_in_every_way_and_are_compared(data, tmp_path):
    printed, cells = run("08_spectrogram_to_audio", tmp_path, f"DATA={data}")
    assert printed.count("times real time") == 6
    assert "words_adversary: " in printed
    assert "read: " in printed
    assert "Recording in the browser." in printed
    assert n_images(cells) >= 10
    assert n_players(cells) == 7
