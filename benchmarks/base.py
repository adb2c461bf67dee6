"""What the base, from which new words are learned, recognizes of its own words.

    python benchmarks/base.py [--model models/base]

Digits by people, from the official test, and the base's other words, said by voices of eSpeak NG
at pitches and speeds of their own. benchmarks/new_words.py measures what the base is there for: how
few recordings of new words are enough.
"""

import argparse
import sys
from pathlib import Path

from report import ROOT, header, table

import earshot

sys.path[:0] = [str(ROOT), str(ROOT / "recipes")]  # recipes import each other by name
from recipes.base import figures


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "base")
    base = earshot.load(parser.parse_args().model)
    found = figures(base.model, base.class_names)
    header("python benchmarks/base.py")
    rows = [[name, f"{100 * share:.1f}"] for name, share in found.items()]
    table(["the base recognizes, %", ""], rows)


if __name__ == "__main__":
    main()
