"""Time to train to 94 % on the official split: the classic 2-D CNN at 64x64 and the temporal CNN.

Both on the plain clips, building the graph included, evaluation apart. The test clips are looked
at after every epoch, to see when 94 % is reached: this is a measurement of time, not of accuracy.
"""

import argparse
import dataclasses
import time

import keras
from report import header, spoken_digit, table

import earshot
from earshot import networks
from earshot.features import LOG_MEL_64X64

GOAL = 0.94


class Stopwatch(keras.callbacks.Callback):
    """Stops the training at the goal; ``seconds`` leaves the evaluations out."""

    def __init__(self, test, front_end):
        super().__init__()
        self.test, self.front_end = test, front_end
        self.seconds, self.started = 0.0, time.perf_counter()
        self.best, self.epochs = 0.0, 0

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.perf_counter() - self.started
        self.best = max(self.best, networks.accuracy(self.model, self.test, self.front_end))
        self.epochs = epoch + 1
        self.model.stop_training = self.best >= GOAL
        self.started = time.perf_counter()


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    n_seeds = parser.parse_args().seeds
    train, test = spoken_digit().official_split()
    trainings = {
        "classic 2-D CNN, 64x64": (
            LOG_MEL_64X64,
            networks.cnn,
            networks.TrainingConfig(epochs=60, learning_rate=1e-3),
        ),
        "temporal CNN": (
            earshot.LogMel(),
            networks.temporal_cnn,
            networks.TrainingConfig(epochs=12),
        ),
    }
    rows, seconds = [], {}
    for name, (front_end, build, config) in trainings.items():
        for seed in range(n_seeds):
            keras.utils.set_random_seed(seed)
            model = build(front_end.output_shape, len(train.class_names), scale=front_end.top_db)
            watch = Stopwatch(test, front_end)
            config = dataclasses.replace(config, seed=seed)
            networks.fit(model, train, front_end, config, callbacks=[watch], progress=False)
            reached_s = watch.seconds if watch.best >= GOAL else float("inf")
            seconds.setdefault(name, []).append(reached_s)
            reached = f"{watch.seconds:.1f} s" if watch.best >= GOAL else "not reached"
            rows.append([name, seed, reached, watch.epochs, f"{watch.best:.1%}"])
    header("python benchmarks/training_time.py")
    table(["network", "seed", "time to 94 %", "epochs", "accuracy"], rows)
    slow, fast = (sorted(times)[n_seeds // 2] for times in seconds.values())
    print(f"Medians: {slow:.1f} s and {fast:.1f} s, {slow / fast:.1f} times as fast.")


if __name__ == "__main__":
    main()
