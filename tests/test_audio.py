import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from earshot import audio
from earshot.errors import EarshotError


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


@pytest.mark.parametrize("rate", [0, -8000, 8000.5, np.inf, None])
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


def test_a_text_file_called_wav_is_named(tmp_path):
    (tmp_path / "six.wav").write_text("This is a note, not a sound. " * 20)
    with pytest.raises(EarshotError, match=r"six\.wav cannot be read as sound"):
        audio.read(tmp_path / "six.wav")


def test_a_truncated_flac_is_named(tmp_path, rng):
    audio.write(tmp_path / "whole.flac", rng.uniform(-0.5, 0.5, 20000), 8000)
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(EarshotError, match=r"cut\.flac"):
        audio.read(tmp_path / "cut.flac")


def test_of_a_truncated_wav_the_part_that_is_there_is_read(tmp_path):
    audio.write(tmp_path / "whole.wav", tone(), 8000)
    data = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(data[: 44 + 2 * 1000])
    x, _ = audio.read(tmp_path / "cut.wav")
    np.testing.assert_allclose(x, tone()[:1000], atol=1e-4)


def test_a_wav_without_samples_is_named(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with pytest.raises(EarshotError, match=r"a\.wav has no samples"):
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


def test_integer_samples_are_scaled():
    np.testing.assert_allclose(audio.validate(np.array([16384, -32768], np.int16)), [0.5, -1])
    np.testing.assert_allclose(audio.validate(np.array([192, 0], np.uint8)), [0.5, -1])


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
