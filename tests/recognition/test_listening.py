import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.recognition import listening


def blocks(stream):
    for i in range(0, len(stream.waveform), 320):
        yield stream.waveform[i : i + 320], stream.sample_rate


def test_a_stream_is_recognized_word_by_word(digit_recognizer, stream):
    heard = list(listening.listen(digit_recognizer, blocks(stream), threshold=0))
    right = [h.word == s.word for h, s in zip(heard, stream.segments, strict=True)]
    assert np.mean(right) > 0.9
    assert "%" in str(heard[0])


def test_an_unsure_word_is_a_question_mark(digit_recognizer, stream):
    heard = list(listening.listen(digit_recognizer, blocks(stream), threshold=1.01))
    assert {h.word for h in heard} == {"?"}
    assert all(0 < h.probability <= 1 for h in heard)


def test_a_rate_that_changes_is_refused(digit_recognizer):
    x = np.zeros(1600, np.float32)
    with pytest.raises(EarshotError, match="changes from 16000 to 8000"):
        list(listening.listen(digit_recognizer, [(x, 16000), (x, 8000)]))
