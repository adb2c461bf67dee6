import pytest

from earshot.datasets import espeak, voices

pytestmark = pytest.mark.skipif(not espeak.is_available(), reason="needs espeakng-loader")


def test_synthetic_voices_repeat_with_a_seed():
    first, again = (voices.synthetic(("yes", "no"), n_voices=3, n_takes=2) for _ in range(2))
    assert list(first.sources) == list(again.sources)
    assert first.counts() == {"yes": 6, "no": 6}
    assert len(set(first.speakers)) == 3


def test_half_of_the_voices_have_an_accent_unless_it_is_turned_off():
    with_accents, plain = (
        voices.synthetic(("yes",), n_voices=4, n_takes=1, accents=accents)
        for accents in (True, False)
    )
    assert all(speaker.startswith("en") for speaker in plain.speakers)
    assert sum(speaker.startswith("en") for speaker in set(with_accents.speakers)) == 2
