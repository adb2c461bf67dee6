"""What others make of streams, for benchmarks/live.py, in a virtual environment of its own.

    python -m venv .venv/peers
    .venv/peers/bin/pip install onnxruntime webrtcvad-wheels && \
        .venv/peers/bin/pip install --no-deps openwakeword==0.4.0
    .venv/peers/bin/python benchmarks/live_peers.py SOUNDS.npz INTO.npz

Of each sound at 16 kHz, a waveform between -1 and 1: openWakeWord's embedding every 80 ms, shape
(n, 96) (Scripka 2023, Apache 2.0; the network of Lin and others 2020, "Training keyword spotters
with limited and synthesized speech data"), and whether webrtcvad hears speech, every 30 ms.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import webrtcvad

RATE = 16000
MEL_FRAMES, MEL_STEP = 76, 8  # that the embedding sees, and from one to the next: 80 ms
MEL_CHUNK = 60 * RATE  # of sound that becomes a spectrogram at once
VAD_SAMPLES = RATE * 30 // 1000
VAD_MODE = 2  # 0 to 3: how rarely it hears speech


def networks():
    """Open both networks of the package, which itself would ask for much more."""
    folder = Path(importlib.util.find_spec("openwakeword").origin).parent / "resources" / "models"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return [onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options)
            for name in ("melspectrogram", "embedding_model")]  # fmt: skip


def embedded(x, mel, embedding):
    """Give the embedding every 80 ms; the first is of the first 76 frames."""
    parts = [x[i : i + MEL_CHUNK + 480] for i in range(0, len(x), MEL_CHUNK)]
    frames = [mel.run(None, {"input": (32767 * part[None]).astype(np.float32)})[0].reshape(-1, 32)
              for part in parts if len(part) > 480]  # fmt: skip
    frames = np.concatenate(frames) / 10 + 2
    windows = np.lib.stride_tricks.sliding_window_view(frames, MEL_FRAMES, axis=0)[::MEL_STEP]
    windows = windows.swapaxes(1, 2)[..., None].astype(np.float32)
    batches = [windows[i : i + 64] for i in range(0, len(windows), 64)]
    return np.concatenate(
        [embedding.run(None, {"input_1": one})[0].reshape(-1, 96) for one in batches]
    )


def spoken(x):
    """Tell for every 30 ms whether somebody speaks."""
    detector = webrtcvad.Vad(VAD_MODE)
    n = len(x) // VAD_SAMPLES
    frames = (32767 * np.clip(x, -1, 1)).astype(np.int16)[: n * VAD_SAMPLES].reshape(n, -1)
    return np.array([detector.is_speech(frame.tobytes(), RATE) for frame in frames])


def main():
    """Read the sounds, write what is made of them."""
    source, into = sys.argv[1:]
    mel, embedding = networks()
    found = {}
    with np.load(source) as sounds:
        for name in sounds.files:
            x = sounds[name].astype(np.float32)
            found[f"embedding {name}"] = embedded(x, mel, embedding)
            found[f"speech {name}"] = spoken(x)
    np.savez(into, **found)


if __name__ == "__main__":
    main()
