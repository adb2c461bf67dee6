from math import inf, nan

import pytest
from hypothesis import given, strategies as st

from earshot.errors import EarshotError
from earshot.segmentation import label_tracks
from earshot.segmentation.segments import Segment

TIMES = st.floats(0, 1e4).map(lambda t: round(t, 6))
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), max_size=20)


@pytest.fixture
def segments():
    return [
        Segment(0.5, 1.0, "cat", 0.4),
        Segment(1.5, 2.0, "dog", 0.9),
        Segment(2.2, 2.5, "fox", 0.9),
    ]


@given(st.lists(st.tuples(TIMES, TIMES, WORDS), max_size=8))
def test_a_track_comes_back_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tracks") / "a.labels.txt"
    segments = [Segment(min(a, b), max(a, b), word.strip()) for a, b, word in rows]
    segments.sort(key=lambda segment: segment.start_s)
    label_tracks.write(path, segments)
    assert label_tracks.read(path) == segments


def test_quotes_belong_to_a_label(tmp_path):
    label_tracks.write(tmp_path / "a.txt", [Segment(0.0, 1.0, '"six"')])
    assert label_tracks.read(tmp_path / "a.txt")[0].word == '"six"'


def test_a_track_that_audacity_wrote_is_read(tmp_path):
    path = tmp_path / "track.txt"
    path.write_bytes(
        b"0.500000\t1.000000\tcat\r\n\\\t100.0\t2000.0\r\n1,5\t2,0\tde kat\r\n3.0\t3.0\t\r\n"
    )
    assert label_tracks.read(path) == [
        Segment(0.5, 1, "cat"),
        Segment(1.5, 2, "de kat"),
        Segment(3, 3),
    ]


NO_LABELS = [
    "one two three", "1.0", "2.0\t1.0\tcat", "-1\t2\tx", "-inf\t1\tx", "nan\t1.0\tcat",
    "1.0\tnan\tcat", "0\tinf\tx", "0\t1e999\tx",
]  # fmt: skip


@pytest.mark.parametrize("line", NO_LABELS)
def test_a_line_that_is_no_label_is_named(tmp_path, line):
    path = tmp_path / "track.txt"
    path.write_text(f"0.1\t0.2\tcat\n{line}\n")
    with pytest.raises(EarshotError, match=r"track\.txt, line 2, is no label"):
        label_tracks.read(path)


def test_a_missing_track_is_named(tmp_path):
    with pytest.raises(EarshotError, match=r"no label track .*gone\.txt"):
        label_tracks.read(tmp_path / "gone.txt")


@pytest.mark.parametrize("word", ["a\tb", "a\nb", "a\r\nb", " a b ", "a\x0bb"])
def test_a_word_stays_in_its_line_and_its_column(tmp_path, word):
    label_tracks.write(tmp_path / "a.txt", [Segment(0.5, 1.0, word), Segment(1.0, 2.0, "dog")])
    assert [s.word for s in label_tracks.read(tmp_path / "a.txt")] == ["a b", "dog"]


@pytest.mark.parametrize("label", ["one; two", "a, b", "two  spaces", "1,5 2,5", "x;y;z"])
def test_tabs_alone_separate_where_there_are_any(tmp_path, label):
    (tmp_path / "a.txt").write_text(f"0.5\t1.0\t{label}\n")
    assert label_tracks.read(tmp_path / "a.txt") == [Segment(0.5, 1.0, label)]


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1, 2), (nan, 2), (1, nan), (2, 1), (0, inf), (-inf, 1)]
)
def test_times_that_are_none_are_not_written(tmp_path, start_s, end_s):
    label_tracks.write(tmp_path / "a.txt", [Segment(0, 1, "old")])
    with pytest.raises(EarshotError, match="Segment 'cat' cannot go from"):
        label_tracks.write(tmp_path / "a.txt", [Segment(start_s, end_s, "cat")])
    assert label_tracks.read(tmp_path / "a.txt") == [Segment(0, 1, "old")]


class TestCorrect:
    @pytest.mark.parametrize("times", [(-0.1, 1), (2, 1), (1, 1), (nan, 1), (0, nan), (0, inf)])
    def test_a_segment_does_not_go_where_no_sound_is(self, segments, times):
        with pytest.raises(EarshotError, match="Segment 0 cannot go from"):
            label_tracks.correct(segments, move={0: times})

    def test_a_merge_from_the_last_to_the_first_is_refused(self, segments):
        with pytest.raises(EarshotError, match="Segment 2 cannot go from 2.2 to 2.0 s"):
            label_tracks.correct(segments, merge=[(2, 1)])

    def test_a_border_moves(self, segments):
        mended = label_tracks.correct(segments, move={0: (0.4, 1.1)})
        assert mended[0] == Segment(0.4, 1.1, "cat", 1.0)
        assert mended[1:] == segments[1:]

    def test_a_segment_is_dropped(self, segments):
        assert label_tracks.correct(segments, drop=[1]) == [segments[0], segments[2]]

    def test_segments_are_merged(self, segments):
        mended = label_tracks.correct(segments, merge=[(1, 2)])
        assert mended == [segments[0], Segment(1.5, 2.5, "dog", 1.0)]

    def test_a_segment_gets_another_word(self, segments):
        assert label_tracks.correct(segments, relabel={2: "ox"})[2] == Segment(2.2, 2.5, "ox", 1.0)

    def test_all_at_once(self, segments):
        mended = label_tracks.correct(segments, move={2: (2.1, 2.6)}, merge=[(1, 2)], drop=[0])
        assert mended == [Segment(1.5, 2.6, "dog", 1.0)]

    @pytest.mark.parametrize("wrong", [{"drop": [3]}, {"move": {9: (0, 1)}}, {"merge": [(0, 5)]}])
    def test_a_number_that_is_not_there_is_refused(self, segments, wrong):
        with pytest.raises(EarshotError, match="numbered from 0 to 2"):
            label_tracks.correct(segments, **wrong)

    def test_an_end_before_its_start_is_refused(self, segments):
        with pytest.raises(EarshotError, match="Segment 0 cannot go from 2 to 1 s"):
            label_tracks.correct(segments, move={0: (2, 1)})
