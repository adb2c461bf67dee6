"""What is written as shards, and what others share, opens as a set that is read lazily."""

import dataclasses
import io
import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from earshot.datasets import arrow
from earshot.datasets.lazy import Lazy
from earshot.datasets.shards import from_shards
from earshot.datasets.word_set import WordSet
from earshot.errors import EarshotError

pa = pytest.importorskip("pyarrow")
AUDIO = {"sampling_rate": 8000, "_type": "Audio"}
CLASS = {"names": ["no", "yes"], "_type": "ClassLabel"}
TEXT = {"dtype": "string", "_type": "Value"}


@pytest.fixture
def folder(beeps, tmp_path, monkeypatch):
    """The beeps as shards of some clips each."""
    monkeypatch.setattr(arrow, "CLIPS_AT_ONCE", 7)
    monkeypatch.setattr(arrow, "SHARD_BYTES", 100_000)
    beeps.write(tmp_path / "beeps")
    return tmp_path / "beeps"


def wav(x, rate=8000):
    file = io.BytesIO()
    soundfile.write(file, x, rate, format="WAV")
    return file.getvalue()


def foreign(folder, features, **columns):
    """Save a data set as others do."""
    hub = pytest.importorskip("datasets")
    kinds = hub.Features.from_dict(features)
    table = pa.table(columns).cast(kinds.arrow_schema)
    hub.Dataset(table).save_to_disk(folder, num_shards=1)
    return folder


def two_sounds(rate=8000):
    return [{"bytes": wav(np.full(80, level), rate), "path": None} for level in (0.25, 0.5)]


class TestWhatIsWritten:
    def test_every_sample_comes_back(self, beeps, folder):
        assert len([*folder.glob("*.arrow")]) > 2
        words = from_shards(folder)
        assert words.labels.tolist() == beeps.labels.tolist()
        for x, y in zip(words.waveforms, beeps.waveforms, strict=True):
            np.testing.assert_array_equal(x, y)

    def test_so_do_speakers_sources_parts_and_where_it_is_from(self, beeps, tmp_path):
        parts = np.where(beeps.speakers == "eve", "test", "train")
        told = dataclasses.replace(beeps, parts=parts, about="made up")
        told.write(tmp_path / "told")
        words = from_shards(tmp_path / "told")
        for name in ("speakers", "sources", "parts"):
            np.testing.assert_array_equal(getattr(words, name), getattr(told, name))
        assert words.about == "made up"
        assert set(words.official_split()[1].speakers) == {"eve"}

    def test_clips_of_no_known_word_stay_unknown(self, tmp_path):
        words = WordSet([np.ones(9)], [-1], ("a",), ["x"], ["y"], 8000)
        words.write(tmp_path / "unknown")
        assert from_shards(tmp_path / "unknown").labels.tolist() == [-1]

    def test_nothing_is_decoded_before_it_is_asked_for(self, folder, monkeypatch):
        monkeypatch.setattr(arrow.Shard, "data", lambda *_: pytest.fail("a clip was read"))
        words = from_shards(folder)
        part, _ = words.random_split(0.2)
        assert isinstance(part.only("low").resampled(16000).joined(words).waveforms, Lazy)

    def test_no_file_stays_open(self, folder):
        def lowest_that_is_free():
            os.close(file := os.open(os.devnull, os.O_RDONLY))
            return file

        before = lowest_that_is_free()
        words = from_shards(folder)
        assert len(words.waveforms[0]) and lowest_that_is_free() == before

    def test_it_goes_to_another_process(self, beeps, folder):
        words = pickle.loads(pickle.dumps(from_shards(folder).subset(np.arange(50, 60))))
        np.testing.assert_array_equal(words.waveforms[3], beeps.waveforms[53])

    def test_it_opens_without_the_import_of_pandas_or_datasets(self, folder):
        code = (
            f"import sys; from earshot.datasets import from_shards; from_shards({str(folder)!r}); "
            "print({'pandas', 'datasets'} & {*sys.modules})"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout == "set()\n", done.stderr

    def test_a_folder_that_is_there_is_kept(self, beeps, folder):
        before = sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir())
        with pytest.raises(EarshotError, match=r"beeps exists already and is kept"):
            beeps.write(folder)
        assert sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir()) == before

    def test_of_two_that_write_one_folder_the_first_wins(self, beeps, tmp_path):
        target = tmp_path / "both"
        with pytest.raises(EarshotError, match="exists already"), arrow.new_folder(target) as late:
            beeps.write(target)
            (late / "x").touch()
        assert len(from_shards(target)) == len(beeps)
        assert [*tmp_path.iterdir()] == [target]

    @pytest.mark.parametrize("shard", [0, 6])
    def test_a_disk_that_fills_up_leaves_nothing_half_written(
        self, beeps, tmp_path, monkeypatch, shard
    ):
        def encoded(*args):
            if len([*tmp_path.rglob("*.arrow")]) > shard:
                raise OSError(28, "No space left on device")
            return arrow_encoded(*args)

        arrow_encoded = arrow.encoded
        monkeypatch.setattr(arrow, "encoded", encoded)
        monkeypatch.setattr(arrow, "CLIPS_AT_ONCE", 2)
        monkeypatch.setattr(arrow, "SHARD_BYTES", 1)  # so each batch is a shard
        with pytest.raises(EarshotError, match=r"beeps cannot be written \(No space left"):
            beeps.write(tmp_path / "beeps")
        assert [*tmp_path.iterdir()] == []

    def test_hugging_face_opens_it(self, beeps, folder):
        hub = pytest.importorskip("datasets")
        there = hub.load_from_disk(str(folder))
        assert there.features["label"].names == ["low", "high"]
        assert there.data.column("speaker").to_pylist() == beeps.speakers.tolist()


class TestFingerprint:
    @pytest.fixture
    def unread(self, monkeypatch):
        monkeypatch.setattr(arrow.Shard, "data", lambda *_: pytest.fail("a clip was read"))

    def test_of_what_was_written_it_reads_no_sound(self, folder, unread):
        one, same = from_shards(folder), from_shards(folder)
        assert re.fullmatch("[0-9a-f]{64}", one.fingerprint())
        assert one.fingerprint() == same.fingerprint()
        assert one.random_split()[0].fingerprint() == same.random_split()[0].fingerprint()

    def test_other_clips_their_order_and_labels_change_it(self, folder, unread):
        words, every = from_shards(folder), np.arange(60)
        others = [words.subset(every[1:]), words.subset(every[:-1]), words.subset(every[::-1]),
                  words.only(["high", "low"]), words.joined(words)]  # fmt: skip
        assert len({x.fingerprint() for x in (words, *others)}) == 6

    def test_so_does_one_other_sample(self, beeps, folder, tmp_path):
        other = [x.copy() for x in beeps.waveforms]
        other[-1][-1] += np.float32(2**-15)
        dataclasses.replace(beeps, waveforms=other).write(tmp_path / "other")
        ours, others = from_shards(folder), from_shards(tmp_path / "other")
        assert ours.fingerprint() != others.fingerprint()

    def test_what_others_wrote_is_read_as_far_as_it_is_chosen(self, tmp_path, monkeypatch):
        features, read, data = {"audio": AUDIO, "text": TEXT}, [], arrow.Shard.data
        columns = {"audio": two_sounds(), "text": ["a", "a"]}
        words = from_shards(foreign(tmp_path / "x", features, **columns))
        monkeypatch.setattr(arrow.Shard, "data", lambda self, i: read.append(i) or data(self, i))
        first = words.subset([0]).fingerprint()
        assert read == [0]
        assert words.subset([1]).fingerprint() != first

    def test_clips_in_memory_beside_it_count(self, beeps, folder):
        words = from_shards(folder)
        louder = dataclasses.replace(beeps, waveforms=[x / 2 for x in beeps.waveforms])
        assert len({words.joined(x).fingerprint() for x in (beeps, louder, words)}) == 3


class TestWhatOthersShare:
    def test_classes_and_speakers_are_found(self, tmp_path):
        columns = {"audio": two_sounds(), "label": [1, None], "speaker_id": ["ann", None]}
        features = {"audio": AUDIO, "label": CLASS, "speaker_id": TEXT}
        words = from_shards(foreign(tmp_path / "x", features, **columns))
        assert (words.class_names, words.labels.tolist()) == (("no", "yes"), [1, -1])
        assert words.speakers.tolist() == ["ann", "unknown"]
        assert words.waveforms[1][0] == 0.5

    def test_an_empty_set_is_told(self, tmp_path):
        features = {"audio": AUDIO, "label": CLASS}
        with pytest.raises(EarshotError, match="holds no clips"):
            from_shards(foreign(tmp_path / "x", features, audio=[], label=[]))

    def test_texts_become_words(self, tmp_path):
        columns = {"audio": two_sounds(), "text": ["zebra", "ant"]}
        words = from_shards(foreign(tmp_path / "x", {"audio": AUDIO, "text": TEXT}, **columns))
        assert (words.class_names, words.labels.tolist()) == (("ant", "zebra"), [1, 0])
        assert words.sources[1] == "clip 1"

    def test_a_rate_that_is_not_told_is_that_of_the_first_clip(self, tmp_path):
        features = {"audio": {"_type": "Audio"}, "text": TEXT}
        columns = {"audio": two_sounds(11025), "text": ["a", "b"]}
        assert from_shards(foreign(tmp_path / "x", features, **columns)).sample_rate == 11025

    def test_splits_become_parts(self, tmp_path):
        hub = pytest.importorskip("datasets")
        features = {"audio": AUDIO, "text": TEXT}
        one = hub.load_from_disk(
            str(foreign(tmp_path / "x", features, audio=two_sounds(), text=["a", "b"]))
        )
        hub.DatasetDict(train=one, test=one).save_to_disk(tmp_path / "both")
        words = from_shards(tmp_path / "both")
        assert words.parts.tolist() == ["train", "train", "test", "test"]
        assert len(words.part("test")) == 2

    def test_columns_with_other_names_can_be_named(self, tmp_path):
        features = {"audio": AUDIO, "said": TEXT, "by": TEXT}
        place = foreign(
            tmp_path / "x", features, audio=two_sounds(), said=["a", "b"], by=["m", "n"]
        )
        with pytest.raises(EarshotError, match=r"no column of words.*word_column.*audio, said, by"):
            from_shards(place)
        words = from_shards(place, word_column="said", speaker_column="by")
        assert words.speakers.tolist() == ["m", "n"]
        with pytest.raises(EarshotError, match=r"no column 'who': choose one of audio, said, by"):
            from_shards(place, word_column="said", speaker_column="who")

    def test_a_set_without_sounds_is_told(self, tmp_path):
        with pytest.raises(EarshotError, match=r"no column of sounds"):
            from_shards(foreign(tmp_path / "x", {"text": TEXT}, text=["a"]))


class TestBadInput:
    @pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
    def test_a_shard_that_is_cut_off_is_named(self, folder, share):
        path = folder / "data-00001.arrow"
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(EarshotError, match=r"data-00001\.arrow is damaged.*copy"):
            from_shards(folder)

    def test_so_is_one_that_lost_whole_batches(self, folder):
        path = folder / "data-00001.arrow"
        path.write_bytes(path.read_bytes().removesuffix(arrow.END))
        with pytest.raises(EarshotError, match=r"data-00001\.arrow is damaged \(it is cut off\)"):
            from_shards(folder)

    def test_a_shard_that_is_not_there_is_named(self, folder):
        (folder / "data-00001.arrow").unlink()
        with pytest.raises(EarshotError, match=r"no file .*data-00001\.arrow"):
            from_shards(folder)

    def test_a_shard_of_another_set_is_named(self, beeps, folder, tmp_path):
        dataclasses.replace(beeps, class_names=("low", "hi")).write(tmp_path / "other")
        (folder / "data-00001.arrow").write_bytes(
            (tmp_path / "other" / "data-00000.arrow").read_bytes()
        )
        with pytest.raises(EarshotError, match=r"data-00001.* than data-00000\.arrow: it belongs"):
            from_shards(folder)

    def test_a_folder_that_is_half_written_is_told(self, folder):
        (folder / arrow.STATE).unlink()
        with pytest.raises(EarshotError, match=r"holds no shards, or only some.*write it anew"):
            from_shards(folder)

    @pytest.mark.parametrize("text", ["", "[]", '{"_data_files": 3}', '{"_data_files": [{}]}'])
    def test_a_damaged_list_of_files_is_named(self, folder, text):
        (folder / arrow.STATE).write_text(text)
        with pytest.raises(EarshotError, match=r"state\.json is damaged"):
            from_shards(folder)

    def test_no_file_outside_of_the_folder_is_opened(self, folder):
        state = json.loads((folder / arrow.STATE).read_text())
        state["_data_files"][0]["filename"] = "../../etc/passwd"
        (folder / arrow.STATE).write_text(json.dumps(state))
        with pytest.raises(EarshotError, match=r"beeps/passwd"):
            from_shards(folder)

    def test_labels_that_no_list_knows_are_refused(self, tmp_path):
        place = tmp_path / "x"
        place.mkdir()
        arrow.write([(np.ones(9, np.float32), 5, "x", "y", "")], place, ["a"], 8000)
        with pytest.raises(EarshotError, match=r"Labels run from 5 to 5, but there are 1 words"):
            from_shards(place)

    def test_a_damaged_clip_is_named_when_it_is_asked_for(self, tmp_path):
        broken = [{"bytes": b"nonsense", "path": "b.wav"}, *two_sounds()[1:]]
        features = {"audio": AUDIO, "text": TEXT}
        words = from_shards(foreign(tmp_path / "x", features, audio=broken, text=["a", "b"]))
        assert len(words.waveforms[1]) == 80
        with pytest.raises(EarshotError, match=r"b\.wav in .*arrow cannot be read as sound"):
            words.waveforms[0]

    @pytest.mark.parametrize("n_bytes", [2000, 10**7])
    def test_a_file_that_changes_under_an_open_set_is_named(self, folder, n_bytes):
        words = from_shards(folder)
        with (folder / "data-00000.arrow").open("r+b") as file:
            file.truncate(n_bytes)
        with pytest.raises(EarshotError, match=r"data-00000\.arrow was changed while.*again"):
            list(words.waveforms)

    def test_so_is_one_that_is_gone(self, folder):
        words = from_shards(folder)
        (folder / "data-00000.arrow").unlink()
        with pytest.raises(EarshotError, match=r"data-00000\.arrow cannot be read \(No such file"):
            list(words.waveforms)

    def test_what_is_no_folder_is_told(self, beeps):
        with pytest.raises(EarshotError, match=r"not a WordSet: save a Dataset by its save"):
            from_shards(beeps)

    def test_a_set_without_clips_is_not_written(self, beeps, tmp_path):
        with pytest.raises(EarshotError, match="There are no clips"):
            beeps.subset([]).write(tmp_path / "x")
        assert [*tmp_path.iterdir()] == []

    def test_without_pyarrow_it_says_how_to_get_it(self, beeps, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(EarshotError, match=r"pip install 'earshot\[scale\]'"):
            beeps.write(tmp_path / "x")
