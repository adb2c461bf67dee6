import pytest
from support.notebooks import n_images, n_players, run

pytestmark = pytest.mark.long


def test_a_word_is_planned_painted_heard_and_said_in_a_new_voice(data, tmp_path):
    kept = tmp_path / "voice"
    settings = f"DATA={data}", f"OWN={tmp_path}", f"SAVE_AS={kept}"
    printed, cells = run("11_it_speaks", tmp_path, *settings)
    assert "_ s 'E v @ n _" in printed
    assert "trained on: none" in printed
    assert printed.count("words understood") == 4
    assert printed.count("read: ") == 3
    assert "to be learned: nobody" in printed
    assert {path.name for path in (tmp_path / "voice_instead").iterdir()} > {"voice.json"}
    assert not kept.exists()  # it is for a voice of one's own
    assert n_images(cells) >= 11
    assert n_players(cells) == 12
