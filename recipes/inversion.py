"""models/inversion: networks that turn log-mel spectrograms back into sound.

    python recipes/inversion.py [--without jackson] [--into models/inversion]

Reads the Free Spoken Digit Dataset (data/spoken_digit.npz, else the archive in EARSHOT_DOWNLOADS,
else the internet). Trains on all speakers but one, so that this one can be the test: a network for
the fine setting (64 bands, every 8 ms) and one for the recognizers' own (40 bands, every 10 ms, cut
off at 45 dB), and each once more against an adversary. About five minutes for each of the four on
two cores. Writes the folders fine, words, fine_adversary and words_adversary, each with
network.keras and inverter.json; what is there already is left as it is. benchmarks/inversion.py
measures them.

The first two of the committed ones were trained with KERAS_BACKEND=jax, in half the time. The
adversary needs TensorFlow: run the recipe once with each.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import earshot
from earshot import networks, synthesis

ROOT = Path(__file__).resolve().parents[1]
FRONT_ENDS = {"fine": synthesis.FINE, "words": earshot.LogMel(n_samples=None)}
COMMITTED = "jackson"
"""The speaker whom the committed networks have never heard."""


def folder_without(speaker):
    """Where the networks are kept that have never heard a speaker."""
    return ROOT / "models" / ("inversion" if speaker == COMMITTED else f"inversion_{speaker}")


def made(folder, speaker, make):
    """Make a network and keep it, with who was left out and how long it took; or load it."""
    if folder.is_dir():
        print(f"{folder} is there already: delete it to train it anew.")
        return synthesis.load_inverter(folder)
    started = time.perf_counter()
    inverter = make()
    minutes = (time.perf_counter() - started) / 60
    inverter.card |= {"left out": speaker, "minutes": round(minutes, 1)}
    inverter.save(folder)
    print(f"{folder}: {minutes:.1f} minutes", flush=True)
    return inverter


def main():
    """Train four networks and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--without", default=COMMITTED, metavar="SPEAKER", help="who is left out")
    parser.add_argument("--into", type=Path, help="default: models/inversion, or one beside it")
    parser.add_argument("--epochs", type=int, default=12, help="of 200 batches")
    parser.add_argument("--adversary", type=int, default=2, help="epochs against an adversary")
    options = parser.parse_args()
    speaker, folder = options.without, options.into or folder_without(options.without)
    digits = earshot.spoken_digit(ROOT / "data", fallback=False)
    train = digits.subset(digits.speakers != speaker)
    if len(train) == len(digits):
        parser.error(f"none of the speakers is called {speaker}")
    config = networks.TrainingConfig(
        epochs=options.epochs, batch_size=16, learning_rate=2e-3, weight_decay=1e-3
    )
    plain = {
        name: made(
            folder / name,
            speaker,
            lambda: synthesis.train_inverter(train, front_end, config),  # noqa: B023
        )
        for name, front_end in FRONT_ENDS.items()
    }
    for name, inverter in plain.items():
        made(
            folder / f"{name}_adversary",
            speaker,
            lambda: synthesis.refine_inverter(inverter, train, epochs=options.adversary),  # noqa: B023
        )


if __name__ == "__main__":
    main()
