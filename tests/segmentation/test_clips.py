import numpy as np
import pytest

from earshot import audio
from earshot.datasets.streams import make_stream
from earshot.errors import EarshotError, EarshotWarning
from earshot.segmentation import clips, label_tracks
from earshot.segmentation.segments import Segment

WORDS = ("cat", "dog", "fox")
RATE = 8000


@pytest.fixture(scope="session")
def recording(voices):
    """Three words in order, by one of three voices, under other names."""

    def make(speaker):
        who = sorted(set(voices.speakers))[("anna", "bob", "eve").index(speaker)]
        own = np.flatnonzero(voices.speakers == who)
        chosen = [own[voices.labels[own] == label][0] for label in range(3)]
        return make_stream(
            voices.subset(chosen), snr_db=35, pauses_s=(0.4, 0.6), sample_rate=RATE, seed=7
        ).waveform

    return make


@pytest.fixture
def data(tmp_path, recording):
    """A folder with recordings of a set by three speakers, in three formats."""
    for speaker, suffix in (("anna", "wav"), ("bob", "flac"), ("eve", "mp3")):
        audio.write(tmp_path / f"animals_{speaker}.{suffix}", recording(speaker), RATE)
    return tmp_path


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestCutSet:
    def test_every_recording_is_sorted_into_words(self, data):
        done = clips.cut_set(data, "animals", WORDS)
        assert len(done) == 3
        for word in WORDS:
            for speaker in ("anna", "bob", "eve"):
                x, rate = audio.read(data / "animals" / word / f"{speaker}_0.wav")
                assert rate == RATE
                assert 0.1 < len(x) / RATE < 1.5

    def test_a_soft_recording_becomes_as_loud_as_others(self, data, recording):
        audio.write(data / "soft_joe.wav", 0.02 * recording("anna"), RATE)
        clips.cut_set(data, "soft", WORDS)
        peaks = [np.abs(audio.read(p)[0]).max() for p in (data / "soft").rglob("joe_0.wav")]
        assert max(peaks) == pytest.approx(0.9, abs=0.01)

    def test_cutting_twice_changes_nothing(self, data):
        clips.cut_set(data, "animals", WORDS)
        before = everything(data)
        clips.cut_set(data, "animals", WORDS)
        assert everything(data) == before

    def test_a_damaged_recording_is_named_and_the_others_are_cut(self, data):
        (data / "animals_mute.wav").write_bytes(b"RIFF nothing")
        with pytest.warns(EarshotWarning, match=r"Not cut: 1: .*animals_mute\.wav cannot be read"):
            done = clips.cut_set(data, "animals", WORDS)
        assert len(done) == 3

    def test_a_silent_recording_is_named(self, data):
        audio.write(data / "animals_mute.wav", np.zeros(RATE, np.float32), RATE)
        with pytest.warns(EarshotWarning, match=r"animals_mute\.wav stands out"):
            clips.cut_set(data, "animals", WORDS)

    def test_no_recording_at_all_says_what_to_record(self, tmp_path):
        with pytest.raises(EarshotError, match=r"animals_<who>\.wav .*cat, dog, fox"):
            clips.cut_set(tmp_path, "animals", WORDS)

    def test_more_words_than_were_spoken_are_named(self, data, recording):
        audio.write(data / "four_joe.wav", recording("anna"), RATE)
        with pytest.warns(EarshotWarning, match="1 of 4 words were not found"):
            done = clips.cut_set(data, "four", (*WORDS, "hippopotamus"))
        assert len(next(iter(done.values()))) == 3

    def test_a_word_said_twice_gets_two_numbers(self, data):
        clips.cut_set(data, "animals", ("cat", "dog", "cat"))
        names = {path.name for path in (data / "animals" / "cat").iterdir()}
        assert names == {f"{who}_{n}.wav" for who in ("anna", "bob", "eve") for n in (0, 1)}


class TestCorrections:
    @pytest.fixture
    def path(self, data):
        (path,) = data.glob("animals_anna.*")
        return path

    def correct(self, path, segments, **changes):
        track = label_tracks.beside(path)
        label_tracks.write(track, label_tracks.correct(segments, **changes))

    def test_a_label_track_beside_the_recording_is_obeyed(self, data, path):
        first = clips.cut_set(data, "animals", WORDS)[path]
        self.correct(path, first, drop=[1], relabel={2: "ox"})
        clips.cut_set(data, "animals", WORDS)
        folder = data / "animals"
        assert {p.parent.name for p in folder.glob("[!_]*/anna_*.wav")} == {"cat", "ox"}

    @pytest.mark.parametrize("wrong", [Segment(0.5, 0.5, "cat"), Segment(99, 100, "cat")])
    def test_a_label_that_holds_no_sound_is_named(self, data, path, wrong):
        label_tracks.write(label_tracks.beside(path), [wrong])
        with pytest.warns(EarshotWarning, match=r"anna\.labels\.txt puts 'cat' from"):
            clips.cut_set(data, "animals", WORDS)

    def test_what_was_replaced_is_kept_and_the_rest_stays(self, data, path):
        first = clips.cut_set(data, "animals", WORDS)[path]
        before = everything(data / "animals" / "cat")
        old = (data / "animals" / "dog" / "anna_0.wav").read_bytes()
        self.correct(path, first, drop=[1])
        clips.cut_set(data, "animals", WORDS)
        assert (data / "animals" / "_replaced" / "dog" / "anna_0.wav").read_bytes() == old
        assert not (data / "animals" / "dog" / "anna_0.wav").exists()
        assert everything(data / "animals" / "cat") == before

    def test_a_number_is_never_used_again(self, data, path):
        first = clips.cut_set(data, "animals", WORDS)[path]
        for seconds in (0.01, 0.02):
            moved = first[1].start_s - seconds, first[1].end_s
            self.correct(path, first, move={1: moved})
            clips.cut_set(data, "animals", WORDS)
        folder = data / "animals"
        assert [p.name for p in (folder / "dog").glob("anna_*")] == ["anna_2.wav"]
        replaced = sorted(p.name for p in (folder / "_replaced" / "dog").iterdir())
        assert replaced == ["anna_0.wav", "anna_1.wav"]

    def test_a_clip_from_elsewhere_is_never_touched(self, data):
        own = data / "animals" / "cat" / "anna_0.wav"
        audio.write(own, np.full(2000, 0.1, np.float32), RATE)
        before = own.read_bytes()
        clips.cut_set(data, "animals", WORDS)
        assert own.read_bytes() == before
        assert (data / "animals" / "cat" / "anna_1.wav").is_file()
