"""A recognizer as one page that listens: its network, the engine and all the rest in one file.

The page finds words as :func:`earshot.listen` does, in any browser with a microphone, from a disk,
``localhost`` or https, and asks for nothing from the network. Its parts are in ``page/``.

>>> settings_of(page({"words": ["</script><b>"]}, title="<i>")) == {"words": ["</script><b>"]}
True
"""

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from earshot import files
from earshot.errors import EarshotError
from earshot.exports import engine, light
from earshot.features.log_mel import LogMel
from earshot.features.mel import mel_matrices
from earshot.types import Array, PathLike

if TYPE_CHECKING:
    import keras

    from earshot.exports.graph import Exportable

__all__ = ["ENDINGS", "FILE", "PACKAGES", "PARTS", "PRECISIONS", "answers", "check_page", "checked",
           "network_for", "network_of", "packed", "page", "planes", "settings_of", "sign", "signed",
           "source", "with_engine", "write"]  # fmt: skip

FILE = "index.html"
PARTS = ()  # nothing is beside it
PACKAGES = ("ai_edge_litert", "ai_edge_quantizer")
PRECISIONS = ("float16", "float32", "int8")
ENDINGS = (".html", ".htm")  # of a target that is to be the page itself, not a folder for it
MARK = b'<meta name="generator" content="earshot">'  # by which a page of ours is known
SCRIPTS = ("sound.js", "spotting.js", "engine.js", "microphone.js", "picture.js", "page.js")
"""In the order in which they build on each other."""
FIELD = re.compile(r"\{\{(\w+)\}\}")  # what of the template is filled in
PART = r'(<script type="[\w/]+" id="{}">)(.*?)(</script>)'  # of the page
LISTED = 3  # words in a title


def write(
    recognizer: "Exportable", folder: Path, precision: str = "float16", *,
    data_dir: PathLike = "data",
) -> None:  # fmt: skip
    """Write the page; the engine is downloaded once, to ``<data_dir>/downloads``."""
    checked(recognizer.front_end)
    names = [name for name in recognizer.class_names if name != "unknown"]
    listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    settings = {
        "words": recognizer.class_names, "threshold": recognizer.spotting_threshold,
        "background": recognizer.background(), "output": light.LOGITS,
    }  # fmt: skip
    text = with_engine(
        settings, recognizer.front_end, network_for(recognizer.model, precision),
        title=f"Listening for {listed}", task="Say one of the words.", data_dir=data_dir,
    )  # fmt: skip
    (folder / FILE).write_text(text, encoding="utf-8")


def with_engine(
    settings: Mapping[str, Any], front_end: Any, network: bytes, *, data_dir: PathLike, **parts: str
) -> str:
    """Give the text of a page in which a LiteRT network runs; ``parts`` as for :func:`page`."""
    engine_parts = engine.parts(data_dir)
    about = {
        "front_end": front_end.to_dict(), "n_frames": front_end.output_shape[0],
        "centres_hz": front_end.centres_hz.tolist(),
        "engine": engine.ABOUT,
    }  # fmt: skip
    blobs = {name: packed(content) for name, content in engine_parts.items()}
    blobs["network"] = packed(planes(network))
    filters = mel_matrices(front_end)[0].astype("<f4").tobytes()
    return page(
        {**settings, **about}, filters=base64.b64encode(filters).decode(),
        bottom_hz=f"{front_end.fmin_hz:,.0f}", top_hz=f"{front_end.top_hz:,.0f}", **blobs, **parts,
    )  # fmt: skip


def checked(front_end: Any) -> LogMel:
    """Refuse a front end that a page cannot have."""
    if not isinstance(front_end, LogMel):
        kind = type(front_end).__name__
        raise EarshotError(
            f"A page listens along a stream, which a recognizer that reads a {kind} cannot: choose "
            "format='litert', or train one that reads a LogMel."
        )
    if front_end.n_fft & (front_end.n_fft - 1):
        raise EarshotError(
            f"A page needs a front end whose n_fft is a power of two, not {front_end.n_fft}: "
            "choose format='litert'."
        )
    return front_end


def network_for(model: "keras.Model", precision: str) -> bytes:
    """Give the LiteRT file of a network that is fast in a page."""
    if precision != "float16":
        return light.converted(model, precision)
    from earshot.exports import operations  # imports LiteRT's tools

    return operations.in_half_precision(light.converted(model, "float32"))


def planes(content: bytes) -> bytes:
    """Give the first bytes of all values of 32 bits, then the second ones: so they pack better."""
    return np.frombuffer(content + bytes(-len(content) % 4), np.uint8).reshape(-1, 4).T.tobytes()


def packed(content: bytes) -> str:
    """Give bytes as a page holds them: packed by gzip, as base64."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def page(settings: Mapping[str, Any], *, title: str, **parts: str) -> str:
    """Give the text of the page around these settings; ``parts`` are base64, markup, or nothing."""
    fields = {
        "title": html.escape(title), "settings": _json(settings), "style": source("page.css"),
        "ears": source("ears.js"), "script": source(*SCRIPTS), **parts,
    }  # fmt: skip
    return FIELD.sub(lambda found: fields.get(found[1], ""), source("page.html"))


def source(*names: str) -> str:
    """Give some of the page's own files as one text."""
    place = resources.files(__package__) / "page"
    return "".join((place / name).read_text("utf-8") for name in names)


def _json(content: Any) -> str:
    """Give JSON that ends no script element, whatever the words are."""
    return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")


def _part(text: str, name: str) -> str:
    found = re.search(PART.format(name), text, re.DOTALL)
    if not found:
        raise ValueError(f"the page has no {name}")
    return found[2]


def settings_of(text: str) -> Any:
    """Give the settings that a page was made with."""
    return json.loads(_part(text, "settings"))


def network_of(text: str) -> light.LightNetwork:
    """Give the network that is in a page."""
    content = gzip.decompress(base64.b64decode(_part(text, "network")))
    return light.LightNetwork(np.frombuffer(content, np.uint8).reshape(4, -1).T.tobytes())


def signed(text: str, card: Mapping[str, Any]) -> str:
    """Put the card into the page too, which may go without its folder."""
    return re.sub(
        PART.format("card"), lambda found: found[1] + _json(card) + found[3], text, count=1,
        flags=re.DOTALL,
    )  # fmt: skip


def sign(folder: Path, card: Mapping[str, Any]) -> None:
    """Put the card into the page of a folder."""
    path = folder / FILE
    path.write_text(signed(path.read_text("utf-8"), card), encoding="utf-8")


def check_page(path: PathLike) -> None:
    """Refuse to replace a file that is no page of ours."""
    with files.explained(path):
        if Path(path).exists() and MARK not in Path(path).read_bytes()[:2000]:
            raise EarshotError(f"{path} is no page of earshot's, and would be lost: name another.")


def answers(folder: Path, waveforms: Array) -> Array:
    """Give probabilities, shape (n, n_classes), as the network in the page gives them."""
    text = (folder / FILE).read_text("utf-8")
    front_end = LogMel(**settings_of(text)["front_end"])
    spectrograms = front_end(np.asarray(waveforms))
    return softmax(network_of(text).predict_on_batch(spectrograms), axis=1)
