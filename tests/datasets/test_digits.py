import http.server
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from earshot.datasets import digits, downloads, espeak
from earshot.datasets.word_set import DIGITS
from earshot.errors import EarshotError, EarshotWarning


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


def test_tfds_prepares_the_real_archive(spoken_digit):
    assert len(spoken_digit) == 2500
    assert set(spoken_digit.counts().values()) == {250}
    assert set(spoken_digit.speakers) == {"george", "jackson", "nicolas", "theo", "yweweler"}
    train, test = spoken_digit.official_split()
    assert (len(train), len(test)) == (2250, 250)


def test_labels_are_those_of_the_file_names(spoken_digit):
    named = [int(source.split("_")[0]) for source in spoken_digit.sources]
    np.testing.assert_array_equal(spoken_digit.labels, named)


def test_an_archive_with_another_checksum_is_refused(tmp_path):
    (tmp_path / digits.ARCHIVE).write_bytes(b"something else")
    with pytest.raises(EarshotError, match="checksum"):
        digits.spoken_digit(tmp_path / "data", downloads=tmp_path, fallback=False)


def test_the_environment_names_the_folder_of_the_archive(tmp_path, monkeypatch):
    (tmp_path / digits.ARCHIVE).write_bytes(b"something else")
    monkeypatch.setenv("EARSHOT_DOWNLOADS", str(tmp_path))
    with pytest.raises(EarshotError, match="checksum"):
        digits.spoken_digit(tmp_path / "data", fallback=False)


def test_a_server_that_hangs_is_given_up_with_the_reason(tmp_path, silent_server):
    with pytest.raises(EarshotError, match=r"timed out.*By hand: put it into .*downloads"):
        digits.spoken_digit(tmp_path, fallback=False)
    assert list(tmp_path.rglob("*.gz")) == []


def test_a_server_that_refuses_is_given_up_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "ARCHIVE_URL", "http://127.0.0.1:9/archive.tar.gz")
    monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
    with pytest.raises(EarshotError, match="refused"):
        digits.spoken_digit(tmp_path, fallback=False)


def test_a_download_that_breaks_off_leaves_no_archive_but_a_part(tmp_path, broken_server):
    with pytest.raises(EarshotError, match="10 bytes read, 990 more"):
        digits.spoken_digit(tmp_path, fallback=False)
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [f"{digits.ARCHIVE}.part"]


def test_without_archive_and_internet_synthetic_voices_take_over(tmp_path, monkeypatch):
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


@pytest.mark.parametrize("missing", ["tensorflow_datasets", "importlib_resources", "pydub"])
def test_a_library_that_is_not_installed_is_named_before_anything_is_downloaded(
    tmp_path, monkeypatch, missing
):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EarshotError, match=f"{missing} is not installed: pip install tensorflow-d"):
        digits.spoken_digit(tmp_path, fallback=False)
    assert list(tmp_path.iterdir()) == []


def test_the_stand_in_tells_which_library_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.setattr(digits.espeak, "is_available", lambda: True)
    monkeypatch.setattr(digits, "synthetic", lambda words: words)
    with pytest.warns(EarshotWarning, match=r"tensorflow_datasets is not installed.*takes its pl"):
        assert digits.spoken_digit(tmp_path) == DIGITS


def test_two_at_once_prepare_it_once(tmp_path, monkeypatch, beeps):
    """As two notebooks, or the processes of a test run, may."""
    asked, started = [], threading.Barrier(2)

    def prepared(*_):
        asked.append(1)
        time.sleep(0.3)
        return beeps

    monkeypatch.setattr(digits.archives, "find", lambda *_, **__: started.wait())
    monkeypatch.setattr(digits, "_prepared", prepared)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: digits.spoken_digit(tmp_path, fallback=False), range(2)))
    assert len(asked) == 1
    assert [len(words) for words in found] == [len(beeps)] * 2
