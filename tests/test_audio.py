import io
import os
import struct
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st

from earshot import audio
from earshot.errors import EarshotError, EarshotWarning

FORMS = [("wav", "WAV", "PCM_16"), ("wav", "WAV", "FLOAT"), ("wav", "WAV", "MS_ADPCM"),
         ("wav", "WAVEX", "PCM_24"), ("wav", "RF64", "PCM_16"), ("aiff", "AIFF", "PCM_16"),
         ("au", "AU", "PCM_16"), ("w64", "W64", "PCM_16"), ("flac", "FLAC", "PCM_16"),
         ("ogg", "OGG", "VORBIS"), ("opus", "OGG", "OPUS"), ("mp3", "MP3", None)]  # fmt: skip
"""Endings, and what libsndfile calls the formats and codings."""


def flac(path, x, *, rate=8000, n_samples=None):
    """Write a FLAC file the header of which claims something else."""
    file = io.BytesIO()
    soundfile.write(file, x, 8000, format="FLAC")
    data = bytearray(file.getvalue())
    claims = int.from_bytes(data[18:26], "big")  # 20 bits of rate, 8 of form, 36 of length
    n_samples = claims % 2**36 if n_samples is None else n_samples
    claims = (rate << 44) | (claims >> 36 & 255) << 36 | n_samples
    data[18:26] = claims.to_bytes(8, "big")
    path.write_bytes(data)


def tone(sample_rate=8000, duration_s=0.5, pitch_hz=440):
    t = np.arange(int(duration_s * sample_rate)) / sample_rate
    return (0.4 * np.sin(2 * np.pi * pitch_hz * t)).astype(np.float32)


@pytest.mark.parametrize(
    ("ending", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1e-2), ("wav", "PCM_16", 1e-4), ("wav", "PCM_24", 1e-6),
        ("wav", "FLOAT", 0), ("wav", "DOUBLE", 1e-7), ("flac", "PCM_16", 1e-4),
        ("aiff", "PCM_16", 1e-4),
    ],
)  # fmt: skip
def test_what_is_written_is_read_back(tmp_path, ending, subtype, tolerance):
    x = tone()
    audio.write(tmp_path / f"a.{ending}", x, 8000, subtype=subtype)
    y, sample_rate = audio.read(tmp_path / f"a.{ending}")
    assert sample_rate == 8000
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x, atol=tolerance)


@pytest.mark.parametrize("ending", ["mp3", "ogg"])
def test_compressed_formats_keep_the_tone(tmp_path, ending):
    audio.write(tmp_path / f"a.{ending}", tone(16000), 16000)
    y, sample_rate = audio.read(tmp_path / f"a.{ending}")
    loudest_hz = np.argmax(np.abs(np.fft.rfft(y))) * sample_rate / len(y)
    assert abs(loudest_hz - 440) < 5


def test_eight_channels_become_their_mean(tmp_path):
    channels = np.linspace(0, 0.7, 8) * np.ones((100, 1))
    soundfile.write(tmp_path / "a.wav", channels, 8000, subtype="FLOAT")
    x, _ = audio.read(tmp_path / "a.wav")
    np.testing.assert_allclose(x, 0.35, atol=1e-6)


def test_192_khz_is_brought_to_the_asked_rate(tmp_path):
    audio.write(tmp_path / "a.wav", tone(192000), 192000)
    x, sample_rate = audio.read(tmp_path / "a.wav", sample_rate=8000)
    assert sample_rate == 8000
    np.testing.assert_allclose(x[100:-100], tone(8000)[100:-100], atol=2e-3)


@given(
    n=st.integers(1, 5000),
    rates=st.tuples(st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]), st.just(8000)),
)
def test_resampling_keeps_the_duration(n, rates):
    y = audio.resample(np.zeros(n, np.float32), *rates)
    assert len(y) == -(-n * rates[1] // rates[0])


@given(
    cuts=st.lists(st.integers(0, 9000), max_size=6),
    rates=st.sampled_from([(44100, 8000), (16000, 8000), (8000, 16000), (8000, 8000)]),
)
def test_a_stream_in_blocks_is_resampled_as_in_one_piece(cuts, rates):
    x = np.random.default_rng(1).standard_normal(9000).astype(np.float32)
    resampler = audio.Resampler(*rates)
    parts = [resampler.push(block) for block in np.split(x, sorted(cuts))]
    whole = np.concatenate([*parts, resampler.flush()])
    np.testing.assert_allclose(whole, audio.resample(x, *rates), atol=1e-5)


def test_a_file_comes_in_blocks(tmp_path):
    audio.write(tmp_path / "a.wav", tone(), 8000)
    parts = list(audio.blocks(tmp_path / "a.wav", 0.15))
    assert [(len(block), rate) for block, rate in parts] == [
        (1200, 8000), (1200, 8000), (1200, 8000), (400, 8000),
    ]  # fmt: skip
    np.testing.assert_array_equal(
        np.concatenate([block for block, _ in parts]), audio.read(tmp_path / "a.wav")[0]
    )


def test_a_waveform_without_its_rate_is_refused():
    with pytest.raises(EarshotError, match="give sample_rate"):
        next(audio.blocks_of(np.zeros(10, np.float32), None))


@pytest.mark.parametrize("rate", [0, -8000, 8000.5, np.inf, np.nan, None, "8000", 384_001])
def test_an_impossible_rate_is_named(rate):
    with pytest.raises(EarshotError, match="sample rate"):
        audio.resample(np.zeros(10), rate, 8000)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EarshotError, match=r"no file .*six\.wav"):
        audio.read(tmp_path / "six.wav")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "six.wav").touch()
    with pytest.raises(EarshotError, match=r"six\.wav is empty"):
        audio.read(tmp_path / "six.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf_8_is_refused(tmp_path):
    audio.write(tmp_path / "a.wav", tone(), 8000)
    path = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    (tmp_path / "a.wav").rename(os.fsdecode(path))
    with pytest.raises(EarshotError, match=r"caf\\udce9\.wav has bytes in its name.*rename it"):
        audio.read(os.fsdecode(path))


def test_a_text_file_called_wav_is_named(tmp_path):
    (tmp_path / "six.wav").write_text("This is a note, not a sound. " * 20)
    with pytest.raises(EarshotError, match=r"six\.wav cannot be read as sound"):
        audio.read(tmp_path / "six.wav")


@pytest.mark.parametrize(("ending", "form", "coding"), FORMS)
def test_no_part_of_a_file_passes_for_the_whole(tmp_path, rng, ending, form, coding):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, rng.uniform(-0.5, 0.5, 2000), 8000, format=form, subtype=coding)
    data, whole = path.read_bytes(), len(audio.read(path)[0])
    for n in {*range(1, 60, 4), *range(60, len(data), 97), len(data) - 2, len(data) - 1}:
        path.write_bytes(data[:n])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                assert len(audio.read(path)[0]) < whole
            except EarshotError as error:
                assert path.name in str(error)
            else:
                assert [warning.category for warning in told] == [EarshotWarning], n
                assert f"{path} is cut short" in str(told[0].message)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("flac", r"cut\.flac cannot be read as sound .*damaged"),
        ("mp3", r"cut\.mp3 is cut short \(.* of 20,000 samples are"),
    ],
)
def test_of_a_truncated_compressed_file_nothing_is_read(tmp_path, rng, ending, told):
    audio.write(tmp_path / f"whole.{ending}", rng.uniform(-0.5, 0.5, 20000), 8000)
    data = (tmp_path / f"whole.{ending}").read_bytes()
    (tmp_path / f"cut.{ending}").write_bytes(data[: len(data) // 2])
    with pytest.raises(EarshotError, match=told):
        audio.read(tmp_path / f"cut.{ending}")


def test_of_a_truncated_wav_the_part_that_is_there_is_read(tmp_path):
    audio.write(tmp_path / "whole.wav", tone(), 8000)
    data = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(data[: 44 + 2 * 1000])
    with pytest.warns(EarshotWarning, match=r"cut\.wav is cut short \(6,000 of 8,000 bytes"):
        x, _ = audio.read(tmp_path / "cut.wav")
    np.testing.assert_allclose(x, tone()[:1000], atol=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_what_was_written_to_a_pipe_is_whole_without_a_length(tmp_path, length):
    path = tmp_path / "a.wav"
    audio.write(path, tone(), 8000)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", length)
    path.write_bytes(data)
    np.testing.assert_allclose(audio.read(path)[0], tone(), atol=1e-4)
    assert audio.duration(path) == 0.5
    assert path.read_bytes() == data


@pytest.mark.parametrize("rate", [1, 999, 384_001, 10_000_000])
def test_a_rate_that_no_sound_has_is_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(), rate)
    with pytest.raises(EarshotError, match=rf"a\.wav claims {rate:,} Hz.*1,000 to 384,000"):
        audio.read(tmp_path / "a.wav", 8000)


@pytest.mark.parametrize("n_samples", [0, 2**25 + 1, 2**36 - 1])
def test_more_than_fits_into_the_memory_is_refused_before_it_is_read(tmp_path, n_samples):
    flac(tmp_path / "a.flac", tone(), n_samples=n_samples)
    with pytest.raises(EarshotError, match=r"a\.flac is too long .*audio\.blocks"):
        audio.read(tmp_path / "a.flac")


def test_what_resampling_would_blow_up_is_refused(tmp_path):
    flac(tmp_path / "a.flac", tone(), rate=1000, n_samples=2**20)
    with pytest.raises(EarshotError, match=r"too long .*50,331,648 samples"):
        audio.read(tmp_path / "a.flac", 48000)


def test_a_large_file_is_read_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "MOST_SAMPLES", 1000)
    audio.write(tmp_path / "a.wav", tone(), 8000)
    assert len(audio.read(tmp_path / "a.wav")[0]) == 4000


def test_a_long_file_comes_in_blocks_and_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "MOST_SAMPLES", 1000)
    monkeypatch.setattr(audio, "MOST_PER_BYTE", 0)
    audio.write(tmp_path / "a.wav", tone(), 8000)
    with pytest.raises(EarshotError, match="too long"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(EarshotError, match="too long"):
        next(audio.blocks(tmp_path / "a.wav", 0.2))
    assert sum(len(block) for block, _ in audio.blocks(tmp_path / "a.wav", 0.1)) == 4000
    assert len(audio.read(tmp_path / "a.wav", start_s=0.3, end_s=0.4)[0]) == 800


def test_many_channels_take_no_more_memory_than_their_mean(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((2**20, 32), np.uint8) + 0.5, 8000, "PCM_U8")
    tracemalloc.start()
    try:
        x, _ = audio.read(tmp_path / "a.wav")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(x) == 2**20
    assert peak < 20e6


@pytest.mark.parametrize("name", ["a.au", "a.raw"])
def test_what_has_no_header_is_no_sound(tmp_path, name):
    (tmp_path / name).write_text("This is a note.")
    with pytest.raises(EarshotError, match=rf"{name} cannot be read as sound .it has no header"):
        audio.read(tmp_path / name)


def test_a_wav_without_samples_is_named(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with pytest.raises(EarshotError, match=r"a\.wav has no samples"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.filterwarnings("error")
def test_channels_that_have_no_mean_are_one_error(tmp_path):
    soundfile.write(tmp_path / "a.wav", [[np.inf, -np.inf], [0, 0]], 8000, subtype="FLOAT")
    with pytest.raises(EarshotError, match=r"a\.wav holds NaN or infinity in 1 of 2"):
        audio.read(tmp_path / "a.wav")


def test_nan_in_a_file_is_counted(tmp_path):
    x = tone()
    x[[3, 5]] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", x, 8000, subtype="FLOAT")
    with pytest.raises(EarshotError, match=r"a\.wav holds NaN or infinity in 2 of 4,000"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 3)), "shape"), (np.zeros(0), "no samples"), (np.array(["a"]), "values"),
        (np.array([1j]), "values"),
    ],
)  # fmt: skip
def test_what_is_no_waveform_is_refused(bad, message):
    with pytest.raises(EarshotError, match=message):
        audio.validate(bad)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32])
def test_integer_samples_are_scaled(kind):
    half, least = np.iinfo(kind).max // 2 + 1, np.iinfo(kind).min
    np.testing.assert_array_equal(audio.validate(np.array([half, 0, least], kind)), [0.5, 0, -1])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_unsigned_samples_are_scaled_about_their_middle(kind):
    middle = np.iinfo(kind).max // 2 + 1
    x = np.array([middle + middle // 2, middle, 0], kind)
    np.testing.assert_array_equal(audio.validate(x), [0.5, 0, -1])


def test_integers_of_64_bits_are_samples_of_16():
    np.testing.assert_array_equal(audio.validate(np.array([16384, -32768])), [0.5, -1])


def test_an_existing_file_is_kept(tmp_path):
    audio.write(tmp_path / "a.wav", tone(), 8000)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(EarshotError, match="exists already"):
        audio.write(tmp_path / "a.wav", -tone(), 8000)
    assert (tmp_path / "a.wav").read_bytes() == before


def test_a_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(EarshotError, match="cannot be written"):
        audio.write(tmp_path / "a.nonsense", tone(), 8000)
    assert list(tmp_path.iterdir()) == []
