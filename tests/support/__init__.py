"""What tests share beside fixtures: hardware, made-up data, and where the repository is."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
