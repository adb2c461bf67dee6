import http.server
import threading
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from earshot import files
from earshot.datasets import digits, downloads, espeak, folders, packed, voices
from earshot.datasets.word_set import DIGITS, WordSet
from earshot.errors import EarshotError, EarshotWarning


def write_tone(path, sample_rate=8000, channels=1, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(sample_rate // 2) / sample_rate
    x = 0.3 * np.sin(2 * np.pi * 300 * t)
    soundfile.write(path, np.repeat(x[:, None], channels, axis=1), sample_rate, **kwargs)


@pytest.fixture
def folder(tmp_path):
    """Two words in mixed formats, rates and channels."""
    write_tone(tmp_path / "cat" / "anna_1.wav", 16000)
    write_tone(tmp_path / "cat" / "anna_2.flac", 16000, channels=2)
    write_tone(tmp_path / "cat" / "cat_bob_3.mp3", 44100)
    write_tone(tmp_path / "dog" / "anna_1.ogg", 16000)
    write_tone(tmp_path / "dog" / "eve.wav", 48000, channels=8, subtype="FLOAT")
    return tmp_path


class TestWordSet:
    def test_counts_every_word(self, beeps):
        assert beeps.counts() == {"low": 30, "high": 30}

    def test_shows_its_size(self, beeps):
        assert repr(beeps) == "WordSet(60 clips, 2 words, 3 speakers, 8,000 Hz)"

    def test_some_words_become_the_only_ones_in_the_order_given(self, beeps):
        both = beeps.only(["high", "low"])
        assert both.class_names == ("high", "low")
        assert both.counts() == beeps.counts()
        high = beeps.only(["high"])
        assert (len(high), set(high.labels)) == (30, {0})
        assert all(source.startswith("high") for source in high.sources)

    def test_a_word_that_is_not_there_cannot_be_kept(self, beeps):
        with pytest.raises(EarshotError, match="middle is no word of this set"):
            beeps.only(["middle"])

    def test_leaves_each_speaker_out_once(self, beeps):
        seen = []
        for speaker, train, test in beeps.leave_one_speaker_out():
            seen.append(speaker)
            assert set(test.speakers) == {speaker}
            assert speaker not in train.speakers
            assert len(train) + len(test) == len(beeps)
        assert seen == ["anna", "bob", "eve"]

    def test_one_speaker_cannot_be_left_out(self, beeps):
        anna = beeps.subset(beeps.speakers == "anna")
        with pytest.raises(EarshotError, match="two speakers"):
            list(anna.leave_one_speaker_out())

    def test_the_official_split_keeps_recordings_0_to_4_for_the_test(self, beeps):
        train, test = beeps.official_split()
        assert {source.split("_")[-1] for source in test.sources} == {f"{i}.wav" for i in range(5)}
        assert not set(train.sources) & set(test.sources)

    def test_other_sets_have_no_official_split(self, folder):
        with pytest.raises(EarshotError, match="official split"):
            folders.from_folder(folder).official_split()

    def test_a_random_split_is_stratified_and_repeatable(self, beeps):
        train, test = beeps.random_split(0.2, seed=3)
        assert test.counts() == {"low": 6, "high": 6}
        assert not set(train.sources) & set(test.sources)
        np.testing.assert_array_equal(test.sources, beeps.random_split(0.2, seed=3)[1].sources)

    def test_two_clips_cannot_be_split(self, beeps):
        with pytest.raises(EarshotError, match="record more"):
            beeps.subset([0, 1]).random_split(0.2)

    def test_joining_keeps_the_words_apart(self, beeps):
        other = WordSet([np.ones(80, np.float32)], [0], ["new"], ["x"], ["y"], 16000)
        both = beeps.joined(other)
        assert both.class_names == ("low", "high", "new")
        assert both.class_names[both.labels[-1]] == "new"
        assert len(both.waveforms[-1]) == 40

    @pytest.mark.parametrize("x", [np.full(9, np.nan), np.zeros((9, 2)), np.zeros(0)])
    def test_clips_that_are_no_waveforms_are_refused(self, x):
        with pytest.raises(EarshotError, match="clip 0"):
            WordSet([x], [0], ("a",), ["x"], ["y"], 8000)

    @pytest.mark.parametrize("labels", [[0.0], [2], [-2], ["a"], [0, 1]])
    def test_labels_that_fit_nothing_are_refused(self, labels):
        with pytest.raises(EarshotError):
            WordSet([np.zeros(9)], labels, ("a", "b"), ["x"], ["y"], 8000)


class TestPacking:
    def test_what_is_packed_comes_back(self, beeps, tmp_path):
        beeps.save(tmp_path / "beeps.npz")
        again = packed.load(tmp_path / "beeps.npz")
        for x, y in zip(beeps.waveforms, again.waveforms, strict=True):
            np.testing.assert_array_equal(x, y)
        for field in ("labels", "speakers", "sources"):
            np.testing.assert_array_equal(getattr(beeps, field), getattr(again, field))
        assert (again.class_names, again.sample_rate) == (beeps.class_names, beeps.sample_rate)

    @given(st.lists(st.text(min_size=1).filter(lambda w: "\0" not in w), min_size=1, unique=True))
    def test_any_word_survives(self, tmp_path_factory, words):
        path = tmp_path_factory.mktemp("pack") / "a.npz"
        n = len(words)
        WordSet([np.zeros(3)] * n, range(n), words, ["x"] * n, ["y"] * n, 8000).save(path)
        assert packed.load(path).class_names == tuple(words)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(EarshotError, match=r"a\.npz"):
            packed.load(tmp_path / "a.npz")

    @pytest.mark.parametrize("content", [b"", b"no zip at all", "half"])
    def test_a_damaged_file_is_named(self, beeps, tmp_path, content):
        path = tmp_path / "a.npz"
        beeps.save(path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if content == "half" else content)
        with pytest.raises(EarshotError, match=r"a\.npz is not a packed WordSet or is damaged"):
            packed.load(path)

    def test_a_pickle_is_not_opened(self, tmp_path):
        path = tmp_path / "a.npz"
        np.savez(path, waveforms=np.array([{"run": "me"}], dtype=object), lengths=np.array([1]))
        with pytest.raises(EarshotError, match="not a packed WordSet"):
            packed.load(path)


class TestFolder:
    def test_mixed_formats_rates_and_channels_become_one_set(self, folder):
        words = folders.from_folder(folder)
        assert words.counts() == {"cat": 3, "dog": 2}
        assert words.sample_rate == 16000
        assert list(words.speakers) == ["anna", "anna", "bob", "anna", "eve"]
        np.testing.assert_allclose(words.durations_s, 0.5, atol=0.06)

    def test_broken_files_are_listed_and_the_rest_is_read(self, folder):
        (folder / "cat" / "broken.wav").write_text("no sound")
        (folder / "cat" / "empty.wav").touch()
        with pytest.warns(EarshotWarning, match=r"Skipped 2: .*broken\.wav .*empty\.wav"):
            words = folders.from_folder(folder)
        assert len(words) == 5

    def test_a_word_without_recordings_is_listed(self, folder):
        (folder / "bird").mkdir()
        with pytest.warns(EarshotWarning, match="bird has no recordings"):
            words = folders.from_folder(folder)
        assert words.class_names == ("cat", "dog")

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(EarshotError, match="no folder .*nowhere"):
            folders.from_folder(tmp_path / "nowhere")

    def test_one_word_is_not_enough(self, tmp_path):
        write_tone(tmp_path / "cat" / "a.wav")
        with pytest.raises(EarshotError, match="1 word, and at least 2"):
            folders.from_folder(tmp_path)

    @given(st.text(min_size=1))
    def test_every_word_makes_one_safe_folder_name(self, word):
        from urllib.parse import unquote

        name = files.safe_name(word)
        assert not set(name) & set('<>:"/\\|?*\0')
        assert name not in (".", "..")
        assert unquote(name, errors="surrogatepass") == word or max(word) >= "\ud800"

    def test_strange_words_survive_a_folder(self, tmp_path):
        words = ("../up", "Ünïcode 词", "two words", "`s", "12", "100%41")
        n = len(words)
        clips = [np.full(800, 0.1, np.float32)] * n
        names = [f"{w}_ann_0.wav" for w in words]
        WordSet(clips, range(n), words, ["ann"] * n, names, 8000).save_folder(tmp_path / "in")
        assert [p.name for p in tmp_path.iterdir()] == ["in"]
        assert set(folders.from_folder(tmp_path / "in").class_names) == set(words)

    def test_nothing_is_overwritten(self, beeps, tmp_path):
        assert beeps.save_folder(tmp_path) == 60
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")}
        assert beeps.save_folder(tmp_path) == 0
        assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.wav")} == before


class TestSpokenDigit:
    def test_tfds_prepares_the_real_archive(self, spoken_digit):
        assert len(spoken_digit) == 2500
        assert set(spoken_digit.counts().values()) == {250}
        assert set(spoken_digit.speakers) == {"george", "jackson", "nicolas", "theo", "yweweler"}
        train, test = spoken_digit.official_split()
        assert (len(train), len(test)) == (2250, 250)

    def test_labels_are_those_of_the_file_names(self, spoken_digit):
        named = [int(source.split("_")[0]) for source in spoken_digit.sources]
        np.testing.assert_array_equal(spoken_digit.labels, named)

    def test_an_archive_with_another_checksum_is_refused(self, tmp_path):
        (tmp_path / digits.ARCHIVE).write_bytes(b"something else")
        with pytest.raises(EarshotError, match="checksum"):
            digits.spoken_digit(tmp_path / "data", downloads=tmp_path, fallback=False)

    def test_the_environment_names_the_folder_of_the_archive(self, tmp_path, monkeypatch):
        (tmp_path / digits.ARCHIVE).write_bytes(b"something else")
        monkeypatch.setenv("EARSHOT_DOWNLOADS", str(tmp_path))
        with pytest.raises(EarshotError, match="checksum"):
            digits.spoken_digit(tmp_path / "data", fallback=False)

    def test_a_network_that_hangs_is_given_up_with_the_reason(self, tmp_path, silent_server):
        with pytest.raises(EarshotError, match=r"timed out.*By hand: put it into .*downloads"):
            digits.spoken_digit(tmp_path, fallback=False)
        assert list(tmp_path.rglob("*.gz")) == []

    def test_a_network_that_refuses_is_given_up_with_the_reason(self, tmp_path, monkeypatch):
        monkeypatch.setattr(digits, "ARCHIVE_URL", "http://127.0.0.1:9/archive.tar.gz")
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
        with pytest.raises(EarshotError, match="refused"):
            digits.spoken_digit(tmp_path, fallback=False)

    def test_a_download_that_breaks_off_leaves_nothing(self, tmp_path, broken_server):
        with pytest.raises(EarshotError, match="broke off after 10 bytes"):
            digits.spoken_digit(tmp_path, fallback=False)
        assert list(tmp_path.rglob("*.gz")) == []

    def test_without_archive_and_network_synthetic_voices_take_over(self, tmp_path, monkeypatch):
        if not espeak.is_available():
            pytest.skip("the offline voice is not installed: pip install espeakng-loader")
        monkeypatch.setattr(digits, "ARCHIVE_URL", "http://127.0.0.1:9/archive.tar.gz")
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
        with pytest.warns(EarshotWarning, match="Synthetic speech takes its place"):
            words = digits.spoken_digit(tmp_path)
        assert words.class_names == DIGITS
        assert "synthetic" in words.about
        assert not (tmp_path / "spoken_digit.npz").exists()
        assert len(list(words.leave_one_speaker_out())) == 5


class _Silent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.stop.wait(10)

    def log_message(self, *args):
        pass


class _Broken(_Silent):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only these")


@pytest.fixture
def serve(monkeypatch):
    """Start a local server in the place of the real one."""
    servers = []

    def start(handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.stop = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}/archive.tar.gz"
        monkeypatch.setattr(digits, "ARCHIVE_URL", url)
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)

    yield start
    for server in servers:
        server.stop.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def silent_server(serve, monkeypatch):
    """A server that takes the call and says nothing; patience is cut short."""
    monkeypatch.setattr(downloads, "PATIENCE_S", 0.2)
    serve(_Silent)


@pytest.fixture
def broken_server(serve):
    """A server that closes the line in the middle."""
    serve(_Broken)


def test_synthetic_voices_repeat_with_a_seed():
    if not espeak.is_available():
        pytest.skip("the offline voice is not installed: pip install espeakng-loader")
    first, again = (voices.synthetic(("yes", "no"), n_voices=3, n_takes=2) for _ in range(2))
    assert list(first.sources) == list(again.sources)
    assert first.counts() == {"yes": 6, "no": 6}
    assert len(set(first.speakers)) == 3


def test_reading_a_good_folder_warns_of_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(folders.from_folder(folder)) == 5
