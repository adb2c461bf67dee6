"""The spectrogram of a whole stream, (steps, bands), and the windows that a network sees of it.

>>> settings = StreamSpectrogram()
>>> spectrogram = settings.spectrogram(np.zeros(16000, np.float32), 8000)
>>> windows, steps = settings.cut(spectrogram, step=50)
>>> spectrogram.shape, windows.shape, steps
((201, 40), (3, 63, 40), array([ 31,  81, 131]))
"""

import dataclasses
import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from earshot.audio import Resampler, blocks_of
from earshot.errors import EarshotError
from earshot.features.mel import TOP_DB, MelBands, require
from earshot.features.short_time import power_blocks
from earshot.types import Array, Blocks, Sound

__all__ = ["StreamSpectrogram", "difference", "power_along"]

FAINTEST = 1e-9  # power that counts as silence; 16 bits have a little more noise of their own
SMOOTH_STEPS = 6.0  # time constant of the smoothing before the least level is looked for
LONGEST_FLOOR = 100_000  # most steps that a noise floor looks back: 17 minutes of 10 ms


@dataclasses.dataclass(frozen=True)
class StreamSpectrogram(MelBands):
    """Settings of a stream's spectrogram and of a network's windows on it.

    Values are dB above the noise floor of each band, the least smoothed level of the last seconds,
    so that neither the loudness nor the colour of a steady noise matters: Martin (2001), "Noise
    power spectral density estimation based on optimal smoothing and minimum statistics".

    Parameters
    ----------
    n_mels : None: a linear spectrogram, ``1 + n_fft // 2`` bands; the others as in MelBands
    floor_s : seconds before each step whose least level is the noise floor; None: a fixed one
    top_db : what is louder is cut off; values run from 0 to this
    n_frames, n_ahead : steps of a window, and how many come after the step that it is about
    """

    n_mels: int | None = 40  # type: ignore[assignment]
    floor_s: float | None = 3.0
    top_db: float = 50.0
    n_frames: int = 63
    n_ahead: int = 31

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "top_db", numbers.Real, 1e-6, TOP_DB, f"above 0 and up to {TOP_DB:g}")
        needed = f"from 2 (one step says nothing) to {LONGEST_FLOOR:,}"
        require(self, "n_frames", least=2, most=LONGEST_FLOOR, needed=needed)
        last, step_s = self.n_frames - 1, self.hop_length / self.sample_rate
        require(self, "n_ahead", least=0, most=last, needed=f"from 0 to {last} steps")
        if self.floor_s is not None:
            needed = f"from one step to {LONGEST_FLOOR} steps, or None"
            require(self, "floor_s", numbers.Real, step_s, LONGEST_FLOOR * step_s, needed)

    @property
    def n_bands(self) -> int:
        """Number of values in a step."""
        return self.n_mels or 1 + self.n_fft // 2

    @property
    def output_shape(self) -> tuple[int, int]:
        """Shape ``(n_frames, bands)`` of a window, which is what a network takes."""
        return (self.n_frames, self.n_bands)

    @property
    def n_samples(self) -> int:
        """Length of a clip that fills one window."""
        return (self.n_frames - 1) * self.hop_length

    @property
    def steps_per_s(self) -> float:
        """How many steps a second has."""
        return self.sample_rate / self.hop_length

    def spectrogram(self, sound: Sound, sample_rate: int | None = None) -> Array:
        """Make the complete spectrogram of a recording of any length; a file is read in blocks.

        A waveform at another rate needs its ``sample_rate`` in Hz. Gives float32 in [0, top_db],
        shape (steps, bands).
        """
        rate = self.sample_rate if sample_rate is None else sample_rate
        blocks = self.blocks(blocks_of(sound, rate))
        return np.concatenate([np.zeros((0, self.n_bands), np.float32), *blocks])

    def blocks(self, blocks: Blocks) -> Iterator[Array]:
        """Yield the steps that are certain by each block and at the end, equal to one piece's."""
        floor = _NoiseFloor(self)
        for power in power_along(self, blocks, self._power):
            db = 10 * np.log10(np.maximum(power, FAINTEST))
            level = floor.follow(db) if len(db) else 0.0
            yield np.clip(db - level, 0, self.top_db).astype(np.float32)

    def _power(self, x):
        if self.n_mels:
            return self.mel_power(x)
        return np.concatenate([*power_blocks(x[None], self.n_fft, self.hop_length)])

    def cut(self, spectrogram: Array, *, step: int = 1) -> tuple[Array, Array]:
        """Cut windows ``step`` apart: (n, n_frames, bands), and the step each is about, (n,)."""
        shape = np.shape(spectrogram)
        if len(shape) != 2 or shape[1] != self.n_bands:
            made = f"These settings make spectrograms of shape (steps, {self.n_bands})"
            raise EarshotError(f"{made}, not {shape}: cut with those that it was made with.")
        if not isinstance(step, numbers.Integral) or step < 1:
            raise EarshotError(f"Windows are cut a whole number of steps apart, not {step!r}.")
        if len(spectrogram) < self.n_frames:
            raise self.too_short(len(spectrogram))
        windows = np.lib.stride_tricks.sliding_window_view(spectrogram, self.n_frames, axis=0)
        windows = windows[::step].swapaxes(1, 2)
        return windows, np.arange(len(windows)) * step + self.n_frames - 1 - self.n_ahead

    def too_short(self, n_steps: int) -> EarshotError:
        """Give the error about a stream of fewer steps than a window."""
        has_s, needs_s = n_steps / self.steps_per_s, self.n_frames / self.steps_per_s
        lengths = f"The stream is {has_s:.2f} s long, and a window takes {needs_s:.2f} s"
        return EarshotError(f"{lengths}: record a longer one, or use shorter windows.")

    def to_quantized(self, spectrogram: Array) -> Array:
        """Bring values of 0 to ``top_db`` to whole ones of 0 to 255 (uint8); others are cut off."""
        scaled = np.asarray(spectrogram, np.float32) * np.float32(255 / self.top_db)
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def from_quantized(self, quantized: Array) -> Array:
        """Bring back what :meth:`to_quantized` gave, to within ``top_db / 510``."""
        return np.asarray(quantized, np.float32) * np.float32(self.top_db / 255)

    def __call__(self, clips: Sequence[Array]) -> Array:
        """Make a window of the middle of each clip, its edges held: (n, n_frames, bands)."""
        windows = np.empty((len(clips), *self.output_shape), np.float32)
        for window, clip in zip(windows, clips, strict=True):
            spectrogram = self.spectrogram(clip)
            steps = np.arange(self.n_frames) + (len(spectrogram) - self.n_frames) // 2
            window[:] = spectrogram[np.clip(steps, 0, len(spectrogram) - 1)]
        return windows


def power_along(
    settings: MelBands, blocks: Blocks, power_of: Callable[[Array], Array]
) -> Iterator[Array]:
    """Yield the power of a stream's steps that are certain by each block and at the end.

    ``power_of`` makes it of waveforms, shape (samples,), in frames around multiples of the hop.
    Together the steps, of shape (steps, bands), are what it makes of the whole stream.
    """
    hop = settings.hop_length
    margin = -(-settings.n_fft // 2 // hop)  # in steps
    silence = np.zeros(margin * hop, np.float32)
    kept, nothing = silence, power_of(silence)[:0]
    for x, last in _resampled(blocks, settings.sample_rate):
        kept = np.concatenate([kept, x, silence] if last else [kept, x])
        n_steps = len(kept) // hop - 2 * margin + last
        if n_steps <= 0:
            yield nothing
            continue
        yield power_of(kept[: (n_steps + 2 * margin) * hop])[margin : margin + n_steps]
        kept = kept[n_steps * hop :]


def _resampled(blocks: Blocks, rate: int) -> Iterable[tuple[Array, bool]]:
    """Give a stream at another rate, and for each part whether it is the last."""
    resampler = None
    for block, block_rate in blocks_of(blocks, rate):
        resampler = resampler or Resampler(block_rate, rate)
        yield resampler.push(block), False
    if resampler:
        yield resampler.flush(), True


class _NoiseFloor:
    """Follows the least smoothed level of each band over the steps that have passed."""

    def __init__(self, settings: StreamSpectrogram) -> None:
        self.n_steps = round((settings.floor_s or 0) * settings.steps_per_s)
        self.smooth: Any = None
        self.past = np.full((max(self.n_steps - 1, 0), settings.n_bands), np.inf)

    def follow(self, db: Array) -> Any:
        """Take the next levels, in dB, shape (steps, bands); give the floor at each of them."""
        if self.n_steps == 0:
            return 10 * np.log10(FAINTEST)
        from scipy.ndimage import minimum_filter1d
        from scipy.signal import lfilter

        keep, n = np.exp(-1 / SMOOTH_STEPS), self.n_steps
        before = keep * db[:1] if self.smooth is None else self.smooth
        smooth, self.smooth = lfilter([1 - keep], [1, -keep], db, axis=0, zi=before)
        past = np.concatenate([self.past, smooth])
        self.past = past[len(past) - n + 1 :]
        return minimum_filter1d(past, n, axis=0, origin=(n - 1) // 2)[n - 1 :]


def difference(first: Array, second: Array) -> Array:
    """Subtract the second spectrogram, (steps, bands) in dB, over the steps that both have."""
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        both = f"Spectrograms of {first.shape} and {second.shape} differ in settings"
        raise EarshotError(f"{both}: make both with the same.")
    n = min(len(first), len(second))
    return np.subtract(first[:n], second[:n], dtype=np.float32)
