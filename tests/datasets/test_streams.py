import numpy as np
import pytest

from earshot import audio
from earshot.datasets import folders, streams
from earshot.datasets.streams import Stream, make_stream, recite, step_labels
from earshot.errors import EarshotError
from earshot.segmentation import cut_set, label_tracks
from earshot.segmentation.segments import Segment


@pytest.fixture
def recording(rng, tmp_path):
    """A recording of 4 s, and where its label track goes."""
    audio.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(32_000), 8000)
    return tmp_path / "a.wav", tmp_path / "a.labels.txt"


class TestLabelled:
    def test_a_recording_comes_with_its_labels(self, recording):
        path, track = recording
        label_tracks.write(track, [Segment(1.0, 1.5, "speech"), Segment(2.0, 3.0, "speech")])
        stream = streams.labelled(path)
        assert stream.duration_s == 4.0
        assert [(s.start_s, s.end_s) for s in stream.segments] == [(1.0, 1.5), (2.0, 3.0)]

    @pytest.mark.parametrize(
        "text",
        ["1.0\t1.5\tspeech", "1,0\t1,5\tspeech", "1.0,1.5,speech", "1.0 1.5 speech",
         "start,end,label\n1.0, 1.5, speech", "1,0;1,5;speech", "1,0 1,5 speech",
         "\nonset offset what\r\n1.0 1.5 speech\r\n", '"1.0","1.5","speech"'],
    )  # fmt: skip
    def test_tabs_commas_and_spaces_are_understood(self, recording, text):
        path, track = recording
        track.write_text(text)
        (segment,) = streams.labelled(path).segments
        assert (segment.start_s, segment.end_s, segment.word) == (1.0, 1.5, "speech")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "1\t2\tspeech\n1.5\t3\tspeech",
                r"'speech' at 1.5 s begins before 'speech' ends, at 2 s",
            ),
            ("2\t1\tspeech", r"line 1, is no label"),
            ("1\t2\tmusic", r"'music' at 1 s is none of noise, speech"),
            ("1\t9\tspeech", r"ends at 9 s, and .*a\.wav is 4 s long"),
            ("1\tnan\tspeech", r"line 1, is no label"),
        ],
        ids=["overlapping", "reversed", "unknown", "past the end", "no number"],
    )
    def test_labels_that_cannot_be_are_named(self, recording, text, message):
        path, track = recording
        track.write_text(text)
        with pytest.raises(EarshotError, match=message):
            streams.labelled(path)

    def test_without_a_track_it_is_said(self, recording):
        with pytest.raises(EarshotError, match=r"no label track .*a\.labels\.txt"):
            streams.labelled(recording[0])


class TestStepLabels:
    def test_steps_inside_a_segment_have_its_label(self):
        found = step_labels([Segment(0.02, 0.05, "b")], 8, 100, ("", "a", "b"))
        assert found.tolist() == [0, 0, 2, 2, 2, 0, 0, 0]

    @pytest.mark.parametrize("borders", [(-0.5, 1.0), (2.0, 1.0), (np.nan, 1.0)])
    def test_impossible_borders_are_named(self, borders):
        with pytest.raises(EarshotError, match="the end comes after the start"):
            step_labels([Segment(*borders, "speech")], 300, 100)

    def test_an_unknown_label_is_named(self):
        with pytest.raises(EarshotError, match=r"'six' at 1 s is none of noise, speech"):
            step_labels([Segment(1.0, 2.0, "six")], 300, 100)


class TestStream:
    def test_a_stretch_keeps_what_lies_in_it(self, rng):
        stream = Stream(rng.uniform(-1, 1, 800), 100, [Segment(1, 3, "a"), Segment(5, 6, "b")])
        part = stream.cut(2.0, 5.5)
        assert part.duration_s == 3.5
        assert [(s.start_s, s.end_s) for s in part.segments] == [(0.0, 1.0), (3.0, 3.5)]

    @pytest.mark.parametrize("snr_db", [20.0, 0.0])
    def test_words_have_the_level_that_was_chosen(self, beeps, snr_db):
        background = np.random.default_rng(2).standard_normal(16_000).astype(np.float32)
        stream = make_stream(beeps.subset([0, 1, 2, 3]), background, snr_db=snr_db)
        step = step_labels(stream.named("speech").segments, len(stream.waveform), 16000)
        loud, quiet = (np.mean(stream.waveform[step == k] ** 2) for k in (1, 0))
        assert 10 * np.log10(loud / quiet - 1) == pytest.approx(snr_db, abs=1.5)

    @pytest.mark.parametrize("borders", [(-1, 2), (3, 1), (2, 2)])
    def test_a_stretch_that_is_none_is_refused(self, borders):
        with pytest.raises(EarshotError, match="A stretch cannot go"):
            Stream(np.zeros(800), 100, []).cut(*borders)

    def test_a_silent_word_is_named(self, beeps):
        beeps.waveforms[1][:] = 0
        with pytest.raises(EarshotError, match=f"{beeps.sources[1]} is silent"):
            make_stream(beeps)

    @pytest.mark.parametrize("wrong", [{"snr_db": np.nan}, {"pauses_s": (1.0, 0.2)}])
    def test_levels_and_pauses_that_cannot_be_are_refused(self, beeps, wrong):
        with pytest.raises(EarshotError):
            make_stream(beeps, **wrong)

    def test_one_seed_gives_one_stream(self, beeps):
        first, second = (make_stream(beeps, seed=4) for _ in range(2))
        assert np.array_equal(first.waveform, second.waveform)
        assert first.segments == second.segments

    def test_a_set_without_clips_makes_no_stream(self, beeps):
        with pytest.raises(EarshotError, match="at least one word"):
            make_stream(beeps.subset([]))

    def test_what_speakers_recite_is_cut_into_the_words_they_said(self, tmp_path, beeps):
        said = beeps.subset([0, 1, 6, 7])
        written = recite(said, tmp_path, "digits", snr_db=35, sample_rate=8000)
        assert len(written) == len(set(said.speakers))
        assert recite(said, tmp_path, "digits") == []
        cut_set(tmp_path, "digits", [said.class_names[k] for k in said.labels[:2]])
        assert len(folders.from_folder(tmp_path / "digits")) == 4
