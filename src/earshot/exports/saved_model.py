"""A recognizer as a TensorFlow SavedModel, which finds the word in longer waveforms and in files.

>>> import tempfile
>>> from earshot import LogMel, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> with tempfile.TemporaryDirectory() as folder:
...     write(r, Path(folder))
...     sorted(tf.saved_model.load(folder).signatures)
['file', 'serving_default']
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from earshot.exports.graph import Exportable, quiet
from earshot.networks.front_end_layers import as_layer, centred
from earshot.segmentation import stretches
from earshot.types import Array

__all__ = ["FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "write"]

FILE = "saved_model.pb"  # by which a SavedModel is known
PARTS = ("assets", "fingerprint.pb", "variables")  # what is beside it
PACKAGES = ("tensorflow",)
PRECISIONS = ("float32",)
TAPS = 32  # neighbouring samples on each side that the resampling filter looks at


def write(recognizer: Exportable, folder: Path, precision: str = "float32") -> None:
    """Write the files of a SavedModel; see :meth:`earshot.recognition.Recognizer.export`."""
    model, front_end = recognizer.model, recognizer.front_end
    front_layer = as_layer(front_end)
    front_layer.build((None, front_end.n_samples))
    stretch_layer = as_layer(stretches.bands_of(front_end))
    stretch_layer.build((None, None))
    names = tf.constant(recognizer.class_names)

    def from_waveforms(waveforms: tf.Tensor) -> dict[str, tf.Tensor]:
        clips = _window(waveforms, front_end, stretch_layer)
        probabilities = tf.nn.softmax(model(front_layer(clips), training=False))
        ids = tf.argmax(probabilities, axis=-1)
        heard = tf.gather(names, ids)
        return {"predictions": probabilities, "class_ids": ids, "class_names": heard}

    def from_file(file_name: tf.Tensor) -> dict[str, tf.Tensor]:
        x, rate = tf.audio.decode_wav(tf.io.read_file(file_name))
        return from_waveforms(
            _resample(tf.reduce_mean(x, axis=1), rate, front_end.sample_rate)[None]
        )

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(front_layer)
    archive.track(stretch_layer)
    waveforms = tf.TensorSpec([None, None], tf.float32, "waveforms")
    archive.add_endpoint("serving_default", from_waveforms, [waveforms])
    archive.add_endpoint("file", from_file, [tf.TensorSpec([], tf.string, "file_name")])
    with quiet():
        archive.write_out(str(folder), verbose=False)


def answers(folder: Path, waveforms: Array) -> Array:
    """Give probabilities, shape (n, n_classes), as the files give them."""
    ask = tf.saved_model.load(folder).signatures["serving_default"]
    return ask(waveforms=tf.constant(waveforms, tf.float32))["predictions"].numpy()


def _window(waveforms: tf.Tensor, front_end: Any, stretch_layer: Any) -> tf.Tensor:
    """Pad waveforms to the front end's length, or cut the stretch with the word out."""
    n = front_end.n_samples
    sides = front_end.sides(tf.maximum(n - tf.shape(waveforms)[1], 0))
    padded = tf.pad(centred(waveforms), [[0, 0], tf.stack(sides)])
    spare = tf.shape(padded)[1] - n
    hop = stretch_layer.front_end.hop_length
    first = tf.cond(
        spare > 0, lambda: hop * _first_of_stretch(stretch_layer(padded), max(n // hop, 1)),
        lambda: tf.zeros(tf.shape(padded)[:1], tf.int32),
    )  # fmt: skip
    start = tf.minimum(first, spare)
    return tf.gather(padded, start[:, None] + tf.range(n), batch_dims=1)


def _first_of_stretch(db: tf.Tensor, n_frames: int) -> tf.Tensor:
    """Say where stretches begin, shape (batch,), as ``segmentation.stretches`` does."""
    place = stretches.NOISE * tf.cast(tf.shape(db)[1] - 1, tf.float32)
    low = tf.cast(place, tf.int32)
    near = tf.sort(db, axis=1)[:, low : low + 2]
    noise = near[:, :1] + (place - tf.floor(place)) * (near[:, -1:] - near[:, :1])
    out = tf.clip_by_value(db - noise - stretches.OUT_DB, 0, stretches.MOST_DB)
    along = tf.cumsum(tf.cast(tf.reduce_sum(out, axis=2), tf.float64), axis=1)
    along = tf.pad(along, [[0, 0], [1, 0]])
    total = along[:, n_frames:] - along[:, :-n_frames]
    best = tf.argmax(total, axis=1, output_type=tf.int32)[:, None]
    frames = tf.range(tf.shape(total)[1])[None]
    good = total >= stretches.AS_GOOD * tf.reduce_max(total, axis=1, keepdims=True)
    good &= tf.abs(frames - best) < n_frames
    chosen = tf.cast(good, tf.int32)
    return tf.reduce_sum(chosen * frames, axis=1) // tf.reduce_sum(chosen, axis=1)


def _resample(x: tf.Tensor, from_rate: tf.Tensor, to_rate: int) -> tf.Tensor:
    """Band-limited interpolation of a waveform (Smith and Gossett 1984), inside the graph."""
    step = tf.cast(from_rate, tf.float64) / to_rate
    length = tf.cast(tf.math.ceil(tf.cast(tf.size(x), tf.float64) / step), tf.int32)
    place = tf.cast(tf.range(length), tf.float64) * step
    cutoff = tf.minimum(tf.constant(1.0, tf.float64), 1 / step)
    reach = tf.cast(tf.math.ceil(TAPS / cutoff), tf.int32)
    index = tf.cast(tf.floor(place), tf.int32)[:, None] + tf.range(1 - reach, reach + 1)
    distance = tf.cast(index, tf.float64) - place[:, None]
    window = tf.cos(np.pi / 2 * distance / tf.cast(reach, tf.float64)) ** 2
    angle = np.pi * distance * cutoff
    sinc = tf.where(tf.abs(angle) < 1e-9, tf.ones_like(angle), tf.sin(angle) / angle)
    weights = tf.cast(cutoff * sinc * window, tf.float32)
    inside = tf.cast((index >= 0) & (index < tf.size(x)), tf.float32)
    samples = tf.gather(x, tf.clip_by_value(index, 0, tf.size(x) - 1))
    return tf.reduce_sum(samples * weights * inside, axis=1)
