import json
import warnings

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

    def test_what_lies_aside_is_not_overwritten(self, data, path):
        first = clips.cut_set(data, "animals", WORDS)[path]
        aside = data / "animals" / "_replaced" / "dog" / "anna_0.wav"
        aside.parent.mkdir(parents=True)
        aside.write_bytes(b"the only copy")
        old = (data / "animals" / "dog" / "anna_0.wav").read_bytes()
        self.correct(path, first, drop=[1])
        clips.cut_set(data, "animals", WORDS)
        assert aside.read_bytes() == b"the only copy"
        assert aside.with_name("anna_1.wav").read_bytes() == old


class TestChangedRecordings:
    @pytest.fixture
    def path(self, tmp_path, recording):
        path = tmp_path / "animals_anna.wav"
        audio.write(path, recording("anna"), RATE)
        return path

    def record_again(self, path, x):
        path.unlink()
        audio.write(path, x, RATE)

    def test_its_clips_are_cut_anew_even_at_the_same_places(self, path, recording):
        folder = path.parent / "animals"
        clips.cut_recording(path, WORDS, folder, who="anna")
        old = everything(folder / "cat")
        self.record_again(path, recording("anna")[::-1][::-1] * np.float32(-1))
        clips.cut_recording(path, WORDS, folder, who="anna")
        assert everything(folder / "_replaced" / "cat") == old
        assert [p.name for p in (folder / "cat").iterdir()] == ["anna_1.wav"]

    def test_an_old_label_track_is_used_and_warned_of(self, path, recording):
        folder, track = path.parent / "animals", label_tracks.beside(path)
        label_tracks.write(track, clips.cut_recording(path, WORDS, folder, who="anna"))
        clips.cut_recording(path, WORDS, folder, who="anna")
        old = everything(folder / "cat")
        self.record_again(path, recording("bob"))
        with pytest.warns(EarshotWarning, match=r"anna\.wav has changed .* track .*txt has not\."):
            clips.cut_recording(path, WORDS, folder, who="anna")
        assert everything(folder / "_replaced" / "cat") == old

    def test_a_label_track_that_changed_with_it_is_trusted(self, path, recording):
        folder, track = path.parent / "animals", label_tracks.beside(path)
        label_tracks.write(track, clips.cut_recording(path, WORDS, folder, who="anna"))
        self.record_again(path, recording("bob"))
        label_tracks.write(track, [Segment(0.5, 1.0, "cat")])
        with warnings.catch_warnings(action="error"):
            clips.cut_recording(path, WORDS, folder, who="anna")
        assert [p.name for p in folder.glob("[!_]*/*")] == ["anna_1.wav"]

    def test_a_note_that_does_not_tell_of_which_recording_it_is_still_counts(self, path):
        folder = path.parent / "animals"
        clips.cut_recording(path, WORDS, folder, who="anna")
        (note,) = (folder / "_cuts").iterdir()
        whole = note.read_bytes()
        note.write_text(json.dumps(json.loads(whole)["cuts"]))
        before = everything(folder)
        clips.cut_recording(path, WORDS, folder, who="anna")
        assert everything(folder) == {**before, note.relative_to(folder): whole}


class TestNotes:
    """Whatever a note says, what is not a clip of its recording stays where it is."""

    @pytest.fixture
    def note(self, tmp_path, recording):
        """A note of a recording whose label track has changed since: all its clips move."""
        path = tmp_path / "set" / "animals_anna.wav"
        audio.write(path, recording("anna"), RATE)
        clips.cut_set(path.parent, "animals", WORDS)
        label_tracks.write(label_tracks.beside(path), [Segment(0.5, 1.0, "ox")])
        audio.write(tmp_path / "cat" / "anna_0.wav", recording("bob"), RATE)
        audio.write(path.parent / "animals" / "cat" / "bob_0.wav", recording("bob"), RATE)
        (note,) = (path.parent / "animals" / "_cuts").iterdir()
        return note

    def cut(self, note):
        folder = note.parent.parent
        return clips.cut_recording(folder.parent / "animals_anna.wav", WORDS, folder, who="anna")

    @pytest.mark.parametrize(
        "name",
        ["../../cat/anna_0.wav", "cat/../../../cat/anna_0.wav", "{}/cat/anna_0.wav", "anna_0.wav",
         "cat/bob_0.wav", "dog/anna_0.wav", "../animals_anna.wav", "cat", "", ".", "_cuts", 3, None,
         ["cat/anna_0.wav"], "cat/anna_0.wav\0", "cat/anna_.wav", "cat/anna_0.wav\n"],
    )  # fmt: skip
    def test_a_file_that_is_no_clip_of_the_recording_stays(self, note, tmp_path, name):
        name = name.format(tmp_path) if isinstance(name, str) else name
        note.write_text(json.dumps({"recording": "", "cuts": [[0.1, 0.2, "cat", name]]}))
        before = everything(tmp_path)
        with pytest.raises(EarshotError, match=r"anna\.wav\.json is no note .*: delete it and the"):
            self.cut(note)
        assert everything(tmp_path) == before

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"3", b"null", b'"x"', b"{}", b"[[1]]", b"\xff\xfe", b"[" * 10**5, b"[3]",
         b'{"recording": "", "cuts": 3}', b'[[0, 1, "", "/anna_0.wav"]]', b'[[0, 1, [], "a"]]',
         b'[["a", 1, "cat", "cat/anna_0.wav"]]', b"[[1" + b"0" * 400 + b', 1, "cat", "x"]]'],
    )  # fmt: skip
    def test_a_damaged_note_is_named_and_nothing_moves(self, note, tmp_path, content):
        note.write_bytes(content)
        before = everything(tmp_path)
        with pytest.raises(EarshotError, match=r"anna\.wav\.json is no note of what was cut"):
            self.cut(note)
        assert everything(tmp_path) == before

    def test_a_link_out_of_the_set_is_not_followed(self, note, tmp_path):
        word = note.parent.parent / "cat"
        word.rename(note.parent.parent / "was cat")
        word.symlink_to(tmp_path / "cat")
        before = everything(tmp_path / "cat")
        with pytest.raises(EarshotError, match=r"anna_0\.wav is outside of .*animals, by a link"):
            self.cut(note)
        assert everything(tmp_path / "cat") == before

    def test_a_set_may_itself_be_a_link(self, note, tmp_path):
        folder = note.parent.parent
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
        self.cut(note)
        assert (tmp_path / "elsewhere" / "_replaced" / "cat" / "anna_0.wav").is_file()

    def test_a_set_that_cannot_be_written_is_named(self, note, monkeypatch):
        def refuse(*args, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(clips.files, "_rename", refuse)
        with pytest.raises(EarshotError, match=r"anna_0\.wav cannot .*Permission denied"):
            self.cut(note)


class TestSetsWithTheSameBeginning:
    @pytest.fixture
    def data(self, tmp_path, recording):
        for name in ("animals_bob", "animals_wild_anna"):
            audio.write(tmp_path / f"{name}.wav", recording("anna"), RATE)
        return tmp_path

    def speakers(self, data, name):
        return {path.stem for path in (data / name).glob("[!_]*/*.wav")}

    def test_the_longest_name_counts(self, data):
        (data / "animals_wild").mkdir()
        with warnings.catch_warnings(action="error"):
            clips.cut_set(data, "animals", WORDS)
            clips.cut_set(data, "animals_wild", WORDS)
        assert self.speakers(data, "animals") == {"bob_0"}
        assert self.speakers(data, "animals_wild") == {"anna_0"}

    def test_while_there_is_one_set_what_was_taken_for_a_speaker_is_told_once(self, data):
        taken = r"Taken were 1: animals_wild_anna\.wav as wild_anna saying animals\."
        with pytest.warns(EarshotWarning, match=taken):
            clips.cut_set(data, "animals", WORDS)
        assert self.speakers(data, "animals") == {"bob_0", "wild_anna_0"}
        with warnings.catch_warnings(action="error"):
            clips.cut_set(data, "animals", WORDS)

    def test_clips_of_another_set_from_before_are_told(self, data):
        with pytest.warns(EarshotWarning, match="Taken were 1"):
            clips.cut_set(data, "animals", WORDS)
        clips.cut_set(data, "animals_wild", WORDS)
        with pytest.warns(EarshotWarning, match=r"Taken were 1: animals_wild_anna\.wav"):
            clips.cut_set(data, "animals", WORDS)

    def test_a_recording_of_nobody_is_named(self, data, recording):
        audio.write(data / "animals_.wav", recording("anna"), RATE)
        with pytest.warns(EarshotWarning) as caught:
            assert len(clips.cut_set(data, "animals", WORDS)) == 2
        assert any("Not cut: 1" in str(warning.message) for warning in caught)


class TestClipsOf:
    def test_clips_come_in_the_order_of_the_recording_with_their_places(self, data):
        path = data / "animals_bob.flac"
        segments = clips.cut_recording(path, WORDS, data / "animals", who="bob")
        found = clips.clips_of(path, data / "animals", who="bob")
        assert [clip.parent.name for clip in found] == list(WORDS)
        for clip, segment, known in zip(found, found.values(), segments, strict=True):
            assert clip.is_file()
            assert (segment.start_s, segment.word) == (round(known.start_s, 4), known.word)

    def test_a_recording_that_was_never_cut_is_named(self, data):
        with pytest.raises(EarshotError, match="animals_bob.flac was not cut into"):
            clips.clips_of(data / "animals_bob.flac", data / "animals", who="bob")
