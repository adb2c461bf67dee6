import numpy as np
import pytest
from support.notebooks import n_images, n_players, run

import earshot
from earshot import audio
from earshot.segmentation import label_tracks

pytestmark = pytest.mark.long


def test_three_networks_tell_speech_from_noise_and_are_shown_side_by_side(data, tmp_path):
    own = tmp_path / "mine.wav"  # with labels by hand
    rng = np.random.default_rng(0)
    audio.write(own, 0.1 * rng.standard_normal(8000 * 6).astype(np.float32), 8000)
    label_tracks.write(label_tracks.beside(own), [earshot.Segment(1.0, 2.5, "speech")])
    printed, cells = run(
        "09_speech_or_noise", tmp_path, f"DATA={data}", f"MODELS={tmp_path}",
        f"REPORTS={tmp_path}", f"OWN={own}",
    )  # fmt: skip
    for name in ("speech_or_noise", "speech_autoencoder", "speech_next_frame_lstm"):
        assert earshot.load(tmp_path / name).class_names == ("noise", "speech")
    assert "1.000000\t2.500000\tspeech" in printed
    assert "the labels of mine.wav: " in printed
    assert {s.word for s in label_tracks.read(tmp_path / "example.labels.txt")} <= {"speech"}
    assert "earshot-player" in (tmp_path / "speech_or_noise.html").read_text()
    (windows,) = tmp_path.glob("windows-*")
    assert len(list(windows.glob("*/*.png"))) > 5
    assert n_images(cells) >= 20
    assert n_players(cells) == 1
