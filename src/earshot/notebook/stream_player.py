"""A player that shows a stream's spectrogram and what a network hears at every step.

Our own, since with wavesurfer.js 8.0 an hour is ready after 37 s and takes 830 MB, here after 5 s
and 320 MB (``benchmarks/player.py``).

>>> import numpy as np, pathlib, tempfile
>>> from earshot.recognition import Steps
>>> steps = Steps(("noise", "speech"), np.tile([0.1, 0.9], (101, 1)), 100.0)
>>> player = Player(np.sin(np.arange(16000)), steps)
>>> page = pathlib.Path(tempfile.mkdtemp()) / "stream.html"
>>> player.save_html(page)
>>> page.read_text()[:15]
'<!doctype html>'
"""

import base64
import html
import io
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from earshot import audio, files
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.notebook.pictures import Pictured, as_png
from earshot.notebook.plots import streams, style
from earshot.recognition.classification import Steps
from earshot.types import Array, PathLike

__all__ = ["Player"]

HERE = Path(__file__).parent
RATE = 16000  # of the sound that is sent, in Hz
MOST_COLUMNS = 60_000  # of the spectrogram, however long the sound is: more is never seen
MOST_DRAWN = 1500  # the same in the picture that stands in for the player
TILE_COLUMNS = 4096  # in one PNG image: browsers are slow with wider ones
LONG_S = 300.0
"""Longer sound is sent as Ogg Vorbis: a fifth of FLAC's space, and MP3 would come 70 ms late."""
MOST_CLASSES = 256  # a label is sent as one byte
RED = "#D55E00"  # for noise, and
GREEN = "#009E73"  # for speech: told apart by the colour-blind, too
GREY = "#8a94a3"  # for what lies between words
OTHERS = ("#2a6f97", "#e09f3e", "#7b2d8b", "#1b998b", "#457b9d", "#9c6644", "#b5179e", "#588157",
          "#5a189a", "#bc6c25")  # fmt: skip


class Player(Pictured, anywidget.AnyWidget):
    """Plays a sound, with a cursor on its spectrogram and a square for what is heard.

    The square is green for "speech", red for "noise", and shows how sure the network is; a ribbon
    shows all classes, the line below it the keys. The sound is a file of any length or a waveform
    (at ``sample_rate``, in Hz; by default 16,000), the steps are what
    :func:`earshot.recognition.classify` gave for it.
    """

    _esm = HERE / "stream_player.js"
    _css = HERE / "stream_player.css"
    about = traitlets.Dict().tag(sync=True)
    sound = traitlets.Bytes().tag(sync=True)
    tiles = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)
    certainty = traitlets.Bytes().tag(sync=True)

    def __init__(
        self, sound: PathLike | Array, steps: Steps, *, sample_rate: int | None = None,
        title: str = "",
    ) -> None:  # fmt: skip
        rate = RATE if sample_rate is None else audio.whole_rate(sample_rate)
        if isinstance(sound, str | os.PathLike):
            duration_s = audio.duration(sound)
        else:
            duration_s = len(sound := audio.validate(sound)) / rate
        _check(steps, duration_s)
        tiles, columns_per_s = _tiles(sound, rate)
        self._steps, self._settings = steps, _settings(rate)
        coded, kind = _coded(sound, rate, duration_s > LONG_S)
        names = list(steps.class_names)
        about = {
            "title": title, "duration_s": duration_s, "class_names": names,
            "steps_per_s": steps.steps_per_s, "columns_per_s": columns_per_s, "sound_type": kind,
            "colours": _colours(names), "tile_sizes": [len(tile) for tile in tiles],
            "segments": [[s.start_s, s.end_s, names.index(s.word)] for s in steps.segments()],
        }  # fmt: skip
        super().__init__(
            about=about, sound=coded, tiles=b"".join(tiles),
            labels=steps.labels.astype(np.uint8).tobytes(),
            certainty=np.rint(255 * steps.probability).astype(np.uint8).tobytes(),
        )  # fmt: skip

    def picture(self) -> bytes:
        """Draw what stands in for the player where no widget runs: spectrogram and answers."""
        ends = np.cumsum([0, *self.about["tile_sizes"]])
        tiles = [_columns(self.tiles[a:b]) for a, b in itertools.pairwise(ends)]
        columns = np.concatenate(tiles)
        n = -(-len(columns) // MOST_DRAWN)
        columns = np.pad(columns, [(0, -len(columns) % n), (0, 0)], "edge")
        columns = columns.reshape(-1, n, columns.shape[1]).max(axis=1)
        figure, axis = streams.over_ribbons(
            columns, self.about["duration_s"], {"heard": self._steps}, unit="loudness, 8 bits",
            title=self.about["title"],
        )  # fmt: skip
        style.label_bands(axis, self._settings)
        return as_png(figure)

    def save_html(self, path: PathLike) -> None:
        """Write the player as one HTML file that needs no network; an older one is replaced."""
        names = ("sound", "tiles", "labels", "certainty")
        data = {name: base64.b64encode(getattr(self, name)).decode() for name in names}
        script = (HERE / "stream_player.js").read_text(encoding="utf-8")
        page = (
            (HERE / "stream_player.html")
            .read_text(encoding="utf-8")
            .format(
                title=html.escape(self.about["title"] or "earshot"),
                style=(HERE / "stream_player.css").read_text(encoding="utf-8"),
                script=script.replace("export default", "const player ="),
                about=json.dumps(self.about).replace("<", "\\u003c"),
                data=json.dumps(data),
            )
        )
        with files.atomic_path(path, endings={".html"}) as temporary:
            temporary.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")


def _check(steps: Steps, duration_s: float) -> None:
    if len(steps.class_names) > MOST_CLASSES or not np.isfinite(steps.probabilities).all():
        raise EarshotError("A player shows 256 classes at most, and no NaN among the answers.")
    heard_s = len(steps) / steps.steps_per_s
    if abs(duration_s - heard_s) > 0.1:
        raise EarshotError(
            f"The steps are about {heard_s:.1f} s of sound, and this is {duration_s:.1f} s long: "
            "give the sound that was classified, and its sample_rate."
        )


def _settings(rate: int) -> StreamSpectrogram:
    """Give the settings of the spectrogram that is shown, of a sound of this rate in Hz."""
    shown = rate if rate < RATE and rate % 100 == 0 else RATE
    return StreamSpectrogram(
        sample_rate=shown, n_fft=2 * (shown * 16 // 1000), hop_length=shown // 100, n_mels=64,
        floor_s=None, top_db=90.0,
    )  # fmt: skip


def _tiles(sound: PathLike | Array, rate: int) -> tuple[list[bytes], float]:
    """Make the spectrogram as a row of PNG images; gives them and their columns a second."""
    settings = _settings(rate)
    parts = settings.blocks(audio.blocks_of(sound, rate))
    quantized = np.concatenate([settings.to_quantized(part) for part in parts])
    n = -(-len(quantized) // MOST_COLUMNS)  # steps in a column, of which the loudest is shown
    quantized = np.pad(quantized, [(0, -len(quantized) % n), (0, 0)], "edge")
    quantized = quantized.reshape(-1, n, settings.n_bands).max(axis=1)
    low, high = np.percentile(quantized, 5), max(int(quantized.max()), 1)
    scaled = np.clip((quantized - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
    starts = range(0, len(scaled), TILE_COLUMNS)
    return [_image(scaled[at : at + TILE_COLUMNS]) for at in starts], settings.steps_per_s / n


def _image(columns: Array) -> bytes:
    """Give a PNG image of values from 0 to 255, shape (columns, bands), the first band below."""
    import matplotlib
    from PIL import Image

    palette = (matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    image = Image.fromarray(columns.T[::-1], mode="P")
    image.putpalette(palette.tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _columns(tile: bytes) -> Array:
    """Give back the values of :func:`_image`."""
    from PIL import Image

    with Image.open(io.BytesIO(tile)) as image:
        return np.asarray(image)[::-1].T


def _coded(sound: PathLike | Array, sample_rate: int, long: bool) -> tuple[bytes, str]:
    """Code a sound for the browser; gives the bytes and their type."""
    import soundfile

    file = io.BytesIO()
    form, coding = ("OGG", "VORBIS") if long else ("FLAC", "PCM_16")
    with soundfile.SoundFile(file, "w", RATE, 1, coding, format=form) as out:
        resampler: Any = None
        for block, rate in audio.blocks_of(sound, sample_rate):
            resampler = resampler or audio.Resampler(rate, RATE)
            out.write(np.clip(resampler.push(block), -1, 1))
        out.write(np.clip(resampler.flush(), -1, 1))
    return file.getvalue(), "audio/ogg" if long else "audio/flac"


def _colours(class_names: Sequence[str]) -> list[str]:
    """A colour for each class; the first is what lies between the others."""
    known = {"noise": RED, "speech": GREEN, "": GREY}
    return [known.get(name, OTHERS[i % len(OTHERS)]) for i, name in enumerate(class_names)]
