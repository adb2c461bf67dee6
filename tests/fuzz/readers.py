"""Everything of earshot that reads files: how a good one is made, and how it is read.

>>> sorted(READERS)[:3]
['checkpoint', 'folder', 'inverter']
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from earshot import audio
from earshot.datasets import folders, packed
from earshot.datasets.word_set import WordSet
from earshot.features import LogMel, StreamSpectrogram, images
from earshot.segmentation import clips, label_tracks

RATE = 8000
OUTSIDE = "outside.wav"  # beside what is read: nothing may be done to it


@dataclasses.dataclass(frozen=True)
class Reader:
    """``make`` writes good files into a folder, ``read`` reads them; ``mutable`` ones are hit."""

    make: Callable[[Path], Any]
    read: Callable[[Path], Any]
    mutable: str = "*"
    keras: bool = False


def _sound(n=2400, seed=0):
    t = np.arange(n)
    return (0.3 * np.sin(0.5 * t) + 0.01 * np.random.default_rng(seed).standard_normal(n)).astype(
        "f4"
    )


def _make_sounds(folder):
    import soundfile

    forms = {"a.wav": ("WAV", "PCM_16"), "b.wav": ("WAV", "FLOAT"), "c.wav": ("WAV", "IMA_ADPCM"),
             "d.wav": ("WAVEX", "PCM_24"), "e.aiff": ("AIFF", "PCM_16"), "f.au": ("AU", "ULAW"),
             "g.w64": ("W64", "PCM_16"), "h.flac": ("FLAC", "PCM_16"), "i.ogg": ("OGG", "VORBIS"),
             "j.opus": ("OGG", "OPUS"), "k.mp3": ("MP3", None)}  # fmt: skip
    for name, (form, coding) in forms.items():
        stereo = np.stack([_sound(), _sound(seed=1)], axis=1)
        soundfile.write(folder / name, stereo, RATE, format=form, subtype=coding)


def _read_sound(folder, path):
    x, rate = audio.read(path, RATE)
    assert x.ndim == 1 and np.isfinite(x).all() and rate == RATE and audio.duration(path) > 0
    assert sum(len(block) for block, _ in audio.blocks(path, 0.1)) > 0


def _make_labels(folder):
    text = "0.100000\t0.200000\tcat\n\\\t100.0\t900.0\n0.250000\t0.300000\tdög\n"
    (folder / "a.labels.txt").write_text(text, encoding="utf-8")


def _make_spectrograms(folder):
    front_end = LogMel(n_samples=None)
    for name in ("a.npz", "b.png"):
        images.write(folder / name, front_end(_sound()), front_end)


def _make_windows(folder):
    made = StreamSpectrogram(n_frames=8, n_ahead=4)
    windows = np.random.default_rng(0).uniform(0, 50, (3, 8, 40)).astype(np.float32)
    images.save_windows(folder / "set", windows, [0, 1, 0], ("noise", "speech"), made)


def _words():
    clips = [_sound(seed=i) for i in range(4)]
    sources = ["cat/anna_0.wav", "cat/bob_0.wav", "dog/anna_0.wav", "dog/bob_0.wav"]
    return WordSet(clips, [0, 0, 1, 1], ("cat", "dog"), ["anna", "bob"] * 2, sources, RATE)


def _make_words(folder):
    for source, clip in zip(_words().sources, _words().waveforms, strict=True):
        audio.write(folder / "set" / source, clip, RATE)


def _make_cut(folder):
    """A recording that was cut before, and whose label track has changed since."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1e-3, 4000), _sound(3000), rng.normal(0, 1e-3, 4000)])
    audio.write(folder / "animals_anna.wav", x, RATE)
    track = label_tracks.beside(folder / "animals_anna.wav")
    track.write_text("0.5\t0.8\tcat\n0.85\t0.9\tcat\n")
    clips.cut_set(folder, "animals", ["cat"])
    track.write_text("0.5\t0.85\tcat\n")


def _network(n_words=2):
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((101, 40))
    x = keras.layers.GlobalAveragePooling1D(name="features")(inputs)
    return keras.Model(inputs, keras.layers.Dense(n_words)(x))


def _make_recognizer(folder):
    from earshot.recognition.recognizer import Memory, Recognizer

    rng = np.random.default_rng(0)
    memory = Memory(rng.standard_normal((6, 40)).astype(np.float16),
                    np.array([0, 1, -1, 0, -2, -1]), np.arange(6) > 3, "features", ("maybe",),
                    np.ones((50, 40), np.int8), 0.005)  # fmt: skip
    card = {"data": "none", "figures": {"accuracy": 0.5}}
    found = Recognizer(_network(), LogMel(), ("yes", "no"), card, memory=memory,
                       spotting_threshold=0.7)  # fmt: skip
    found.save(folder / "net")


def _read_recognizer(folder, path):
    from earshot.recognition import recognizer, thresholds

    found = recognizer.load(folder / "net")
    answer = found.predict(_sound(), RATE)
    assert 0 <= answer.probability <= 1 and isinstance(answer.word, str)
    assert len(found.memory.words(found.class_names)) == len(found.memory.labels)
    if found.memory.along_hours:
        scores = found.memory.best_along(np.ones((found.memory.features.shape[1], 2)), np.zeros(2))
        assert thresholds.spotting_threshold(scores, found.memory.along_hours, 1.0) >= 0


def _make_inverter(folder):
    _inverter().save(folder / "net")


def _inverter():
    from earshot.synthesis import inverter

    once = functools.partial(inverter.LinearMagnitude, updates=1)  # ten take most of the time
    with mock.patch.object(inverter, "LinearMagnitude", once):
        model = inverter.network(inverter.FINE, width=2, blocks=1)
    return inverter.Inverter(model, inverter.FINE, {"data": "none"})


def _read_inverter(folder, path):
    from earshot.synthesis import inverter

    invert = inverter.load_inverter(folder / "net")
    assert np.isfinite(invert(np.zeros((5, invert.front_end.n_mels)))).all()


def _make_voice(folder):
    from earshot.networks.voice_builders import phoneme_voice
    from earshot.synthesis.voice import Voice

    model = phoneme_voice(5, 2, 64, width=4, blocks=1, dilations=(1,), kernel=1)
    Voice(model, ("_", "a", "b"), ("ann", "bob"), _inverter(), ("ab",)).save(folder / "net")


def _read_voice(folder, path):
    from earshot.synthesis import voice

    known = voice.load_voice(folder / "net")
    with mock.patch.object(voice, "sounds_of", lambda text: known.symbols[:2]):
        (told,) = known.utterances(["a"])
    assert np.isfinite(told.spectrogram).all() and isinstance(told.speaker, str)


@functools.cache  # it takes longer to build than to fill
def _compiled():
    model = _network()
    model.compile("adam", "mse")
    return model


def _make_checkpoint(folder):
    from earshot.networks.callbacks import Checkpoint

    keeper = Checkpoint(folder / "kept", {"epochs": 3})
    keeper.set_model(_compiled())
    keeper.model.optimizer.build(keeper.model.trainable_variables)
    keeper.on_epoch_end(0, {"loss": 1.0})


def _read_checkpoint(folder, path):
    from earshot.networks.callbacks import Checkpoint

    keeper = Checkpoint(folder / "kept", {"epochs": 3})
    keeper.resume(_compiled())
    assert 0 <= keeper.epochs_done <= 3 and isinstance(keeper.history, dict)


READERS: dict[str, Reader] = {
    "sound": Reader(_make_sounds, _read_sound),
    "labels": Reader(_make_labels, lambda folder, path: label_tracks.read(path)),
    "spectrogram": Reader(_make_spectrograms, lambda folder, path: images.read(path)),
    "windows": Reader(_make_windows, lambda folder, path: images.load_windows(folder / "set")),
    "packed": Reader(lambda folder: _words().save(folder / "a.npz", front_end=LogMel()),
                     lambda folder, path: packed.load(path)),
    "folder": Reader(_make_words, lambda folder, path: folders.from_folder(folder / "set")),
    "notes": Reader(_make_cut, lambda folder, path: clips.cut_set(folder, "animals", ["cat"]),
                    "*.json"),
    "tracks": Reader(_make_cut, lambda folder, path: clips.cut_set(folder, "animals", ["cat"]),
                     "*.txt"),
    "recognizer": Reader(_make_recognizer, _read_recognizer, keras=True),
    "inverter": Reader(_make_inverter, _read_inverter, keras=True),
    "voice": Reader(_make_voice, _read_voice, keras=True),
    "checkpoint": Reader(_make_checkpoint, _read_checkpoint, keras=True),
}  # fmt: skip
