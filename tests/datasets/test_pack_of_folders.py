import numpy as np
import pytest

from earshot import audio
from earshot.datasets import folders, packed
from earshot.datasets.streams import make_stream, recite
from earshot.errors import EarshotError
from earshot.features import LogMel
from earshot.segmentation import cut_set

FRONT_END = LogMel()


@pytest.fixture
def cut(beeps, tmp_path):
    """A folder of two words by three speakers, a clip each."""
    for word, label in (("cat", 0), ("dog", 1)):
        for speaker in ("anna", "bob", "eve"):
            chosen = (beeps.labels == label) & (beeps.speakers == speaker)
            if not chosen.any():
                chosen = beeps.labels == label
            clip = beeps.waveforms[np.flatnonzero(chosen)[0]]
            audio.write(tmp_path / "animals" / word / f"{speaker}_0.wav", clip, 8000)
    return tmp_path


def test_spectrograms_are_packed_as_numbers_and_quantized_without_pickle(cut):
    packed.pack(cut, "animals", front_end=FRONT_END)
    with np.load(cut / "animals.npz", allow_pickle=False) as arrays:
        assert arrays["spectrograms"].shape == (6, 101, 40)
        assert arrays["spectrograms"].dtype == np.float32
        assert arrays["quantized"].dtype == np.uint8
        assert arrays["quantized"].max() == 255
        assert list(arrays["words"]) == ["cat", "dog"]
        assert set(arrays["speakers"]) == {"anna", "bob", "eve"}


def test_test_speakers_are_in_the_test_file_alone(cut):
    packed.pack(cut, "animals", front_end=FRONT_END, test_speakers=["eve"])
    assert set(packed.load(cut / "animals.npz").speakers) == {"anna", "bob"}
    assert set(packed.load(cut / "animals-test.npz").speakers) == {"eve"}


def test_recordings_without_labels_are_packed_with_their_names(cut, beeps):
    audio.write(cut / "animals-test" / "what is this.wav", beeps.waveforms[0], 8000)
    _, test = packed.pack(cut, "animals", front_end=FRONT_END)
    assert list(test.sources) == ["what is this.wav"]
    assert list(packed.load(cut / "animals-test.npz").labels) == [-1]


def test_a_test_speaker_who_is_not_there_is_named(cut):
    with pytest.raises(EarshotError, match="joe speaks nowhere"):
        packed.pack(cut, "animals", front_end=FRONT_END, test_speakers=["joe"])


def test_clips_without_labels_do_not_train(cut, beeps):
    from earshot.networks.batches import SpectrogramBatches

    audio.write(cut / "animals-test" / "x.wav", beeps.waveforms[0], 8000)
    _, test = packed.pack(cut, "animals", front_end=FRONT_END)
    with pytest.raises(EarshotError, match="have no label"):
        SpectrogramBatches(test, FRONT_END, batch_size=4)


def test_what_speakers_recite_is_cut_into_the_words_they_said(tmp_path, beeps):
    said = beeps.subset([0, 1, 6, 7])
    written = recite(said, tmp_path, "digits", snr_db=35, sample_rate=8000)
    assert len(written) == len(set(said.speakers))
    assert recite(said, tmp_path, "digits") == []
    cut_set(tmp_path, "digits", [said.class_names[k] for k in said.labels[:2]])
    assert len(folders.from_folder(tmp_path / "digits")) == 4


def test_the_level_of_a_stream_is_what_was_asked_for(beeps):
    words = beeps.subset(np.arange(5))
    loud = make_stream(words, snr_db=60, seed=1)
    noisy = make_stream(words, snr_db=0, seed=1)
    speech = np.concatenate([s.cut(loud.waveform, 16000) for s in loud.segments])
    pause = noisy.waveform[: round(noisy.segments[0].start_s * 16000)]
    scale = np.dot(noisy.waveform, loud.waveform) / np.dot(loud.waveform, loud.waveform)
    ratio_db = 10 * np.log10(np.mean((scale * speech) ** 2) / np.mean(pause**2))
    assert abs(ratio_db) < 1.5


def test_one_seed_gives_one_stream(beeps):
    first, second = (make_stream(beeps, seed=4) for _ in range(2))
    assert np.array_equal(first.waveform, second.waveform)
    assert first.segments == second.segments


def test_a_set_without_clips_makes_no_stream(beeps):
    with pytest.raises(EarshotError, match="at least one word"):
        make_stream(beeps.subset([]))
