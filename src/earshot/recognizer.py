"""Front end, network and words in one folder: load, predict, save, export."""

import dataclasses
import datetime
import importlib.metadata
import numbers
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import (
    audio,
    folders,
    griffin_lim,
    layers,  # noqa: F401  (registers the layers for loading)
)
from earshot.errors import EarshotError, some
from earshot.samples import Samples
from earshot.spectrogram import LogMel
from earshot.windows import Windows

__all__ = ["UNKNOWN", "Memory", "Prediction", "Recognizer", "load", "model_card", "softmax"]

SETTINGS, CARD, MEMORY = "recognizer.json", "card.json", "memory.npz"
FRONT_ENDS = {kind.__name__: kind for kind in (LogMel, Samples, Windows)}
UNKNOWN = "unknown"
"""The word of recognisers that may say that they do not know; see :mod:`earshot.transfer`."""
LONGEST_S = 4.0
"""A longer recording is not one word."""
SHORTEST_S = 0.03
"""A shorter recording is not a word."""
SILENCE = 2e-4
"""What moves less than this, some steps of 16 bits, is a muted microphone."""


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What was heard.

    Parameters
    ----------
    word : str
        The most probable word.
    probability : float
        Its probability, 0 to 1.
    probabilities : dict
        From every word to its probability.
    """

    word: str
    probability: float
    probabilities: dict

    def __str__(self):
        return f"{self.word} ({self.probability:.1%})"


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """What a recogniser keeps of the clips that it was trained on, to learn more words beside them.

    Parameters
    ----------
    features : ndarray of float16, shape (n, n_features)
        What the layer ``layer`` gave for them.
    labels : ndarray of int, shape (n,)
        Index into the recogniser's words; -1 for what is none of them.
    held_out : ndarray of bool, shape (n,)
        On these a threshold is set; nothing is fitted to them.
    layer : str
    """

    features: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    layer: str


class Recognizer:
    """A network with the front end and the words that belong to it.

    Parameters
    ----------
    model : keras.Model
        From log-mel pictures to one logit a word.
    front_end : earshot.spectrogram.LogMel
        The one that the network was trained with, with ``n_samples`` set.
    words : sequence of str
    card : dict, optional
        What a reader should know: data, split, figures, versions, date; see :func:`model_card`.
    memory : Memory, optional
        For :func:`earshot.transfer.learn_words`.
    """

    def __init__(self, model, front_end, words, card=None, *, memory=None):
        words = tuple(words)
        if len(set(words)) < len(words):
            raise EarshotError(f"Every word must be there once: {', '.join(words)}.")
        if model.output_shape[-1] != len(words):
            raise EarshotError(
                f"The network tells {model.output_shape[-1]} words apart, but {len(words)} are "
                "named: give the words that it was trained on."
            )
        shapes = tuple(tuple(x.shape[1:]) for x in model.inputs)
        shape = shapes[0] if len(shapes) == 1 else shapes
        if front_end.n_samples is None or shape != front_end.picture_shape:
            raise EarshotError(
                f"The network takes pictures of {shape}, the front end makes "
                f"{front_end.picture_shape}: give the settings that it was trained with."
            )
        self.model, self.front_end, self.words = model, front_end, words
        self.card, self.memory = dict(card or {}), memory

    def __repr__(self):
        rate = self.front_end.sample_rate
        return f"Recognizer({len(self.words)} words, {rate:,} Hz: {some(self.words)})"

    def predict(self, sound, sample_rate=None, *, batch_size=256):
        """Say which word a recording holds.

        Parameters
        ----------
        sound : str, path, ndarray of shape (samples,), or a list of them
            Files of any sample rate and number of channels; waveforms in [-1, 1].
        sample_rate : int, optional
            In Hz, of waveforms. Default: the front end's.
        batch_size : int

        Returns
        -------
        Prediction, or list of Prediction
            A list for a list. Of a recording longer than the network's window, the loudest
            stretch counts.

        Raises
        ------
        EarshotError
            When a file cannot be read, or a recording is too short, silent throughout, or too
            long for one word.
        """
        many = isinstance(sound, list | tuple) and not (
            len(sound) and isinstance(sound[0], numbers.Real)
        )
        sounds = sound if many else [sound]
        predictions = []
        bar = tqdm(total=len(sounds), desc="recognising", unit="clip", delay=1) if many else None
        for start in range(0, len(sounds), batch_size):
            clips = [self.clip(s, sample_rate) for s in sounds[start : start + batch_size]]
            predictions += self._answers(self.probabilities(clips))
            if many:
                bar.update(len(clips))
        if not many:
            return predictions[0]
        bar.close()
        return predictions

    def predict_picture(self, picture, front_end=None):
        """Say which word a log-mel picture holds.

        A picture of other bands, hops or rates than this recogniser's is turned into sound first
        (:func:`earshot.griffin_lim.from_log_mel`), and that is recognised.

        Parameters
        ----------
        picture : ndarray, shape (frames, n_mels)
        front_end : earshot.spectrogram.LogMel, optional
            The settings that it was made with. Default: the recogniser's own.

        Returns
        -------
        Prediction

        Raises
        ------
        EarshotError
            When the settings do not give such a picture; see
            :func:`earshot.griffin_lim.check_picture`.
        """
        front_end = front_end or self.front_end
        if not isinstance(front_end, LogMel):
            raise EarshotError("This recogniser sees no pictures: say how this one was made.")
        db = griffin_lim.check_picture(picture, front_end)
        if db.ndim != 2:
            raise EarshotError(f"One picture is recognised at a time, not {len(db)}.")
        shared = {"top_db": 45.0, "n_samples": None, "pad": "center", "bits": None}
        plain = dataclasses.replace(front_end, **shared)
        own = self.front_end
        if not isinstance(own, LogMel) or dataclasses.replace(own, **shared) != plain:
            x = griffin_lim.from_log_mel(picture, front_end)
            return self.predict(x / max(1.0, np.abs(x).max()), front_end.sample_rate)
        n_frames = own.picture_shape[0]
        power = np.power(np.float32(10), loudest_frames(db, n_frames) / 10)
        missing = n_frames - len(power)
        before = missing // 2 if own.pad == "center" else 0
        power = np.pad(power, ((before, missing - before), (0, 0)))
        return next(self._answers(softmax(self.model.predict_on_batch(own.to_db(power)[None]))))

    def probabilities(self, waveforms):
        """Give the probabilities of all words for waveforms at the front end's rate.

        Parameters
        ----------
        waveforms : list of ndarray, each of shape (samples,)

        Returns
        -------
        ndarray of float32, shape (n, n_words)
        """
        n = self.front_end.n_samples
        clips = [loudest_stretch(x, n) for x in waveforms]
        return softmax(self.model.predict_on_batch(self.front_end(clips)))

    def _answers(self, probabilities):
        for row in probabilities:
            best = int(row.argmax())
            answer = dict(zip(self.words, row.tolist(), strict=True))
            yield Prediction(self.words[best], float(row[best]), answer)

    def clip(self, sound, sample_rate=None, *, name="the waveform"):
        """Give one recording as the front end takes it, when it can be a word.

        The parameters and errors are those of :meth:`predict`; ``name`` is what errors call a
        waveform.

        Returns
        -------
        ndarray of float32, shape (samples,)
        """
        if isinstance(sound, str | Path):
            name = str(sound)
            x, rate = audio.read(sound)
        else:
            x = audio.validate(sound)
            rate = self.front_end.sample_rate
            if sample_rate is not None:
                rate = audio.whole_rate(sample_rate)
        duration_s = len(x) / rate
        if duration_s > LONGEST_S:
            raise EarshotError(
                f"{name} is {duration_s:.1f} s long, and a word takes {LONGEST_S:g} s at most: "
                "cut it into words first."
            )
        if duration_s < SHORTEST_S:
            raise EarshotError(
                f"{name} is only {duration_s * 1000:.3g} ms long ({len(x)} samples): "
                "record the whole word."
            )
        if np.ptp(x) < SILENCE:
            raise EarshotError(f"{name} is silent: is the microphone muted?")
        return audio.resample(x, rate, self.front_end.sample_rate)

    def save(self, folder):
        """Write the recogniser into a folder; one that was there before is replaced as a whole."""
        settings = {
            "format": folders.FORMAT, "words": self.words, "front_end": self.front_end.to_dict(),
            "kind": type(self.front_end).__name__,
        }  # fmt: skip
        files = {SETTINGS: settings, CARD: self.card}
        if self.memory is not None:
            files[MEMORY] = self._write_memory
        folders.write(folder, self.model, files)

    def _write_memory(self, path):
        with path.open("wb") as file:
            np.savez_compressed(file, **dataclasses.asdict(self.memory))

    def export(self, folder):
        """Write a TensorFlow SavedModel that needs no earshot.

        It answers two signatures, each with "predictions" (probabilities, shape (n, n_words)),
        "class_ids" (shape (n,)) and "class_names" (shape (n,)):

        - ``serving_default(waveforms=...)``: float32, shape (n, samples), at the front end's rate;
        - ``file(file_name=...)``: a scalar string, the name of a 16-bit PCM WAV file of any
          sample rate.

        TensorFlow backend only.
        """
        from earshot import saved_model

        saved_model.write(self, folder)


def loudest_stretch(x, n_samples):
    """Cut the stretch of ``n_samples`` with the most energy out of a longer waveform."""
    if len(x) <= n_samples:
        return x
    energy = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=np.float64))])
    start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
    return x[start : start + n_samples]


def loudest_frames(db, n_frames):
    """Cut the stretch of ``n_frames`` with the most power out of a longer picture in dB."""
    power = np.concatenate([[0.0], np.cumsum(np.power(10.0, db / 10).sum(axis=1))])
    start = int(np.argmax(power[n_frames:] - power[:-n_frames])) if len(db) > n_frames else 0
    return db[start : start + n_frames]


def softmax(logits):
    """Turn logits, shape (n, n_words), into probabilities."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def load(folder):
    """Load a recogniser from its folder.

    Raises
    ------
    EarshotError
        When the folder or a file in it is missing or damaged; the message names it.
    """
    readers = {SETTINGS: _read_settings, CARD: folders.read_json}
    if (Path(folder) / MEMORY).is_file():
        readers[MEMORY] = _read_memory
    readers[folders.NETWORK] = folders.read_network
    (front_end, words), card, *memory, model = folders.read(folder, readers, "recogniser")
    return Recognizer(model, front_end, words, card, memory=memory[0] if memory else None)


def _read_settings(path):
    settings = folders.read_settings(path)
    make = FRONT_ENDS[settings.get("kind", "LogMel")]
    return make(**settings["front_end"]), settings["words"]


def _read_memory(path):
    with np.load(path, allow_pickle=False) as kept:
        return Memory(kept["features"], kept["labels"], kept["held_out"], str(kept["layer"]))


def model_card(train, *, split, figures, **more):
    """Make the model card of a recogniser.

    Parameters
    ----------
    train : earshot.datasets.WordSet
        What it was trained on.
    split : str
        Which recordings were kept for the test.
    figures : dict
        From a description to a measured figure.
    more : dict
        Whatever else should be known.

    Returns
    -------
    dict
    """
    packages = ("earshot", "keras", "tensorflow", "numpy")
    return {
        "data": train.about,
        "clips": len(train),
        "speakers": len(np.unique(train.speakers)),
        "split": split,
        "figures": figures,
        "date": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        **more,
    }
