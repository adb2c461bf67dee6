import contextlib
import dataclasses
import datetime
import resource
import subprocess
import sys
import threading
import warnings
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from earshot import audio
from earshot.datasets import folders
from earshot.errors import EarshotError
from earshot.recording import takes
from earshot.segmentation import splitting


def tone(duration_s=1.0, peak=0.3, sample_rate=16000):
    t = np.arange(round(duration_s * sample_rate)) / sample_rate
    return np.rint(32768 * peak * np.sin(2 * np.pi * 200 * t)).astype(np.int16)


def written(folder, x, sample_rate=16000):
    writer = takes.Writer(folder, "anna", sample_rate)
    writer.write(x)
    return writer.close()


def words(n, rng, sample_rate=16000):
    """Beeps with pauses over a little noise, shape (samples,)."""
    pause = np.zeros(sample_rate // 2)
    x = np.concatenate([pause, *[np.r_[tone(0.3) / 32768, pause] for _ in range(n)]])
    return (x + 1e-4 * rng.standard_normal(len(x))).astype(np.float32)


@pytest.fixture
def recording(tmp_path, rng):
    audio.write(tmp_path / "takes" / "take.wav", words(3, rng), 16000)
    return tmp_path / "takes" / "take.wav"


def test_a_take_is_what_was_written(tmp_path):
    x = tone()
    take = written(tmp_path, x)
    y, sample_rate = take.read()
    np.testing.assert_array_equal(np.rint(y * 32768), x)
    assert (sample_rate, take.duration_s, take.notes) == (16000, 1.0, ())


def test_a_take_can_be_read_after_every_block(tmp_path):
    writer = takes.Writer(tmp_path, "anna", 16000)
    for n in range(1, 4):
        writer.write(tone(0.1))
        assert len(audio.read(writer.path)[0]) == n * 1600


def test_a_take_is_readable_after_its_process_was_killed(tmp_path):
    script = (
        "import os, signal, sys, numpy\n"
        "from earshot.recording import takes\n"
        "writer = takes.Writer(sys.argv[1], 'anna', 16000)\n"
        "for _ in range(10): writer.write(numpy.full(1600, 3000, numpy.int16))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path])
    assert done.returncode < 0
    (path,) = tmp_path.glob("*.wav")
    assert len(audio.read(path)[0]) == 16000


def test_a_take_is_byte_for_byte_what_python_writes(tmp_path):
    take = written(tmp_path / "own" / "cat" / "raw", tone())
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(tone().tobytes())
    assert take.path.read_bytes() == (tmp_path / "a.wav").read_bytes()


def test_a_take_that_ends_at_once_is_a_recording_of_no_length(tmp_path):
    writer = takes.Writer(tmp_path, "anna", 16000)
    assert (writer.duration_s, writer.peak, writer.n_clipped) == (0, 0, 0)
    assert writer.close().duration_s == 0


def test_a_writer_tells_how_much_it_has_and_how_loud_it_was(tmp_path):
    writer = takes.Writer(tmp_path, "anna", 16000)
    for peak in (-8000, 5000):
        writer.write(np.full(8000, peak, np.int16))
    assert (writer.duration_s, writer.peak) == (1.0, 8000)


def test_a_take_cannot_be_changed(tmp_path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        takes.Take(tmp_path / "a.wav", 16000, 1.0).duration_s = 2.0


def test_takes_of_one_second_do_not_replace_each_other(tmp_path, monkeypatch):
    class Stopped(datetime.datetime):
        now = classmethod(lambda cls: cls(2026, 11, 21, 15, 30))

    monkeypatch.setattr(datetime, "datetime", Stopped)
    stem = "anna_20261121-153000"
    found = [written(tmp_path, tone()).path.name for _ in range(3)]
    assert found == [f"{stem}.wav", f"{stem}-2.wav", f"{stem}-3.wav"]


def test_takes_begun_at_the_same_moment_do_not_replace_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda path: False)  # each looks before the other writes
    first, second = written(tmp_path, tone()), written(tmp_path, tone(0.5))
    monkeypatch.undo()
    assert (first.duration_s, second.duration_s) == (1.0, 0.5)
    assert audio.duration(first.path) == 1.0


@pytest.mark.parametrize("moment", range(4))
def test_an_interrupt_while_a_block_is_written_costs_that_block_at_most(tmp_path, moment):
    class Interrupted:
        """A file that is interrupted at one of the calls of a write, after or before it acts."""

        def __init__(self, file):
            self.file, self.calls = file, 0

        def __getattr__(self, name):
            call = getattr(self.file, name)
            if name not in ("seek", "write"):
                return call

            def interrupted(*args):
                answer = call(*args)
                self.calls += 1
                if self.calls == moment + 1:
                    raise KeyboardInterrupt
                return answer

            return interrupted

    before, lost, after = (np.full(n, n, np.int16) for n in (8000, 1600, 3200))
    writer = takes.Writer(tmp_path, "anna", 16000)
    writer.write(before)
    file = writer._file
    writer._file = Interrupted(file)
    with pytest.raises(KeyboardInterrupt):
        writer.write(lost)
    writer._file = file
    writer.write(after)
    x = np.rint(32768 * writer.close().read()[0])
    np.testing.assert_array_equal(x, np.concatenate([before, after]))


def test_a_full_disk_is_told_and_what_was_written_stays_readable(tmp_path):
    writer = takes.Writer(tmp_path, "anna", 16000)
    writer.write(tone())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_001, before[1]))
    try:
        with pytest.raises(EarshotError, match="free some space or choose another folder"):
            writer.write(tone())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    take = writer.close()
    assert take.duration_s == 1.0
    np.testing.assert_array_equal(np.rint(32768 * take.read()[0]), tone())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EarshotError, match="file.*cannot be written"):
        takes.Writer(tmp_path / "file" / "raw", "anna", 16000)


@pytest.mark.parametrize(
    ("peak", "told"), [(0, "muted"), (0.01, "nearer"), (0.3, ""), (1.5, "further")]
)
def test_a_bad_level_is_pointed_out(tmp_path, peak, told):
    x = np.clip(tone(peak=peak / 2).astype(int) * 2, -32768, 32767).astype(np.int16)
    notes = written(tmp_path, x).notes
    assert bool(notes) == bool(told)
    assert told in "".join(notes)


@pytest.mark.parametrize("loudest", [32767, -32768])
def test_five_samples_at_the_end_of_the_scale_are_clipped_and_four_cannot_be_heard(
    tmp_path, loudest
):
    def told(n, value=loudest):
        return "".join(written(tmp_path, np.r_[tone(), np.full(n, value, np.int16)]).notes)

    assert told(4) == ""
    assert "too loud, 5 samples are clipped: go further" in told(5)
    assert told(500, 32766) == ""


def test_a_quiet_take_tells_its_level(tmp_path):
    assert "very quiet (peak -40 dB)" in written(tmp_path, tone(peak=0.01)).notes[0]


def test_words_are_cut_and_nothing_is_overwritten(tmp_path, recording):
    first = takes.cut(recording, tmp_path / "own", "cat", speaker="anna")
    content = [path.read_bytes() for path in first]
    second = takes.cut(recording, tmp_path / "own", word="cat", speaker="anna")
    assert [path.name for path in first + second] == [f"anna_{i}.wav" for i in range(6)]
    assert [path.read_bytes() for path in first] == content


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_who_cut_words_of_one_speaker_at_once_share_the_numbers(
    tmp_path, recording, monkeypatch
):
    both_count, count = threading.Barrier(2), takes.next_number

    def together(*args):
        number = count(*args)
        with contextlib.suppress(threading.BrokenBarrierError):  # one at a time: nobody comes
            both_count.wait(timeout=0.3)
        return number

    monkeypatch.setattr(takes, "next_number", together)
    with ThreadPoolExecutor(2) as threads:
        cuts = [threads.submit(takes.cut, recording, tmp_path, "cat") for _ in range(2)]
        paths = [path for cut in cuts for path in cut.result()]
    assert sorted(path.name for path in paths) == [f"me_{i}.wav" for i in range(6)]
    assert names(tmp_path / "cat") == [f"me_{i}.wav" for i in range(6)]


def test_a_name_that_somebody_took_meanwhile_is_left_alone(tmp_path, recording, monkeypatch):
    count = takes.next_number

    def too_late(*args):
        number = count(*args)
        (tmp_path / "cat" / "me_1.wav").write_bytes(b"mine")
        return number

    monkeypatch.setattr(takes, "next_number", too_late)
    with pytest.raises(EarshotError, match=r"me_1\.wav exists already.*No word was cut"):
        takes.cut(recording, tmp_path, "cat")
    assert names(tmp_path / "cat") == ["me_1.wav"]
    assert (tmp_path / "cat" / "me_1.wav").read_bytes() == b"mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("step", ["audio.write", "files._link"])
def test_words_appear_all_or_none_and_a_cut_that_failed_can_be_repeated(
    tmp_path, recording, monkeypatch, step, error
):
    module, _, function = step.partition(".")
    before, calls = getattr(getattr(takes, module), function), []

    def broken(*args):
        calls.append(args)
        if len(calls) == 3:
            raise error
        return before(*args)

    with monkeypatch.context() as patch:
        patch.setattr(getattr(takes, module), function, broken)
        with pytest.raises((KeyboardInterrupt, EarshotError)) as caught:
            takes.cut(recording, tmp_path, "cat", speaker="anna")
    if caught.type is EarshotError:
        assert f"the whole take is kept in {recording}" in str(caught.value)
    assert names(tmp_path / "cat") == []
    again = takes.cut(recording, tmp_path, "cat", speaker="anna")
    assert [path.name for path in again] == ["anna_0.wav", "anna_1.wav", "anna_2.wav"]
    assert names(tmp_path / "cat") == [path.name for path in again]


def test_a_take_without_words_makes_no_folder(tmp_path):
    audio.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    assert takes.cut(tmp_path / "silence.wav", tmp_path / "own", "cat") == []
    assert not (tmp_path / "own").exists()


def test_each_cut_word_holds_its_beep(tmp_path, recording):
    paths = takes.cut(recording, tmp_path / "own", "cat", sample_rate=8000)
    assert len(paths) == 3
    for path in paths:
        x, sample_rate = audio.read(path)
        assert sample_rate == 8000
        assert 0.3 <= len(x) / sample_rate <= 0.5


def test_words_are_kept_at_16_khz(tmp_path, recording):
    assert audio.read(takes.cut(recording, tmp_path, "cat")[0])[1] == 16000


def test_words_keep_a_margin_that_is_neither_their_neighbours_nor_outside(tmp_path, rng):
    x = np.concatenate([tone(0.3), np.zeros(1280), tone(0.3), np.zeros(8000), tone(0.3)])
    x = x / 32768 + 1e-4 * rng.standard_normal(len(x))  # from the first sample to the last
    audio.write(tmp_path / "a.wav", x, 16000)
    segments = splitting.split_words(tmp_path / "a.wav", n_words=3)
    assert segments[1].start_s - segments[0].end_s < 0.1
    middle = (segments[0].end_s + segments[1].start_s) / 2
    after = segments[1].end_s + 0.05
    found = takes.Take(tmp_path / "a.wav", 16000, len(x) / 16000).words(n_words=3)
    lengths = [middle, after - middle, len(x) / 16000 - (segments[2].start_s - 0.05)]
    assert [len(word) / 16000 for word in found] == pytest.approx(lengths, abs=2e-4)


def test_the_number_of_words_can_be_given(tmp_path, recording):
    assert len(takes.cut(recording, tmp_path / "own", "cat", n_words=2)) == 2


def test_dropped_words_keep_their_numbers_and_can_be_taken_back(tmp_path, recording):
    *_, last = takes.cut(recording, tmp_path / "own", "cat")
    dropped = takes.drop(last)
    assert not last.exists()
    assert takes.counts(tmp_path / "own") == {"cat": 2}
    with pytest.raises(EarshotError, match="There is no file .*: it was moved already"):
        takes.drop(last)
    first = takes.cut(recording, tmp_path / "own", "cat")[0]
    assert first.name == "me_3.wav"
    takes.drop(first)
    assert takes.restore(dropped) == last
    assert takes.counts(tmp_path / "own") == {"cat": 5}


def test_a_restored_word_replaces_no_other(tmp_path, recording):
    path = takes.cut(recording, tmp_path / "own", "cat")[0]
    dropped = takes.drop(path)
    path.write_bytes(b"mine")
    with pytest.raises(EarshotError, match="exists already and is kept"):
        takes.restore(dropped)
    assert path.read_bytes() == b"mine"


def test_own_recordings_are_a_data_set_without_raw_and_dropped_ones(tmp_path, rng):
    own = tmp_path / "own"
    for i, word in enumerate(["cat", "../dog"]):
        recording = tmp_path / f"take_{i}.wav"
        audio.write(recording, words(3, rng), 16000)
        paths = takes.cut(recording, own, word, speaker="anna")
        takes.raw_folder(own, word).mkdir()
        audio.write(takes.raw_folder(own, word) / "anna_1.wav", audio.read(recording)[0], 16000)
        takes.drop(paths[1])
    with warnings.catch_warnings(action="error"):
        found = folders.from_folder(own)
    assert found.counts() == takes.counts(own) == {"../dog": 2, "cat": 2}
    assert set(found.speakers) == {"anna"}
    assert not (tmp_path / "dog").exists()


def test_a_take_gives_its_words_in_order(recording):
    take = takes.Take(recording, 16000, 2.9)
    assert [round(len(x) / 8000, 1) for x in take.words(sample_rate=8000)] == [0.4, 0.4, 0.4]


def test_no_folder_means_no_words(tmp_path):
    assert takes.counts(tmp_path / "nowhere") == {}
