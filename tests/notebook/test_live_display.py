import base64
import io
import itertools

import numpy as np
import pytest
from PIL import Image

import earshot
from earshot.features import RawWaveform
from earshot.notebook import live_display
from earshot.recognition import Heard, Recognizer


@pytest.fixture
def stream(beep):
    """Ten seconds with a low beep and a high one, in blocks of 20 ms."""
    quiet = np.zeros(8000, np.float32)
    x = np.concatenate([quiet, beep(300), quiet, quiet, beep(1500), quiet])
    x += 1e-4 * np.random.default_rng(0).standard_normal(len(x)).astype(np.float32)
    return [(x[i : i + 160], 8000) for i in range(0, len(x), 160)]


def test_it_hears_what_listen_hears(trained, stream):
    heard = live_display.show_live(trained, stream, show=lambda data: None)
    assert list(map(str, heard)) == list(map(str, earshot.listen(trained, stream)))


def test_every_picture_replaces_the_one_before_and_the_last_has_all_words(
    trained, stream, monkeypatch
):
    clock = itertools.count()
    monkeypatch.setattr(live_display.time, "monotonic", lambda: next(clock) * 0.02)
    shown = []
    heard = [x.word for x in live_display.show_live(trained, stream, show=shown.append)]
    assert 2 < len(shown) < len(stream) / 5
    assert shown[0]["text/plain"] == "heard: no word yet"
    assert shown[-1]["text/plain"] == f"heard: {', '.join(heard)}"
    with Image.open(io.BytesIO(base64.b64decode(shown[-1]["image/png"]))) as image:
        assert image.width <= 900


def test_slow_drawing_leaves_the_time_to_listening(trained, stream, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(live_display.time, "monotonic", lambda: clock[0])
    drawn = []

    def draw(data):
        drawn.append(clock[0])
        clock[0] += 2.0  # as on a machine that does much else

    screen = live_display._Screen(trained.front_end, draw)
    for _ in screen.watched(itertools.chain(*[stream] * 10)):
        clock[0] += 0.02
    assert len(drawn) == 3
    assert min(np.diff(drawn)) >= 20


def test_below_the_picture_stand_the_last_eight_words_the_newest_on_top(trained):
    shown = []
    screen = live_display._Screen(trained.front_end, shown.append)
    screen._image, logs = "drawn", []
    for i in range(10):
        screen.add(Heard(f"w{i}", 1.0, 1.0, i, i + 0.5, np.zeros(8), 8000))
        logs.append(shown[-1]["text/html"].split("<pre>")[1].split("</pre>")[0].split("\n"))
    assert [len(log) for log in logs] == [8] * 10
    assert [line.split()[2] for line in logs[-1]] == [f"w{i}" for i in range(9, 1, -1)]
    assert logs[0][0].split()[2] == "w0"


def test_a_word_in_the_log_is_text_whatever_is_in_it(trained):
    shown = []
    screen = live_display._Screen(trained.front_end, shown.append)
    screen._image = "drawn"
    screen.add(Heard("<b>&", 1.0, 1.0, 0, 0.5, np.zeros(8), 8000))
    assert "&lt;b&gt;&amp;" in shown[-1]["text/html"]


def test_when_the_stream_ends_the_picture_stays_without_the_log(trained, stream):
    shown = []
    list(live_display.show_live(trained, stream, show=shown.append))
    assert "text/html" in shown[0]
    assert "text/html" not in shown[-1]
    assert shown[-1]["image/png"]


def test_an_interrupt_of_the_kernel_ends_it_and_no_word_is_lost(trained, stream):
    def interrupted():
        yield from stream
        raise KeyboardInterrupt

    heard = list(live_display.show_live(trained, interrupted(), show=lambda data: None))
    assert heard[0].word == next(earshot.listen(trained, stream)).word


def test_who_stops_listening_keeps_the_picture(trained, stream):
    shown = []
    live = live_display.show_live(trained, stream, show=shown.append)
    first = next(live)
    live.close()
    assert shown[-1]["text/plain"] == f"heard: {first.word}"


def test_the_sound_is_drawn_at_its_time(trained, stream):
    screen = live_display._Screen(trained.front_end, lambda data: None)
    list(screen.watched(itertools.chain(stream, stream, stream)))
    axis = screen._figure().axes[0]
    end_s = 3 * sum(len(x) for x, _ in stream) / 8000
    left, right, *_ = axis.images[0].get_extent()
    assert (left, right) == pytest.approx((end_s - live_display.SHOWN_S, end_s), abs=0.01)
    assert axis.get_xlim() == pytest.approx((left, right))
    assert np.ptp(axis.images[0].get_array(), axis=1).min() > 10


def test_silence_stays_dark(trained):
    screen = live_display._Screen(trained.front_end, lambda data: None)
    list(screen.watched([(np.full(8000, 1e-5, np.float32), 8000)]))
    assert screen._db().max() < -50


def test_a_recognizer_without_a_spectrogram_is_refused_before_anything_is_shown(trained):
    raw = RawWaveform(sample_rate=8000, n_samples=4000)
    trained_on_samples = object.__new__(Recognizer)
    trained_on_samples.front_end = raw
    shown = []
    with pytest.raises(earshot.EarshotError, match="does not listen"):
        next(live_display.show_live(trained_on_samples, [], show=shown.append))
    assert not shown
