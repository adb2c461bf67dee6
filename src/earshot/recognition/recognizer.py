"""Front end, network and words in one folder: load, predict, save, export."""

import dataclasses
import numbers
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot import audio
from earshot.errors import EarshotError, some
from earshot.features import log_mel
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.networks import (
    layers,  # noqa: F401  (registers the layers for loading)
    saving,
)
from earshot.recognition import saved_model
from earshot.synthesis import griffin_lim

__all__ = ["UNKNOWN", "Memory", "Prediction", "Recognizer", "load", "softmax"]

SETTINGS, CARD, MEMORY = "recognizer.json", "card.json", "memory.npz"
FRONT_ENDS = {"LogMel": LogMel, "Samples": RawWaveform, "Windows": StreamSpectrogram}
"""By the kind that stands in a saved folder."""
UNKNOWN = "unknown"
"""The word of recognizers that may say that they do not know; see :mod:`earshot.recognition.new_words`."""
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
    """What a recognizer keeps of the clips that it was trained on, to learn more words beside them.

    Parameters
    ----------
    features : ndarray of float16, shape (n, n_features)
        What the layer ``layer`` gave for them.
    labels : ndarray of int, shape (n,)
        Index into the recognizer's words; -1 for what is none of them.
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
        From log-mel spectrograms to one logit a word.
    front_end : earshot.features.LogMel
        The one that the network was trained with, with ``n_samples`` set.
    words : sequence of str
    card : dict, optional
        What a reader should know: data, split, figures, versions, date; see :func:`model_card`.
    memory : Memory, optional
        For :func:`earshot.recognition.learn_words`.
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
        if front_end.n_samples is None or shape != front_end.output_shape:
            raise EarshotError(
                f"The network takes spectrograms of {shape}, the front end makes "
                f"{front_end.output_shape}: give the settings that it was trained with."
            )
        self.model, self.front_end, self.class_names = model, front_end, words
        self.card, self.memory = dict(card or {}), memory

    def __repr__(self):
        rate = self.front_end.sample_rate
        return f"Recognizer({len(self.class_names)} words, {rate:,} Hz: {some(self.class_names)})"

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
        bar = tqdm(total=len(sounds), desc="recognizing", unit="clip", delay=1) if many else None
        for start in range(0, len(sounds), batch_size):
            clips = [self.clip(s, sample_rate) for s in sounds[start : start + batch_size]]
            predictions += self._answers(self.probabilities(clips))
            if many:
                bar.update(len(clips))
        if not many:
            return predictions[0]
        bar.close()
        return predictions

    def predict_spectrogram(self, spectrogram, front_end=None):
        """Say which word a log-mel spectrogram holds.

        A spectrogram of other bands, hops or rates than this recognizer's is turned into sound first
        (:func:`earshot.synthesis.from_log_mel`), and that is recognized.

        Parameters
        ----------
        spectrogram : ndarray, shape (frames, n_mels)
        front_end : earshot.features.LogMel, optional
            The settings that it was made with. Default: the recognizer's own.

        Returns
        -------
        Prediction

        Raises
        ------
        EarshotError
            When the settings do not give such a spectrogram; see
            :func:`earshot.features.check_log_mel`.
        """
        front_end = front_end or self.front_end
        if not isinstance(front_end, LogMel):
            raise EarshotError("This recognizer sees no spectrograms: say how this one was made.")
        db = log_mel.check_log_mel(spectrogram, front_end)
        if db.ndim != 2:
            raise EarshotError(f"One spectrogram is recognized at a time, not {len(db)}.")
        shared = {"top_db": 45.0, "n_samples": None, "pad": "center", "bits": None}
        plain = dataclasses.replace(front_end, **shared)
        own = self.front_end
        if not isinstance(own, LogMel) or dataclasses.replace(own, **shared) != plain:
            x = griffin_lim.from_log_mel(spectrogram, front_end)
            return self.predict(x / max(1.0, np.abs(x).max()), front_end.sample_rate)
        n_frames = own.output_shape[0]
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
            answer = dict(zip(self.class_names, row.tolist(), strict=True))
            yield Prediction(self.class_names[best], float(row[best]), answer)

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
        """Write the recognizer into a folder; one that was there before is replaced as a whole."""
        settings = {
            "format": saving.FORMAT, "words": self.class_names, "front_end": self.front_end.to_dict(),
            "kind": next(kind for kind, made in FRONT_ENDS.items() if type(self.front_end) is made),
        }  # fmt: skip
        files = {SETTINGS: settings, CARD: self.card}
        if self.memory is not None:
            files[MEMORY] = self._write_memory
        saving.write(folder, self.model, files)

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
        saved_model.write(self, folder)


def loudest_stretch(x, n_samples):
    """Cut the stretch of ``n_samples`` with the most energy out of a longer waveform."""
    if len(x) <= n_samples:
        return x
    energy = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=np.float64))])
    start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
    return x[start : start + n_samples]


def loudest_frames(db, n_frames):
    """Cut the stretch of ``n_frames`` with the most power out of a longer spectrogram in dB."""
    power = np.concatenate([[0.0], np.cumsum(np.power(10.0, db / 10).sum(axis=1))])
    start = int(np.argmax(power[n_frames:] - power[:-n_frames])) if len(db) > n_frames else 0
    return db[start : start + n_frames]


def softmax(logits):
    """Turn logits, shape (n, n_words), into probabilities."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def load(folder):
    """Load a recognizer from its folder.

    Raises
    ------
    EarshotError
        When the folder or a file in it is missing or damaged; the message names it.
    """
    readers = {SETTINGS: _read_settings, CARD: saving.read_json}
    if (Path(folder) / MEMORY).is_file():
        readers[MEMORY] = _read_memory
    readers[saving.NETWORK] = saving.read_network
    (front_end, words), card, *memory, model = saving.read(folder, readers, "recognizer")
    return Recognizer(model, front_end, words, card, memory=memory[0] if memory else None)


def _read_settings(path):
    settings = saving.read_settings(path)
    make = FRONT_ENDS[settings.get("kind", "LogMel")]
    return make(**settings["front_end"]), settings["words"]


def _read_memory(path):
    with np.load(path, allow_pickle=False) as kept:
        return Memory(kept["features"], kept["labels"], kept["held_out"], str(kept["layer"]))
