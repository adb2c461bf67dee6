import pytest
from support import MODELS
from support.notebooks import n_images, n_players, run

import earshot
from earshot.recording import takes

pytestmark = pytest.mark.long


def test_02_without_a_microphone_offers_the_browser_and_shows_an_example(data, tmp_path):
    printed, cells = run("02_audio_recording", tmp_path, f"DATA={data}")
    assert "Recording in the browser." in printed
    assert "here is an example" in printed
    assert n_images(cells) >= 4
    assert n_players(cells) == 1


def test_02_records_between_keys_and_cuts_what_was_said(data, tmp_path, speaker):
    said = speaker(takes.raw_folder(tmp_path / "own_recordings", "digit"))
    printed, cells = run(
        "02_audio_recording", tmp_path, f"DATA={tmp_path}", "WORD=digit", "WHERE=microphone"
    )
    assert "it has a microphone" in printed
    assert n_images(cells) >= 4
    paths = sorted((tmp_path / "own_recordings" / "digit").glob("*.wav"))
    predictions = earshot.load(MODELS / "spoken_digit").predict(paths)
    assert [prediction.word for prediction in predictions] == said
