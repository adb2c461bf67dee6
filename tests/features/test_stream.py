import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from earshot import audio
from earshot.errors import EarshotError
from earshot.features import stream
from earshot.features.stream import StreamSpectrogram


@pytest.fixture
def noise(rng):
    return (0.05 * rng.standard_normal(40_000)).astype(np.float32)


class TestSpectrogram:
    @pytest.mark.parametrize(
        "made",
        [
            StreamSpectrogram(),
            StreamSpectrogram(n_mels=None),
            StreamSpectrogram(floor_s=None, top_db=90.0),
            StreamSpectrogram(n_fft=512, hop_length=64),
        ],
        ids=["mel", "linear", "no floor", "other hop"],
    )
    @given(cuts=st.lists(st.integers(0, 40_000), max_size=6))
    @settings(max_examples=8)
    def test_blocks_of_any_length_give_what_one_piece_gives(self, made, cuts):
        x = (0.05 * np.random.default_rng(1).standard_normal(40_000)).astype(np.float32)
        blocks = [(block, 16000) for block in np.split(x, sorted(cuts))]
        parts = np.concatenate(list(made.blocks(blocks)))
        assert np.array_equal(parts, made.spectrogram(x, 16000))

    def test_it_has_a_step_for_every_hop(self, noise):
        assert StreamSpectrogram().spectrogram(noise).shape == (1 + 40_000 // 80, 40)
        assert StreamSpectrogram(n_mels=None).spectrogram(noise).shape == (501, 129)

    def test_a_file_gives_what_its_waveform_gives(self, noise, tmp_path):
        audio.write(tmp_path / "a.wav", noise, 16000, subtype="FLOAT")
        from_file = StreamSpectrogram().spectrogram(tmp_path / "a.wav")
        assert np.array_equal(from_file, StreamSpectrogram().spectrogram(noise, 16000))

    def test_quantized_it_takes_a_byte_a_value(self, noise):
        made = StreamSpectrogram()
        spectrogram = made.spectrogram(noise)
        quantized = made.to_quantized(spectrogram)
        assert quantized.dtype == np.uint8
        assert abs(made.from_quantized(quantized) - spectrogram).max() <= 50 / 510 + 1e-5

    def test_neither_loudness_nor_colour_of_a_steady_noise_matters(self, noise):
        made = StreamSpectrogram()
        coloured = np.convolve(noise, [1, 0.9], "same").astype(np.float32)
        white, other = (made.spectrogram(x)[300:] for x in (noise, 0.05 * coloured))
        assert abs(white.mean(axis=0) - other.mean(axis=0)).max() < 1.5

    def test_a_tone_stands_above_the_noise_in_its_band(self, noise):
        t = np.arange(len(noise)) / 8000
        x = noise + (t > 4) * 0.3 * np.sin(2 * np.pi * 1000 * t).astype(np.float32)
        spectrogram = StreamSpectrogram().spectrogram(x)
        assert spectrogram[405:].mean(axis=0).max() > spectrogram[300:390].mean(axis=0).max() + 15

    def test_the_floor_falls_when_a_noise_becomes_fainter(self, noise):
        made = StreamSpectrogram(floor_s=1.0)
        fading = noise.copy()
        fading[16000:] *= 0.1  # 20 dB, after two seconds
        again = made.spectrogram(fading)[220:]
        assert abs(np.median(again) - np.median(made.spectrogram(noise)[220:])) < 1

    def test_the_floor_rises_when_a_noise_stays_louder(self, noise):
        made = StreamSpectrogram(floor_s=1.0)
        rising = noise.copy()
        rising[:16000] *= 0.1
        spectrogram = made.spectrogram(rising)
        assert np.median(spectrogram[205:280]) > 15
        assert np.median(spectrogram[320:]) < 6

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_and_infinity_are_refused(self, noise, bad):
        noise[7] = bad
        with pytest.raises(EarshotError, match="NaN or infinity in 1 of"):
            StreamSpectrogram().spectrogram(noise)

    def test_the_difference_is_over_what_both_have(self, noise):
        made = StreamSpectrogram(floor_s=None, top_db=90.0)
        louder = stream.difference(made.spectrogram(2 * noise), made.spectrogram(noise[:30_000]))
        assert louder.shape == (376, 40)
        assert louder[:370].mean() == pytest.approx(6.02, abs=0.1)

    def test_other_settings_cannot_be_compared(self):
        with pytest.raises(EarshotError, match=r"\(9, 40\) and \(9, 129\)"):
            stream.difference(np.zeros((9, 40)), np.zeros((9, 129)))


class TestWindows:
    def test_each_window_is_about_its_step(self):
        made = StreamSpectrogram(n_frames=5, n_ahead=1)
        spectrogram = np.repeat(np.arange(9.0)[:, None], 40, axis=1)
        cut, steps = made.cut(spectrogram, step=2)
        assert steps.tolist() == [3, 5, 7]
        assert cut[:, 3, 0].tolist() == steps.tolist()

    def test_a_stream_shorter_than_a_window_is_refused(self):
        with pytest.raises(EarshotError, match=r"0.10 s long, and a window takes 0.63 s"):
            StreamSpectrogram().cut(np.zeros((10, 40)))

    def test_a_spectrogram_of_other_settings_is_refused(self):
        with pytest.raises(EarshotError, match=r"\(steps, 40\), not \(100, 129\)"):
            StreamSpectrogram().cut(np.zeros((100, 129)))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"n_frames": 0},
            {"n_frames": 1},
            {"n_ahead": 63},
            {"floor_s": 0.0},
            {"floor_s": np.inf},
            {"floor_s": "3"},
            {"hop_length": -1},
            {"n_mels": -3},
            {"n_mels": 0},
            {"top_db": np.nan},
            {"top_db": np.inf},
            {"top_db": 1000},
            {"n_frames": 10**9},
            {"n_fft": 10**9},
            {"n_mels": 10**9},
        ],
    )
    def test_settings_that_make_no_sense_are_refused(self, wrong):
        with pytest.raises(EarshotError, match=next(iter(wrong))):
            StreamSpectrogram(**wrong)

    def test_settings_survive_json(self):
        made = StreamSpectrogram(n_mels=None, floor_s=2.0)
        assert StreamSpectrogram(**json.loads(json.dumps(made.to_dict()))) == made


class TestBlocks:
    @pytest.mark.parametrize(
        ("blocks", "message"),
        [
            ([(np.zeros(9), 8000), (np.zeros(9), 16000)], "changes from 8000 to 16000 Hz"),
            ([(np.array([0.0, np.nan]), 8000)], "a block of the stream holds NaN"),
            ([(np.zeros((9, 2)), 8000)], "a block of the stream has the shape"),
            (iter([np.zeros(9)]), "blocks, each with its sample rate"),
            (None, "not NoneType"),
        ],
        ids=["rates", "nan", "stereo", "no rate", "nothing"],
    )
    def test_blocks_that_make_no_stream_are_refused(self, blocks, message):
        with pytest.raises(EarshotError, match=message):
            StreamSpectrogram().spectrogram(blocks)

    def test_empty_blocks_do_no_harm(self, noise):
        blocks = [(noise[:0], 8000), (noise, 8000), (noise[:0], 8000)]
        assert np.array_equal(
            StreamSpectrogram().spectrogram(blocks), StreamSpectrogram().spectrogram(noise)
        )
