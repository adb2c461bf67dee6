import dataclasses
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from earshot.errors import EarshotError
from earshot.features import images
from earshot.features.log_mel import LogMel
from earshot.features.stream import StreamSpectrogram

FRONT_END = LogMel(n_samples=None)


@pytest.fixture
def spectrogram(rng):
    return FRONT_END(rng.standard_normal(3000).astype(np.float32))


def test_numbers_come_back_as_they_were_with_their_settings(spectrogram, tmp_path):
    images.write(tmp_path / "a.npz", spectrogram, FRONT_END)
    again, front_end = images.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(again, spectrogram)
    assert front_end == FRONT_END


def test_an_image_comes_back_quantized_with_its_settings(spectrogram, tmp_path):
    images.write(tmp_path / "a.png", spectrogram, FRONT_END)
    quantized, front_end = images.read(tmp_path / "a.png")
    assert front_end == dataclasses.replace(FRONT_END, bits=8)
    assert quantized.dtype == np.uint8
    assert np.abs((quantized / 255.0 - 1) * 45 - spectrogram).max() < 0.1


def test_an_image_from_elsewhere_needs_settings(spectrogram, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 7), np.uint8) + 9).save(path)
    with pytest.raises(EarshotError, match="give front_end"):
        images.read(path)
    quantized, front_end = images.read(path, FRONT_END)
    assert quantized.shape == (7, 40)
    assert front_end.bits == 8


def test_a_wrong_spectrogram_leaves_no_file(spectrogram, tmp_path):
    with pytest.raises(EarshotError, match="NaN"):
        images.write(tmp_path / "a.npz", spectrogram * np.nan, FRONT_END)
    with pytest.raises(EarshotError, match="one spectrogram"):
        images.write(tmp_path / "a.npz", spectrogram[None], FRONT_END)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_missing_file_is_named(tmp_path):
    with pytest.raises(EarshotError, match="no file .*a.npz"):
        images.read(tmp_path / "a.npz")
    for name in ("b.npz", "b.png"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(EarshotError, match=f"{name}.*damaged"):
            images.read(tmp_path / name)
    with pytest.raises(EarshotError, match=r"neither \.npz nor \.png"):
        images.write(tmp_path / "c.txt", np.zeros((3, 40)), FRONT_END)


def chunk(kind, content):
    """Make a part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(
        ">I", zlib.crc32(kind + content)
    )  # fmt: skip


def png(width, height, content=b"", *parts):
    """Make an 8-bit grey PNG file that may lie."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    end = chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(parts) + end


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png(100_000, 100_000), "damaged"),  # more than Pillow opens
        (png(2**12 + 1, 2**12), "4,097 by 4,096 points"),
        (png(7, 40, b"no zlib"), "damaged"),
        (png(7, 40)[:40], "damaged"),
        (png(7, 40, zlib.compress(bytes(41 * 7)), chunk(b"tEXt", b"front_end\0[1, 2]")), "damaged"),
        (png(7, 40, zlib.compress(bytes(8 * 40)), chunk(b"tEXt", b"front_end\0{\"kind\": []}")),
         "no front end"),
    ],
    ids=["a bomb", "large", "no zlib", "cut", "a list for settings", "a kind that is none"],
)  # fmt: skip
def test_an_image_with_damaged_bytes_is_one_error(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(EarshotError, match=rf"a\.png holds no spectrogram, .*{reason}"):
        images.read(tmp_path / "a.png", FRONT_END)


@pytest.mark.parametrize("ending", ["npz", "png"])
def test_every_damage_of_a_file_is_one_error(tmp_path, spectrogram, rng, ending):
    path = tmp_path / f"a.{ending}"
    images.write(path, spectrogram, FRONT_END)
    data = path.read_bytes()
    for _ in range(200):
        changed = bytearray(data[: rng.integers(1, 2 * len(data))])
        changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            images.read(path)
        except EarshotError as error:
            assert path.name in str(error)


def test_what_other_settings_gave_is_named_by_its_file(tmp_path):
    Image.fromarray(np.zeros((30, 7), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(EarshotError, match=r"a\.png: .*the shape \(7, 30\)"):
        images.read(tmp_path / "a.png", FRONT_END)


def test_an_image_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch, spectrogram):
    monkeypatch.setattr(images, "MOST_POINTS", 40)
    with pytest.raises(EarshotError, match=r"a\.png would have .* points: write a \.npz"):
        images.write(tmp_path / "a.png", spectrogram, FRONT_END)


def test_a_coarser_spectrogram_keeps_its_size_and_its_loudest_point(spectrogram):
    rough = images.coarser(spectrogram, 4)
    assert rough.shape == spectrogram.shape
    assert abs(rough.max()) < 1e-6
    assert (rough[0:4, 0:4] == rough[0, 0]).all()
    np.testing.assert_allclose(images.coarser(spectrogram, 1), spectrogram, atol=1e-5)


class TestWindows:
    @pytest.fixture
    def saved(self, rng, tmp_path):
        made = StreamSpectrogram(n_frames=8, n_ahead=4)
        cut = rng.uniform(0, 50, (6, 8, 40)).astype(np.float32)
        labels = np.array([0, 1, 0, 1, 1, 0])
        class_names = ("noise", "speech")
        images.save_windows(tmp_path / "p", cut, labels, class_names, made, source="a.wav")
        return tmp_path / "p", cut, labels, made

    def test_they_come_back_with_labels_and_settings(self, saved):
        folder, cut, labels, made = saved
        back, found, class_names, settings = images.load_windows(folder)
        assert abs(back - cut).max() <= 50 / 510 + 1e-5
        assert found.tolist() == labels.tolist()
        assert (class_names, settings) == (("noise", "speech"), made)

    def test_they_lie_in_folders_by_label_as_8_bit_png(self, saved):
        folder, *_ = saved
        assert len(list((folder / "speech").glob("*.png"))) == 3
        with Image.open(folder / "noise/000000.png") as image:
            assert (image.mode, image.size) == ("L", (8, 40))

    def test_nothing_is_overwritten(self, saved):
        folder, cut, labels, made = saved
        with pytest.raises(EarshotError, match="exists already and is kept"):
            images.save_windows(folder, cut, labels, ("noise", "speech"), made)

    @pytest.mark.parametrize("name", ["speech/000001.png", "index.json"])
    def test_what_is_damaged_is_named(self, saved, name):
        folder, *_ = saved
        (folder / name).write_bytes(b"\x00damaged")
        with pytest.raises(EarshotError, match=name):
            images.load_windows(folder)

    @pytest.mark.parametrize(
        ("key", "value"),
        [("windows", 5), ("windows", [5]), ("windows", [{"file": 5, "class_name": "noise"}]),
         ("windows", []), ("windows", [{"file": "noise/000000.png", "class_name": "noise"}] * 2),
         ("windows", [{"file": "n" * 5000, "class_name": "noise"}]),
         ("windows", [{"file": "/etc/passwd", "class_name": "noise"}]),
         ("windows", [{"file": "../q.png", "class_name": "noise"}]),
         ("settings", {"sample_rate": 10**400}), ("class_names", [1, 2]),
         ("class_names", None), ("class_names", ["noise", {}]),
         ("settings", {"n_fft": "256"}), ("settings", 3), ("settings", {"other": 1})],
    )  # fmt: skip
    def test_an_index_that_makes_no_sense_is_named(self, saved, key, value):
        path = saved[0] / "index.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
        with pytest.raises(EarshotError, match=r"(index\.json|nnnn) holds no|There is no file"):
            images.load_windows(saved[0])

    def test_a_window_that_is_missing_is_named(self, saved):
        (saved[0] / "noise/000000.png").unlink()
        with pytest.raises(EarshotError, match=r"no file .*000000\.png"):
            images.load_windows(saved[0])

    def test_windows_of_other_settings_are_refused(self, saved):
        with pytest.raises(EarshotError, match="made with other settings"):
            images.load_windows(saved[0], StreamSpectrogram())

    @pytest.mark.parametrize(
        "image",
        [Image.new("L", (1, 1)), Image.new("P", (8, 40)), Image.new("I;16", (8, 40))],
        ids=["1x1", "palette", "16 bit"],
    )
    def test_an_image_of_another_form_is_named(self, saved, image):
        image.save(saved[0] / "noise/000000.png")
        with pytest.raises(EarshotError, match=r"noise/000000\.png holds no spectrogram"):
            images.load_windows(saved[0])

    @pytest.mark.parametrize(
        ("labels", "values", "message"),
        [([0, 2], 0.0, "Labels of 2 classes"), ([0, -1], 0.0, "Labels of 2 classes"),
         ([0, 1], -3.0, "from 0 to 50 dB, not -3"), ([0, 1], 51.0, "from 0 to 50 dB")],
    )  # fmt: skip
    def test_what_cannot_be_saved_is_refused(self, tmp_path, labels, values, message):
        cut = np.full((2, 63, 40), values)
        with pytest.raises(EarshotError, match=message):
            images.save_windows(
                tmp_path / "p", cut, labels, ("noise", "speech"), StreamSpectrogram()
            )

    def test_windows_of_another_size_are_refused(self, tmp_path):
        with pytest.raises(EarshotError, match=r"of the shape \(2, 63, 40\), not \(2, 9, 40\)"):
            images.save_windows(
                tmp_path / "p", np.zeros((2, 9, 40)), [0, 1], ("a", "b"), StreamSpectrogram()
            )
