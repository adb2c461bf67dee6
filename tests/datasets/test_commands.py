"""Speech Commands from stand-ins of the same structure: the real archives are 2.4 GB."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.archives import pack, sound

from earshot.datasets import commands as module
from earshot.datasets.commands import COMMANDS, speech_commands, twelve_classes
from earshot.datasets.noises import backgrounds
from earshot.datasets.shards import from_shards
from earshot.errors import EarshotError, EarshotWarning

pytest.importorskip("pyarrow")
WORDS = (*COMMANDS, "bed", "cat")
SPEAKERS = [f"{i:08x}" for i in range(20)]


def clips():
    """Two clips a word of everybody; whoever's number ends in 1 validates, in 2 tests."""
    return {
        f"./{word}/{who}_nohash_{take}.wav": sound(200 + 40 * i, duration_s=0.02)
        for i, word in enumerate(WORDS) for who in SPEAKERS[:4] for take in range(2)
    }  # fmt: skip


def listed(end):
    names = [name[2:] for name in clips() if name.split("_nohash")[0].endswith(end)]
    return "\n".join(names).encode()


NOISE = {
    "./_background_noise_/hum.wav": sound(50, duration_s=2),
    "./_background_noise_/README.md": b"",
}
V2 = {"./README.md": b"", **clips(), **NOISE, "./testing_list.txt": listed("2"),
      "./validation_list.txt": listed("1"), "./.DS_Store": b""}  # fmt: skip
TEST = {f"./{folder}/{SPEAKERS[0]}_nohash_0.wav": sound() for folder in (*COMMANDS, "_unknown_")}
TEST["./_silence_/0.wav"] = sound()
MINI = {f"mini_speech_commands/{name[2:]}": data for name, data in clips().items()}
MINI["__MACOSX/mini_speech_commands/yes/._0a.wav"] = b"junk"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Put a stand-in into the place of a version; gives the folder of the data."""

    def make(version, members):
        name = module.VERSIONS[version][0]
        data = pack(tmp_path / "downloads" / name, members).read_bytes()
        known = (name, len(data), hashlib.sha256(data).hexdigest())
        monkeypatch.setitem(module.VERSIONS, version, known)
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
        return tmp_path

    return make


def test_words_speakers_and_the_official_split_are_there(archive):
    words = speech_commands("0.02", archive("0.02", V2))
    assert words.counts() == dict.fromkeys(sorted(WORDS), 8)
    assert set(words.speakers) == set(SPEAKERS[:4])
    assert words.sample_rate == 16000
    train, test = words.official_split()
    assert set(test.speakers) == {SPEAKERS[2]}
    assert set(words.part("validation").speakers) == {SPEAKERS[1]}
    assert set(train.speakers) == {SPEAKERS[0], SPEAKERS[3]}


def test_the_archive_is_read_once(archive):
    folder = archive("0.02", V2)
    first = speech_commands("0.02", folder).fingerprint()
    (folder / "downloads" / "speech_commands_v0.02.tar.gz").unlink()
    assert speech_commands("0.02", folder).fingerprint() == first


def test_noise_is_kept_apart(archive):
    folder = archive("0.02", V2)
    words = speech_commands("0.02", folder)
    assert not any("hum" in source for source in words.sources)
    assert [*backgrounds(folder / "speech_commands-0.02" / "noise")] == ["hum.wav"]


def test_mini_is_split_by_the_rule_behind_the_lists(archive):
    words = speech_commands("mini", archive("mini", MINI))
    assert len(words) == 8 * len(WORDS)
    for speaker in SPEAKERS[:4]:
        assert len(set(words.parts[words.speakers == speaker])) == 1


def test_the_rule_gives_a_tenth_of_the_speakers_to_each_test():
    parts = [module.part_of(f"yes/{i:08x}_nohash_0.wav") for i in range(5000)]
    shares = {part: parts.count(part) / 5000 for part in ("train", "validation", "test")}
    assert shares == pytest.approx({"train": 0.8, "validation": 0.1, "test": 0.1}, abs=0.015)


def test_the_test_archive_is_all_test(archive):
    words = speech_commands("test-0.02", archive("test-0.02", TEST))
    assert set(words.class_names) == {*COMMANDS, "unknown", "silence"}
    assert set(words.parts) == {"test"}


class TestTwelveClasses:
    @pytest.fixture
    def words(self, archive):
        return speech_commands("0.02", archive("0.02", V2), n_classes=12)

    def test_unknown_words_and_silence_are_a_tenth_of_the_commands(self, words):
        assert words.class_names == (*COMMANDS, "unknown", "silence")
        commands = {"train": 40, "validation": 20, "test": 20}
        for part, n in commands.items():
            counts = words.part(part).counts()
            assert sum(counts[word] for word in COMMANDS) == n
            assert counts["unknown"] == min(n // 10, 8)
            assert counts["silence"] == n // 10

    def test_a_speaker_stays_on_one_side(self, words):
        known = words.subset(words.speakers != "unknown")
        assert not set(known.part("train").speakers) & set(known.part("test").speakers)

    def test_silence_is_a_second_of_a_noise(self, words):
        silence = words.only("silence")
        assert {len(x) for x in silence.waveforms} == {16000}
        assert all(np.ptp(x) < 0.7 for x in silence.waveforms)
        assert silence.sources[0].startswith("hum.wav from ")

    def test_a_seed_gives_one_task(self, archive):
        folder = archive("0.02", V2)
        one, same, other = (
            speech_commands("0.02", folder, n_classes=12, seed=seed) for seed in (1, 1, 2)
        )
        assert one.fingerprint() == same.fingerprint() != other.fingerprint()

    def test_it_trains_like_any_other(self, words):
        assert words.random_split(0.2)[0].resampled(8000).waveforms[0].dtype == np.float32

    def test_without_noise_or_commands_there_is_no_such_task(self, archive):
        words = speech_commands("mini", archive("mini", MINI))
        with pytest.raises(EarshotError, match="there are none"):
            twelve_classes(words, {})
        with pytest.raises(EarshotError, match=r"need all commands: yes, no, .* is missing"):
            twelve_classes(words.only(["bed", "cat"]), {})


class TestBadInput:
    def test_a_damaged_clip_is_left_out_by_name(self, archive):
        folder = archive("0.02", V2 | {"./bed/0a_nohash_0.wav": b"RIFF"})
        with pytest.warns(EarshotWarning, match=r"1 unreadable \(bed/0a_nohash_0\.wav cannot"):
            words = speech_commands("0.02", folder)
        assert len(words) == 8 * len(WORDS)

    def test_a_speaker_on_both_sides_never_trains(self, archive):
        lists = {"./testing_list.txt": listed("2") + f"\nyes/{SPEAKERS[3]}_nohash_0.wav".encode()}
        with pytest.warns(EarshotWarning, match=r"23 clips belong to no part"):
            words = speech_commands("0.02", archive("0.02", V2 | lists))
        assert SPEAKERS[3] not in words.part("train").speakers

    def test_another_archive_is_refused_before_it_is_read(self, archive):
        folder = archive("0.02", V2)
        path = folder / "downloads" / "speech_commands_v0.02.tar.gz"
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        with pytest.raises(EarshotError, match=r"v0\.02\.tar\.gz is not .*checksum differs"):
            speech_commands("0.02", folder)
        assert not (folder / "speech_commands-0.02").exists()

    def test_an_archive_that_breaks_off_leaves_nothing_half_read(self, archive, monkeypatch):
        folder = archive("0.02", V2)
        path = folder / "downloads" / "speech_commands_v0.02.tar.gz"
        path.write_bytes(path.read_bytes()[:-100])
        monkeypatch.setitem(module.VERSIONS, "0.02", (path.name, None, None))
        with pytest.raises(EarshotError, match="is damaged or no archive"):
            speech_commands("0.02", folder)
        assert [*folder.iterdir()] == [path.parent]

    def test_a_second_process_waits_for_the_first(self, archive, monkeypatch):
        folder = archive("mini", MINI)
        asked, real = [], module.archives.find

        def find(*args, **options):
            asked.append(args)
            return real(*args, **options)

        monkeypatch.setattr(module.archives, "find", find)
        with ThreadPoolExecutor(2) as threads:
            both = [*threads.map(lambda _: len(speech_commands("mini", folder)), range(2))]
        assert both == [8 * len(WORDS)] * 2
        assert len(asked) == 1

    def test_without_internet_it_says_what_to_put_where(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "BASE", "http://127.0.0.1:9/")
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
        with pytest.raises(EarshotError, match=r"By hand: put it into .*downloads as mini_speech"):
            speech_commands("mini", tmp_path)

    @pytest.mark.parametrize("options", [{"version": "0.03"}, {"n_classes": 11}])
    def test_what_is_not_there_is_told(self, archive, options):
        with pytest.raises(EarshotError, match=r"choose one of 0\.02|has 12 or 12 classes"):
            speech_commands(**{"data_dir": archive("0.02", V2), **options})

    def test_an_archive_without_clips_is_told(self, archive):
        with pytest.raises(EarshotError, match="no clips"):
            speech_commands("0.02", archive("0.02", NOISE))


def test_the_shards_open_by_themselves(archive):
    folder = archive("mini", MINI)
    words = speech_commands("mini", folder)
    assert from_shards(folder / "speech_commands-mini").fingerprint() == words.fingerprint()
