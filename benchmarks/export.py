"""Recognizers in other runtimes: the same answers, the time of a clip, the size of the file."""

import os
import sys

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import base64
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from report import ROOT, header, spoken_digit, table

import earshot
from earshot import recognition
from earshot.errors import EarshotError
from earshot.exports import FORMATS

MODELS = ("spoken_digit", "base")
BROWSER = "/usr/bin/chromium"
PATIENCE_MS = 300_000  # until a page is there, on a busy machine
IN_PAGE = """async () => {
  const { n_frames: n, front_end: { n_mels: m } } = settings, x = new Float32Array(n * m).fill(-20);
  let best = Infinity;
  for (let i = 0; i < 400; i++) {
    const began = performance.now();
    await ask(x);
    best = Math.min(best, performance.now() - began);
  }
  return best;
}"""
LEARN = """async ([words, clips, rate]) => {
  const began = performance.now();
  for (const word of words) earshot.addWord(word);
  for (const [word, sound] of clips) {
    earshot.addClip(lessons.find((one) => one.word === word), floats(sound), rate);
  }
  await Promise.all(lessons.flatMap(({ clips }) => clips.map(({ features }) => features)));
  const heard = performance.now();
  await earshot.learn();
  return [heard - began, performance.now() - heard].map((ms) => ms / 1000);
}"""
LIGHT = """import sys, time
began = time.perf_counter()
import earshot
recognizer = earshot.load(sys.argv[1])
word = recognizer.predict(sys.argv[2])
print(time.perf_counter() - began)"""


def in_browser(path, function, given=None, state="ready"):
    """What a function of JavaScript gives in a page; None without a browser."""
    if not Path(BROWSER).exists():
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"file://{path}", timeout=PATIENCE_MS)
        page.wait_for_selector(f'body[data-state="{state}"]', timeout=PATIENCE_MS)
        told = page.evaluate(function, given)
        browser.close()
    return told


def learning_s(words):
    """Seconds for five words, five clips each, in the page that learns: features, all the rest."""
    some = recognition.few(words.only(words.class_names[:5]), 5)
    clips = [
        [some.class_names[label], base64.b64encode(x.astype("<f4").tobytes()).decode()]
        for x, label in zip(some.waveforms, some.labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learn.html"
        base = earshot.load(ROOT / "models" / "base")
        recognition.page_that_learns(base, path, data_dir=ROOT / "data")
        given = [some.class_names, clips, some.sample_rate]
        return in_browser(path, LEARN, given, "untaught")


def first_word_s(name, waveform, sample_rate):
    """Seconds from ``import earshot`` to the first word: by LiteRT, and by Keras."""
    with tempfile.TemporaryDirectory() as folder:
        light, whole, wav = (Path(folder) / name for name in ("light", "whole", "said.wav"))
        earshot.audio.write(wav, waveform, sample_rate)
        recognizer = earshot.load(ROOT / "models" / name)
        recognizer.save(light, light=True)
        recognizer.save(whole)
        times = []
        for path in (light, whole):
            told = subprocess.run(
                [sys.executable, "-c", LIGHT, path, wav], capture_output=True, check=True
            )
            times.append(float(told.stdout))
    return times


def one_clip(format, folder, clip):
    """Give a function that asks an export about a clip, without loading it anew."""
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        machine = Interpreter(model_path=str(folder / "model.tflite"), num_threads=1)
        ask = machine.get_signature_runner()
        return lambda: (machine, ask(waveforms=clip))  # without its machine it cannot ask
    if format == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=providers)
        return lambda: session.run(None, {"waveforms": clip})
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    waveform = tf.constant(clip)
    return lambda: (model, model.signatures["serving_default"](waveforms=waveform))


def size_mb(folder):
    """Size of an export without its card, and of one for boards without its source text."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "card.json"]
    files = [path for path in files if path.suffix == ".tflite"] or files
    return sum(path.stat().st_size for path in files) / 1e6


def fastest_ms(functions, repeats=200):
    """Fastest call of each function, in ms; they take turns, so that others' load hits all."""
    times = []
    for _ in range(repeats):
        for function in functions:
            started = time.perf_counter()
            function()
            times.append(time.perf_counter() - started)
    return 1e3 * np.reshape(times, (repeats, -1)).min(axis=0)


def rows_of(name, words, into):
    """Measure one recognizer in all formats, and in Python."""
    r = earshot.load(ROOT / "models" / name)
    waveform = words.waveforms[0]
    spectrogram = r.front_end([waveform])
    clip = r.front_end.pad_or_trim([waveform])
    rows = [[name, "Keras, predict_on_batch", "", ""], [name, "earshot, predict", "", ""]]
    sizes, elsewhere, refused = ["", ""], [], []  # what runs in no loop here comes last
    functions = [
        lambda: r.model.predict_on_batch(spectrogram),
        lambda: r.predict(waveform, words.sample_rate),
    ]
    for format, form in FORMATS.items():
        for precision in form.PRECISIONS:
            folder = Path(into) / f"{name}-{format}-{precision}"
            row = [name, f"{format}, {precision}"]
            try:
                found = r.export(
                    folder, format, precision=precision, test=words, data_dir=ROOT / "data"
                )
            except EarshotError:  # it answers otherwise
                refused.append([*row, "refused", "", "", ""])
                continue
            rows.append([*row, f"{found.agreement:.1%}", f"{found.largest_difference:.1e}"])
            sizes.append(f"{size_mb(folder):.2f} MB")
            if format == "web":
                ms = in_browser(folder / form.FILE, IN_PAGE)
                elsewhere.append("no browser" if ms is None else f"{ms:.2f} ms in Chromium")
            elif format == "micro":  # reference kernels on a laptop say nothing of a board
                arena = json.loads((folder / "card.json").read_text("utf-8"))["arena_bytes"]
                elsewhere.append(f"arena of {arena / 1024:.0f} KiB")
            else:
                functions.append(one_clip(format, folder, clip))
    times = [*(f"{ms:.2f} ms" for ms in fastest_ms(functions)), *elsewhere]
    return [[*row, ms, size] for row, ms, size in zip(rows, times, sizes, strict=True)] + refused


def main():
    """Measure and print; names of models as arguments, else the committed ones."""
    header("python benchmarks/export.py")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    names = sys.argv[1:] or MODELS
    _, words = spoken_digit().official_split()
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in names for row in rows_of(name, words, folder)]
    head = [
        "recognizer",
        "by",
        "same answers",
        "largest difference",
        "one clip, fastest of 200",
        "size",
    ]
    table(head, rows)
    waveform = words.waveforms[0]
    rows = [
        [name, *(f"{s:.2f} s" for s in first_word_s(name, waveform, words.sample_rate))]
        for name in names
    ]
    table(["from import to the first word", "LiteRT", "Keras"], rows)
    if times := learning_s(words):
        row = ["25 clips", *(f"{s:.2f} s" for s in times)]
        table(["learning five words in the page", "features, while one records", "then"], [row])


if __name__ == "__main__":
    main()
