import keras
import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features.raw import RawWaveform
from earshot.networks.front_end_layers import as_layer


class TestRawWaveform:
    def test_short_clips_get_zeros_and_long_ones_lose_their_end(self):
        x, mask = RawWaveform(8000, 100)([np.ones(60, np.float32), np.arange(1, 151) / 150])
        assert x.shape == mask.shape == (2, 100)
        assert mask.sum(axis=1).tolist() == [60, 100]
        assert not x[0, 60:].any()
        assert x[1, 99] == pytest.approx(1)

    def test_zeros_inside_a_clip_are_real(self):
        _, mask = RawWaveform(8000, 10)([np.array([1, 0, 0, 0, 1], np.float32)])
        assert mask[0].tolist() == [True] * 5 + [False] * 5

    def test_the_layer_gives_the_same(self, rng):
        front_end = RawWaveform(8000, 400)
        clip = rng.uniform(0.1, 1, 300).astype(np.float32)
        x, mask = front_end([clip])
        layer_x, layer_mask = as_layer(front_end)(clip[None])
        assert np.abs(keras.ops.convert_to_numpy(layer_x) - x).max() < 1e-4
        assert np.array_equal(keras.ops.convert_to_numpy(layer_mask), mask)

    def test_a_clip_of_no_samples_is_named(self):
        with pytest.raises(EarshotError, match="Clip 1 has no samples"):
            RawWaveform()([np.ones(5), np.zeros(0)])

    @pytest.mark.parametrize("wrong", [10**9, np.inf, np.nan, 0])
    def test_an_impossible_rate_is_refused(self, wrong):
        with pytest.raises(EarshotError, match="sample.rate"):
            RawWaveform(wrong)

    @pytest.mark.parametrize("wrong", [0, -5, 1.5, "8000", 10**9])
    def test_settings_that_make_no_sense_are_refused(self, wrong):
        with pytest.raises(EarshotError, match="RawWaveform needs n_samples"):
            RawWaveform(8000, wrong)
