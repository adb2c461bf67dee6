"""The contract of everything that turns clips of sound into what a network sees.

>>> front_end = from_settings("LogMel", {"n_mels": 20})
>>> kind_of(front_end), front_end.output_shape
('LogMel', (101, 20))
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.features.stream import StreamSpectrogram
from earshot.types import Array

__all__ = ["KINDS", "FrontEnd", "from_settings", "kind_of"]


@runtime_checkable
class FrontEnd(Protocol):
    """Frozen settings; calling them makes the inputs of a network.

    ``sample_rate`` is in Hz; ``n_samples``, the length of the clips, is None when any is taken;
    ``output_shape`` is what a network sees of one clip, a tuple of shapes when it has two inputs.
    Those that are stored on disk, LogMel and RawWaveform, have ``pack`` and ``unpack`` as well.
    """

    @property
    def sample_rate(self) -> int: ...
    @property
    def n_samples(self) -> int | None: ...
    @property
    def output_shape(self) -> tuple[Any, ...]: ...

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as a dict that JSON can hold."""

    def __call__(self, clips: Sequence[Array], /) -> Any:
        """Turn clips, each of shape (samples,), into a batch: an array, or a tuple of arrays."""


KINDS: dict[str, type] = {"LogMel": LogMel, "Samples": RawWaveform, "Windows": StreamSpectrogram}
"""Front ends by the names in saved folders: "Samples" and "Windows" are older than the classes'."""


def kind_of(front_end: FrontEnd) -> str:
    """Give the name under which a front end's settings are saved, one of :data:`KINDS`."""
    return next(kind for kind, made in KINDS.items() if isinstance(front_end, made))


def from_settings(kind: str, settings: dict[str, Any]) -> FrontEnd:
    """Bring back the front end whose :func:`kind_of` and ``to_dict()`` these are."""
    if kind not in KINDS:
        raise EarshotError(f"There is no front end {kind!r}: choose one of {', '.join(KINDS)}.")
    try:
        return KINDS[kind](**settings)
    except TypeError as error:
        raise EarshotError(f"These are no settings of a {kind}: {error}.") from error
