import pytest
from support.notebooks import n_images, n_players, run

import earshot
from earshot import audio
from earshot.datasets import load
from earshot.segmentation import label_tracks

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    """The notebook, run small; and the folder of the data that it left."""
    printed, cells = run("01_create_audio_dataset", tmp_path_factory.mktemp("01"), f"DATA={data}")
    return printed, cells, data


def test_it_shows_digits_and_every_kind_of_set(done):
    printed, cells, _ = done
    assert "WordSet(300 clips, 10 words, 5 speakers: " in printed
    assert "10 words found, 10 were said" in printed
    assert "Dutch speakers" in printed
    assert n_images(cells) >= 20
    assert n_players(cells) >= 8


def test_it_packs_both_sets_with_one_speaker_and_loose_recordings_kept_apart(done):
    *_, data = done
    for name, n_words in (("num", 9), ("animals", 4)):
        train, test = (load(data / "synthetic" / f"{name}{end}.npz") for end in ("", "-test"))
        assert len(train.class_names) == n_words
        assert not {*train.speakers} & {*test.speakers}
        assert (test.labels < 0).any()


def test_what_no_people_said_lies_in_a_folder_of_its_own(done):
    *_, data = done
    assert {path.name for path in data.iterdir()} == {"spoken_digit.npz", "synthetic"}
    assert (data / "synthetic" / "my_words.npz").is_file()


def test_recordings_of_ones_own_come_without_stand_ins_and_obey_label_tracks(tmp_path, data, rng):
    own = tmp_path / "data"
    audio.write(own / "animals_anna.wav", 0.1 * rng.standard_normal(24000), 8000)
    (own / "spoken_digit.npz").symlink_to(data / "spoken_digit.npz")
    track = label_tracks.beside(own / "animals_anna.wav")
    label_tracks.write(track, [earshot.Segment(0.5, 1.0, "cat"), earshot.Segment(1.5, 2.0, "bird")])
    printed, _ = run("01_create_audio_dataset", tmp_path, f"DATA={own}")
    assert "animals_anna.wav: 2 words" in printed
    assert [segment.word for segment in label_tracks.read(track)] == ["cat", "bird"]
    assert {*load(own / "animals.npz").speakers} == {"anna"}
