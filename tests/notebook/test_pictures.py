import base64
import io

import anywidget
import numpy as np
import pytest
from PIL import Image

from earshot import audio
from earshot.errors import EarshotError
from earshot.notebook import browser_recorder, pictures, record, take_review
from earshot.notebook.plots import style
from earshot.recording import takes
from earshot.recording.recorder import Recorder

VIEW = "application/vnd.jupyter.widget-view+json"


def shown(widget):
    """What a widget leaves for pages: its MIME bundle, and the size of its picture."""
    bundle = widget._repr_mimebundle_()
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as image:
        return bundle, image.size


class Silent(pictures.Pictured, anywidget.AnyWidget):
    def picture(self):
        return pictures.as_png(style.note("nothing"))


@pytest.mark.parametrize("make", [Silent, lambda: pictures.PicturedBox([], Silent().picture)])
def test_a_picture_stands_beside_the_widget(make):
    bundle, (width, _) = shown(make())
    assert {VIEW, "text/plain", "image/png"} == set(bundle)
    assert 300 < width <= 900


def test_where_there_are_sounds_they_stand_below_the_picture():
    bundle, _ = shown(pictures.PicturedBox([], Silent().picture, sounds="<audio></audio>"))
    image, sounds = bundle["text/html"].split("<br>")
    assert bundle["image/png"] in image
    assert sounds == "<audio></audio>"


def test_images_of_any_width_go_below_each_other():
    wide, narrow = (pictures.as_png(style.note("cat", width)) for width in (7, 4))
    whole, *parts = (
        Image.open(io.BytesIO(x)).size
        for x in (pictures.below_each_other([narrow, wide]), wide, narrow)
    )
    assert whole == (parts[0][0], parts[0][1] + parts[1][1])


def test_no_figure_stays_open():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    shown(Silent())
    assert plt.get_fignums() == before


def test_the_recorder_says_its_keys_where_it_does_not_run(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(style, "note", lambda text: told.append(text) or style.one_axis()[0])
    shown(browser_recorder.BrowserRecorder(tmp_path, start_key="r"))
    assert "press r, speak, press q" in told[0]


def test_a_review_leaves_its_waveforms_and_sounds(tmp_path):
    paths = [tmp_path / word / "me_0.wav" for word in ("cat", "dog")]
    for path in paths:
        audio.write(path, np.sin(np.arange(4000)), 16000)
    review = take_review.review(paths, tmp_path)
    assert review.sounds.count("<audio") == 2
    assert "cat me_0" in review.sounds
    paths[0].unlink()
    figure = take_review._picture({path: path.parent.name for path in paths}, "")
    assert [axis.get_title() for axis in figure.axes if axis.get_visible()] == ["dog"]


def test_a_review_of_nothing_leaves_its_sentence(tmp_path):
    shown(take_review.review([], tmp_path))
    figure = take_review._picture({}, "No word was found")
    assert "No word was found" in figure.texts[0].get_text()


def test_of_several_words_one_is_chosen_above_one_recorder(tmp_path):
    box = record.record_words(["lights on", "louder"], tmp_path, where="browser", speaker="anna")
    choice, recorder, place = box.children
    choice.value = "louder"
    recorder._handle_custom_msg({"kind": "start", "sample_rate": 16000}, [])
    choice.value = "lights on"  # while it records: too late for this take
    beep = 9000 * np.sin(np.arange(24000)) * np.repeat([0.001, 1, 0.001], 8000)
    recorder._handle_custom_msg({"kind": "sound"}, [memoryview(beep.astype("<i2").tobytes())])
    recorder._handle_custom_msg({"kind": "stop", "reason": "", "n_chunks": 1}, [])
    assert recorder.take.path.parent == tmp_path / "louder" / "raw"
    assert "anna_0" in place.children[0].sounds
    assert (tmp_path / "louder" / "anna_0.wav").is_file()


def test_a_word_that_was_not_heard_is_asked_for_once_more(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(browser_recorder, "problem", lambda device: "")
    beep = np.sin(np.arange(24000)) * np.repeat([0.001, 1, 0.001], 8000)
    said = iter([np.zeros(24000), beep, beep])

    class Deaf(Recorder):
        def record(self, folder, *, name):
            path = folder / f"{len([*folder.glob('*.wav')])}.wav"
            audio.write(path, next(said), 16000)
            return takes.Take(path, 16000, 1.5)

    record.record_words(["cat", "dog"], tmp_path, recorder=Deaf())
    assert "“cat” was not heard in this take: once more." in capsys.readouterr().out
    assert takes.counts(tmp_path) == {"cat": 1, "dog": 1}


def test_how_many_more_it_takes_is_said_before_and_after(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(browser_recorder, "problem", lambda device: "")
    beep = np.sin(np.arange(24000)) * np.repeat([0.001, 1, 0.001], 8000)
    audio.write(tmp_path / "cat" / "me_0.wav", beep, 16000)

    class Once(Recorder):
        def record(self, folder, *, name):
            audio.write(folder / "take.wav", beep, 16000)
            return takes.Take(folder / "take.wav", 16000, 1.5)

    box = record.record_words(["cat", "dog"], tmp_path, recorder=Once(), n_enough=2)
    assert [line for line in capsys.readouterr().out.splitlines() if "will do" in line] == [
        "1 more of it will do.", "2 more of it will do.",
    ]  # fmt: skip
    assert "“dog” needs 1 more. Record more" in box.children[-1].value
    assert "“cat” needs" not in box.children[-1].value


def test_no_word_is_refused():
    with pytest.raises(EarshotError, match="no word to record"):
        record.record_words([], where="browser")


@pytest.mark.parametrize("text", ["a long way " * 30, "own_recordings/" * 15, "one\ntwo"])
def test_a_note_stays_within_its_frame(text):
    figure = style.note(text)
    figure.draw_without_rendering()
    place = figure.texts[0].get_window_extent()
    assert place.x1 < figure.bbox.x1
    assert place.y0 > 0
    assert place.y1 < figure.bbox.y1
