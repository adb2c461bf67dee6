"""Text to a spectrogram to sound, in voices that were learned from recordings.

eSpeak NG names the sounds of a text, without speaking; a network gives each a length and a pitch,
and paints their spectrogram (:mod:`earshot.networks.voice_builders`); an
:class:`~earshot.synthesis.inverter.Inverter` makes it sound.

>>> rows_of(("_", "'i:"), ("_", "i:"))
array([[1., 0., 0., 0.],
       [0., 1., 1., 0.]], dtype=float32)
"""

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from earshot.errors import EarshotError, some
from earshot.features.front_end import from_settings
from earshot.features.log_mel import LogMel
from earshot.networks import saving
from earshot.networks.voice_builders import N_DETAILS
from earshot.synthesis.inverter import Inverter
from earshot.synthesis.utterances import PITCH_HZ, Utterance, frame_details, sounds_of
from earshot.types import Array, PathLike

__all__ = ["Voice", "filled", "load_voice", "rows_of", "spread", "to_unit"]

SETTINGS = "voice.json"  # The file of a folder that holds front ends, sounds, speakers and card.
INVERTER = "inverter.keras"  # The file of the network that makes spectrograms sound.
STRESS = "',"  # Marks before a sound: the main stress of a word, a lesser one.
SLOWEST = 0.25  # speeds; beyond, sounds would be a frame long, or drones
FASTEST = 4.0
FULL = 16  # sounds and frames are filled up to multiples of it: few shapes, compiled once each
LONGEST_SOUND = 60  # frames; a network that says more of a sound does not know it


class Voice:
    """A network that reads, the names it reads by, and the inverter through which it is heard.

    Parameters
    ----------
    model : of :func:`earshot.networks.phoneme_voice`
    symbols : names of the sounds that it knows, as eSpeak NG calls them, without stress
    speakers : names of its voices, in the order of the network's
    inverter : its ``front_end`` is that of the spectrograms
    texts : what it was trained on, from which it also rehearses when a speaker is added
    card : data, date, figures
    """

    def __init__(
        self, model: keras.Model, symbols: Sequence[str], speakers: Sequence[str],
        inverter: Inverter, texts: Sequence[str] = (), card: dict[str, Any] | None = None,
    ):  # fmt: skip
        self.model, self.inverter, self.card = model, inverter, dict(card or {})
        self.symbols, self.speakers, self.texts = tuple(symbols), tuple(speakers), tuple(texts)
        asked = {name: model.input[name] for name in ("symbols", "speaker")}
        self._timing = keras.Model(asked, model.output["timing"])  # without painting anything

    def __repr__(self):
        return f"Voice({len(self.speakers)} speakers, {len(self.symbols)} sounds)"

    @property
    def front_end(self) -> LogMel:
        """Settings of the spectrograms."""
        return self.inverter.front_end

    def say(
        self, words: str | Sequence[str], *, speaker: str | Mapping[str, float] | None = None,
        speed: float = 1.0,
    ) -> Any:  # fmt: skip
        """Speak: a waveform for one text, float32 at the front end's rate, a list for several.

        ``speaker``: one of ``speakers``, by default the first; or a part of each of several, such
        as ``{"george": 0.3, "theo": 0.7}``. ``speed``: 2 is twice as fast. Digits are read as
        numbers. Raises :class:`EarshotError` for a text in which there is nothing to say, a sound
        or speaker that it does not know.
        """
        told = self.utterances([words] if isinstance(words, str) else words, speaker, speed)
        waveforms = [self.inverter(one.spectrogram) for one in told]
        return waveforms[0] if isinstance(words, str) else waveforms

    def utterances(
        self, words: Sequence[str], speaker: str | Mapping[str, float] | None = None,
        speed: float = 1.0,
    ) -> list[Utterance]:  # fmt: skip
        """Give what :meth:`say` makes sound, step by step: sounds, lengths, pitch, spectrogram."""
        who, name = self.weights(speaker), _name_of(speaker or self.speakers[0])
        if not isinstance(speed, numbers.Real) or not SLOWEST <= speed <= FASTEST:
            raise EarshotError(f"The speed is {SLOWEST} to {FASTEST:g}, not {speed!r:.60}.")
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise EarshotError(f"Give a list of texts to say, not {words!r:.60}.")
        sounds = [self._known(word) for word in words]
        if not sounds:
            raise EarshotError("There is nothing to say: the list of words is empty.")
        rows = [rows_of(one, self.symbols) for one in sounds]
        n_sounds = -(-max(map(len, rows)) // FULL) * FULL
        inputs = {"symbols": filled(rows, n_sounds), "speaker": np.stack([who] * len(rows))}
        timing = self._timing.predict_on_batch(inputs)
        plans = []
        for one, (lengths, octaves) in zip(sounds, np.moveaxis(timing, -1, 1), strict=True):
            frames = np.rint(np.exp(lengths[: len(one)]) / speed)
            durations = np.clip(frames, 1, LONGEST_SOUND / speed).astype(int)
            middles, n = np.cumsum(durations) - durations / 2, durations.sum()
            pitch = np.interp(np.arange(n) + 0.5, middles, octaves[: len(one)])
            plans.append((one, durations, (PITCH_HZ * 2**pitch).astype(np.float32)))
        painted, top = self._painted(inputs, plans), self.front_end.top_db
        told = []
        for (one, durations, pitch), picture in zip(plans, painted, strict=True):
            db = (picture[: len(pitch)] - 1) * (top / 2)
            db = np.maximum(db - db.max(), -top)
            told.append(Utterance(one, name, durations, db, pitch))
        return told

    def _painted(self, inputs, plans):
        """Ask the network for pictures of sounds that have their lengths and pitches."""
        n_frames = -(-max(len(pitch) for _, _, pitch in plans) // FULL) * FULL
        alignment = np.zeros((len(plans), n_frames, inputs["symbols"].shape[1]), np.float32)
        for matrix, (_, durations, _) in zip(alignment, plans, strict=True):
            spread(durations, matrix)
        details = [frame_details(d, pitch, self.front_end) for _, d, pitch in plans]
        inputs = {**inputs, "alignment": alignment, "frames": filled(details, n_frames)}
        return self.model.predict_on_batch(inputs)["spectrogram"]

    def weights(self, speaker: str | Mapping[str, float] | None) -> Array:
        """Say how much of each voice a speaker has, as the network takes it: (speakers,), sum 1."""
        if not isinstance(speaker, str | Mapping | None):
            parts = '{"ann": 0.5, "bob": 0.5}'
            raise EarshotError(
                f"A speaker is a name, or parts such as {parts}: not {speaker!r:.60}."
            )
        shares = speaker if isinstance(speaker, Mapping) else {speaker or self.speakers[0]: 1.0}
        unknown = [str(name) for name in shares if name not in self.speakers]
        if unknown:
            known = some(self.speakers)
            raise EarshotError(f"The voice has no speaker {some(unknown)}: it has {known}.")
        values = [shares.get(name, 0.0) for name in self.speakers]
        are_numbers = all(isinstance(value, numbers.Real) for value in values)
        found = np.array(values if are_numbers else [-1.0], np.float32)
        if not (found >= 0).all() or not 0 < found.sum() < np.inf:
            raise EarshotError(f"Parts of voices are 0 or more, and not all 0: {dict(shares)}.")
        return found / found.sum()

    def _known(self, text):
        """Name the sounds of a text, if the voice knows them all."""
        sounds = sounds_of(text)
        strange = sorted({one for one in sounds if one.lstrip(STRESS) not in self.symbols})
        if strange:
            raise EarshotError(
                f"The voice has not learned the sound {some(strange)} of {text!r}: say something "
                "else, or train a voice with words that have it."
            )
        return sounds

    def save(self, folder: PathLike) -> None:
        """Write voice and inverter into a folder; a voice that was there is replaced."""
        settings = {
            "front_end": self.front_end.to_dict(), "symbols": self.symbols,
            "speakers": self.speakers, "texts": self.texts, "card": self.card,
            "inverter_card": self.inverter.card,
        }  # fmt: skip
        writers = {
            SETTINGS: {"format": saving.FORMAT, **settings}, INVERTER: self.inverter.model.save
        }  # fmt: skip
        saving.write(folder, self.model, writers)


def load_voice(folder: PathLike) -> Voice:
    """Load a :class:`Voice` from its folder; what is missing or damaged there is named."""
    readers = {
        SETTINGS: _read_settings, saving.NETWORK: saving.read_network,
        INVERTER: saving.read_network,
    }  # fmt: skip
    (front_end, settings), model, inverting = saving.read(folder, readers, "voice")
    inverter = Inverter(inverting, front_end, settings["inverter_card"])
    symbols, speakers, texts = (settings[name] for name in ("symbols", "speakers", "texts"))
    voice = Voice(model, symbols, speakers, inverter, texts, settings["card"])
    shapes = [model.input[name].shape[-1] for name in ("symbols", "speaker", "frames")]
    if shapes != [
        len(voice.symbols) + len(STRESS), len(voice.speakers), front_end.n_mels + N_DETAILS
    ] or inverting.input_shape[-1] != front_end.n_mels:  # fmt: skip
        raise EarshotError(f"The networks in {folder} are not of one voice: copy the folder again.")
    return voice


def _read_settings(path):
    settings = saving.read_settings(path)
    front_end = from_settings("LogMel", settings["front_end"])
    named = {name: tuple(settings[name]) for name in ("symbols", "speakers", "texts")}
    cards = {name: dict(settings[name]) for name in ("card", "inverter_card")}
    return front_end, {**named, **cards}


def rows_of(sounds: Sequence[str], symbols: Sequence[str]) -> Array:
    """Turn names of sounds into rows of zeros and ones, (sounds, len(symbols) + 2), stress last."""
    rows = np.zeros((len(sounds), len(symbols) + len(STRESS)), np.float32)
    for row, sound in zip(rows, sounds, strict=True):
        row[list(symbols).index(sound.lstrip(STRESS))] = 1
        row[len(symbols) :] = [sound.startswith(mark) for mark in STRESS]
    return rows


def filled(rows: Sequence[Array], length: int) -> Array:
    """Put arrays (n, values) into one, (rows, length, values), with zeros behind them."""
    whole = np.zeros((len(rows), length, rows[0].shape[-1]), np.float32)
    for place, row in zip(whole, rows, strict=True):
        place[: len(row)] = row
    return whole


def spread(durations: Array, matrix: Array) -> None:
    """Write into zeros (frames, sounds) which frame belongs to which sound."""
    owner = np.repeat(np.arange(len(durations)), durations)
    matrix[np.arange(len(owner)), owner] = 1


def to_unit(db: Array, front_end: LogMel) -> Array:
    """Bring a spectrogram in dB to -1 to 1."""
    return (np.asarray(db, np.float32) / (front_end.top_db / 2) + 1).astype(np.float32)


def _name_of(speaker):
    if not isinstance(speaker, Mapping):
        return speaker
    return " + ".join(f"{share:.0%} {name}" for name, share in speaker.items() if share)
