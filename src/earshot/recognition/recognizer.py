"""Front end, network and class names in one folder: load, predict, save, export.

>>> from earshot import networks
>>> r = Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> r
Recognizer(2 words, 8,000 Hz: yes, no)
>>> list(r.predict(np.sin(np.arange(44100)), 44100).probabilities)
['yes', 'no']
"""

import dataclasses
import functools
import importlib.util
import numbers
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy.special import softmax
from tqdm import tqdm

from earshot import audio
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning, some
from earshot.exports.light import LightNetwork, converted, is_needed
from earshot.features.front_end import FrontEnd, from_settings, kind_of
from earshot.features.log_mel import LogMel
from earshot.networks import saving
from earshot.recognition.cards import model_card, plain_card
from earshot.recognition.memory import SYNTHETIC, Memory
from earshot.recognition.prepare import (
    checked_clip,
    sounds_slowed,
    spectrogram_of_window,
)
from earshot.segmentation.stretches import word_stretch
from earshot.synthesis import griffin_lim
from earshot.types import Array, PathLike

if TYPE_CHECKING:
    import keras

    from earshot.exports.comparison import Comparison
    from earshot.networks.stream_form import StreamForm

__all__ = ["UNKNOWN", "Prediction", "Recognizer", "load", "model_card",
           "probabilities_of"]  # fmt: skip

SETTINGS = "recognizer.json"  # front end and class names
CARD = "card.json"  # what a reader should know
MEMORY = "memory.npz"  # only of those that can learn more words
UNKNOWN = "unknown"  # the class of recognizers that may say that they do not know
SLOWED = 0.15  # share of the waveforms that sound slowed from which their rate is doubted
N_SCORES = 256  # of the background that a page gets: the highest, which thresholds lie among
BATCH = 256  # recordings that go through the network together
Several = list[Any] | tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What was heard: the most probable word, its probability, and that of every class (0 to 1).

    Of a list, what cannot be recognized has no word, "", and the ``reason`` in a sentence.
    """

    word: str
    probability: float
    probabilities: dict[str, float]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.word} ({self.probability:.1%})" if self.word else f"no answer: {self.reason}"


class Recognizer:
    """A network with the front end and the class names that belong to it.

    The network returns one logit per class. Use the front end it was trained with; its
    ``n_samples`` must be set. :func:`model_card` makes the card, :func:`learn_words` the memory and
    the ``spotting_threshold``: logits that a word is above "unknown", or else above all others, to
    be named along a stream.

    ``network`` is what answers, in Keras or LiteRT; ``model`` is always Keras', read when needed.
    """

    def __init__(
        self, model: "keras.Model | LightNetwork", front_end: FrontEnd, class_names: Sequence[str],
        card: Mapping[str, Any] | None = None, *, memory: Memory | None = None,
        spotting_threshold: float = 0.0,
    ) -> None:  # fmt: skip
        if isinstance(class_names, str) or not all(isinstance(x, str) for x in class_names):
            raise EarshotError(f"Class names are a list of words, not {class_names!r:.60}.")
        self.class_names = tuple(map(str, class_names))
        if len(set(self.class_names)) < len(self.class_names):
            raise EarshotError(f"Every word must be there once: {', '.join(self.class_names)}.")
        n_told, n_named = model.output_shape[-1], len(self.class_names)
        if n_told != n_named:
            raise EarshotError(
                f"The network tells {n_told} words apart, but {n_named} are named: give the words "
                "that it was trained on."
            )
        shapes = tuple(tuple(x.shape[1:]) for x in model.inputs)
        shape = shapes[0] if len(shapes) == 1 else shapes
        if front_end.n_samples is None or shape != front_end.output_shape:
            raise EarshotError(
                f"The network takes spectrograms of {shape}, the front end makes "
                f"{front_end.output_shape}: give the settings that it was trained with."
            )
        taught = getattr(model, "class_names", self.class_names)
        if taught != self.class_names and set(taught) == set(self.class_names):
            raise EarshotError(
                f"The network was trained on the words in another order: give {some(taught)}."
            )
        limit: Any = spotting_threshold
        if not (isinstance(limit, numbers.Real) and np.isfinite(float(limit))):
            raise EarshotError(f"A spotting_threshold is a number, not {limit!r:.60}.")
        if memory is not None:
            memory.check(model, n_named)
        self.network, self.front_end = model, front_end
        self._whole: saving.Beside | None = None  # the Keras network of one that answers by LiteRT
        self.card, self.memory = dict(card or {}), memory
        self.spotting_threshold = spotting_threshold

    def __repr__(self) -> str:
        rate = self.front_end.sample_rate
        return f"Recognizer({len(self.class_names)} words, {rate:,} Hz: {some(self.class_names)})"

    @property
    def model(self) -> "keras.Model":
        """The Keras network; one that is read now answers from now on, as it may be changed."""
        if isinstance(self.network, LightNetwork):
            if self._whole is None:
                raise EarshotError(
                    "This recognizer was made without TensorFlow, and has no Keras network: make "
                    "it again where TensorFlow is installed."
                )
            network = saving.read_network(self._whole.path())
            network.class_names = self.class_names
            self.network = network
        return self.network

    @property
    def light(self) -> LightNetwork | None:
        """The LiteRT network of a recognizer whose Keras network cannot be had, else None."""
        if isinstance(self.network, LightNetwork) and (self._whole is None or is_needed()):
            return self.network
        return None

    @overload
    def predict(self, sound: PathLike | Array, sample_rate: int | None = None) -> Prediction: ...
    @overload
    def predict(self, sound: Several, sample_rate: int | None = None) -> list[Prediction]: ...
    def predict(self, sound: Any, sample_rate: int | None = None) -> Prediction | list[Prediction]:
        """Say which word a recording holds; of a list of them, give a list.

        It is a file, or a waveform in [-1, 1] at ``sample_rate``, in Hz; without ``sample_rate``, a
        waveform is taken to be at the front end's rate, with a warning when it sounds slowed, as
        one of twice that rate does. What is done to it:

        1. it is averaged to mono, and its mean over time taken off;
        2. it is refused if longer than 10 s, shorter than 0.03 s or silent;
        3. it is resampled (``scipy.signal.resample_poly``) to the front end's rate;
        4. the ``n_samples`` with most sound that stands out of its noise are kept, or it is padded;
        5. the front end makes its spectrogram, the network its logits, softmax probabilities.

        Raises :class:`EarshotError` when it is refused, or cannot be read; in a list, it gets an
        answer without a word, which says why, and the others get theirs.
        """
        several = isinstance(sound, list | tuple) and not (
            len(sound) and isinstance(sound[0], numbers.Real)
        )
        sounds = sound if several else [sound]
        rate = self.front_end.sample_rate
        given_rate = rate if sample_rate is None else audio.whole_rate(sample_rate)
        predictions: list[Prediction] = []
        n_slowed = 0
        starts = range(0, len(sounds), BATCH)
        short = len(starts) < 2  # a bar that only begins and ends says nothing
        for start in tqdm(starts, "recognizing", unit="batch", delay=1, disable=short):
            batch = sounds[start : start + BATCH]
            found = [_clip_or_answer(one, given_rate, rate, several) for one in batch]
            clips = [x for x in found if not isinstance(x, Prediction)]
            answers = self._predictions(self.probabilities(clips)) if clips else iter(())
            predictions += [x if isinstance(x, Prediction) else next(answers) for x in found]
            if sample_rate is None:
                n_slowed += sum(
                    sounds_slowed(x, rate) for x, one in zip(found, batch, strict=True)
                    if not isinstance(x, Prediction) and not isinstance(one, str | os.PathLike)
                )  # fmt: skip
        if n_slowed > SLOWED * len(sounds):
            warnings.warn(
                f"{n_slowed} of {len(sounds)} waveforms sound slowed: without a rate they are "
                f"taken to be at {rate:,} Hz. Say at which they were recorded, as sample_rate.",
                EarshotWarning, stacklevel=2,
            )  # fmt: skip
        return predictions if several else predictions[0]

    def predict_spectrogram(
        self, spectrogram: Array, front_end: LogMel | None = None
    ) -> Prediction:
        """Say which word a log-mel spectrogram, shape (frames, n_mels), of a front end holds.

        One of other bands, hops or rates is turned into sound first, which is recognized, see
        :func:`earshot.synthesis.from_log_mel`; what these settings cannot give raises an error.
        """
        own = self.front_end if isinstance(self.front_end, LogMel) else None
        front_end = front_end or own
        if not isinstance(front_end, LogMel):
            raise EarshotError("This recognizer sees no spectrograms: say how this one was made.")
        window = spectrogram_of_window(spectrogram, front_end, own)
        if window is None:
            x = griffin_lim.from_log_mel(spectrogram, front_end)
            return self.predict(x, front_end.sample_rate)
        logits = self.network.predict_on_batch(window[None])
        return next(self._predictions(probabilities_of(logits)))

    def probabilities(self, waveforms: Sequence[Array]) -> Array:
        """Give probabilities, shape (n, n_classes), for waveforms at the front end's rate."""
        clips = [word_stretch(x, self.front_end) for x in waveforms]
        return probabilities_of(self.network.predict_on_batch(self.front_end(clips)))

    def _predictions(self, probabilities: Array) -> Iterator[Prediction]:
        for row in probabilities:
            best = int(row.argmax())
            answer = dict(zip(self.class_names, row.tolist(), strict=True))
            yield Prediction(self.class_names[best], float(row[best]), answer)

    @functools.cached_property
    def along(self) -> "StreamForm":
        """A network of windows in the form that runs along streams, made once for all of them."""
        from earshot.networks.stream_form import StreamForm  # imports Keras

        settings: Any = self.front_end  # a StreamSpectrogram
        return StreamForm(self.model, settings)

    def save(self, folder: PathLike, *, light: bool = False) -> None:
        """Write the recognizer into a folder; one that was there before is replaced as a whole.

        ``light``: with its network for LiteRT too, by which :func:`load` answers at once, and
        without TensorFlow. It takes some seconds to make; one that answers by LiteRT keeps it.
        """
        settings = {
            "format": saving.FORMAT, "words": self.class_names,
            "front_end": self.front_end.to_dict(), "kind": kind_of(self.front_end),
            "spotting_threshold": self.spotting_threshold,
        }  # fmt: skip
        files: dict[str, Any] = {SETTINGS: settings, CARD: plain_card(self.card)}
        if self.memory is not None:
            files[MEMORY] = self.memory.write
        network, whole = self.network, None
        if not isinstance(network, LightNetwork):
            whole, content = network, converted(network) if light else b""
        else:
            content = network.content
            if self._whole is not None:
                source = self._whole.path()
                files[saving.NETWORK] = lambda path: shutil.copyfile(source, path)
        if content:
            files[saving.LIGHT] = lambda path: path.write_bytes(content)
        saving.write(folder, whole, files, optional=[MEMORY, saving.NETWORK, saving.LIGHT])
        if self._whole is not None:  # which may have been in the folder that is replaced
            self._whole = saving.Beside(Path(folder) / saving.NETWORK)

    def export(
        self, folder: PathLike, format: str = "saved_model", *, precision: str | None = None,
        test: WordSet | None = None, data_dir: PathLike = "data",
    ) -> "Comparison":  # fmt: skip
        """Write the recognizer, front end and all, in a folder for runtimes that need no earshot.

        - "saved_model", for TensorFlow, answers two signatures, ``serving_default(waveforms=...)``,
          shape (n, samples), and ``file(file_name=...)``, a 16-bit PCM WAV file of any rate, with
          "predictions" (probabilities, shape (n, n_classes)), "class_ids" and "class_names".
        - "litert", for phones and small computers, is a ``model.tflite`` with the signature
          ``waveforms``, shape (1, n_samples), to "probabilities"; ``precision`` is "float32",
          "float16" or "int8", that of its weights.
        - "onnx", for ONNX Runtime, is a ``model.onnx`` from ``waveforms``, shape (n, n_samples), to
          "probabilities"; ``precision`` is "float32" or "float16".
        - "web", for browsers, is one page, ``index.html``, or ``folder`` itself where that ends in
          ".html": it listens as :func:`listen` does, without a server or the internet.
          ``precision`` is "float16", "float32" or "int8". Its engine, LiteRT.js, is downloaded
          once from npm to ``<data_dir>/downloads``.
        - "micro", for microcontrollers, is a C array and an example: the network in 8 bits, its
          front end in float. ``card.json`` and ``README.md`` say how much memory it takes.

        Waveforms are float32 at the front end's rate; ``card.json`` has it, with the words in their
        order. What was written is loaded again by its own runtime and compared with this recognizer
        on the clips of ``test``, else on synthetic ones; the comparison is given, and in the card.
        Raises :class:`EarshotError` when the answers are others: then nothing is kept.
        TensorFlow backend only.
        """
        if is_needed():
            raise EarshotError('TensorFlow makes exports: pip install "earshot[train]".')
        from earshot.exports import comparison, exporting  # import TensorFlow

        words, rate = test, self.front_end.sample_rate
        if words is None:
            words = comparison.made_up(self.class_names, rate)
        clips = [
            checked_clip(x, words.sample_rate, to_rate=rate, name=str(source))
            for x, source in zip(words.waveforms, words.sources, strict=True)
        ]
        clips = [word_stretch(x, self.front_end) for x in clips]
        return exporting.export(
            self, folder, clips, about=words.about, format=format, precision=precision,
            card=plain_card(self.card), data_dir=data_dir,
        )  # fmt: skip

    def background(self) -> dict[str, Any] | None:
        """Give the highest "scores" of any word in each second of the "hours" that are remembered.

        In none of them a word is said, so that these are false alarms where they are above a
        threshold; None, where nothing is remembered of streams.
        """
        if self.memory is None or not self.memory.along_hours or self.class_names[-1] != UNKNOWN:
            return None
        last = self.light.last_layer() if self.light else self.model.layers[-1].get_weights()
        if last is None:
            return None
        kernel, bias = last
        scores = np.sort(self.memory.best_along(kernel, bias) + SYNTHETIC)[::-1][:N_SCORES]
        return {"scores": scores.round(4).tolist(), "hours": self.memory.along_hours}


def _clip_or_answer(sound: Any, rate: int, to_rate: int, several: bool) -> Array | Prediction:
    """Give the checked clip; of several, an answer without a word for one that is refused."""
    try:
        return checked_clip(sound, rate, to_rate=to_rate)
    except EarshotError as error:
        if not several:
            raise
        return Prediction("", 0.0, {}, str(error))


def load(folder: PathLike) -> Recognizer:
    """Load a recognizer from its folder; an error names what is missing or damaged there.

    Where there is a network for LiteRT beside the Keras network (see :meth:`Recognizer.save`), and
    Keras is not installed or not imported yet, LiteRT answers: at once, and the same to a few
    millionths of a probability.
    """
    readers: dict[str, Callable[[Path], Any]] = {SETTINGS: _read_settings, CARD: _read_card}
    if (Path(folder) / MEMORY).is_file():
        readers[MEMORY] = Memory.read
    beside, is_light = saving.Beside(Path(folder) / saving.NETWORK), _is_light(Path(folder))
    if is_light:
        readers[saving.LIGHT] = lambda path: LightNetwork(path.read_bytes())
    else:
        readers[saving.NETWORK] = saving.read_network
    settings, card, *memory, model = saving.read(folder, readers, "recognizer")
    if not is_light:
        model.class_names = tuple(settings["class_names"])  # by which networks.accuracy finds them
    try:
        made = Recognizer(model, card=card, memory=memory[0] if memory else None, **settings)
        if is_light and (Path(folder) / saving.NETWORK).is_file():
            made._whole = beside
        return made
    except EarshotError as error:
        raise EarshotError(f"The files of {folder} do not belong together: {error}") from error


def _is_light(folder: Path) -> bool:
    """Tell whether the LiteRT network in a folder is to answer."""
    has_whole, has_light = ((folder / name).is_file() for name in (saving.NETWORK, saving.LIGHT))
    can_wait = (
        sys.modules.get("keras") is None and importlib.util.find_spec("ai_edge_litert") is not None
    )
    return has_light and (can_wait or not has_whole)


def _read_settings(path: Path) -> dict[str, Any]:
    settings = saving.read_settings(path)
    words = settings["words"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words are a list of texts, not {words!r:.60}")
    front_end = from_settings(settings.get("kind", "LogMel"), settings["front_end"])
    threshold = float(settings.get("spotting_threshold", 0.0))  # older ones have none
    return {"front_end": front_end, "class_names": words, "spotting_threshold": threshold}


def _read_card(path: Path) -> dict[str, Any]:
    card = saving.read_json(path)
    if not isinstance(card, dict):
        raise TypeError(f"a card has names for what it says, and this is {card!r:.60}")
    return card


def probabilities_of(logits: Array) -> Array:
    """Give the softmax of logits, both of shape (n, n_classes); refuse NaN."""
    probabilities = softmax(logits, axis=1)
    if not np.isfinite(probabilities).all():
        raise EarshotError(
            "The network answers NaN: its weights are damaged, or its training went astray. Train "
            "it anew with a lower learning_rate."
        )
    return probabilities
