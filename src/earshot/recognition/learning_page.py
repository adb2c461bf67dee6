"""A page that learns words where they are recorded, in a browser, and what it saves, read again.

The page does what :func:`earshot.learn_words` does, in JavaScript, with the base in it and a part
of what the base remembers. Nothing leaves the machine. Its parts are in ``exports/page``.

>>> rounded(np.array([[0.5, -0.25]]), 24.0)
array([[12, -6]], dtype=int8)
"""

import base64
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot import files
from earshot.datasets import augmentation
from earshot.errors import EarshotError
from earshot.exports.light import is_needed
from earshot.networks import saving
from earshot.recognition import last_layer, new_words, thresholds
from earshot.recognition.last_layer import layer_name, spoken
from earshot.recognition.memory import SCALE, SYNTHETIC, Memory
from earshot.recognition.recognizer import N_SCORES, UNKNOWN, Recognizer
from earshot.types import Array, PathLike

if TYPE_CHECKING:
    import keras

__all__ = ["from_page", "page_that_learns", "rounded"]

N_OTHERS = 1000  # remembered clips that the words are told from: with 3,900, 1 % of answers differ
N_HELD_OUT = 1500  # that set the threshold of "unknown": twice as many as its share takes
STEP = 32.0  # of a feature in the page, per 1: an error of 0.1 logits
ALONG_STEP = 24.0  # the same of streams, which are most of what a page remembers
ALONG_WINDOWS = 250  # that are kept of them together, a minute: between them no peak is missed
ALONG_EVERY = 3  # such part is kept: the threshold along streams is from 20 minutes of an hour
FALSE_ACCEPTANCE = 0.005  # as in learn_words
PER_HOUR = 0.5  # false alarms, as in learn_words
LEAST_ALIKE = 0.95  # cosine of the page's features of a clip and Python's: with 8 bits 0.965
TOLERANCE = 1e-4  # of the gradient of the regression, as scikit-learn's
NOISE_SLOPE = (0.0, 1.2)  # as augmentation.coloured_noise
WORKER = (
    "sound.js",
    "spotting.js",
    "variation.js",
    "stretch.js",
    "learner.js",
)  # what runs beside the page
FORMAT = "earshot words"  # what a page saves for Python


def page_that_learns(
    recognizer: Recognizer, path: PathLike, *, precision: str = "int8", data_dir: PathLike = "data"
) -> None:
    """Write one HTML file in which words are typed, recorded, learned, and listened for.

    It works from a disk, without a server and without the internet, and asks for nothing from it.
    What it has learned can be saved as a page that listens, and for Python: :func:`from_page`.

    Parameters
    ----------
    recognizer : that the words are learned from, with a memory: best ``models/base``
    path : ends in ".html"; a page of earshot's that is there already is replaced
    precision : of the network's weights in the page, "int8", "float16" or "float32"
    data_dir : the engine, LiteRT.js, is downloaded once from npm to its ``downloads``

    Raises :class:`EarshotError` when the recognizer remembers nothing that new words are told from,
    when another file is there, or when the page's network answers otherwise. TensorFlow backend
    only.
    """
    if is_needed():
        raise EarshotError('TensorFlow makes pages: pip install "earshot[train]".')
    from earshot.exports import web  # imports TensorFlow

    files.check_ending(path, web.ENDINGS)
    web.check_page(path)
    web.checked(recognizer.front_end)
    memory = _checked_memory(recognizer)
    if precision not in web.PRECISIONS:
        choice = ", ".join(web.PRECISIONS)
        raise EarshotError(f"A page has no precision {precision!r}: choose one of {choice}.")
    remembered, about = _remembered(recognizer, memory)
    settings = {
        "words": [], "threshold": 0.0, "background": None, "output": memory.layer,
        "learning": {**_how(memory), **about, "base": _fingerprint(memory)},
    }  # fmt: skip
    text = web.with_engine(
        settings, recognizer.front_end, web.network_for(_trunk(recognizer, memory), precision),
        data_dir=data_dir, title="Teach it your words", task="Type words, record them, and it "
        "listens for them.", learning=web.source("learning.html"),
        learner=_scripts(web, remembered),
    )  # fmt: skip
    _compare(recognizer, memory, web.network_of(text))
    card = {"precision": precision, "recognizer": {"data": recognizer.card.get("data", "")}}
    with files.atomic_path(path) as temporary:
        temporary.write_text(web.signed(text, card), encoding="utf-8")


def _checked_memory(recognizer: Recognizer) -> Memory:
    memory = recognizer.memory
    needed = thresholds.clips_needed(FALSE_ACCEPTANCE)
    if memory is None or memory.held_out.sum() < needed or not memory.along_hours:
        raise EarshotError(
            "A page learns words against what its recognizer remembers of other speech, and this "
            "one remembers too little: choose models/base."
        )
    layer_name(recognizer, memory.layer)
    return memory


def _trunk(recognizer: Recognizer, memory: Memory) -> "keras.Model":
    """Give the network up to its features, with a last layer that says nothing."""
    import keras

    features = recognizer.model.get_layer(memory.layer).output
    if len(features.shape) > 2:
        raise EarshotError(
            f"The layer {memory.layer} of this network has a time axis, which a page cannot "
            "average: choose models/base."
        )
    nothing = keras.layers.Dense(2, kernel_initializer="zeros", name="nothing")(features)
    return keras.Model(recognizer.model.input, nothing)


def _remembered(recognizer: Recognizer, memory: Memory) -> tuple[Array, dict[str, Any]]:
    """Give rows of what is remembered, int8, and what they are."""
    rng = np.random.default_rng(0)
    fitted, held_out = np.flatnonzero(~memory.held_out), np.flatnonzero(memory.held_out)
    others = np.sort(rng.permutation(fitted)[:N_OTHERS])
    held_out = np.sort(rng.permutation(held_out)[:N_HELD_OUT])
    names = memory.words(recognizer.class_names)
    own = [spoken(name) for name in recognizer.class_names]
    directions = last_layer.old_directions(recognizer, memory.layer, own)
    kept = np.arange(len(memory.along)) // ALONG_WINDOWS % ALONG_EVERY == 0
    parts = {
        "others": rounded(memory.features[others], STEP),
        "held_out": rounded(memory.features[held_out], STEP),
        "along": rounded(memory.along[kept] / SCALE, ALONG_STEP),
        "old": rounded(directions, STEP),
    }  # fmt: skip
    scales, hours = {"along": ALONG_STEP}, memory.along_hours * float(kept.mean())
    about = {
        "parts": {k: {"rows": len(x), "scale": scales.get(k, STEP)} for k, x in parts.items()},
        "n_features": memory.features.shape[1], "other_words": [names[i] for i in others],
        "old_words": own, "hours": hours, "seconds": round(3600 * hours),
    }  # fmt: skip
    return np.concatenate([*parts.values()]), about


def rounded(x: Array, step: float) -> Array:
    """Give features as whole numbers of 8 bits, ``step`` of them to 1."""
    return np.rint(np.clip(np.asarray(x, np.float32) * step, -127, 127)).astype(np.int8)


def _how(memory: Memory) -> dict[str, Any]:
    """Give what :func:`earshot.learn_words` knows of learning, for the page to do it as well."""
    room = {"decay_s": augmentation.DECAY_S, "echo": augmentation.ECHO,
            "echo_s": augmentation.ECHO_S}  # fmt: skip
    return {
        "format": FORMAT,
        "layer": memory.layer, "c": last_layer.C, "tolerance": TOLERANCE,
        "most_steps": last_layer.MOST_STEPS,
        "regression": last_layer.REGRESSION, "mean_clips": last_layer.MEAN_CLIPS,
        "scale": last_layer.SCALE,
        "old_clips": last_layer.OLD_CLIPS, "n_variations": new_words.N_VARIATIONS,
        "variation": {
            **new_words.VARIATION.settings(), "room": room, "noise_slope": NOISE_SLOPE
        },
        "false_acceptance": FALSE_ACCEPTANCE, "tie": thresholds.TIE, "synthetic": SYNTHETIC,
        "per_hour": PER_HOUR, "tail": thresholds.TAIL, "n_scores": N_SCORES,
    }  # fmt: skip


def _scripts(web: Any, remembered: Array) -> str:
    """Give the part of the page that a page which only listens does not have."""
    script = '<script type="text/plain" id="{}">{}</script>\n'
    return (
        '<div id="learns">\n'
        + script.format("remembered", web.packed(remembered.tobytes()))
        + script.format("learner", web.source(*WORKER))
        + f"<script>{web.source('learning.js')}</script>\n</div>"
    )


def _fingerprint(memory: Memory) -> str:
    """Tell one base from another by what it remembers."""
    return hashlib.sha256(np.asarray(memory.features, "<f2").tobytes()).hexdigest()[:16]


def _compare(recognizer: Recognizer, memory: Memory, network: Any) -> None:
    """Refuse a page whose network gives other features than the recognizer's."""
    from earshot.exports import comparison

    clips = comparison.made_up(recognizer.class_names, recognizer.front_end.sample_rate)
    own = last_layer.embed(recognizer, clips, layer=memory.layer)
    front_end: Any = recognizer.front_end
    given = network.features(front_end(last_layer.checked_words(recognizer, clips).waveforms))
    alike = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(own, given, strict=True)]
    if network.layer != memory.layer or not min(alike) > LEAST_ALIKE:
        raise EarshotError(
            f"The page's network hears otherwise than the recognizer (likeness {min(alike):.3f}), "
            "and the page is not kept: choose precision='float16'."
        )


def from_page(recognizer: Recognizer, path: PathLike) -> Recognizer:
    """Read what a page that learns has saved for Python; gives a recognizer that answers as it did.

    ``recognizer`` is the one that :func:`page_that_learns` was given, best ``models/base``. It can
    learn more words, but keeps none of these: their recordings stayed in the browser. Raises
    :class:`EarshotError` for another file, and for a page that was made from another recognizer.
    """
    files.check_file(path)
    try:
        saved = _read(Path(path))
    except (ValueError, TypeError, KeyError, LookupError, AttributeError) as error:
        raise EarshotError(
            f"{path} is no file of a page that learns: choose the words.json that it saved."
        ) from error
    memory = recognizer.memory
    if memory is None or saved["base"] != _fingerprint(memory):
        raise EarshotError(
            f"{path} was learned by a page of another recognizer than {recognizer}: load that one."
        )
    if len(saved["kernel"]) != memory.features.shape[1]:
        raise EarshotError(f"{path} is damaged: save it from the page once more.")
    trunk = last_layer.trunk_of(recognizer, memory.layer, unit=True)
    card = {
        "data": "recordings that were made in a page that learns", "date": saved["date"],
        "clips": saved["n_clips"], "made_by": f"a page that learns, on {memory.layer}",
        "learned_from": recognizer.card,
    }  # fmt: skip
    return Recognizer(
        last_layer.with_head(trunk, saved["kernel"], saved["bias"]), recognizer.front_end,
        saved["words"], card, memory=_others(recognizer, memory, saved["words"]),
        spotting_threshold=saved["spotting_threshold"],
    )  # fmt: skip


def _read(path: Path) -> dict[str, Any]:
    """Read what a page saved; raises nearly anything where it is something else."""
    saved = saving.read_json(path)
    if saved["format"] != FORMAT or saved["words"][-1] != UNKNOWN:
        raise ValueError("another file")
    bias, kernel = (
        np.frombuffer(base64.b64decode(saved[name], validate=True), "<f4")
        for name in ("bias", "kernel")
    )
    if len(bias) != len(saved["words"]) or not np.isfinite([*bias, *kernel]).all():
        raise ValueError("another layer")
    return {
        "base": str(saved["base"]), "words": saved["words"], "date": str(saved["date"]),
        "bias": bias, "kernel": kernel.reshape(-1, len(bias)),
        "n_clips": sum(saved["counts"]), "spotting_threshold": float(saved["spotting_threshold"]),
    }  # fmt: skip


def _others(recognizer: Recognizer, memory: Memory, names: Sequence[str]) -> Memory:
    """Give what is remembered of all words but these, as a recognizer of these remembers it."""
    same = {name.casefold() for name in names}
    remembered = memory.words(recognizer.class_names)
    others = [word for word in dict.fromkeys(remembered) if word and word.casefold() not in same]
    places = {"": -1, **{word: -2 - i for i, word in enumerate(others)}}
    kept = np.array([word in places for word in remembered], bool)
    return dataclasses.replace(
        memory, features=memory.features[kept], held_out=memory.held_out[kept],
        labels=np.array([places[word] for word in remembered if word in places], int),
        dropped=tuple(others),
    )  # fmt: skip
