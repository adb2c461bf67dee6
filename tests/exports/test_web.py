"""The page that listens, for real: in headless browsers, from the disk, without a network."""

import json
import re

import keras
import numpy as np
import pytest
from support import ROOT, hardware, pages
from support.pages import MICROPHONE, REFUSED, hear

import earshot
from earshot import audio
from earshot.errors import EarshotError
from earshot.exports import operations, web
from earshot.exports.light import LightNetwork
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import builders
from earshot.recognition import Recognizer, spotter, thresholds

NAMES = {"zero": "</script><img src=x onerror=alert(1)>", "one": "ثعلب", "two": "🦊"}
LEAD_S = 3.0  # of silence: the browser plays its file from when the microphone is opened


@pytest.fixture(scope="module")
def recognizer():
    """The digits, some of them under names that are hard on a page."""
    r = earshot.load(ROOT / "models" / "spoken_digit")
    names = [NAMES.get(name, name) for name in r.class_names]
    return Recognizer(r.model, r.front_end, names, r.card, spotting_threshold=r.spotting_threshold)


@pytest.fixture(scope="module")
def made(recognizer, data_dir, tmp_path_factory):
    """The page of the digits, one file."""
    path = tmp_path_factory.mktemp("page") / "digits.html"
    recognizer.export(path, "web", data_dir=data_dir)
    return path


@pytest.fixture
def open_page(made):
    """Open the page in a browser; gives it when it is ready."""
    with pages.browsers() as opened:
        yield lambda *arguments: opened(made, *arguments)


def listened(recognizer, x, sample_rate):
    """Say what Python hears."""
    return [(h.word, h.start_s, h.end_s) for h in earshot.listen(recognizer, [(x, sample_rate)])]


def test_the_page_hears_the_same_words_at_the_same_times(recognizer, spoken, open_page):
    _, stream = spoken
    page = open_page()
    for sample_rate in (16000, 44100):
        x = audio.resample(stream.waveform, stream.sample_rate, sample_rate)
        expected = listened(recognizer, x, sample_rate)
        heard = hear(page, x, sample_rate)
        assert [word for word, *_ in heard] == [word for word, *_ in expected]
        times = np.array([times for _, *times in expected])
        np.testing.assert_allclose([times for _, *times in heard], times, atol=1e-6)
    assert len(expected) >= 5
    shown = page.locator("#heard b").all_inner_texts()
    assert shown[::-1][-len(expected) :] == [word for word, *_ in expected]
    assert page.asked == [page.url]  # nothing but itself: neither picture nor script nor network


def test_the_microphone_is_heard_as_listen_hears_it(recognizer, spoken, open_page, tmp_path):
    _, stream = spoken
    quiet = np.zeros(round(LEAD_S * stream.sample_rate), np.float32)
    x = np.concatenate([quiet, stream.waveform, quiet])
    audio.write(tmp_path / "said.wav", x, stream.sample_rate)
    expected = [word for word, *_ in listened(recognizer, x, stream.sample_rate)]
    file = f"--use-file-for-fake-audio-capture={tmp_path}/said.wav%noloop"
    page = open_page(*MICROPHONE, file)
    page.locator("#start").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('body[data-state="listening"]')
    page.wait_for_function(
        "(n) => document.querySelectorAll('#heard li').length >= n", arg=len(expected),
        timeout=1000 * (len(x) / stream.sample_rate + 30),
    )  # fmt: skip
    page.keyboard.press("Enter")
    page.wait_for_selector('body[data-state="ready"]')
    assert page.locator("#heard b").all_inner_texts()[::-1] == expected


def test_firefox_hears_the_same_words_at_the_same_times(recognizer, spoken, made, in_firefox):
    _, stream = spoken
    page = in_firefox(made)
    heard = hear(page, stream.waveform, stream.sample_rate)
    expected = listened(recognizer, stream.waveform, stream.sample_rate)
    assert [word for word, *_ in heard] == [word for word, *_ in expected]
    times = [times for _, *times in expected]
    np.testing.assert_allclose([times for _, *times in heard], times, atol=1e-6)
    assert len(expected) >= 5
    assert not [url for url in page.asked if url.startswith("http")]


def test_firefox_hears_its_microphone_as_listen_does(
    recognizer, spoken, made, in_firefox, microphone
):
    path, stream = spoken
    expected = [word for word, *_ in listened(recognizer, stream.waveform, stream.sample_rate)]
    page = in_firefox(made)
    page.evaluate("() => byId('start').click()")
    page.wait_for("document.body.dataset.state === 'listening'")
    hardware.wait_for(microphone.is_open, "somebody who listens")
    microphone.speak(path)
    page.wait_for(f"byId('heard').children.length >= {len(expected)}")
    page.evaluate("() => byId('start').click()")
    page.wait_for("document.body.dataset.state === 'ready'")
    heard = page.evaluate(
        "() => [...document.querySelectorAll('#heard b')].map((b) => b.innerText)"
    )
    assert heard[::-1] == expected


def test_a_microphone_that_is_refused_is_told(open_page):
    page = open_page(*REFUSED)
    page.get_by_role("button", name="Start listening").click()
    page.wait_for_selector("text=may not use the microphone")
    assert page.locator("body").get_attribute("data-state") == "ready"


def test_less_sensitive_hears_less(spoken, open_page):
    _, stream = spoken
    page = open_page()
    slider = page.get_by_label("Sensitivity")
    slider.focus()
    page.keyboard.press("Home")
    assert "A word must be 10.00 logits above “unknown”" in page.locator("#meaning").inner_text()
    assert hear(page, stream.waveform, stream.sample_rate) == []


def test_false_alarms_an_hour_are_those_of_the_threshold(open_page, rng):
    scores = np.sort(rng.normal(-3, 1, 7200))[::-1]
    background = {"scores": scores[:256].tolist(), "hours": 2.0}
    page = open_page()
    page.evaluate("(known) => { settings.background = known; }", background)
    for per_hour in (0.5, 5.0):
        limit = thresholds.spotting_threshold(scores + 3, 2.0, per_hour) - 3
        assert page.evaluate("falseAlarms", limit) == pytest.approx(per_hour, rel=1e-3)
    assert page.evaluate("falseAlarms", -10.0) is None  # below all that the page knows


def test_constants_are_those_of_the_spotter():
    scripts = "".join(
        (ROOT / "src/earshot/exports/page" / name).read_text() for name in web.SCRIPTS
    )
    found = dict(re.findall(r"^const ([A-Z_]+) = ([^;]+);", scripts, re.MULTILINE))
    for name in ("STEP_S", "SMOOTH", "REST_S", "RISE", "AGAIN", "OWN_WAIT", "OTHER_WAIT",
                 "QUIET_DB", "LEAST_SURE", "LOUD_FROM_HZ", "LOUD_S", "KNOCK_DB",
                 "UNKNOWN"):  # fmt: skip
        assert json.loads(found[name]) == getattr(spotter, name)
    assert json.loads(found["TAIL"]) == thresholds.TAIL


def test_names_end_no_script_and_are_kept(made, recognizer):
    text = made.read_text("utf-8")
    assert "<img" not in text
    assert tuple(web.settings_of(text)["words"]) == recognizer.class_names


def test_the_page_has_its_card(made):
    card = json.loads(re.search(r'id="card">(.*?)</script>', made.read_text("utf-8"))[1])
    assert card["compared"]["agreement"] == 1.0
    assert card["precision"] == "float16"


def test_a_page_is_under_seven_megabytes(made):
    assert made.stat().st_size < 7e6


def test_rounded_weights_are_no_work_for_the_browser(trained):
    """LiteRT.js would turn stored halves into floats at every call."""
    content = web.network_for(trained.model, "float16")
    assert "DEQUANTIZE" not in operations.names(content)
    whole = web.network_for(trained.model, "float32")
    sizes = [len(web.packed(web.planes(one))) for one in (content, whole)]
    assert sizes[0] < 0.75 * sizes[1]


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_weights_are_rounded_and_what_a_half_cannot_hold_stays(rng, level):
    inputs = keras.Input((12,))
    x = keras.layers.LayerNormalization(epsilon=1e-9)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    clip = level * rng.standard_normal((1, 12)).astype(np.float32)
    one, other = (
        LightNetwork(web.network_for(model, precision)).predict_on_batch(clip)
        for precision in ("float16", "float32")
    )
    np.testing.assert_allclose(one, other, atol=1e-2)


@pytest.mark.parametrize("n", range(4, 9))
def test_a_network_comes_out_of_its_planes(monkeypatch, n):
    monkeypatch.setattr(web.light, "LightNetwork", bytes)
    content = bytes(range(n))
    text = f'<script type="text/plain" id="network">{web.packed(web.planes(content))}</script>'
    assert web.network_of(text)[:n] == content


def test_a_file_that_is_no_page_of_ours_is_kept(trained, tmp_path):
    (tmp_path / "mine.html").write_text("<h1>mine</h1>")
    with pytest.raises(EarshotError, match=r"mine\.html is no page of earshot's"):
        trained.export(tmp_path / "mine.html", "web")
    assert (tmp_path / "mine.html").read_text() == "<h1>mine</h1>"


def test_a_page_is_replaced_by_another(trained, exported, data_dir, tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes((exported("web")[0] / web.FILE).read_bytes())
    trained.export(path, "web", precision="int8", data_dir=data_dir)
    assert '"precision": "int8"' in path.read_text("utf-8")
    assert [*tmp_path.iterdir()] == [path]


def test_what_cannot_listen_along_a_stream_makes_no_page(tmp_path):
    model = builders.raw_lstm(1600, 2, frame=400, sample_rate=8000, n_filters=4, units=4, dense=4)
    recognizer = Recognizer(model, RawWaveform(8000, 1600), ("low", "high"))
    with pytest.raises(EarshotError, match="reads a RawWaveform cannot: choose format='litert'"):
        recognizer.export(tmp_path / "a.html", "web")
    assert not list(tmp_path.iterdir())


def test_a_window_that_is_no_power_of_two_makes_no_page(tmp_path):
    front_end = LogMel(n_fft=240)
    recognizer = Recognizer(builders.cnn(front_end.output_shape, 2), front_end, ("low", "high"))
    with pytest.raises(EarshotError, match="n_fft is a power of two, not 240"):
        recognizer.export(tmp_path / "a.html", "web")
