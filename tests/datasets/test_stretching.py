import numpy as np
import pytest

from earshot import audio
from earshot.datasets import stretching
from earshot.errors import EarshotError

RATE = 22050


@pytest.fixture
def tone():
    t = np.arange(RATE // 2) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def pitch_hz(x):
    middle = x[len(x) // 4 : 3 * len(x) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * RATE))
    return spectrum.argmax() / 8


def test_nine_variants_have_the_lengths_of_their_speeds(tone):
    lengths = [len(x) for x in stretching.stretch_and_shift(tone)]
    assert lengths == [round(len(tone) / s) for s in (0.7, 1.0, 1.3) for _ in range(3)]


def test_pitch_moves_by_semitones_and_only_by_them(tone):
    for i, x in enumerate(stretching.stretch_and_shift(tone)):
        assert pitch_hz(x) == pytest.approx(440 * 2 ** ((i % 3 - 1) / 12), rel=0.004)


def test_the_plain_variant_is_the_clip_itself(tone):
    assert np.array_equal(stretching.stretch_and_shift(tone)[4], tone)


@pytest.mark.parametrize("speed", [0.7, 1.3])
def test_stretching_is_that_of_librosa(speech, speed):
    import librosa

    x = audio.resample(speech.waveforms[7], 8000, RATE)
    theirs = librosa.effects.time_stretch(x, rate=speed)
    (ours,) = stretching.stretch_and_shift(x, speeds=(speed,), semitones=(0,))
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()


@pytest.mark.parametrize("n", [1, 100, 3000])
def test_short_clips_are_stretched_too(n):
    clips = stretching.stretch_and_shift(np.full(n, 0.1, np.float32))
    assert all(np.isfinite(clip).all() for clip in clips)


def test_a_clip_without_samples_is_refused():
    with pytest.raises(EarshotError, match="no samples"):
        stretching.stretch_and_shift(np.zeros(0))
