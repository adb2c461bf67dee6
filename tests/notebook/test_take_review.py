import numpy as np

from earshot import audio
from earshot.notebook import take_review


def test_reviewing_drops_and_takes_back(tmp_path):
    paths = [tmp_path / "cat" / f"me_{i}.wav" for i in range(3)]
    for path in paths:
        audio.write(path, np.sin(np.arange(4000)).astype(np.float32), 16000)
    _, words, counts = take_review.review(paths, tmp_path).children
    button = words.children[1].children[1]
    button.value = True
    assert not paths[1].exists()
    assert "<td>2</td>" in counts.value
    button.value = False
    assert paths[1].exists()
    assert "<td>3</td>" in counts.value


def test_a_take_without_words_says_what_to_do(tmp_path):
    text, words, _ = take_review.review([], tmp_path).children
    assert "speak nearer" in text.value
    assert words.children == ()
