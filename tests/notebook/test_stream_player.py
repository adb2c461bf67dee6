"""The player, for real: in headless Chromium, as a page of its own."""

import base64
import io
import json
import re

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from PIL import Image
from support import hardware
from support.markup import parsed, texts

from earshot import audio
from earshot.errors import EarshotError
from earshot.notebook import stream_player
from earshot.notebook.stream_player import Player
from earshot.recognition.classification import Steps

COLOURS = {"speech": "rgb(0, 158, 115)", "noise": "rgb(213, 94, 0)"}
SAMPLE = """([n]) => new Promise((done) => {
  const root = document.querySelector(".earshot-player"), seen = [];
  const square = root.querySelector(".square");
  const look = () => {
    seen.push([performance.now() / 1000, Number(root.dataset.timeS), square.dataset.word]);
    seen.length < n ? requestAnimationFrame(look) : done(seen);
  };
  look();
})"""
"""What the player shows in each of the next n frames of the screen."""


@pytest.fixture(scope="module")
def steps():
    """Noise, and from 1 to 2 s and from 3 to 3.5 s speech, in a stream of 5 s."""
    p = np.tile(np.float32([0.9, 0.1]), (501, 1))
    p[100:200] = p[300:350] = [0.25, 0.75]
    return Steps(("noise", "speech"), p, 100.0)


@pytest.fixture(scope="module")
def sound(steps):
    rng = np.random.default_rng(0)
    x = 0.01 * rng.standard_normal(5 * 16000 + 1)
    x += np.repeat(steps.labels, 160)[: len(x)] * 0.3 * np.sin(np.arange(len(x)) * 0.3)
    return x.astype(np.float32)


@pytest.fixture
def open_page(tmp_path):
    """Open a file in the browser, without a network; gives the page."""
    hardware.need("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path="/usr/bin/chromium", args=hardware.BROWSER
        )

        def open_(player):
            player.save_html(tmp_path / "stream.html")
            context = browser.new_context(viewport={"width": 1000, "height": 420}, offline=True)
            page = context.new_page()
            page.goto(f"file://{tmp_path}/stream.html")
            page.wait_for_selector('.earshot-player[data-state="ready"]')
            return page

        yield open_
        browser.close()


def shown(page):
    """Time, class, certainty and colour that are on the screen."""
    square = page.locator(".square")
    colour = square.evaluate("(square) => getComputedStyle(square).backgroundColor")
    time_s = float(page.locator(".earshot-player").get_attribute("data-time-s"))
    return time_s, square.locator("b").inner_text(), square.locator("span").inner_text(), colour


def test_the_page_plays_and_the_square_follows_the_sound(sound, steps, open_page):
    page = open_page(Player(sound, steps, sample_rate=16000, title="a <stream>"))
    assert page.locator(".title").inner_text() == "a <stream>"
    assert shown(page) == (0.0, "noise", "90 %", COLOURS["noise"])
    page.locator(".earshot-player").focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.querySelector('.earshot-player').dataset.timeS) > 0.3")
    seen = page.evaluate(SAMPLE, [150])
    page.keyboard.press("Space")
    for _, time_s, word in seen:
        assert word == ("speech" if steps.labels[min(round(100 * time_s), 500)] else "noise")
    (first, began_s, _), (last, ended_s, _) = seen[0], seen[-1]
    assert ended_s - began_s == pytest.approx(last - first, abs=0.05)
    stopped = shown(page)[0]
    page.wait_for_timeout(200)
    assert shown(page)[0] == stopped


def test_clicks_and_keys_seek(sound, steps, open_page):
    page = open_page(Player(sound, steps, sample_rate=16000))
    view = page.locator(".view")
    width = view.bounding_box()["width"]
    for at_s, word, sure in ((1.5, "speech", "75 %"), (2.5, "noise", "90 %")):
        view.click(position={"x": width * at_s / 5, "y": 50})
        page.wait_for_timeout(100)
        assert shown(page) == (pytest.approx(at_s, abs=0.02), word, sure, COLOURS[word])
    for key, at_s in (("ArrowRight", 3.5), ("Shift+ArrowLeft", 0.0), ("End", 5.0), ("Home", 0.0)):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert shown(page)[0] == pytest.approx(at_s, abs=0.02)


def test_zooming_keeps_the_place(sound, steps, open_page):
    page = open_page(Player(sound, steps, sample_rate=16000))
    view = page.locator(".view")
    width = view.bounding_box()["width"]
    view.click(position={"x": width / 2, "y": 50})
    page.keyboard.press("+")
    page.keyboard.press("+")
    view.click(position={"x": width * 3 / 4, "y": 50})  # a quarter of 1.25 s after the middle
    page.wait_for_timeout(100)
    assert shown(page)[0] == pytest.approx(2.5 + 1.25 / 4, abs=0.02)


def test_played_to_the_end_at_any_zoom_it_plays_again(open_page):
    n = 44_389  # with these zooms, the end of the view is not the end of the sound, by rounding
    steps = Steps(("noise", "speech"), np.tile(np.float32([0.9, 0.1]), (278, 1)), 100.0)
    sound = 0.1 * np.random.default_rng(0).standard_normal(n)
    page = open_page(Player(sound, steps, sample_rate=16000))
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    box = page.locator(".view").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    page.keyboard.down("Control")
    for _ in range(7):
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(20)
    page.keyboard.up("Control")
    page.locator(".earshot-player").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    for _ in range(2):
        page.keyboard.press("Space")
        page.wait_for_function(
            "document.querySelector('.play').textContent == 'Play' && "
            "Number(document.querySelector('.earshot-player').dataset.timeS) > 2.74"
        )
        page.keyboard.press("ArrowLeft")
    assert errors == []


def test_words_have_their_names_in_the_square(sound, open_page):
    p = np.zeros((501, 3), np.float32)
    p[:, 0] = 1
    p[200:300] = [0, 0.04, 0.96]
    page = open_page(Player(sound, Steps(("", "six", "two"), p, 100.0), sample_rate=16000))
    assert shown(page)[1] == "-"
    page.locator(".earshot-player").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    assert shown(page)[1:3] == ("two", "96 %")


def test_a_long_file_is_sent_small(tmp_path):
    x = 0.01 * np.random.default_rng(0).standard_normal(8000 * 330)
    clicks_s = np.array([10, 100, 320])
    for at_s in clicks_s:
        x[at_s * 8000 : at_s * 8000 + 40] = 0.9
    audio.write(tmp_path / "long.wav", x, 8000)
    p = np.tile(np.float32([0.9, 0.1]), (33_001, 1))
    player = Player(tmp_path / "long.wav", Steps(("noise", "speech"), p, 100.0))
    assert player.about["sound_type"] == "audio/ogg"
    assert len(player.sound) < 330 * 6000
    heard, rate = soundfile.read(io.BytesIO(player.sound))
    found_s = np.flatnonzero(np.abs(heard) > 0.4) / rate
    near = np.abs(found_s[:, None] - clicks_s) < 0.02
    assert near.any(axis=1).all()  # nothing else is loud
    assert near.any(axis=0).tolist() == [True, True, True]
    assert player.about["duration_s"] == 330.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(title=texts, word=texts)
def test_title_and_words_are_texts_in_the_page(sound, steps, tmp_path, title, word):
    player = Player(sound[:16001], Steps(("", "b"), steps.probabilities[:101], 100.0))
    pages = []
    for names in (("a title", "a", "b"), (title, word, "b")):
        player.about = {**player.about, "title": names[0], "class_names": list(names[1:])}
        player.save_html(tmp_path / "page.html")
        pages.append((tmp_path / "page.html").read_bytes().decode())
    elements, shown = parsed(pages[1])
    assert elements == parsed(pages[0])[0]
    assert shown["title"] == (title or "earshot")
    about = shown["script"].partition("decoded = { about: ")[2].partition(" };\n")[0]
    assert json.loads(about) == player.about
    assert not set("<\u2028\u2029") & set(about)


def test_half_a_pair_of_utf_16_in_a_title_is_no_error(sound, steps, tmp_path):
    player = Player(sound, steps, title="a\ud800b")
    player.save_html(tmp_path / "page.html")
    assert "<title>a&#55296;b</title>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_no_markup_comes_from_texts_in_the_browser(sound, steps, open_page):
    bad = "</script><script>window.bad = 1</script><img src=x onerror='window.bad = 1'>"
    hostile = Steps((bad, f"{bad}2"), steps.probabilities, 100.0)
    page = open_page(Player(sound, hostile, sample_rate=16000, title=bad))
    page.wait_for_timeout(200)
    assert page.locator(".title").inner_text() == bad
    assert shown(page)[1] == bad
    assert page.title() == bad
    assert page.evaluate("window.bad") is None
    assert page.locator("script, img").count() == 1


def test_scripts_build_no_markup_from_what_they_are_given():
    for name in ("stream_player.js", "browser_recorder.js"):
        script = (stream_player.HERE / name).read_text(encoding="utf-8")
        assert "insertAdjacentHTML" not in script and "document.write" not in script
        for markup in re.findall(r"(?:inner|outer)HTML\s*\+?=\s*(.*?);\n", script, re.S):
            assert markup[0] == markup[-1] == "`" and "${" not in markup


def test_steps_of_another_length_are_refused(sound, steps):
    with pytest.raises(EarshotError, match=r"5\.0 s of sound, and this is 10\.0 s"):
        Player(np.tile(sound, 2), steps, sample_rate=16000)


class TestPicture:
    def image(self, player):
        bundle = player._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as image:
            return np.asarray(image.convert("RGB"), int)

    def test_where_no_widget_runs_a_picture_shows_sound_and_answers(self, sound, steps):
        image = self.image(Player(sound, steps, sample_rate=16000, title="a stream"))
        assert image.shape[1] <= 900
        ribbon = image[round(0.83 * len(image))]
        blue = ribbon[:, 2] > ribbon[:, 0] + 40  # speech, against orange red
        assert 0.2 < blue.mean() < 0.4  # 1.5 of 5 s

    def test_a_long_stream_is_drawn_with_fewer_columns(self, steps, monkeypatch):
        monkeypatch.setattr(stream_player, "MOST_DRAWN", 100)
        rng = np.random.default_rng(0)
        player = Player(rng.standard_normal(5 * 16000).astype(np.float32) / 9, steps)
        assert self.image(player).any()
