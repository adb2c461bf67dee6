import pytest
from support.notebooks import n_images, n_players, outputs_of, run

pytestmark = pytest.mark.long

NETWORKS = ("1_raw", "2_spectrogram", "2_spectrogram_mean", "3_raw_varied",
            "4_spectrogram_varied", "temporal_CNN")  # fmt: skip


def tables(cells):
    return "".join(output.get("data", {}).get("text/markdown", "") for output in outputs_of(cells))


def test_all_networks_are_trained_drawn_compared_and_kept(data, tmp_path):
    printed, cells = run(
        "04_train_lstm", tmp_path, f"DATA={data}", f"LOGS={tmp_path / 'logs'}",
        f"MODELS={tmp_path / 'models'}",
    )  # fmt: skip
    assert f"tensorboard --logdir {tmp_path / 'logs'}" in printed
    for name in NETWORKS:
        assert (tmp_path / "models" / f"lstm_{name}" / "network.keras").is_file()
        assert f"lstm_{name}` | " in tables(cells)
    assert "Said was **" in tables(cells)
    assert n_images(cells) >= 14
    assert n_players(cells) == 3
