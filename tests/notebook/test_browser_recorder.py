"""The widgets for real: JupyterLab in headless Chromium, whose microphone hears a file."""

import json
import os
import socket
import subprocess
import sys
import urllib.request

import nbformat
import numpy as np
import pytest
from scipy.signal import correlate
from support import hardware

from earshot import audio
from earshot.notebook import browser_recorder
from earshot.recording import takes

FAKE_DEVICE = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"
FOREIGN = "--host-resolver-rules=MAP lab.example 127.0.0.1"
LEAD_S = 6.0
"""The browser plays its file from when the microphone is opened."""
CELL = """\
import earshot
earshot.record_words("digit", "own", where="browser", speaker="anna")"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab on this machine: its address, and the folder that it shows."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    env |= {f"JUPYTER_{kind}_DIR": str(folder / ".jupyter" / kind) for kind in ("DATA", "CONFIG")}
    env["JUPYTER_RUNTIME_DIR"] = str(folder / ".jupyter" / "runtime")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
         "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
         "--ServerApp.allow_remote_access=True", "--LabApp.news_url=None",
         "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
         f"--ServerApp.root_dir={folder}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    address = f"http://localhost:{port}"
    hardware.wait_for(lambda: _answers(f"{address}/api"), "JupyterLab", 60)
    yield address, folder
    server.terminate()
    server.wait()


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except OSError:
        return False


@pytest.fixture
def page(lab, tmp_path):
    """Open a notebook with the recorder in a browser; gives the page and the notebook's folder."""
    hardware.need("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    address, folder = lab
    opened = []

    def open_(*arguments, heard=None, host="localhost", cell=CELL, shows=".earshot-recorder"):
        place = folder / f"{tmp_path.name}-{len(opened)}"
        place.mkdir()
        cells = [nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell("")]
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, place / "a.ipynb")
        if heard:
            arguments = (*arguments, f"--use-file-for-fake-audio-capture={heard}%noloop")
        browser = started.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*hardware.BROWSER, *arguments],
            env={**os.environ, "PULSE_SERVER": "unix:/nowhere"},  # no microphone but the fake one
        )
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        opened.append(browser)
        here = address.replace("localhost", host)
        page.goto(f"{here}/lab/workspaces/{place.name}/tree/{place.name}/a.ipynb?reset")
        page.locator(".jp-CodeCell .cm-content").first.click(timeout=60_000)
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(shows, timeout=60_000)
        return page, place

    with playwright.sync_playwright() as started:
        yield open_
        for browser in opened:
            browser.close()
    for session in json.load(urllib.request.urlopen(f"{address}/api/sessions")):
        urllib.request.urlopen(
            urllib.request.Request(f"{address}/api/sessions/{session['id']}", method="DELETE")
        )


@pytest.fixture(scope="module")
def heard(spoken, tmp_path_factory):
    """A file for the browser's ears: silence, then digits."""
    path, stream = spoken
    x = np.concatenate([np.zeros(round(LEAD_S * stream.sample_rate), np.float32), stream.waveform])
    path = tmp_path_factory.mktemp("heard") / "digits.wav"
    audio.write(path, x, stream.sample_rate)
    return path


def is_in_state(page, state, timeout_s=30):
    page.wait_for_selector(f'.earshot-recorder[data-state="{state}"]', timeout=1000 * timeout_s)


def status(page):
    return page.locator(".earshot-recorder .status").inner_text()


def focus(page):
    page.locator(".earshot-recorder .status").click()


def record(page, seconds):
    """Press s, wait, press q, and wait for the words."""
    focus(page)
    is_in_state(page, "ready")
    page.keyboard.press("s")
    is_in_state(page, "recording")
    page.wait_for_timeout(1000 * seconds)
    page.keyboard.press("q")
    page.wait_for_selector(".earshot-recorder .said:not(:empty)")


def words_likeness(take, stream):
    """Correlation of each word that was said with what was recorded near it."""
    heard, _ = take
    products = correlate(heard, stream.waveform, "same")
    shift = int(products.argmax()) - len(heard) // 2 + (len(heard) - len(stream.waveform)) // 2
    likeness = []
    for segment in stream.segments:
        said = segment.cut(stream.waveform, stream.sample_rate)
        start = max(round(segment.start_s * stream.sample_rate) + shift - 1600, 0)
        near = heard[start : start + len(said) + 3200]
        found = correlate(near, said, "valid")
        at = int(found.argmax())
        norm = np.linalg.norm(said) * np.linalg.norm(near[at : at + len(said)])
        likeness.append(found[at] / norm)
    return likeness


def test_words_said_to_the_browser_are_cut_and_equal(page, heard, spoken):
    _, stream = spoken
    for _ in range(2):  # a busy machine may lose some milliseconds: one more try
        opened, folder = page(ALLOWED, FAKE_DEVICE, heard=heard)
        record(opened, LEAD_S + len(stream.waveform) / stream.sample_rate)
        path = hardware.only_file(folder / "own" / "digit" / "raw")
        likeness = words_likeness(audio.read(path, stream.sample_rate), stream)
        if min(likeness) > 0.95:
            break
    assert min(likeness) > 0.95
    assert takes.counts(folder / "own") == {"digit": len(stream.segments)}
    opened.wait_for_selector("figcaption:has-text('anna_0')")
    playback = opened.locator(".earshot-recorder audio")
    assert playback.is_visible()
    hardware.wait_for(
        lambda: opened.evaluate("a => a.duration", playback.element_handle()) or None, "the sound"
    )
    opened.get_by_role("button", name="drop").first.click()
    hardware.wait_for((folder / "own" / "digit" / "dropped" / "anna_0.wav").exists, "the drop")
    opened.wait_for_selector(f"td:has-text('{len(stream.segments) - 1}')")


def test_a_long_take_arrives_whole(page):
    opened, folder = page(ALLOWED, FAKE_DEVICE)  # the fake device beeps every second
    record(opened, 45)
    path = hardware.only_file(folder / "own" / "digit" / "raw")
    x, sample_rate = audio.read(path)
    assert "lost" not in opened.locator(".said").inner_text()
    assert opened.evaluate(
        "() => document.querySelector('.earshot-recorder audio').duration"
    ) == pytest.approx(len(x) / sample_rate, abs=0.001)
    assert 45 <= len(x) / sample_rate < 48
    beeps = np.abs(x[: 44 * sample_rate]).reshape(44, -1).max(axis=1)
    assert (beeps > 0.1).all()


def test_keys_do_not_reach_the_notebook(page):
    opened, _ = page(ALLOWED, FAKE_DEVICE)
    focus(opened)
    is_in_state(opened, "ready")
    for key in ("b", "a", "x", "d", "d", "q", "s", "s", "q"):
        opened.keyboard.press(key)
    opened.wait_for_selector(".earshot-recorder .said:not(:empty)")
    assert opened.locator(".jp-Notebook .jp-CodeCell").count() == 2


def test_the_mouse_does_as_well(page):
    opened, folder = page(ALLOWED, FAKE_DEVICE)
    opened.get_by_role("button", name="Record").click()
    is_in_state(opened, "recording")
    opened.wait_for_timeout(1500)
    opened.get_by_role("button", name="Stop").click()
    is_in_state(opened, "ready")
    opened.wait_for_selector(".earshot-recorder .said:not(:empty)")
    assert len(audio.read(hardware.only_file(folder / "own" / "digit" / "raw"))[0]) > 0


@pytest.mark.parametrize(
    ("arguments", "host", "told"),
    [
        ([FAKE_DEVICE, "--deny-permission-prompts"], "localhost", "may not use the microphone"),
        ([ALLOWED], "localhost", "finds no microphone"),
        ([ALLOWED, FAKE_DEVICE, FOREIGN], "lab.example", "open Jupyter over https"),
    ],
    ids=["refused", "no device", "insecure"],
)
def test_what_keeps_the_browser_from_recording_is_told(page, arguments, host, told):
    opened, folder = page(*arguments, host=host)
    focus(opened)
    is_in_state(opened, "error")
    assert told in status(opened)
    assert not (folder / "own").exists()


# Without a browser: what the Python half makes of the messages


@pytest.fixture
def recorder(tmp_path):
    said = []
    recorder = browser_recorder.BrowserRecorder(tmp_path / "raw", name="anna")
    recorder.send = said.append
    recorder.said = said
    return recorder


def tell(recorder, kind, buffers=(), **more):
    recorder._handle_custom_msg({"kind": kind, **more}, list(buffers))


def chunk(n=1600):
    return np.full(n, 5000, "<i2").tobytes()


def test_a_lost_chunk_is_told(recorder):
    tell(recorder, "start", sample_rate=16000)
    tell(recorder, "sound", [memoryview(chunk())])
    tell(recorder, "stop", reason="", n_chunks=2)
    assert "lost on the way (1 times half a second)" in recorder.said[-1]["text"]
    assert recorder.take.duration_s == 0.1


def test_a_page_that_was_loaded_again_leaves_its_take(recorder):
    for _ in range(2):
        tell(recorder, "start", sample_rate=16000)
        tell(recorder, "sound", [memoryview(chunk())])
    assert "broke off" in recorder.take.notes[0]
    assert len(recorder.take.read()[0]) == 1600


def test_a_disk_that_cannot_be_written_stops_the_browser(recorder, tmp_path):
    (tmp_path / "raw").touch()
    tell(recorder, "start", sample_rate=16000)
    assert {"kind": "stop"} in recorder.said
    assert "cannot be written" in recorder.said[-1]["text"]


def test_sound_without_a_start_does_no_harm(recorder, tmp_path):
    tell(recorder, "sound", [memoryview(chunk())])
    tell(recorder, "stop", reason="", n_chunks=1)
    assert recorder.take is None
    assert not (tmp_path / "raw").exists()


def test_the_answer_to_a_take_is_shown(recorder):
    recorder.on_take = lambda take: f"heard {take.duration_s} s"
    tell(recorder, "start", sample_rate=16000)
    tell(recorder, "sound", [memoryview(chunk())])
    tell(recorder, "stop", reason="", n_chunks=1)
    assert "heard 0.1 s" in recorder.said[-1]["text"]


PLAYER = """\
import numpy as np
from earshot.notebook import Player
from earshot.recognition import Steps
p = np.tile(np.float32([0.9, 0.1]), (401, 1))
p[100:] = [0.2, 0.8]
Player(np.random.default_rng(0).normal(0, 0.1, 64000), Steps(("noise", "speech"), p, 100.0))"""


def test_the_player_plays_in_jupyterlab_and_keeps_its_keys(page):
    page, _ = page(cell=PLAYER, shows='.earshot-player[data-state="ready"]')
    n_cells = page.locator(".jp-Cell").count()
    player = page.locator(".earshot-player")
    player.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    page.wait_for_timeout(200)
    assert player.locator(".square b").inner_text() == "speech"
    assert page.locator(".jp-Cell").count() == n_cells
    page.keyboard.press("Space")
    page.wait_for_function(
        "Number(document.querySelector('.earshot-player').dataset.timeS) > 2.3", timeout=20_000
    )
