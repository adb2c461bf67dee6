import ipywidgets
import numpy as np
from support.markup import HOSTILE, parsed

from earshot import audio
from earshot.files import safe_name
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


def html_of(widget):
    """Give the HTML of all widgets in a widget."""
    if isinstance(widget, ipywidgets.HTML):
        return [widget.value]
    return [text for child in getattr(widget, "children", ()) for text in html_of(child)]


def test_words_and_speakers_are_texts_whatever_is_in_them(tmp_path):
    for i, word in enumerate(HOSTILE):
        own, plain = tmp_path / f"a{i}", tmp_path / f"b{i}"
        hostile = own / safe_name(word) / f"{word.replace('/', '_')}_0.wav"
        for path in (hostile, plain / "cat" / "me_0.wav"):
            audio.write(path, np.ones(80), 8000)
        shown = html_of(take_review.review([hostile], own))
        as_it_is = html_of(take_review.review([plain / "cat" / "me_0.wav"], plain))
        assert [parsed(text)[0] for text in shown] == [parsed(text)[0] for text in as_it_is]
        assert parsed(shown[1])[1] == {"figcaption": f"{word} {hostile.stem}"}
        assert parsed(shown[2])[1]["td"] == f"{word}1"


def test_the_folder_of_a_long_take_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(take_review, "MOST_SHOWN", 1)
    paths = [tmp_path / "<b>" / f"me_{i}.wav" for i in range(2)]
    for path in paths:
        audio.write(path, np.ones(80), 8000)
    elements, shown = parsed(html_of(take_review.review(paths, tmp_path))[0])
    assert elements == []
    assert "<b>" in shown[""]


def test_the_picture_shows_all_words_and_the_first_can_be_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(take_review, "MOST_HEARD", 2)
    drawn = []
    monkeypatch.setattr(take_review, "as_png", lambda figure: drawn.append(figure) or b"PNG")
    paths = [tmp_path / "cat" / f"me_{i}.wav" for i in range(7)]
    for path in paths:
        audio.write(path, np.ones(80), 8000)
    box = take_review.review(paths, tmp_path)
    box.picture()
    titles = [axis.get_title() for axis in drawn[0].axes if axis.get_visible()]
    assert titles == [f"cat me_{i}" for i in range(7)]
    assert box.sounds.count("<audio") == 2


def test_which_words_need_more_examples_is_said_and_follows_what_is_dropped(tmp_path):
    paths = [tmp_path / "cat" / f"me_{i}.wav" for i in range(2)]
    for path in (*paths, tmp_path / "owl" / "me_0.wav"):
        audio.write(path, np.ones(80), 8000)
    _, words, counts = take_review.review(paths, tmp_path, {"cat": 2, "dog": 2}).children
    assert "“dog” needs 2 more. Record more" in counts.value
    assert "owl" not in counts.value
    assert "“cat”" not in counts.value
    words.children[1].children[1].value = True
    assert "“cat” needs 1 more, “dog” needs 2 more." in counts.value


def test_where_all_words_have_enough_nothing_more_is_asked_for(tmp_path):
    path = tmp_path / "cat" / "me_0.wav"
    audio.write(path, np.ones(80), 8000)
    _, _, counts = take_review.review([path], tmp_path, {"cat": 1}).children
    assert "more" not in counts.value
