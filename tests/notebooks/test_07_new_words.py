"""Notebook 07: words of one's own from the first key to live recognition, and what is best."""

import threading
import time

import numpy as np
import pytest
from support import ROOT, hardware
from support.notebooks import n_images, n_players, outputs_of, run

import earshot
from earshot import audio, datasets
from earshot.datasets import synthetic
from earshot.recording import takes

pytestmark = pytest.mark.long

WORDS = ["lights on", "louder"]


@pytest.fixture(scope="module")
def small(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    printed, cells = run(
        "07_new_words", folder, f"DATA={data}", f"SAVE_AS={folder / 'mine'}",
        f"OWN={folder / 'own'}", f"KEYWORDS={folder / 'nowhere'}",
    )  # fmt: skip
    return printed, cells, folder


def test_without_recordings_codes_go_the_whole_way(small):
    printed, cells, folder = small
    assert "lights on 0, lights off 0" in printed
    assert "one nine, nine one, five nine, four two, two four, unknown" in printed
    assert earshot.load(folder / "mine_instead").class_names[-1] == "unknown"
    assert n_images(cells) >= 12
    assert n_players(cells) >= 4


def test_one_recorder_stands_for_all_words(small):
    _, cells, _ = small
    (cell,) = [cell for cell in cells if "record_words" in cell.source]
    assert n_images([cell]) == 1


def test_pairs_false_alarms_and_ways_are_told(small, data):
    printed, *_ = small
    assert "clips taken for the other" in printed
    assert "false alarms an hour, here" in printed
    assert "base, logistic" in printed
    assert "on clips not learned from" in printed
    assert (data / "animals-test.npz").is_file()


def test_words_that_were_recorded_are_learned_and_named_live(data, tmp_path):
    said = synthetic(WORDS, n_voices=3, n_takes=6, accents=False, sample_rate=16000, seed=5)
    said.save_folder(tmp_path / "own")
    few = synthetic(["please"], n_voices=1, n_takes=3, accents=False, sample_rate=16000, seed=5)
    few.save_folder(tmp_path / "own")
    earshot.load(ROOT / "models" / "spoken_digit").save(tmp_path / "mine")
    printed, cells = run(
        "07_new_words", tmp_path, f"DATA={data}", f"SAVE_AS={tmp_path / 'mine'}",
        f"OWN={tmp_path / 'own'}", f"WORDS={[*WORDS, 'please']}",
    )  # fmt: skip
    assert "Fewer than five clips: please 3." in printed
    assert "lights on, louder, unknown" in printed
    assert len(earshot.load(tmp_path / "mine").card["sources"]) == 5 * len(WORDS)
    assert "that was there is" in printed
    assert "zero" in earshot.load(tmp_path / "mine_1").class_names
    assert "of 3 recordings of other words of yours were refused" in printed
    assert set(named(cells)) == set(WORDS)


def test_one_word_alone_is_learned_from_all_of_its_recordings(data, tmp_path):
    for word, n_takes in (("computer", 7), ("please", 1)):
        said = synthetic([word], n_voices=1, n_takes=n_takes, accents=False, seed=5)
        said.save_folder(tmp_path / "own")
    printed, cells = run(
        "07_new_words", tmp_path, f"DATA={data}", f"SAVE_AS={tmp_path / 'mine'}",
        f"OWN={tmp_path / 'own'}", "WORDS=['computer']", "LEARN_FROM=None",
    )  # fmt: skip
    assert len(earshot.load(tmp_path / "mine").card["sources"]) == 7
    assert "One word alone is taken for no other." in printed
    assert set(named(cells)) == {"computer"}


def named(cells):
    """The words in the log of live recognition."""
    (live,) = [cell for cell in cells if "show_live" in cell.source]
    log = "".join(o.text for o in outputs_of([live]) if o.output_type == "stream")
    return [line.split("s  ")[1].split(" (")[0] for line in log.splitlines() if line[-2:] == "%)"]


def test_words_said_between_keys_are_learned_and_named_live(data, tmp_path, microphone, screen):
    """All that somebody does who has never seen the notebook: press, speak, press, and listen."""
    voice = synthetic(WORDS, n_voices=1, n_takes=8, accents=False, sample_rate=16000, seed=5)
    own = tmp_path / "own"

    def say(clips):
        stream = datasets.make_stream(clips, snr_db=40, pauses_s=(0.6, 0.8))
        path = tmp_path / "said.wav"
        audio.write(path, stream.waveform, stream.sample_rate, overwrite=True)
        microphone.speak(path)

    def person():
        for label, word in enumerate(WORDS):
            raw = takes.raw_folder(own, word)
            waits = (lambda raw=raw: screen.press("s") or [*raw.glob("*.wav")], f"a take of {word}")
            hardware.wait_for(*waits, 300)
            say(voice.subset(np.flatnonzero(voice.labels == label)[:5]))
            screen.press("q")
        hardware.wait_for((tmp_path / "mine").is_dir, "what was learned", 300)
        hardware.wait_for(microphone.is_open, "the live recognition", 300)
        time.sleep(2)
        say(voice.subset([10, 11, 12, 13]))
        time.sleep(1)
        screen.press("q")

    threading.Thread(target=person, daemon=True).start()
    _, cells = run(
        "07_new_words", tmp_path, f"DATA={data}", f"SAVE_AS={tmp_path / 'mine'}", f"OWN={own}",
        f"WORDS={WORDS}", "WHERE=microphone",
    )  # fmt: skip
    assert takes.counts(own) == dict.fromkeys(WORDS, 5)
    assert named(cells) == ["lights on", "louder"] * 2
