"""Notebook 05: recordings, files, takes and the microphone are recognized; exports are called."""

import time

import pytest
from support import hardware
from support.notebooks import n_images, n_players, outputs_of, run

pytestmark = pytest.mark.long

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def small(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return run("05_inference", folder, f"DATA={data}", f"FILES={folder / 'nothing'}")


def test_it_shows_what_was_heard_in_recordings_files_and_takes(small):
    printed, cells = small
    assert "some of the test take their place" in printed
    assert "These are 10 of 10 recordings." in printed
    assert "recordings 0 to 4 of every speaker" in printed
    assert n_images(cells) >= 7
    assert n_players(cells) == 4


def test_live_words_are_logged_below_one_picture(small):
    _, cells = small
    (live,) = [cell for cell in cells if "show_live" in cell.source]
    (picture,) = [o for o in live.outputs if "image/png" in o.get("data", {})]
    log = "".join(o.text for o in live.outputs if o.output_type == "stream")
    logged = [line.split()[2] for line in log.splitlines() if line.endswith("%)")]
    assert len(logged) >= 5
    assert picture.data["text/plain"] == f"heard: {', '.join(logged)}"


def test_exports_answer_as_the_recognizer_does(small, data):
    printed, _ = small
    assert "said: nine, the SavedModel heard: nine" in printed
    assert printed.count("100.0% the same answers") == 2
    assert (data / "exported" / "saved_model.pb").is_file()
    assert (data / "exported_litert" / "model.tflite").is_file()


def test_where_no_widget_runs_there_are_pictures(small):
    _, cells = small
    widgets = [cell for cell in cells if "upload(" in cell.source or "hear_words(" in cell.source]
    assert len(widgets) == 2
    assert n_images(widgets) == 2
    assert not [output for output in outputs_of(cells) if WIDGET in output.get("data", {})]


def test_what_is_said_between_keys_and_until_q_is_recognized(
    data, tmp_path, speaker, microphone, screen, spoken
):
    def keep_talking():
        hardware.wait_for(lambda: not microphone.is_open(), "the end of the take")
        hardware.wait_for(microphone.is_open, "the live recognition", 120)
        time.sleep(2)
        microphone.speak(spoken[0])
        time.sleep(0.5)
        screen.press("q")

    said = speaker(data / "heard", keep_talking)
    printed, _ = run("05_inference", tmp_path, f"DATA={data}", "WHERE=microphone")
    before, after = printed.split("Listening.")
    answers = [line for line in before.splitlines() if line.endswith("%)")]
    assert [line.split(" (")[0] for line in answers[-len(said) :]] == said
    heard = [line.split()[2] for line in after.splitlines() if line.endswith("%)")]
    assert heard == said
