"""Widgets that leave a picture where no widget runs: on GitHub, in nbviewer, in a saved page.

>>> from earshot.notebook.plots import style
>>> box = PicturedBox([], lambda: as_png(style.note("cat")), sounds="<audio></audio>")
>>> sorted(box._repr_mimebundle_())[1:]
['image/png', 'text/html', 'text/plain']
"""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

__all__ = ["Pictured", "PicturedBox", "as_png", "below_each_other"]

DPI = 80  # of the pictures: nine inches fill 720 pixels of a page


def as_png(figure: Figure) -> bytes:
    """Give a figure as a PNG image, and close it: a notebook would show it once more."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    plt.close(figure)
    return below_each_other([file.getvalue()])


def below_each_other(images: Sequence[bytes]) -> bytes:
    """Put PNG images below each other, in one of 256 colours: a third as large."""
    from PIL import Image

    parts = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    size = max(part.width for part in parts), sum(part.height for part in parts)
    whole, top = Image.new("RGB", size, "white"), 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    file = io.BytesIO()
    whole.quantize(256, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
    return file.getvalue()


class Pictured:
    """What a widget shows, in its MIME bundle, to pages that run no widgets; mixed into its class.

    The PNG image that :meth:`picture` gives, and, where there are ``sounds`` (the HTML of players),
    the same image above them as HTML: nbviewer plays them.
    """

    sounds = ""

    def picture(self) -> bytes:
        """Give what stands in for the widget, as a PNG image."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> Any:
        shown: Any = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        bundle = dict(shown[0] if isinstance(shown, tuple) else shown)
        bundle["image/png"] = image = base64.b64encode(self.picture()).decode()
        if self.sounds:
            bundle["text/html"] = f'<img src="data:image/png;base64,{image}"><br>{self.sounds}'
        return bundle


class PicturedBox(Pictured, ipywidgets.VBox):
    """Widgets below each other; ``picture``, which gives a PNG image, is called to show them."""

    def __init__(
        self, children: Sequence[Any], picture: Callable[[], bytes], *, sounds: str = ""
    ) -> None:
        super().__init__(children)
        self._picture, self.sounds = picture, sounds

    def picture(self) -> bytes:
        """Give what stands in for the widgets, as a PNG image."""
        return self._picture()
