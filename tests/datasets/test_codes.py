import numpy as np
import pytest

from earshot.datasets import codes as makes
from earshot.errors import EarshotError


def test_both_words_of_a_code_are_said_by_one_speaker_and_each_recording_once(beeps):
    codes = makes.spoken_codes(beeps, ["low high", "high low"])
    assert codes.class_names == ("low high", "high low")
    for code in codes.class_names:
        said = [s.removeprefix(f"{code}/").split("+") for s in codes.sources if s.startswith(code)]
        firsts, seconds = zip(*said, strict=True)
        assert all(a.split("_")[1] == b.split("_")[1] for a, b in said)
        assert len(set(firsts)) == len(set(seconds)) == len(beeps) // 2
        assert {name.split("_")[0] for name in firsts} == {code.split()[0]}


def test_a_code_lasts_as_long_as_its_words_and_a_short_gap(beeps):
    codes = makes.spoken_codes(beeps, ["low high"])
    lengths = {source: len(x) for source, x in zip(beeps.sources, beeps.waveforms, strict=True)}
    for source, x in zip(codes.sources, codes.waveforms, strict=True):
        words = sum(lengths[name] for name in source.split("/")[1].split("+"))
        assert 0.02 <= (len(x) - words) / beeps.sample_rate <= 0.1 + 1e-3
        assert np.abs(x).max() == pytest.approx(0.9)


@pytest.mark.parametrize("code", ["low", "low high low", "low loud"])
def test_what_is_no_code_is_refused(beeps, code):
    with pytest.raises(EarshotError, match="no code of two words"):
        makes.spoken_codes(beeps, [code])


def test_the_same_seed_joins_the_same_recordings(beeps):
    one, same, other = (makes.spoken_codes(beeps, ["low high"], seed=i) for i in (0, 0, 1))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
