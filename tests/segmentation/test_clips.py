import numpy as np
import pytest

from earshot import audio
from earshot.datasets import folders, packed
from earshot.datasets.streams import make_stream, recite
from earshot.errors import EarshotError, EarshotWarning
from earshot.features import log_mel
from earshot.segmentation import clips, label_tracks
from earshot.segmentation.segments import Segment

WORDS = ("cat", "dog", "fox")
RATE = 8000


@pytest.fixture
def recording(spoken_digit):
    """Three words in order, by one speaker: the digits 1, 2 and 3 under other names."""

    def make(speaker, take=7, words=(1, 2, 3)):
        names = [f"{word}_{speaker}_{take}.wav" for word in words]
        chosen = [int(np.flatnonzero(spoken_digit.sources == name)[0]) for name in names]
        return make_stream(
            spoken_digit.subset(chosen), snr_db=35, pauses_s=(0.4, 0.6), sample_rate=RATE, seed=take
        ).waveform

    return make


@pytest.fixture
def data(tmp_path, recording):
    """A folder with recordings of a set by three speakers, in three formats."""
    for speaker, suffix in (("jackson", "wav"), ("nicolas", "flac"), ("theo", "mp3")):
        audio.write(tmp_path / f"animals_{speaker}.{suffix}", recording(speaker), RATE)
    return tmp_path


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestCutSet:
    def test_every_recording_is_sorted_into_words(self, data):
        done = clips.cut_set(data, "animals", WORDS)
        assert len(done) == 3
        for word in WORDS:
            for speaker in ("jackson", "nicolas", "theo"):
                x, rate = audio.read(data / "animals" / word / f"{speaker}.wav")
                assert rate == RATE
                assert 0.15 < len(x) / RATE < 1

    def test_what_speakers_recite_is_cut_into_the_words_they_said(self, tmp_path, spoken_digit):
        takes = [f"{word}_{who}_7.wav" for who in ("theo", "jackson") for word in (1, 2, 3)]
        chosen = spoken_digit.subset(np.isin(spoken_digit.sources, takes))
        written = recite(chosen, tmp_path, "digits", snr_db=35, sample_rate=RATE)
        assert [path.name for path in written] == ["digits_jackson.wav", "digits_theo.wav"]
        assert recite(chosen, tmp_path, "digits") == []
        clips.cut_set(tmp_path, "digits", WORDS)
        assert len(folders.from_folder(tmp_path / "digits")) == 6

    def test_a_soft_recording_becomes_as_loud_as_others(self, data, recording):
        audio.write(data / "soft_anna.wav", 0.02 * recording("jackson"), RATE)
        clips.cut_set(data, "soft", WORDS)
        peaks = [np.abs(audio.read(p)[0]).max() for p in (data / "soft").rglob("anna.wav")]
        assert max(peaks) == pytest.approx(0.9, abs=0.01)

    def test_cutting_twice_changes_nothing(self, data):
        clips.cut_set(data, "animals", WORDS)
        before = everything(data)
        clips.cut_set(data, "animals", WORDS)
        assert everything(data) == before

    def test_a_damaged_recording_is_named_and_the_others_are_cut(self, data):
        (data / "animals_eve.wav").write_bytes(b"RIFF nothing")
        with pytest.warns(EarshotWarning, match=r"Not cut: 1: .*animals_eve\.wav cannot be read"):
            done = clips.cut_set(data, "animals", WORDS)
        assert len(done) == 3

    def test_a_silent_recording_is_named(self, data):
        audio.write(data / "animals_eve.wav", np.zeros(RATE, np.float32), RATE)
        with pytest.warns(EarshotWarning, match=r"animals_eve\.wav stands out"):
            clips.cut_set(data, "animals", WORDS)

    def test_no_recording_at_all_says_what_to_record(self, tmp_path):
        with pytest.raises(EarshotError, match=r"animals_<who>\.wav .*cat, dog, fox"):
            clips.cut_set(tmp_path, "animals", WORDS)

    def test_more_words_than_were_spoken_are_named(self, data, recording):
        audio.write(data / "four_anna.wav", recording("jackson"), RATE)
        with pytest.warns(EarshotWarning, match="1 of 4 words were not found"):
            done = clips.cut_set(data, "four", (*WORDS, "hippopotamus"))
        assert len(next(iter(done.values()))) == 3


class TestCorrections:
    def test_a_label_track_beside_the_recording_is_obeyed(self, data):
        (path,) = data.glob("animals_jackson.*")
        first = clips.cut_set(data, "animals", WORDS)[path]
        label_tracks.write(
            label_tracks.beside(path), label_tracks.correct(first, drop=[1], relabel={2: "ox"})
        )
        clips.cut_set(data, "animals", WORDS)
        folder = data / "animals"
        assert {p.parent.name for p in folder.glob("[!_]*/jackson.wav")} == {"cat", "ox"}

    @pytest.mark.parametrize("wrong", [Segment(0.5, 0.5, "cat"), Segment(99, 100, "cat")])
    def test_a_label_that_holds_no_sound_is_named(self, data, wrong):
        (path,) = data.glob("animals_jackson.*")
        label_tracks.write(label_tracks.beside(path), [wrong])
        with pytest.warns(EarshotWarning, match=r"jackson\.labels\.txt puts 'cat' from"):
            clips.cut_set(data, "animals", WORDS)

    def test_what_was_replaced_is_kept(self, data):
        (path,) = data.glob("animals_jackson.*")
        first = clips.cut_set(data, "animals", WORDS)[path]
        old = (data / "animals" / "dog" / "jackson.wav").read_bytes()
        label_tracks.write(label_tracks.beside(path), label_tracks.correct(first, drop=[1]))
        clips.cut_set(data, "animals", WORDS)
        assert (data / "animals" / "_replaced" / "dog" / "jackson-1.wav").read_bytes() == old

    def test_a_clip_from_elsewhere_is_never_touched(self, data):
        own = data / "animals" / "cat" / "jackson.wav"
        audio.write(own, np.full(2000, 0.1, np.float32), RATE)
        before = own.read_bytes()
        clips.cut_set(data, "animals", WORDS)
        assert own.read_bytes() == before
        assert (data / "animals" / "cat" / "jackson_2.wav").is_file()


class TestPack:
    front_end = log_mel.LogMel()

    @pytest.fixture
    def cut(self, data):
        clips.cut_set(data, "animals", WORDS)
        return data

    def test_spectrograms_and_stamps_are_packed_without_pickle(self, cut):
        packed.pack(cut, "animals", front_end=self.front_end)
        with np.load(cut / "animals.npz", allow_pickle=False) as arrays:
            assert arrays["spectrograms"].shape == (9, 101, 40)
            assert arrays["spectrograms"].dtype == np.float32
            assert arrays["quantized"].dtype == np.uint8
            assert arrays["quantized"].max() == 255
            assert list(arrays["words"]) == list(WORDS)
            assert set(arrays["speakers"]) == {"jackson", "nicolas", "theo"}

    def test_test_speakers_are_in_the_test_file_alone(self, cut):
        packed.pack(cut, "animals", front_end=self.front_end, test_speakers=["theo"])
        assert set(packed.load(cut / "animals.npz").speakers) == {"jackson", "nicolas"}
        assert set(packed.load(cut / "animals-test.npz").speakers) == {"theo"}

    def test_recordings_without_labels_are_packed_with_their_names(self, cut, recording):
        audio.write(cut / "animals-test" / "what is this.wav", recording("theo"), RATE)
        _, test = packed.pack(cut, "animals", front_end=self.front_end)
        assert list(test.sources) == ["what is this.wav"]
        assert list(packed.load(cut / "animals-test.npz").labels) == [-1]

    def test_a_test_speaker_who_is_not_there_is_named(self, cut):
        with pytest.raises(EarshotError, match="eve speaks nowhere"):
            packed.pack(cut, "animals", front_end=self.front_end, test_speakers=["eve"])

    def test_clips_without_labels_do_not_train(self, cut, recording):
        from earshot.networks.batches import SpectrogramBatches

        audio.write(cut / "animals-test" / "x.wav", recording("theo"), RATE)
        _, test = packed.pack(cut, "animals", front_end=self.front_end)
        with pytest.raises(EarshotError, match="have no label"):
            SpectrogramBatches(test, self.front_end, batch_size=4)
