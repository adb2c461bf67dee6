"""The player of streams on a long file: our own, and wavesurfer.js where npm is there.

wavesurfer.js gets the same sound, its spectrogram and regions plugins, and a region for every
stretch that was heard. Both are pages of their own that need no network, in headless Chromium.
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import ROOT, header, table

sys.path.insert(0, str(ROOT / "tests"))
from support.hardware import BROWSER

from earshot import audio
from earshot.notebook import Player
from earshot.recognition import Steps

RATE = 16000
PATIENCE_S = 240
WATCH = """
let last = performance.now();
window.gaps = [];
setInterval(() => {
  const now = performance.now();
  if (now - last > 150) window.gaps.push(now - last - 50);
  last = now;
}, 50);
"""
"""Notes how long the page could not answer anybody."""
WAVESURFER = """<!doctype html>
<html><body><div id="view"></div>
<script>{scripts}</script>
<script>
const raw = atob("{sound}"), sound = new Uint8Array(raw.length);
for (let i = 0; i < raw.length; i++) sound[i] = raw.charCodeAt(i);
const regions = WaveSurfer.Regions.create();
const spectrogram = WaveSurfer.Spectrogram.create(
  {{ height: 180, fftSamples: 512, scale: "mel", useWebWorker: {worker} }});
const shown = WaveSurfer.create({{ container: "#view", height: 60,
  url: URL.createObjectURL(new Blob([sound], {{ type: "{kind}" }})),
  plugins: [regions, spectrogram] }});
const drawn = new Promise((done) => spectrogram.on("ready", done));
shown.on("ready", async () => {{
  for (const [start, end, label] of {segments}) {{
    regions.addRegion({{ start, end, color: "#2a9d5c80", drag: false, resize: false }});
  }}
  await drawn;
  document.body.dataset.state = "ready";
}});
</script></body></html>
"""


def made_up(folder, minutes):
    """Write a file of bursts in noise; give it and what a network might hear in it."""
    rng = np.random.default_rng(0)
    n_seconds, path = round(60 * minutes), folder / "long.flac"
    labels = np.zeros(100 * n_seconds + 1, int)
    for start in range(200, len(labels) - 200, 400):
        labels[start : start + 150] = 1
    x = 0.01 * rng.standard_normal(RATE * n_seconds).astype(np.float32)
    x *= 1 + 20 * np.repeat(labels[:-1], RATE // 100)
    audio.write(path, x, RATE)
    probabilities = np.where(labels[:, None] == [0, 1], 0.9, 0.1).astype(np.float32)
    return path, Steps(("noise", "speech"), probabilities, 100.0)


def wavesurfer(folder, player, *, worker):
    """Write the same with wavesurfer.js, from the npm registry; gives the page and the version."""
    said = subprocess.run(["npm", "pack", "--silent", "wavesurfer.js"], cwd=folder, check=True,
                          capture_output=True, text=True).stdout.split()[-1]  # fmt: skip
    subprocess.run(["tar", "xzf", said], cwd=folder, check=True)
    parts = ("wavesurfer", "plugins/spectrogram", "plugins/regions")
    scripts = [(folder / "package/dist" / f"{part}.min.js").read_text() for part in parts]
    page = folder / "wavesurfer.html"
    page.write_text(WAVESURFER.format(
        scripts="\n".join(scripts).replace("</script", "<\\/script"),
        sound=base64.b64encode(player.sound).decode(), kind=player.about["sound_type"],
        segments=json.dumps(player.about["segments"]), worker=json.dumps(worker),
    ))  # fmt: skip
    return page, said.removesuffix(".tgz")


def opened(page, ready):
    """Open a page; gives its size, the time until it is ready, its memory and its freezes."""
    from playwright.sync_api import Error, sync_playwright

    size = f"{page.stat().st_size / 1e6:.1f} MB"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        context = browser.new_context(viewport={"width": 1000, "height": 420}, offline=True)
        shown = context.new_page()
        shown.add_init_script(WATCH)
        begun = time.perf_counter()
        try:
            shown.goto(f"file://{page}", timeout=1000 * PATIENCE_S)
            shown.wait_for_selector(ready, timeout=1000 * PATIENCE_S)
            until = f"{time.perf_counter() - begun:.1f} s"
            shown.wait_for_timeout(1000)
            gaps = np.array([0.0, *shown.evaluate("window.gaps")]) / 1000
            frozen = f"{gaps.sum():.1f} s, {gaps.max():.1f} s at a time"
        except Error as error:
            until = frozen = f"not in {PATIENCE_S} s ({str(error).splitlines()[0]:.60})"
        memory = f"{_most_mb(browser):,.0f} MB"
        browser.close()
    return size, until, memory, frozen


def _most_mb(browser):
    """Most that the largest of the browser's pages held."""
    most = 0.0
    session = browser.new_browser_cdp_session()
    for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        status = Path(f"/proc/{process['id']}/status")
        if process["type"] == "renderer" and status.is_file():
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            most = max(most, int(lines["VmHWM"].split()[0]) / 1024)
    return most


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="length of the file")
    minutes = parser.parse_args().minutes
    header(f"python benchmarks/player.py --minutes {minutes:g}")
    with tempfile.TemporaryDirectory() as folder:
        path, steps = made_up(Path(folder), minutes)
        begun = time.perf_counter()
        player = Player(path, steps)
        page = Path(folder) / "ours.html"
        player.save_html(page)
        made_s = time.perf_counter() - begun
        rows = [("ours", *opened(page, '.earshot-player[data-state="ready"]'))]
        print(f"Making our page takes {made_s:.1f} s.\n")
        try:
            for worker in (False, True):
                page, name = wavesurfer(Path(folder), player, worker=worker)
                row = opened(page, 'body[data-state="ready"]')
                rows.append((f"{name}{', web worker' if worker else ''}", *row))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"wavesurfer.js is not measured: {error}.\n")
    table((f"{minutes:g} minutes", "file", "until ready", "memory at most", "frozen"), rows)


if __name__ == "__main__":
    main()
