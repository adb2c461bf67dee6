import numpy as np
import pytest

from earshot.recognition import word_detector
from earshot.recognition.word_detector import WordDetector


def detected(x, sample_rate=16000, block=320):
    """Push a waveform in blocks; gives (word, seconds that had been pushed) pairs."""
    detector, words = WordDetector(sample_rate), []
    for i in range(0, len(x), block):
        pushed_s = min(i + block, len(x)) / sample_rate
        words += [(word, pushed_s) for word in detector.push(x[i : i + block])]
    return words + [(word, len(x) / sample_rate) for word in detector.flush()]


def test_every_word_is_found_where_it_is(stream):
    words = detected(stream.waveform)
    assert len(words) == len(stream.segments)
    for (word, _), segment in zip(words, stream.segments, strict=True):
        assert word.start_s == pytest.approx(segment.start_s, abs=0.1)
        assert word.end_s == pytest.approx(segment.end_s, abs=0.2)


def test_words_are_given_a_quarter_of_a_second_after_they_end(stream):
    late_s = [at_s - s.end_s for (_, at_s), s in zip(detected(stream.waveform), stream.segments,
                                                     strict=True)]  # fmt: skip
    assert np.median(late_s) < 0.25


def test_nothing_that_is_yet_to_come_plays_a_role(stream):
    half = len(stream.waveform) // 2
    whole, first = detected(stream.waveform), detected(stream.waveform[:half])
    early = [word.start_s for word, at_s in whole if at_s <= half / stream.sample_rate]
    assert [word.start_s for word, _ in first][: len(early)] == early


@pytest.mark.parametrize("block", [1, 441, 100_000])
def test_the_size_of_the_blocks_plays_no_role(stream, block):
    x = stream.waveform[:80_000]
    expected = [(word.start_s, word.end_s) for word, _ in detected(x)]
    words = detected(x, block=block)
    assert [(word.start_s, word.end_s) for word, _ in words] == expected
    for (word, _), (start_s, end_s) in zip(words, expected, strict=True):
        first = round((start_s - word_detector.MARGIN_S) * 16000)
        last = first + len(word.waveform)
        np.testing.assert_array_equal(word.waveform, x[first:last])
        assert last >= end_s * 16000


@pytest.mark.parametrize("level", [0, 1e-4, 1e-2])
def test_noise_alone_is_no_word(rng, level):
    x = level * rng.standard_normal(20 * 16000)
    assert detected(x.astype(np.float32)) == []


def test_a_room_that_becomes_louder_is_followed(rng, stream):
    noise = 1e-4 * rng.standard_normal(10 * 16000)
    noise[3 * 16000 :] *= 10
    x = np.concatenate([noise, stream.waveform]).astype(np.float32)
    late = [word for word, _ in detected(x) if word.start_s > 9.5]
    assert abs(len(late) - len(stream.segments)) <= 1


def test_a_click_is_no_word(rng):
    x = 1e-4 * rng.standard_normal(48000)
    x[24000:24200] = 0.5
    assert detected(x.astype(np.float32)) == []


def test_memory_stays_flat(stream):
    detector = WordDetector(16000)
    for _ in range(5):
        for i in range(0, len(stream.waveform), 320):
            detector.push(stream.waveform[i : i + 320])
            assert len(detector._kept) < 4 * 16000


def test_the_end_of_the_stream_ends_the_last_word(stream):
    x = stream.waveform[: round((stream.segments[0].end_s + 0.05) * 16000)]
    *before, (words, certain_s) = word_detector.detect([(x[:8000], 16000), (x[8000:], 16000)])
    assert [found for found, _ in before] == [[], []]
    assert words[0].end_s <= certain_s == len(x) / 16000
    assert words[0].sample_rate == 16000
