import numpy as np
import pytest

from earshot import audio
from earshot.errors import EarshotError
from earshot.recognition import prepare


def test_a_stereo_file_of_another_rate_becomes_one_channel_at_the_front_ends_rate(tmp_path, beep):
    import soundfile

    x = beep(300, 44100)
    soundfile.write(tmp_path / "a.wav", np.stack([x, 0.5 * x], axis=1), 44100, subtype="FLOAT")
    word = prepare.checked_clip(tmp_path / "a.wav", 44100, to_rate=8000)
    np.testing.assert_allclose(word, audio.resample(0.75 * x, 44100, 8000), atol=1e-6)


def test_an_error_names_the_waveform_as_it_is_told():
    with pytest.raises(EarshotError, match="anna_3 is silent"):
        prepare.checked_clip(np.zeros(4000), 8000, to_rate=8000, name="anna_3")


def test_the_loudest_stretch_is_cut_out():
    x = np.zeros(1000, np.float32)
    x[300:400] = 1
    np.testing.assert_array_equal(prepare.loudest_stretch(x, 100), np.ones(100))
    assert prepare.loudest_stretch(x, 2000) is x
