"""Pages of earshot's in headless Chromium, from the disk, without a network."""

import base64
import contextlib

import pytest

from earshot.errors import EarshotError
from earshot.exports import engine
from support import hardware

MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
REFUSED = ["--use-fake-device-for-media-stream", "--deny-permission-prompts"]
PATIENCE_MS = 120_000  # until a page is there, on a busy machine
HEAR = "async ([sound, rate]) => earshot.hear(floats(sound), rate)"


def engine_folder(pytestconfig):
    """Give a folder with the engine in its ``downloads``; skips when it cannot be had."""
    folder = pytestconfig.cache.mkdir("earshot")
    try:
        engine.parts(folder)
    except EarshotError as error:
        pytest.skip(f"LiteRT.js is neither here nor to be downloaded: {error}")
    return folder


@contextlib.contextmanager
def browsers():
    """Give a function that opens a page and waits for its state; every browser is closed after."""
    hardware.need("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        launched = []

        def open_(path, *arguments, state="ready"):
            browser = started.chromium.launch(
                executable_path="/usr/bin/chromium", args=[*hardware.BROWSER, *arguments]
            )
            launched.append(browser)
            page = browser.new_context(offline=True).new_page()
            page.asked = []
            page.on("request", lambda request: page.asked.append(request.url))
            page.goto(f"file://{path}", timeout=PATIENCE_MS)
            page.wait_for_selector(f'body[data-state="{state}"]', timeout=PATIENCE_MS)
            return page

        yield open_
        for browser in launched:
            browser.close()


def encoded(x):
    """Give samples as a page's ``floats`` reads them."""
    return base64.b64encode(x.astype("<f4").tobytes()).decode()


def hear(page, x, sample_rate):
    """Let a page listen to a waveform; gives the words with their times."""
    heard = page.evaluate(HEAR, [encoded(x), sample_rate])
    return [(one["word"], one["startS"], one["endS"]) for one in heard]
