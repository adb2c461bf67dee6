import numpy as np
import pytest

from earshot import audio
from earshot.errors import EarshotError, EarshotWarning
from earshot.segmentation.alignment import align_words
from earshot.segmentation.segments import Segment
from earshot.segmentation.splitting import split_words

RATE = 8000


@pytest.fixture
def words(stream):
    return [segment.word for segment in stream.segments]


def test_words_and_segments_meet_in_order(assert_found, stream, words):
    pairs = align_words(stream.waveform, words, sample_rate=RATE)
    assert [word for word, _ in pairs] == words
    assert_found([segment for _, segment in pairs], stream.segments)
    assert not any(segment.doubtful for _, segment in pairs)


def test_segments_that_were_cut_before_are_taken_too(stream, words):
    segments = split_words(stream.waveform, RATE)
    pairs = align_words(segments, words)
    assert [(s.start_s, s.end_s) for _, s in pairs] == [(s.start_s, s.end_s) for s in segments]


def test_a_cough_is_passed_over(assert_found, stream, words, rng):
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


def test_a_word_left_out_is_named_and_its_neighbours_are_doubtful(stream, words):
    said = [*words[:5], "hippopotamus", *words[5:]]
    with pytest.warns(EarshotWarning, match="1 of 13 words were not found"):
        pairs = align_words(stream.waveform, said, sample_rate=RATE)
    assert len(pairs) == 12
    assert any(segment.doubtful for _, segment in pairs)


def test_times_say_which_word_was_left_out(stream, words):
    onsets_s = [(s.start_s - 0.5, s.start_s + 0.5) for s in stream.segments]
    said = [*words[:5], "nothing", *words[5:]]
    at_s = stream.segments[4].end_s
    onsets_s = [*onsets_s[:5], (at_s, at_s), *onsets_s[5:]]
    with pytest.warns(EarshotWarning, match=r"not found in the recording: nothing\."):
        pairs = align_words(stream.waveform, said, sample_rate=RATE, onsets_s=onsets_s)
    assert [word for word, _ in pairs] == words


def test_no_word_is_invented(stream, words):
    pairs = align_words(stream.waveform, words[:4], sample_rate=RATE)
    assert [word for word, _ in pairs] == words[:4]


def test_nothing_to_hear_is_an_error_that_names_the_file(tmp_path):
    audio.write(tmp_path / "mute.wav", np.zeros(RATE, np.float32), RATE)
    with pytest.raises(EarshotError, match=r"mute\.wav stands out .* muted"):
        align_words(tmp_path / "mute.wav", ["one"])


def test_times_of_another_shape_are_refused(stream, words):
    with pytest.raises(EarshotError, match=r"shape \(12, 2\), not \(3,\)"):
        align_words(stream.waveform, words, sample_rate=RATE, onsets_s=[1, 2, 3])


def test_a_single_string_is_no_list_of_words(stream):
    with pytest.raises(EarshotError, match="list of the words"):
        align_words(stream.waveform, "one", sample_rate=RATE)


def test_an_empty_list_of_words_is_refused(stream):
    with pytest.raises(EarshotError, match="list of the words"):
        align_words(stream.waveform, [], sample_rate=RATE)


def test_a_doubtful_segment_is_left_out_rather_than_a_sure_one():
    cut = [Segment(0.5, 0.9), Segment(1.5, 1.6, confidence=0.1), Segment(2.0, 2.5)]
    assert [s.start_s for _, s in align_words(cut, ["cat", "dog"])] == [0.5, 2.0]
