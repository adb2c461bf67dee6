"""What recipes can do without hours of training."""

import importlib.util
import itertools

import numpy as np
import pytest
from support import ROOT

from earshot.datasets import arrow
from earshot.errors import EarshotError

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def cluster():
    spec = importlib.util.spec_from_file_location("cluster", ROOT / "recipes" / "cluster.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(beeps, tmp_path):
    """Two packed sets of 40 and 20 clips."""
    parts = [beeps.subset(np.arange(40)), beeps.subset(np.arange(40, 60))]
    paths = [tmp_path / f"part{i}.npz" for i in range(len(parts))]
    for part, path in zip(parts, paths, strict=True):
        part.save(path)
    return paths


@pytest.fixture
def prepare(cluster, sources, tmp_path):
    """Prepare shards in a plain loop; gives what went wrong."""
    return lambda *more: cluster.here(cluster.tasks_of([*sources, *more], tmp_path / "shards"))


def test_every_source_becomes_shards_of_one_set(cluster, prepare, beeps, tmp_path):
    assert prepare() == ["", ""]
    words = cluster.opened(tmp_path / "shards")
    assert (len(words), words.class_names, words.sample_rate) == (60, beeps.class_names, 16000)
    assert words.labels.tolist() == beeps.labels.tolist()


def test_shards_that_are_there_are_not_made_again(prepare, tmp_path):
    prepare()
    paths = sorted((tmp_path / "shards").rglob("*.arrow"))
    before = [path.stat().st_mtime_ns for path in paths]
    prepare()
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_a_source_that_cannot_be_read_is_named_and_stops_no_other(cluster, prepare, tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"half")
    problems = prepare(tmp_path / "broken.npz")
    assert problems[:2] == ["", ""] and "broken.npz" in problems[2]
    assert len(cluster.opened(tmp_path / "shards")) == 60


def test_two_sources_of_one_name_are_refused(cluster, sources, tmp_path):
    with pytest.raises(EarshotError, match=r"Several sources would become .*shards/part1: give"):
        cluster.tasks_of([*sources, tmp_path / "other" / "part1.npz"], tmp_path / "shards")


def test_a_disk_that_fills_up_leaves_whole_shards_to_go_on_from(
    cluster, prepare, tmp_path, monkeypatch
):
    encoded, clips = arrow.encoded, itertools.count()

    def full(*args):
        if next(clips) > 45:  # of which the first source has 40
            raise OSError(28, "No space left on device")
        return encoded(*args)

    with monkeypatch.context() as filled:
        filled.setattr(arrow, "encoded", full)
        problems = prepare()
    assert problems[0] == "" and "part1 cannot be written (No space left" in problems[1]
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["part0"]
    assert prepare() == ["", ""]


def test_a_folder_without_shards_is_named(cluster, tmp_path):
    with pytest.raises(EarshotError, match=rf"no shards in {tmp_path}"):
        cluster.opened(tmp_path)
