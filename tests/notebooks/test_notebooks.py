"""Every notebook, executed as small as `make demo` does: what it prints, draws and leaves."""

import subprocess
import sys
import time

from support.notebooks import NOTEBOOKS, n_images, n_players, run

import earshot


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


def test_a_notebook_that_fails_says_which(tmp_path):
    command = [sys.executable, NOTEBOOKS / "run.py", "--into", tmp_path, "05_inference"]
    done = subprocess.run([*command, "--set", "MODEL=nowhere"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no recognizer nowhere" in done.stderr
    assert "A cell failed" in done.stderr
