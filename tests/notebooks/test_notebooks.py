"""Every notebook, executed as small as `make demo` does: what it prints, draws and leaves."""

import subprocess
import sys

from support.notebooks import NOTEBOOKS, n_images, n_players, run

import earshot
from earshot.segmentation import label_tracks


def test_04_trains_four_networks_and_compares_them(data, tmp_path):
    printed, cells = run(
        "04_train_lstm", tmp_path, f"DATA={data}", f"LOGS={tmp_path / 'logs'}",
        f"MODELS={tmp_path / 'models'}",
    )  # fmt: skip
    for name in (
        "1_raw", "2_spectrogram", "2_spectrogram_mean", "3_raw_varied", "4_spectrogram_varied",
    ):  # fmt: skip
        assert (tmp_path / "models" / f"lstm_{name}" / "network.keras").is_file()
        assert f"lstm_{name}: " in printed
    assert n_images(cells) >= 5
    assert n_players(cells) == 1


def test_08_turns_spectrograms_back_into_sound(data, tmp_path):
    printed, cells = run("08_spectrogram_to_audio", tmp_path, f"DATA={data}")
    assert "times real time" in printed
    assert "words_adversary" in printed
    assert n_images(cells) >= 6
    assert n_players(cells) == 6


def test_09_tells_speech_from_noise_and_plays_it(data, tmp_path):
    printed, cells = run(
        "09_speech_or_noise", tmp_path, f"DATA={data}", f"MODELS={tmp_path}", f"REPORTS={tmp_path}"
    )
    for name in ("speech_or_noise", "speech_autoencoder", "speech_next_frame_lstm"):
        assert earshot.load(tmp_path / name).class_names == ("noise", "speech")
    assert "vanilla_conv " in printed
    assert {s.word for s in label_tracks.read(tmp_path / "example.labels.txt")} <= {"speech"}
    assert "earshot-player" in (tmp_path / "speech_or_noise.html").read_text()
    assert len(list((tmp_path / "windows").glob("*/*.png"))) > 5
    assert n_images(cells) >= 9


def test_a_notebook_that_fails_says_which(tmp_path):
    command = [sys.executable, NOTEBOOKS / "run.py", "--into", tmp_path, "05_inference"]
    done = subprocess.run([*command, "--set", "MODEL=nowhere"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no recognizer nowhere" in done.stderr
    assert "A cell failed" in done.stderr
