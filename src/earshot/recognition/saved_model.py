"""A recognizer as a TensorFlow SavedModel (TensorFlow backend only)."""

import keras
import numpy as np

from earshot import files
from earshot.errors import EarshotError
from earshot.networks import saving
from earshot.networks.front_end_layers import as_layer

TAPS = 32
"""Neighbouring samples on each side that the resampling filter looks at."""


def write(recognizer, folder):
    """Write ``recognizer`` as a SavedModel; see :meth:`earshot.recognition.Recognizer.export`."""
    if keras.backend.backend() != "tensorflow":
        raise EarshotError(
            f"A SavedModel needs the TensorFlow backend, not {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow."
        )
    front_end, words = recognizer.front_end, recognizer.class_names
    spectrograms = as_layer(front_end)
    saving.check_replaceable(folder, "saved_model.pb")
    import tensorflow as tf

    words = tf.constant(words)
    n = front_end.n_samples
    spectrograms.build((None, n))

    def answer(waveforms):
        probabilities = tf.nn.softmax(recognizer.model(spectrograms(waveforms), training=False))
        ids = tf.argmax(probabilities, axis=-1)
        return {
            "predictions": probabilities, "class_ids": ids, "class_names": tf.gather(words, ids),
        }  # fmt: skip

    def from_waveforms(waveforms):
        length = tf.shape(waveforms)[1]
        side = getattr(front_end, "pad", "end")
        padded = tf.pad(waveforms, [[0, 0], _sides(tf, n - length, side)])
        energy = tf.cumsum(tf.cast(padded, tf.float64) ** 2, axis=1)
        energy = tf.pad(energy, [[0, 0], [1, 0]])
        start = tf.argmax(energy[:, n:] - energy[:, :-n], axis=1)
        clips = tf.gather(padded, start[:, None] + tf.range(n, dtype=tf.int64), batch_dims=1)
        return answer(clips)

    def from_file(file_name):
        x, rate = tf.audio.decode_wav(tf.io.read_file(file_name))
        x = tf.reduce_mean(x, axis=1)
        return from_waveforms(_resample(tf, x, rate, front_end.sample_rate)[None])

    archive = keras.export.ExportArchive()
    archive.track(recognizer.model)
    archive.track(spectrograms)
    archive.add_endpoint(
        "serving_default", from_waveforms, [tf.TensorSpec([None, None], tf.float32, "waveforms")]
    )
    archive.add_endpoint("file", from_file, [tf.TensorSpec([], tf.string, "file_name")])
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # it would name the temporary folder
    try:
        with files.atomic_path(folder) as temporary:
            archive.write_out(str(temporary), verbose=False)
    finally:
        logger.setLevel(level)


def _sides(tf, missing, pad):
    missing = tf.maximum(missing, 0)
    before = missing // 2 if pad == "center" else 0
    return tf.stack([before, missing - before])


def _resample(tf, x, from_rate, to_rate):
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
