import json
import sys
import tracemalloc
import warnings
import zipfile
from ast import literal_eval

import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot import arrays as array_files, audio
from earshot.datasets import packed
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError, EarshotWarning
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
    with pytest.raises(EarshotError, match=r"a\.npz is (not a packed WordSet|damaged)"):
        packed.load(path)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, waveforms=np.array([{"run": "me"}], dtype=object), lengths=np.array([1]))
    with pytest.raises(EarshotError, match=r"a\.npz is damaged or another file"):
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


def test_a_loose_recording_that_is_damaged_is_named(cut):
    (cut / "animals-test").mkdir()
    (cut / "animals-test" / "broken.wav").write_text("no sound")
    with pytest.warns(EarshotWarning, match=r"Skipped: 1 unreadable \(.*broken\.wav"):
        packed.pack(cut, "animals", front_end=FRONT_END)


def test_who_speaks_is_told_when_packing(cut):
    train, _ = packed.pack(cut, "animals", front_end=FRONT_END, speaker_of="joe")
    assert set(train.speakers) == {"joe"}


class Interrupted(BaseException):
    """What stops a test's own packing, as the keyboard or the system would."""


@pytest.fixture
def stop_at():
    """Stop at the n-th time from now on that a file takes a name or goes."""
    left = [-1]

    def watch(event, _):
        if event in ("os.rename", "os.remove") and left[0] >= 0:
            left[0] -= 1
            if left[0] < 0:
                raise Interrupted

    sys.addaudithook(watch)  # it stays for good, and does nothing after the test
    yield lambda n: left.__setitem__(0, n)
    left[0] = -1


def test_packing_that_is_stopped_leaves_no_speaker_on_both_sides(cut, stop_at):
    sides = [cut / "animals.npz", cut / "animals-test.npz"]
    packed.pack(cut, "animals", front_end=FRONT_END, test_speakers=["eve"])
    for n in range(99):
        stop_at(n)
        try:
            packed.pack(cut, "animals", front_end=FRONT_END, test_speakers=["bob"])
            break
        except Interrupted:
            stop_at(-1)
        who = [{*packed.load(side).speakers} for side in sides if side.exists()]
        assert not set.intersection(*who) or len(who) == 1, f"stopped at {n}"
    assert n > 2
    assert {*packed.load(sides[1]).speakers} == {"bob"}


class TestHostileFiles:
    """Bytes that some other program, or nobody's hand, has changed."""

    @pytest.fixture
    def arrays(self, beeps, tmp_path):
        beeps.subset([0, 1]).save(tmp_path / "good.npz")
        with np.load(tmp_path / "good.npz") as good:
            return dict(good)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("lengths", np.array([1, 2])),
            ("lengths", np.array([-5, 5])),
            ("lengths", np.array([[1], [2]])),
            ("lengths", np.array([1.5, 2.5])),
            ("labels", np.zeros((2, 0), np.int64)),
            ("labels", np.zeros(0, np.int64)),
            ("labels", np.zeros((2, 2), np.int64)),
            ("labels", np.int64(0)),
            ("words", np.array("low")),
            ("words", np.array([1.0, 2.0])),
            ("words", np.array([["low", "high"]] * 2)),
            ("speakers", np.array("anna")),
            ("speakers", np.array(["anna"])),
            ("sources", np.zeros((2, 3))),
            ("sources", np.frombuffer(b"\xff" * 8, "<U1")),
            ("sample_rate", np.array([8000, 8000])),
            ("sample_rate", np.array(0)),
            ("sample_rate", np.array(np.nan)),
            ("sample_rate", np.array("8000")),
            ("waveforms", np.array("sound")),
            ("waveforms", np.zeros(100, np.int8)),  # takes eight times its size when it is scaled
            ("lengths", np.ones(10**6 + 1, np.int8)),
            ("words", np.ones(10**6 + 1, np.int8)),
            ("waveforms", np.zeros((3, 3), np.int16)),
        ],
    )
    def test_arrays_that_fit_nothing_are_named(self, arrays, tmp_path, name, value):
        np.savez(tmp_path / "a.npz", **{**arrays, name: value})
        with pytest.raises(EarshotError, match=r"a\.npz is (not a packed WordSet|damaged)"):
            packed.load(tmp_path / "a.npz")

    def test_one_line_names_the_file_whatever_the_words(self, arrays, tmp_path):
        np.savez(tmp_path / "a.npz", **{**arrays, "words": np.array(["low\nhigh"] * 2)})
        with pytest.raises(EarshotError, match="Every word must be there once") as caught:
            packed.load(tmp_path / "a.npz")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("off", [[-1, -1], [0, 1], [-9999, 9999]])
    def test_lengths_that_do_not_add_up_are_named(self, arrays, tmp_path, off):
        np.savez(tmp_path / "a.npz", **{**arrays, "lengths": arrays["lengths"] + off})
        with pytest.raises(EarshotError, match="the lengths do not add up"):
            packed.load(tmp_path / "a.npz")

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_whatever_is_changed_one_error_names_the_file(self, arrays, tmp_path, save, rng):
        path = tmp_path / "a.npz"
        few = {**arrays, "waveforms": arrays["waveforms"][:20], "lengths": np.array([10, 10])}
        save(path, **few)
        whole, refused = path.read_bytes(), 0
        for _ in range(300):
            damaged = bytearray(whole)
            for _ in range(rng.integers(1, 4)):
                damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
            if rng.random() < 0.2:
                del damaged[rng.integers(len(damaged)) :]
            path.write_bytes(damaged)
            try:
                packed.load(path)
            except EarshotError as error:
                assert "a.npz" in str(error)
                refused += 1
        assert refused > 100

    def test_a_small_file_that_fills_the_memory_is_refused_before_it_does(self, arrays, tmp_path):
        path, size = tmp_path / "bomb.npz", 80_000_000
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, value in {**arrays, "lengths": np.array([size // 2] * 2)}.items():
                with archive.open(f"{name}.npy", "w") as file:
                    if name != "waveforms":
                        np.lib.format.write_array(file, value)
                        continue
                    head = {"descr": "|i1", "fortran_order": False, "shape": (size,)}
                    np.lib.format.write_array_header_1_0(file, head)
                    for _ in range(8):
                        file.write(bytes(size // 8))
        tracemalloc.start()
        with pytest.raises(EarshotError, match=r"bomb\.npz is damaged, or too large when unpacked"):
            packed.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
        tracemalloc.stop()

    def test_more_is_read_when_it_is_asked_for(self, beeps, tmp_path, monkeypatch):
        monkeypatch.setattr(array_files, "MOST_BYTES", 1000)
        monkeypatch.setattr(array_files, "MOST_PER_BYTE", 0)
        beeps.save(tmp_path / "a.npz")
        with pytest.raises(EarshotError, match="too large when unpacked"):
            packed.load(tmp_path / "a.npz")
        assert len(packed.load(tmp_path / "a.npz", most_bytes=10**8)) == 60

    @pytest.mark.parametrize("shape", ["(10000000000000,)", "(99999999999, 99999999999)", "(-1,)"])
    @pytest.mark.parametrize("descr", ["<i2", "<U0", "|V0"])
    def test_a_head_that_claims_too_much_is_refused(self, arrays, tmp_path, shape, descr):
        path = tmp_path / "a.npz"
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in arrays.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, value)
            head = {"descr": descr, "fortran_order": False, "shape": literal_eval(shape)}
            with warnings.catch_warnings(action="ignore"), archive.open("words.npy", "w") as file:
                np.lib.format.write_array_header_1_0(file, head)
        with pytest.raises(EarshotError, match=r"a\.npz is (not a packed WordSet|damaged)"):
            packed.load(path)

    @pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_compressions_are_refused(self, arrays, tmp_path, kind):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", kind) as archive:
            for name, value in arrays.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, value)
        with pytest.raises(EarshotError, match="another compression"):
            packed.load(tmp_path / "a.npz")

    def test_an_empty_set_comes_back(self, tmp_path):
        WordSet([], [], ("a",), [], [], 8000).save(tmp_path / "a.npz")
        assert len(packed.load(tmp_path / "a.npz")) == 0

    def test_a_folder_in_its_place_is_named(self, tmp_path):
        with pytest.raises(EarshotError, match="There is no file"):
            packed.load(tmp_path)
