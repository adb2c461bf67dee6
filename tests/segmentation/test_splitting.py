import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.ndimage import uniform_filter1d
from support import MODELS

from earshot import audio
from earshot.datasets.streams import make_stream
from earshot.errors import EarshotError
from earshot.segmentation.splitting import split_words

RATE = 8000


def clatter(rng):
    """Things that are struck and ring on, as dishes do; half a minute."""
    x = 0.02 * rng.standard_normal(30 * RATE)
    t = np.arange(RATE // 2) / RATE
    for at in rng.integers(0, len(x) - len(t), 45):
        hz, decays_s = rng.uniform(700, 3900, 6), rng.uniform(0.01, 0.12, 6)
        tones = np.exp(-t / decays_s[:, None]) * np.sin(2 * np.pi * hz[:, None] * t)
        x[at : at + len(t)] += rng.exponential(0.5, 6) @ tones
    return x.astype(np.float32)


def machine(rng):
    """A whirr that swells twice a second over a hum; half a minute."""
    t = np.arange(30 * RATE) / RATE
    swell = 0.1 + np.square(np.sin(2 * np.pi * t))
    whirr = uniform_filter1d(rng.standard_normal(len(t)), 4)
    return (swell * (whirr + 0.3 * np.sin(2 * np.pi * 180 * t))).astype(np.float32)


class TestSplitWords:
    def test_every_word_is_found_once(self, assert_found, stream):
        assert_found(split_words(stream.waveform, RATE), stream.segments)

    @pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100, 48000])
    def test_any_sample_rate_will_do(self, assert_found, stream, rate):
        x = audio.resample(stream.waveform, RATE, rate)
        assert_found(split_words(x, rate), stream.segments)

    @pytest.mark.parametrize("hum_hz", [50, 60])
    def test_hum_does_not_matter(self, assert_found, stream, hum_hz):
        t = np.arange(len(stream.waveform)) / RATE
        hum = sum(0.1 / k * np.sin(2 * np.pi * hum_hz * k * t) for k in (1, 2, 3, 5))
        assert_found(split_words(stream.waveform + hum, RATE), stream.segments)

    def test_an_offset_does_not_matter(self, assert_found, stream):
        assert_found(split_words(stream.waveform + np.float32(0.3), RATE), stream.segments)

    def test_clipping_does_not_matter(self, assert_found, stream):
        assert_found(split_words(np.clip(6 * stream.waveform, -1, 1), RATE), stream.segments)

    def test_clicks_are_no_words(self, assert_found, stream):
        x = stream.waveform.copy()
        for a, b in zip(stream.segments, stream.segments[1:], strict=False):
            middle = round((a.end_s + b.start_s) / 2 * RATE)
            x[middle : middle + 8] += 0.9
        assert_found(split_words(x, RATE), stream.segments)

    def test_a_room_that_becomes_louder_half_way_is_followed(self, stream, rng):
        x = stream.waveform.copy()
        level = np.where(np.arange(len(x)) < len(x) / 2, 0.002, 0.02)
        x += (level * rng.standard_normal(len(x))).astype(np.float32)
        assert len(split_words(x, RATE)) == len(stream.segments)

    def test_a_machine_that_is_as_loud_as_words_is_none(self, assert_found, voices, rng):
        words = voices.subset(voices.speakers == voices.speakers[0])
        stream = make_stream(words, machine(rng), snr_db=12, sample_rate=RATE, seed=1)
        assert_found(split_words(stream.waveform, RATE), stream.segments)

    def test_things_that_are_struck_are_no_words(self, voices, rng):
        words = voices.subset(voices.speakers == min(voices.speakers))
        stream = make_stream(words, clatter(rng), snr_db=6, sample_rate=RATE, seed=1)
        assert len(split_words(stream.waveform, RATE)) == len(stream.segments)

    def test_loudness_does_not_matter(self, assert_found, stream):
        soft = split_words(stream.waveform * np.float32(0.01), RATE)
        assert_found(soft, stream.segments)

    def test_words_at_the_very_start_and_end_are_whole(self, voices):
        clips = voices.waveforms[:3]
        pause = np.zeros(RATE // 2, np.float32)
        x = np.concatenate([clips[0], pause, clips[1], pause, clips[2]])
        noise = np.random.default_rng(0).standard_normal(len(x))
        segments = split_words((x + 0.0005 * noise).astype(np.float32), RATE)
        assert len(segments) == 3
        assert segments[0].start_s < 0.03
        assert segments[-1].end_s > len(x) / RATE - 0.05

    @pytest.mark.parametrize("seconds", [0.001, 0.2, 1, 5, 60])
    def test_noise_alone_holds_no_words(self, rng, seconds):
        noise = 0.05 * rng.standard_normal(round(seconds * RATE))
        assert split_words(noise.astype(np.float32), RATE) == []

    def test_silence_holds_no_words(self):
        assert split_words(np.zeros(3 * RATE, np.float32), RATE) == []

    def test_a_word_of_three_seconds_is_one_word(self, rng):
        t = np.arange(5 * RATE) / RATE
        x = 0.3 * np.sin(2 * np.pi * 150 * t) * ((t > 1) & (t < 4))
        x += 0.001 * rng.standard_normal(len(x))
        (segment,) = split_words(x.astype(np.float32), RATE)
        assert abs(segment.start_s - 1) < 0.1
        assert abs(segment.end_s - 4) < 0.1

    def test_cut_words_are_recognized_like_the_originals(self, spoken_digit):
        from earshot.recognition import recognizer

        known = recognizer.load(MODELS / "spoken_digit")
        chosen = np.flatnonzero(spoken_digit.speakers == "yweweler")[::25]
        words = spoken_digit.subset(chosen)
        stream = make_stream(words, snr_db=40, sample_rate=RATE)
        segments = split_words(stream.waveform, RATE, n_words=len(words))
        cut = known.predict([s.cut(stream.waveform, RATE) for s in segments], sample_rate=RATE)
        uncut = known.predict(words.waveforms, sample_rate=RATE)
        wrong = sum(a.word != b.word for a, b in zip(cut, uncut, strict=True))
        assert wrong == 0

    def test_nan_is_refused_with_the_name_of_the_file(self, tmp_path):
        import soundfile

        soundfile.write(tmp_path / "bad.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
        with pytest.raises(EarshotError, match=r"bad\.wav holds NaN"):
            split_words(tmp_path / "bad.wav")

    def test_a_waveform_needs_its_rate(self):
        with pytest.raises(EarshotError, match="sample_rate"):
            split_words(np.zeros(100, np.float32))

    @settings(max_examples=30)
    @given(
        st.lists(st.tuples(st.floats(0.02, 1), st.floats(0, 1)), min_size=1, max_size=12),
        st.integers(0, 3),
    )
    def test_segments_are_in_order_inside_and_apart(self, bursts, seed):
        rng = np.random.default_rng(seed)
        parts = [
            level * rng.standard_normal(round(seconds * RATE)) for seconds, level in bursts
        ]  # fmt: skip
        x = np.concatenate(parts).astype(np.float32)
        segments = split_words(x, RATE)
        borders = [t for s in segments for t in (s.start_s, s.end_s)]
        assert borders == sorted(borders)
        assert all(0 <= t <= len(x) / RATE + 1e-4 for t in borders)
        assert all(0 <= s.confidence <= 1 and s.duration_s > 0 for s in segments)


class TestNWords:
    @pytest.mark.parametrize("n", [1, 5, 11, 13, 15])
    def test_exactly_so_many_are_returned(self, stream, n):
        assert len(split_words(stream.waveform, RATE, n_words=n)) == n

    def test_the_right_number_is_surer_than_a_wrong_one(self, voices):
        sure = []
        for speaker in np.unique(voices.speakers):
            said = voices.subset(voices.speakers == speaker)
            stream = make_stream(said, snr_db=25, sample_rate=RATE, seed=3)
            cuts = [split_words(stream.waveform, RATE, n_words=len(said) + k) for k in (-3, 0, 4)]
            sure.append([np.mean([s.confidence for s in cut]) for cut in cuts])
        fewer, right, more = np.mean(sure, axis=0)
        assert right > 0.85
        assert right > max(fewer, more)

    def test_a_word_in_two_pieces_is_joined(self, stream):
        x = stream.waveform.copy()
        a, b = stream.segments[4].start_s, stream.segments[4].end_s
        middle = round((a + b) / 2 * RATE)
        gap = np.random.default_rng(0).standard_normal(round(0.14 * RATE)) * 0.001
        x = np.concatenate([x[:middle], gap.astype(np.float32), x[middle:]])
        segment = split_words(x, RATE, n_words=len(stream.segments))[4]
        assert abs(segment.start_s - a) < 0.1
        assert abs(segment.end_s - b - 0.14) < 0.1

    def test_more_than_there_can_be_is_refused_with_the_count(self, stream):
        with pytest.raises(EarshotError, match=r"Only \d+ places .* n_words is 500"):
            split_words(stream.waveform, RATE, n_words=500)

    @pytest.mark.parametrize("n", [0, -1, 2.5, True])
    def test_a_number_that_counts_nothing_is_refused(self, n):
        with pytest.raises(EarshotError, match="n_words is a whole number"):
            split_words(np.zeros(RATE, np.float32), RATE, n_words=n)


def test_segmentation_imports_no_tensorflow():
    code = "import sys; import earshot.segmentation; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
