"""One call for every format: write, load again by the format's own runtime, compare, keep.

>>> import tempfile
>>> import numpy as np
>>> from earshot import LogMel, networks, recognition
>>> r = recognition.Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> folder = tempfile.mkdtemp()
>>> export(r, folder, [np.ones(8000)], about="a step", format="onnx").agreement
1.0
"""

import dataclasses
import importlib.util
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from earshot import files
from earshot.errors import EarshotError, reason_of
from earshot.exports import litert, micro, onnx, saved_model, web
from earshot.exports.comparison import Comparison, compared, padded
from earshot.exports.graph import Exportable, check_backend
from earshot.features.front_end import kind_of
from earshot.networks import saving
from earshot.networks.front_end_layers import as_layer
from earshot.types import Array, PathLike

__all__ = ["CARD", "FORMATS", "export"]

CARD = "card.json"  # beside the file: what goes in and comes out, and how it answers
FORMATS: dict[str, Any] = {
    "saved_model": saved_model, "litert": litert, "onnx": onnx, "web": web, "micro": micro,
}  # fmt: skip
"""Modules with the same names in them: ``write(recognizer, folder, precision)`` writes ``FILE`` and
``PARTS``, and gives what the card is to say of them, if anything; ``answers(folder, waveforms)``
asks what was written, by a runtime of ``PACKAGES``. The first of its ``PRECISIONS`` is the usual
one. A ``FILE`` that can go alone has ``ENDINGS`` of names for it: ``check_page(path)`` refuses to
replace what is another's, ``sign(folder, card)`` puts the card into it."""


def export(
    recognizer: Exportable, folder: PathLike, clips: Sequence[Array], *, about: str,
    format: str = "saved_model", precision: str | None = None,
    card: Mapping[str, Any] | None = None, **options: Any,
) -> Comparison:  # fmt: skip
    """Write a folder; see :meth:`earshot.recognition.Recognizer.export`.

    ``clips``, at the front end's rate, of ``n_samples`` at most, are what the export is compared
    on, ``about`` says which they are; ``card`` is the recognizer's own. ``options`` go to the
    formats that take them.
    """
    form, front_end = _checked(format, precision), recognizer.front_end
    precision = precision or form.PRECISIONS[0]
    as_layer(front_end)  # refuses what has none
    if not clips:
        raise EarshotError("The set to compare the export on is empty: leave test out.")
    endings = getattr(form, "ENDINGS", ())
    as_file = Path(folder).suffix.lower() in endings
    if as_file:
        form.check_page(folder)
    else:
        saving.check_replaceable(folder, [form.FILE], {*form.PARTS, CARD})
    expected = recognizer.probabilities(clips)
    with files.atomic_path(folder) as temporary:
        made = temporary.with_name(f"{temporary.name}-parts") if as_file else temporary
        made.mkdir()
        facts = form.write(recognizer, made, precision, **_taken(form.write, options)) or {}
        given = _answers(form, made, padded(clips, front_end))
        comparison = compared(expected, given, about=about)
        comparison.check(precision)
        text = {
            "format": format, "precision": precision, "words": recognizer.class_names,
            "kind": kind_of(front_end), "front_end": front_end.to_dict(),
            "spotting_threshold": recognizer.spotting_threshold,
            "compared": dataclasses.asdict(comparison), "recognizer": dict(card or {}), **facts,
        }  # fmt: skip
        if endings:
            form.sign(made, text)
        if as_file:
            (made / form.FILE).replace(temporary)
        else:
            content = json.dumps(text, indent=2, ensure_ascii=False)
            (made / CARD).write_text(content + "\n", encoding="utf-8")
    return comparison


def _checked(format: str, precision: str | None) -> Any:
    """Give the module of a format, if it can be written here."""
    if format not in FORMATS:
        raise EarshotError(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")
    form = FORMATS[format]
    if precision not in (None, *form.PRECISIONS):
        choice = ", ".join(form.PRECISIONS)
        raise EarshotError(f"{format} has no precision {precision!r}: choose one of {choice}.")
    check_backend()
    names = [x.replace("_", "-") for x in form.PACKAGES if not importlib.util.find_spec(x)]
    if names:
        missing = " ".join(names)
        raise EarshotError(f"The format {format} needs more packages: pip install {missing}")
    return form


def _taken(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Give those of the options that a function takes."""
    taken = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in taken}


def _answers(form: Any, folder: Path, waveforms: Array) -> Array:
    try:
        return form.answers(folder, waveforms)
    except Exception as error:  # each runtime has its own for files that it does not understand
        raise EarshotError(
            f"The export does not run in its own runtime ({reason_of(error):.200}), and is not "
            "kept: choose format='saved_model'."
        ) from error
