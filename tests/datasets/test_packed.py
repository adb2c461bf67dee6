import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot import audio
from earshot.datasets import packed
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel

FRONT_END = LogMel()


def test_what_is_packed_comes_back(beeps, tmp_path):
    beeps.save(tmp_path / "beeps.npz")
    again = packed.load(tmp_path / "beeps.npz")
    for x, y in zip(beeps.waveforms, again.waveforms, strict=True):
        np.testing.assert_array_equal(x, y)
    for field in ("labels", "speakers", "sources"):
        np.testing.assert_array_equal(getattr(beeps, field), getattr(again, field))
    assert (again.class_names, again.sample_rate) == (beeps.class_names, beeps.sample_rate)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1).filter(lambda w: "\0" not in w), min_size=1, unique=True))
def test_any_word_survives(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("pack") / "a.npz"
    n = len(words)
    WordSet([np.zeros(3)] * n, range(n), words, ["x"] * n, ["y"] * n, 8000).save(path)
    assert packed.load(path).class_names == tuple(words)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EarshotError, match=r"a\.npz"):
        packed.load(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"no zip at all", "half"])
def test_a_damaged_file_is_named(beeps, tmp_path, content):
    path = tmp_path / "a.npz"
    beeps.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if content == "half" else content)
    with pytest.raises(EarshotError, match=r"a\.npz is not a packed WordSet or is damaged"):
        packed.load(path)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, waveforms=np.array([{"run": "me"}], dtype=object), lengths=np.array([1]))
    with pytest.raises(EarshotError, match="not a packed WordSet"):
        packed.load(path)


def test_spectrograms_are_packed_with_their_settings(beeps, tmp_path):
    some = beeps.subset([0, 1])
    some.save(tmp_path / "a.npz", front_end=FRONT_END)
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["spectrograms"], FRONT_END(some.waveforms))
        assert arrays["quantized"].dtype == np.uint8
        assert LogMel(**json.loads(str(arrays["front_end"]))) == FRONT_END
    assert len(packed.load(tmp_path / "a.npz")) == 2


@pytest.fixture
def cut(beeps, tmp_path):
    """A folder of two words by three speakers, a clip each."""
    for word, label in (("cat", 0), ("dog", 1)):
        for speaker in ("anna", "bob", "eve"):
            (first, *_) = np.flatnonzero((beeps.labels == label) & (beeps.speakers == speaker))
            path = tmp_path / "animals" / word / f"{speaker}_0.wav"
            audio.write(path, beeps.waveforms[first], 8000)
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
