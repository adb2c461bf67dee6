import json

import numpy as np
import pytest
from support.notebooks import n_images, n_players, run

import earshot

pytestmark = pytest.mark.long

NETWORKS = ("classic", "classic, varied", "better, varied, voices")


def test_all_networks_stand_in_the_honest_table_and_one_is_saved(data, tmp_path):
    printed, cells = run(
        "03_train", tmp_path, f"FOLDER={data}", f"SAVE_AS={tmp_path / 'model'}",
        f"CHECKPOINTS={tmp_path / 'checkpoints'}", "EPOCHS=1",
    )  # fmt: skip
    speakers = np.unique(earshot.spoken_digit(data).speakers)
    n, rows = len(NETWORKS), {}
    for line in printed.splitlines():
        words = line.split()
        rows[" ".join(words[:-n])] = words[-n:]
    for row in ("official split", *(f"without {who}" for who in speakers[:2]),
                "mean of those left out", "worst of them"):  # fmt: skip
        assert len(rows[row]) == len(NETWORKS)
    assert all(name in printed for name in NETWORKS)
    assert n_images(cells) >= 10
    assert n_players(cells) == 3
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert 0 <= card["figures"]["official split"] <= 1
    assert len(list((tmp_path / "checkpoints").iterdir())) == 3 * len(NETWORKS)


def test_a_folder_with_words_of_one_voice_is_trained_on_and_says_what_it_cannot_tell(tmp_path):
    words = earshot.synthetic(("cat", "dog"), n_voices=1, n_takes=10)
    words.save_folder(tmp_path / "mine")
    printed, _ = run(
        "03_train", tmp_path, f"DATA={tmp_path / 'mine'}", f"SAVE_AS={tmp_path / 'model'}",
        f"CHECKPOINTS={tmp_path / 'checkpoints'}", "EPOCHS=1", "VOICES=False",
    )  # fmt: skip
    assert "nothing about other voices" in printed
    assert "part 1 of 5" in printed
    assert earshot.load(tmp_path / "model").class_names == ("cat", "dog")
