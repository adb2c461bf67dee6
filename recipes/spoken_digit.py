"""models/spoken_digit: ten digits, recognized in voices that the network never heard.

    python benchmarks/accuracy.py --only "clean epochs"   # once, for two figures of the model card
    python recipes/spoken_digit.py [--into models/spoken_digit]

Reads the Free Spoken Digit Dataset (data/spoken_digit.npz, else the archive in EARSHOT_DOWNLOADS,
else the internet) and lets 150 voices of eSpeak NG say the digits. Trains one network on recordings
5 to 49 of every speaker and on the synthetic voices: about 10 minutes on two cores. Writes
network.keras, recognizer.json and card.json into the folder.

The first command measures how well networks of this kind do on a speaker who was left out, which
takes about two hours; without it, the card lacks those two figures.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import earshot
from earshot import networks, recognition

ROOT = Path(__file__).resolve().parents[1]
NEVER_HEARD = ROOT / "reports" / "accuracy" / "never_heard.json"
"""Figures on speakers who were left out, which benchmarks/accuracy.py writes."""
FRONT_END = earshot.LogMel()
CONFIG = networks.TrainingConfig(epochs=40, clean_epochs=6, augment=earshot.Augmentation())


def build():
    """Give the temporal CNN with fresh weights."""
    return networks.temporal_cnn(FRONT_END.output_shape, 10, scale=FRONT_END.top_db)


def synthetic_voices():
    """Give the 150 voices that widen the training; none of the data set's speakers."""
    return earshot.synthetic(n_voices=150, n_takes=1, seed=1)


def main():
    """Train on the official split, and keep the network as a recognizer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "models" / "spoken_digit")
    folder = parser.parse_args().into
    digits = earshot.spoken_digit(ROOT / "data", fallback=False)
    train, test = digits.official_split()
    train = train.joined(synthetic_voices())
    keras.utils.set_random_seed(0)
    model = build()
    networks.fit(model, train, FRONT_END, CONFIG, progress="spoken digits")
    figures = {"official split": networks.accuracy(model, test, FRONT_END)}
    if NEVER_HEARD.is_file():
        figures |= json.loads(NEVER_HEARD.read_text(encoding="utf-8"))
    card = recognition.model_card(
        train,
        split="recordings 0 to 4 of every speaker and digit were kept for the test",
        figures=figures,
        epochs=CONFIG.epochs,
        made_by="python recipes/spoken_digit.py",
    )
    recognition.Recognizer(model, FRONT_END, digits.class_names, card).save(folder)
    print(f"saved in {folder}: {json.dumps(figures)}")


if __name__ == "__main__":
    main()
