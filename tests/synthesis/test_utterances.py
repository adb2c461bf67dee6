import numpy as np
import pytest

from earshot.datasets import espeak
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning
from earshot.synthesis import utterances
from earshot.synthesis.inverter import FINE

pytestmark = pytest.mark.skipif(
    not espeak.is_available(), reason="the offline voice is missing: pip install espeakng-loader"
)


@pytest.fixture(scope="module")
def seven():
    return utterances.from_espeak("seven", "en-us")


def words_of(*clips, name="seven"):
    n = len(clips)
    return WordSet(
        list(clips), np.zeros(n, int), (name,), np.array(["ann"] * n),
        np.array([f"{i}.wav" for i in range(n)]), 8000, "made for a test",
    )  # fmt: skip


def test_a_text_is_read_as_its_sounds_with_a_pause_at_either_end():
    assert utterances.sounds_of("seven") == ("_", "s", "'E", "v", "@", "n", "_")
    assert utterances.sounds_of("7") == utterances.sounds_of("seven")
    assert utterances.sounds_of("Seven!") == utterances.sounds_of("seven")


@pytest.mark.parametrize("text", ["", "  ", "?!", "...", 7, None])
def test_what_cannot_be_said_is_refused_in_a_sentence(text):
    with pytest.raises(EarshotError, match="give it some letters"):
        utterances.sounds_of(text)


def test_sounds_are_those_that_espeak_speaks_and_each_has_frames(seven):
    assert seven.symbols == utterances.sounds_of("seven")
    assert seven.durations.min() >= 1
    assert seven.durations.sum() == len(seven.spectrogram) == len(seven.pitch_hz)


def test_sounds_begin_where_espeak_says_so(seven):
    of = np.repeat(seven.symbols, seven.durations)
    tilt = {}
    for name in ("s", "'E"):
        band_means = seven.spectrogram[of == name].mean(axis=0)
        tilt[name] = band_means[FINE.centres_hz > 2000].mean() - band_means[:20].mean()
    assert tilt["s"] > tilt["'E"] + 10


def test_a_recording_is_aligned_by_the_same_word_in_another_voice(seven):
    slow, _ = espeak.say("seven", voice="en-us+m3", speed_wpm=110, sample_rate=8000)
    truth = utterances.from_espeak("seven", "en-us+m3", speed_wpm=110)
    found = utterances.aligned(np.pad(slow, 400), [seven], "ann")
    assert (found.symbols, found.speaker) == (truth.symbols, "ann")
    lengths = found.durations[1:-1], truth.durations[1:-1]
    np.testing.assert_allclose(*lengths, atol=5)


@pytest.mark.parametrize("pitch_hz", [90.0, 150.0, 240.0])
def test_a_pitch_is_followed_and_goes_on_where_it_is_silent(pitch_hz):
    time = np.arange(4000) / 8000
    x = sum(np.sin(2 * np.pi * k * pitch_hz * time) / k for k in range(1, 8))
    x = np.concatenate([np.zeros(1600), x, np.zeros(1600)]).astype(np.float32)
    found = utterances.pitch_of(x)
    assert len(found) == len(FINE(x))
    np.testing.assert_allclose(found, pitch_hz, rtol=0.03)


def test_silence_has_a_pitch_in_the_middle():
    assert (utterances.pitch_of(np.zeros(3000)) == utterances.PITCH_HZ).all()


def test_harmonics_are_marked_where_they_lie():
    pitch = float(FINE.centres_hz[10] / 2)
    marked = utterances.harmonics(np.array([pitch]))[0]
    assert marked.shape == (64,) and marked[10] == pytest.approx(1, abs=1e-3)


def test_frames_know_their_place_in_their_sound():
    details = utterances.frame_details(np.array([2, 4]), np.full(6, 150.0))
    assert details.shape == (6, 3 + 64)
    np.testing.assert_allclose(details[:, 0], [0.25, 0.75, 0.125, 0.375, 0.625, 0.875])
    assert (details[:, 2] == 0).all()


def test_clips_without_their_word_are_left_out_and_named():
    x, _ = espeak.say("seven", sample_rate=8000)
    words = words_of(x, np.zeros(4000, np.float32), x[:200])
    with pytest.warns(EarshotWarning, match=r"2 clips .* left out: 1\.wav, 2\.wav"):
        found = utterances.from_recordings(words)
    assert [one.speaker for one in found] == ["ann"]
