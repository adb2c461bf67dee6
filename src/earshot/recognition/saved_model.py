"""A recognizer as a TensorFlow SavedModel (TensorFlow backend only).

>>> import tempfile
>>> from earshot import LogMel, networks
>>> with tempfile.TemporaryDirectory() as folder:
...     write(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"), folder)
...     sorted(tf.saved_model.load(folder).signatures)
['file', 'serving_default']
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from earshot import files
from earshot.errors import EarshotError
from earshot.features.front_end import FrontEnd
from earshot.networks import saving
from earshot.networks.front_end_layers import as_layer, centred
from earshot.types import PathLike

__all__ = ["write"]

MARK = "saved_model.pb"  # the file by which a SavedModel is known
PARTS = ("assets", "fingerprint.pb", "variables")  # what is beside it
TAPS = 32  # neighbouring samples on each side that the resampling filter looks at


def write(
    model: keras.Model, front_end: FrontEnd, class_names: Sequence[str], folder: PathLike
) -> None:
    """Write a recognizer as a SavedModel; see :meth:`earshot.recognition.Recognizer.export`."""
    if keras.backend.backend() != "tensorflow":
        raise EarshotError(
            f"A SavedModel needs the TensorFlow backend, not {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow."
        )
    front_layer = as_layer(front_end)
    saving.check_replaceable(folder, MARK, PARTS)
    front_layer.build((None, front_end.n_samples))
    names = tf.constant(class_names)

    def from_waveforms(waveforms: tf.Tensor) -> dict[str, tf.Tensor]:
        clips = _window(waveforms, front_end)
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
    waveforms = tf.TensorSpec([None, None], tf.float32, "waveforms")
    archive.add_endpoint("serving_default", from_waveforms, [waveforms])
    archive.add_endpoint("file", from_file, [tf.TensorSpec([], tf.string, "file_name")])
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # it would tell the name of the temporary folder
    try:
        with files.atomic_path(folder) as temporary:
            try:
                archive.write_out(str(temporary), verbose=False)
            except tf.errors.OpError as error:  # "...; No space left on device [Op:SaveV2]"
                reason = error.message.rpartition("; ")[2].partition(" [Op")[0]
                raise OSError(reason) from error  # of which atomic_path makes the sentence
    finally:
        logger.setLevel(level)


def _window(waveforms: tf.Tensor, front_end: Any) -> tf.Tensor:
    """Pad waveforms to the front end's length, or cut their loudest part out."""
    n = front_end.n_samples
    sides = front_end.sides(tf.maximum(n - tf.shape(waveforms)[1], 0))
    padded = tf.pad(centred(waveforms), [[0, 0], tf.stack(sides)])
    energy = tf.cumsum(tf.cast(padded, tf.float64) ** 2, axis=1)
    energy = tf.pad(energy, [[0, 0], [1, 0]])
    start = tf.argmax(energy[:, n:] - energy[:, :-n], axis=1)
    return tf.gather(padded, start[:, None] + tf.range(n, dtype=tf.int64), batch_dims=1)


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
