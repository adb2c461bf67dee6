import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import MODELS

from earshot import audio
from earshot.datasets.streams import make_stream
from earshot.errors import EarshotError, EarshotWarning
from earshot.segmentation import noise_floor
from earshot.segmentation.alignment import align_words
from earshot.segmentation.segments import Segment
from earshot.segmentation.splitting import split_words

RATE = 8000


@pytest.fixture(scope="module")
def stream(spoken_digit):
    """Twelve words of a speaker whom no setting was chosen on, over white noise."""
    chosen = np.flatnonzero(spoken_digit.speakers == "jackson")[::42][:12]
    return make_stream(spoken_digit.subset(chosen), snr_db=25, sample_rate=RATE, seed=3)


def overlaps(segment, word):
    shared = min(segment.end_s, word.end_s) - max(segment.start_s, word.start_s)
    union = max(segment.end_s, word.end_s) - min(segment.start_s, word.start_s)
    return shared / union


def assert_found(segments, truth):
    assert len(segments) == len(truth)
    assert min(overlaps(a, b) for a, b in zip(segments, truth, strict=True)) > 0.5


class TestSplitWords:
    def test_every_word_is_found_once(self, stream):
        assert_found(split_words(stream.waveform, RATE), stream.segments)

    @pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100, 48000])
    def test_any_sample_rate_will_do(self, stream, rate):
        x = audio.resample(stream.waveform, RATE, rate)
        assert_found(split_words(x, rate), stream.segments)

    @pytest.mark.parametrize("hum_hz", [50, 60])
    def test_hum_does_not_matter(self, stream, hum_hz):
        t = np.arange(len(stream.waveform)) / RATE
        hum = sum(0.1 / k * np.sin(2 * np.pi * hum_hz * k * t) for k in (1, 2, 3, 5))
        assert_found(split_words(stream.waveform + hum, RATE), stream.segments)

    def test_an_offset_does_not_matter(self, stream):
        assert_found(split_words(stream.waveform + np.float32(0.3), RATE), stream.segments)

    def test_clipping_does_not_matter(self, stream):
        assert_found(split_words(np.clip(6 * stream.waveform, -1, 1), RATE), stream.segments)

    def test_clicks_are_no_words(self, stream):
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

    def test_loudness_does_not_matter(self, stream):
        soft = split_words(stream.waveform * np.float32(0.01), RATE)
        assert_found(soft, stream.segments)

    def test_a_file_gives_the_same_as_its_waveform_in_one_piece(self, stream, tmp_path):
        long = np.tile(stream.waveform, 8)
        assert len(long) > 2 * noise_floor.BLOCK_FRAMES * noise_floor.FRAME_S * RATE
        audio.write(tmp_path / "long.wav", long, RATE, subtype="FLOAT")
        assert split_words(tmp_path / "long.wav") == split_words(long, RATE)

    def test_block_borders_leave_no_trace(self, stream, monkeypatch):
        whole = split_words(stream.waveform, RATE)
        monkeypatch.setattr(noise_floor, "BLOCK_FRAMES", 300)
        assert split_words(stream.waveform, RATE) == whole

    def test_words_at_the_very_start_and_end_are_whole(self, spoken_digit):
        chosen = np.flatnonzero(spoken_digit.speakers == "nicolas")[[0, 250, 400]]
        clips = [spoken_digit.waveforms[i] for i in chosen]
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
        assert overlaps(segment, Segment(1, 4)) > 0.9

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

    @settings(max_examples=30, deadline=None)
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

    def test_the_right_number_is_surer_than_a_wrong_one(self, stream):
        n = len(stream.segments)
        sure = [
            np.mean([s.confidence for s in split_words(stream.waveform, RATE, n_words=k)])
            for k in (n - 2, n, n + 2)
        ]
        assert sure[1] > 0.9
        assert sure[1] > sure[0]
        assert sure[1] > sure[2]

    def test_a_word_in_two_pieces_is_joined(self, stream):
        x = stream.waveform.copy()
        a, b = stream.segments[4].start_s, stream.segments[4].end_s
        middle = round((a + b) / 2 * RATE)
        gap = np.random.default_rng(0).standard_normal(round(0.14 * RATE)) * 0.001
        x = np.concatenate([x[:middle], gap.astype(np.float32), x[middle:]])
        segments = split_words(x, RATE, n_words=len(stream.segments))
        assert overlaps(segments[4], Segment(a, b + 0.14)) > 0.7

    def test_more_than_there_can_be_is_refused_with_the_count(self, stream):
        with pytest.raises(EarshotError, match=r"Only \d+ places .* n_words is 500"):
            split_words(stream.waveform, RATE, n_words=500)

    @pytest.mark.parametrize("n", [0, -1, 2.5, True])
    def test_a_number_that_counts_nothing_is_refused(self, n):
        with pytest.raises(EarshotError, match="n_words is a whole number"):
            split_words(np.zeros(RATE, np.float32), RATE, n_words=n)


class TestAlignWords:
    @pytest.fixture
    def words(self, stream):
        return [segment.word for segment in stream.segments]

    def test_words_and_segments_meet_in_order(self, stream, words):
        pairs = align_words(stream.waveform, words, sample_rate=RATE)
        assert [word for word, _ in pairs] == words
        assert_found([segment for _, segment in pairs], stream.segments)
        assert not any(segment.doubtful for _, segment in pairs)

    def test_segments_that_were_cut_before_are_taken_too(self, stream, words):
        segments = split_words(stream.waveform, RATE)
        pairs = align_words(segments, words)
        assert [(s.start_s, s.end_s) for _, s in pairs] == [(s.start_s, s.end_s) for s in segments]

    def test_a_cough_is_passed_over(self, stream, words, rng):
        x = stream.waveform.copy()
        gaps = [
            (b.start_s - a.end_s, a.end_s)
            for a, b in zip(stream.segments, stream.segments[1:], strict=False)
        ]
        width_s, at_s = max(gaps)
        at = round((at_s + width_s / 2) * RATE)
        x[at : at + 600] += (0.1 * rng.standard_normal(600)).astype(np.float32)
        pairs = align_words(x, words, sample_rate=RATE)
        assert_found([segment for _, segment in pairs], stream.segments)

    def test_a_word_left_out_is_named_and_its_neighbours_are_doubtful(self, stream, words):
        said = [*words[:5], "hippopotamus", *words[5:]]
        with pytest.warns(EarshotWarning, match="1 of 13 words were not found"):
            pairs = align_words(stream.waveform, said, sample_rate=RATE)
        assert len(pairs) == 12
        assert any(segment.doubtful for _, segment in pairs)

    def test_times_say_which_word_was_left_out(self, stream, words):
        onsets_s = [(s.start_s - 0.5, s.start_s + 0.5) for s in stream.segments]
        said = [*words[:5], "nothing", *words[5:]]
        at_s = stream.segments[4].end_s
        onsets_s = [*onsets_s[:5], (at_s, at_s), *onsets_s[5:]]
        with pytest.warns(EarshotWarning, match=r"not found in the recording: nothing\."):
            pairs = align_words(stream.waveform, said, sample_rate=RATE, onsets_s=onsets_s)
        assert [word for word, _ in pairs] == words

    def test_no_word_is_invented(self, stream, words):
        pairs = align_words(stream.waveform, words[:4], sample_rate=RATE)
        assert [word for word, _ in pairs] == words[:4]

    def test_nothing_to_hear_is_an_error_that_names_the_file(self, tmp_path):
        audio.write(tmp_path / "mute.wav", np.zeros(RATE, np.float32), RATE)
        with pytest.raises(EarshotError, match=r"mute\.wav stands out .* muted"):
            align_words(tmp_path / "mute.wav", ["one"])

    def test_times_of_another_shape_are_refused(self, stream, words):
        with pytest.raises(EarshotError, match=r"shape \(12, 2\), not \(3,\)"):
            align_words(stream.waveform, words, sample_rate=RATE, onsets_s=[1, 2, 3])

    def test_a_single_string_is_no_list_of_words(self, stream):
        with pytest.raises(EarshotError, match="list of the words"):
            align_words(stream.waveform, "one", sample_rate=RATE)

    def test_an_empty_list_of_words_is_refused(self, stream):
        with pytest.raises(EarshotError, match="list of the words"):
            align_words(stream.waveform, [], sample_rate=RATE)


class TestStreams:
    def test_the_level_is_what_was_asked_for(self, spoken_digit):
        words = spoken_digit.subset(np.arange(5))
        loud = make_stream(words, snr_db=60, seed=1)
        noisy = make_stream(words, snr_db=0, seed=1)
        speech = np.concatenate([s.cut(loud.waveform, 16000) for s in loud.segments])
        pause = noisy.waveform[: round(noisy.segments[0].start_s * 16000)]
        scale = np.dot(noisy.waveform, loud.waveform) / np.dot(loud.waveform, loud.waveform)
        ratio_db = 10 * np.log10(np.mean((scale * speech) ** 2) / np.mean(pause**2))
        assert abs(ratio_db) < 1.5

    def test_one_seed_gives_one_stream(self, beeps):
        first, second = (make_stream(beeps, seed=4) for _ in range(2))
        assert np.array_equal(first.waveform, second.waveform)
        assert first.segments == second.segments

    def test_a_set_without_clips_makes_no_stream(self, beeps):
        with pytest.raises(EarshotError, match="at least one word"):
            make_stream(beeps.subset([]))


def test_segmentation_imports_no_tensorflow():
    code = "import sys; import earshot.segmentation; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
