import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.recognition import listening


def blocks(stream):
    for i in range(0, len(stream.waveform), 320):
        yield stream.waveform[i : i + 320], stream.sample_rate


def test_a_stream_is_recognized_word_by_word(digit_recognizer, stream):
    heard = list(listening.listen(digit_recognizer, blocks(stream)))
    said = [(segment.word, segment.start_s, segment.end_s) for segment in stream.segments]
    right = [
        any(h.word == word and h.start_s < end_s and h.end_s > start_s for h in heard)
        for word, start_s, end_s in said
    ]
    assert np.mean(right) > 0.9
    assert "%" in str(heard[0])


def test_what_is_less_probable_than_the_threshold_is_not_named(digit_recognizer, stream):
    all_words, sure = (
        list(listening.listen(digit_recognizer, blocks(stream), threshold=threshold))
        for threshold in (0.0, 1.01)
    )
    assert sure == []
    assert all(0 < heard.probability <= 1 for heard in all_words)


def test_a_rate_that_changes_is_refused(digit_recognizer):
    x = np.zeros(1600, np.float32)
    with pytest.raises(EarshotError, match="changes from 16000 to 8000"):
        list(listening.listen(digit_recognizer, [(x, 16000), (x, 8000)]))
