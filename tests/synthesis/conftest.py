"""A small voice, and what it was trained on."""

import keras
import pytest

from earshot.datasets import espeak
from earshot.networks.training import TrainingConfig
from earshot.synthesis import inverter as inverters, utterances, voice_training

SMALL = {"width": 16, "blocks": 1, "dilations": (1,)}
TEXTS = ("yes", "seven", "no")


@pytest.fixture(scope="session")
def inverter():
    """An untrained network."""
    keras.utils.set_random_seed(0)
    model = inverters.network(inverters.FINE, width=8, blocks=1)
    return inverters.Inverter(model, inverters.FINE, {"data": "none"})


@pytest.fixture(scope="session")
def told():
    """Three words by two speakers."""
    if not espeak.is_available():
        pytest.skip("the offline voice is missing: pip install espeakng-loader")
    return [
        utterances.from_espeak(text, f"en-us{variant}", speaker=name)
        for text in TEXTS
        for variant, name in (("", "ann"), ("+f3", "bob"))
    ]


@pytest.fixture(scope="session")
def voice(told, inverter):
    """It has seen what was told, a little."""
    config = TrainingConfig(epochs=2, batch_size=6, learning_rate=1e-2)
    return voice_training.train_voice(
        told, inverter, config, texts=TEXTS, steps_per_epoch=40, **SMALL
    )
