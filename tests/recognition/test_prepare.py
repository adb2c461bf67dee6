import numpy as np
import pytest

from earshot import audio
from earshot.errors import EarshotError
from earshot.features.offset import centred
from earshot.recognition import prepare


def test_a_stereo_file_of_another_rate_becomes_one_channel_at_the_front_ends_rate(tmp_path, beep):
    import soundfile

    x = beep(300, 44100)
    soundfile.write(tmp_path / "a.wav", np.stack([x, 0.5 * x], axis=1), 44100, subtype="FLOAT")
    word = prepare.checked_clip(tmp_path / "a.wav", 44100, to_rate=8000)
    np.testing.assert_allclose(word, audio.resample(centred(0.75 * x), 44100, 8000), atol=1e-6)


def test_an_error_names_the_waveform_as_it_is_told():
    with pytest.raises(EarshotError, match="anna_3 is silent"):
        prepare.checked_clip(np.zeros(4000), 8000, to_rate=8000, name="anna_3")


def test_a_day_in_a_small_file_is_refused_by_its_header(tmp_path, monkeypatch):
    import soundfile

    with soundfile.SoundFile(tmp_path / "day.flac", "w", 8000, 1) as file:
        for _ in range(10):
            file.write(np.zeros(48_000))
    monkeypatch.setattr(audio, "read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(EarshotError, match=r"day\.flac is 60\.0 s long.*cut it"):
        prepare.checked_clip(tmp_path / "day.flac", 8000, to_rate=8000)


def test_an_offset_is_taken_off(beep):
    x = np.full(12000, 0.3, np.float32)
    x[8000:11200] += beep(300)
    assert abs(prepare.checked_clip(x, 8000, to_rate=8000).mean()) < 1e-4


@pytest.mark.parametrize("value", [1e11, 1e19, 3e38])
def test_what_no_sound_card_gives_is_refused(value, beep):
    with pytest.raises(EarshotError, match="which no sound card gives"):
        prepare.checked_clip(value * beep(300), 8000, to_rate=8000)


def test_whole_numbers_of_32_bits_as_floats_are_taken(beep):
    assert np.isfinite(prepare.checked_clip(2.0**31 * beep(300), 8000, to_rate=8000)).all()


def test_voices_at_half_their_rate_sound_slowed(speech):
    fast = speech.resampled(16000)  # and heard as if at 8,000 Hz
    assert np.mean([prepare.sounds_slowed(x, 8000) for x in fast.waveforms]) > 0.2
    assert np.mean([prepare.sounds_slowed(x, 8000) for x in speech.waveforms]) < 0.02
