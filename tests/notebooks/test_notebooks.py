"""Every notebook, executed as small as `make demo` does: what it prints, draws and leaves."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import pytest
from support import MODELS, ROOT, hardware

import earshot
from earshot import audio
from earshot.recording import takes
from earshot.segmentation import label_tracks

NOTEBOOKS = ROOT / "notebooks"
each_notebook = pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem
)


def run(name, folder, *settings):
    """Execute a notebook small, as `make demo` does; gives what it printed, and its cells."""
    command = [sys.executable, NOTEBOOKS / "run.py", "--quick", "--into", folder, name]
    for setting in settings:
        command += ["--set", setting]
    inline = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(command, capture_output=True, text=True, env=inline)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout, nbformat.read(folder / f"{name}.ipynb", as_version=4).cells


def n_images(cells):
    return sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))


def n_players(cells):
    outputs = [o for c in cells for o in c.get("outputs", [])]
    return sum("<audio" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with 300 digits by synthetic voices, whose takes 0 and 1 are the test."""
    folder = tmp_path_factory.mktemp("data")
    digits = earshot.synthetic(n_voices=5, n_takes=6, accents=False)
    numbers = {f"_{i}.wav": f"_{number}.wav" for i, number in enumerate((0, 1, 10, 20, 30, 40))}
    sources = [source[:-6] + numbers[source[-6:]] for source in digits.sources]
    dataclasses.replace(digits, sources=sources).save(folder / "spoken_digit.npz")
    return folder


def test_01_shows_and_packs_the_data(data, tmp_path):
    printed, cells = run("01_create_audio_dataset", tmp_path, f"DATA={data}")
    assert "WordSet(300 clips, 10 words, 5 speakers: " in printed
    assert (data / "my_words.npz").is_file()
    assert "10 words found, 10 were said" in printed
    assert (data / "animals-test.npz").is_file()
    assert n_images(cells) >= 10
    assert n_players(cells) == 4


def test_01_obeys_corrections_by_hand(data, tmp_path, rng):
    recording = data / "animals_anna.wav"
    audio.write(recording, 0.1 * rng.standard_normal(24000), 8000)
    track = label_tracks.beside(recording)
    label_tracks.write(track, [earshot.Segment(0.5, 1.0, "cat"), earshot.Segment(1.5, 2.0, "bird")])
    try:
        printed, _ = run("01_create_audio_dataset", tmp_path, f"DATA={data}")
        assert "animals_anna.wav: 2 words" in printed
        assert [segment.word for segment in label_tracks.read(track)] == ["cat", "bird"]
    finally:
        track.unlink()
        recording.unlink()


def test_03_trains_measures_and_saves(data, tmp_path):
    printed, cells = run(
        "03_train", tmp_path, f"DATA={data}", f"SAVE_AS={tmp_path / 'model'}",
        f"CHECKPOINTS={tmp_path / 'checkpoints'}", "EPOCHS=2",
    )  # fmt: skip
    speakers = np.unique(earshot.spoken_digit(data).speakers)
    for line in ("official split", *(f"without {speaker}" for speaker in speakers),
                 "mean of speakers left out", "worst of them"):  # fmt: skip
        assert line in printed
    assert n_images(cells) >= 6
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert 0 < card["figures"]["official split"] <= 1


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


def test_05_recognizes_with_the_committed_recognizer(data, tmp_path):
    printed, cells = run("05_inference", tmp_path, f"DATA={data}", f"FILES={data / 'my_words'}")
    assert "recognized" in printed
    assert n_images(cells) >= 4
    assert n_players(cells) == 1
    assert (data / "exported" / "saved_model.pb").is_file()


def test_06_speaks_words_and_spectrograms(tmp_path):
    printed, cells = run("06_text_to_speech", tmp_path, f"FOLDER={tmp_path}", "ENGINE=espeak")
    assert "seven (espeak)" in printed
    assert (tmp_path / "en-espeak" / "seven.wav").is_file()
    assert "the list of words is empty" in printed
    assert n_images(cells) >= 4
    assert n_players(cells) == 4


def test_07_learns_new_words_and_says_unknown(data, tmp_path):
    printed, cells = run(
        "07_new_words", tmp_path, f"DATA={data}", f"SAVE_AS={tmp_path / 'mine'}",
        f"KEYWORDS={tmp_path / 'nowhere'}",
    )  # fmt: skip
    assert (data / "animals.npz").is_file()
    assert (data / "animals-test.npz").is_file()
    assert "bird, cat, dog, fox, unknown" in printed
    assert "the animals take its place" in printed
    assert earshot.load(tmp_path / "mine_animals").class_names[-1] == "unknown"
    assert n_images(cells) >= 5
    assert n_players(cells) == 1


def test_08_turns_spectrograms_back_into_sound(data, tmp_path):
    printed, cells = run("08_spectrogram_to_audio", tmp_path, f"DATA={data}")
    assert "times real time" in printed
    assert "words_adversary" in printed
    assert n_images(cells) >= 6
    assert n_players(cells) == 6


@pytest.fixture
def speaker(microphone, screen, spoken):
    """Give a thread that presses s until a take is in a folder, speaks, and presses q."""
    path, stream = spoken

    def start(folder, and_then=lambda: None):
        def speak():
            hardware.wait_for(lambda: screen.press("s") or [*folder.glob("*.wav")], "a take", 90)
            microphone.speak(path)
            screen.press("q")
            and_then()

        threading.Thread(target=speak, daemon=True).start()
        return [segment.word for segment in stream.segments]

    return start


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


def test_02_without_a_microphone_offers_the_browser_and_shows_an_example(data, tmp_path):
    printed, cells = run("02_audio_recording", tmp_path, f"DATA={data}")
    assert "Recording in the browser." in printed
    assert "here is an example" in printed
    assert n_images(cells) >= 4
    assert n_players(cells) == 1


def test_02_records_between_keys_and_cuts_what_was_said(data, tmp_path, speaker):
    said = speaker(takes.raw_folder(tmp_path / "own_recordings", "digit"))
    printed, cells = run(
        "02_audio_recording", tmp_path, f"DATA={tmp_path}", "WORD=digit", "WHERE=microphone"
    )
    assert "it has a microphone" in printed
    assert n_images(cells) >= 4
    paths = sorted((tmp_path / "own_recordings" / "digit").glob("*.wav"))
    predictions = earshot.load(MODELS / "spoken_digit").predict(paths)
    assert [prediction.word for prediction in predictions] == said


def test_05_recognizes_what_is_said_between_keys_and_until_q(
    data, tmp_path, speaker, microphone, screen, spoken
):
    def keep_talking():
        time.sleep(3)
        microphone.speak(spoken[0])
        time.sleep(0.5)
        screen.press("q")

    said = speaker(data / "heard", keep_talking)
    printed, _ = run("05_inference", tmp_path, f"DATA={data}", "WHERE=microphone")
    before, after = printed.split("Listening.")
    assert [line.split(" (")[0] for line in before.splitlines()[-len(said) :]] == said
    heard = [line.split()[2] for line in after.splitlines() if line.endswith("%)")]
    assert heard == said


@each_notebook
def test_a_notebook_opens_with_a_title_and_parameters(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.startswith("# ")
    assert "parameters" in cells[1].metadata.tags


@each_notebook
def test_a_notebook_is_committed_with_the_outputs_of_a_good_run(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o for c in cells for o in c.get("outputs", [])]
    assert n_images(cells) >= 4
    assert not any(o.output_type == "error" for o in outputs)
    assert "QUICK = True" not in "".join(c.source for c in cells)


def test_a_notebook_that_fails_says_which(tmp_path):
    command = [sys.executable, NOTEBOOKS / "run.py", "--into", tmp_path, "05_inference"]
    done = subprocess.run([*command, "--set", "MODEL=nowhere"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no recognizer nowhere" in done.stderr
    assert "A cell failed" in done.stderr
