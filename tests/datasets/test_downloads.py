import hashlib
import http.server
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from earshot.datasets import downloads
from earshot.errors import EarshotError

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Files(http.server.BaseHTTPRequestHandler):
    """Sends CONTENT, from where it is asked to; the first answer may break off."""

    broken_at = downloads.CHUNK_BYTES + 5000

    def do_GET(self):
        begin = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append(begin)
        self.server.answer(self, begin)

    def log_message(self, *args):
        pass

    def begin_answer(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, str(value))
        self.end_headers()


def good(handler, begin):
    """Answer as a good server does."""
    rest, whole = CONTENT[begin:], len(CONTENT)
    if "file" not in handler.path:
        handler.send_error(404)
    elif not rest:
        handler.begin_answer(416, ("Content-Range", f"bytes */{whole}"))
    elif begin:
        place = f"bytes {begin}-{whole - 1}/{whole}"
        handler.begin_answer(206, ("Content-Range", place), ("Content-Length", len(rest)))
    else:
        handler.begin_answer(200, ("Content-Length", whole))
    if "file" in handler.path:
        handler.wfile.write(rest)


def all_of_it(handler, begin):
    """Answer as a server that knows nothing of parts."""
    good(handler, 0)


def broken_off(handler, begin):
    """Tell the length, and break off."""
    handler.begin_answer(200, ("Content-Length", len(CONTENT)))
    handler.wfile.write(CONTENT[: handler.broken_at])


def without_a_length(handler, begin):
    """Send some bytes without saying how many: the end of the line is the end of the file."""
    handler.begin_answer(200)
    handler.wfile.write(CONTENT[: handler.broken_at])


def chunked(handler, begin, end=b"0\r\n\r\n"):
    """Send the file in chunks, each with its length, the last of which is empty."""
    handler.protocol_version = "HTTP/1.1"
    handler.close_connection = True
    handler.begin_answer(200, ("Transfer-Encoding", "chunked"))
    handler.wfile.write(b"%x\r\n%s\r\n%s" % (len(CONTENT), CONTENT, end))


def chunked_and_broken_off(handler, begin):
    """Leave out the last, empty chunk."""
    chunked(handler, begin, b"")


def nothing_left(handler, begin):
    """Refuse every part, and do not tell the length."""
    handler.begin_answer(416) if begin else good(handler, 0)


def another_part(handler, begin):
    """Send the file from its beginning, and say so."""
    whole = len(CONTENT)
    place = f"bytes 0-{whole - 1}/{whole}"
    handler.begin_answer(206, ("Content-Range", place), ("Content-Length", whole))
    handler.wfile.write(CONTENT)


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.asked, server.answer = [], good
    server.url = f"http://127.0.0.1:{server.server_port}/file.zip"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.zip"


@pytest.fixture
def part(tmp_path):
    """Where the file is until it is whole."""
    return tmp_path / "file.zip.part"


class TestFetch:
    def test_a_file_arrives_whole(self, server, tmp_path):
        path = downloads.fetch(server.url, tmp_path / "a" / "file.zip")
        assert path.read_bytes() == CONTENT
        assert list(path.parent.iterdir()) == [path]

    def test_what_is_there_is_not_asked_for_again(self, server, path):
        path.write_bytes(b"mine")
        assert downloads.fetch(server.url, path).read_bytes() == b"mine"
        assert server.asked == []

    @pytest.mark.parametrize("then", [good, all_of_it])
    def test_a_broken_download_goes_on(self, server, path, part, then):
        server.answer = broken_off
        with pytest.raises(EarshotError, match=r"goes on where it stopped"):
            downloads.fetch(server.url, path)
        assert [*path.parent.iterdir()] == [part]
        server.answer = then
        assert downloads.fetch(server.url, path).read_bytes() == CONTENT
        assert server.asked == [0, downloads.CHUNK_BYTES]
        assert [*path.parent.iterdir()] == [path]

    def test_what_breaks_off_is_noticed_without_the_help_of_the_library(
        self, server, path, monkeypatch
    ):
        import urllib3

        before = urllib3.HTTPResponse.__init__

        def careless(response, *args, **options):
            before(response, *args, **options | {"enforce_content_length": False})

        monkeypatch.setattr(urllib3.HTTPResponse, "__init__", careless)
        server.answer = broken_off
        with pytest.raises(EarshotError, match=r"broke off.*goes on where it stopped"):
            downloads.fetch(server.url, path)
        assert not path.exists()

    def test_an_answer_without_a_length_is_not_taken_for_the_whole(self, server, path):
        server.answer = without_a_length
        with pytest.raises(EarshotError, match=r"may be half a file.*save it as .*file\.zip\."):
            downloads.fetch(server.url, path)
        assert [*path.parent.iterdir()] == []

    def test_its_checksum_tells_that_a_file_without_a_length_is_whole(
        self, server, path, monkeypatch
    ):
        server.answer = without_a_length
        with pytest.raises(EarshotError, match=r"checksum differs"):
            downloads.fetch(server.url, path, sha256=SHA256)
        monkeypatch.setattr(_Files, "broken_at", len(CONTENT))
        assert downloads.fetch(server.url, path, sha256=SHA256).read_bytes() == CONTENT

    def test_chunks_tell_by_themselves_whether_all_have_come(self, server, path):
        server.answer = chunked_and_broken_off
        with pytest.raises(EarshotError, match=r"goes on where it stopped"):
            downloads.fetch(server.url, path)
        assert not path.exists()
        server.answer = chunked
        assert downloads.fetch(server.url, path).read_bytes() == CONTENT

    def test_what_was_whole_but_not_yet_named_is_taken(self, server, path, part):
        part.write_bytes(CONTENT)
        assert downloads.fetch(server.url, path).read_bytes() == CONTENT
        assert server.asked == [len(CONTENT)]

    @pytest.mark.parametrize("sha256", [None, SHA256])
    @pytest.mark.parametrize("answer", [good, nothing_left])
    def test_a_part_that_is_longer_than_the_file_is_begun_anew(
        self, server, path, part, answer, sha256
    ):
        server.answer = answer
        part.write_bytes(CONTENT + b"and more")
        assert downloads.fetch(server.url, path, sha256=sha256).read_bytes() == CONTENT
        assert server.asked == [len(CONTENT) + 8, 0]

    def test_whether_a_part_is_whole_must_be_told(self, server, path, part):
        server.answer = nothing_left
        part.write_bytes(CONTENT[:-1])
        assert downloads.fetch(server.url, path).read_bytes() == CONTENT
        assert server.asked == [len(CONTENT) - 1, 0]

    def test_a_part_of_another_file_is_begun_anew(self, server, path, part):
        part.write_bytes(b"something else")
        assert downloads.fetch(server.url, path, sha256=SHA256).read_bytes() == CONTENT
        assert server.asked == [14, 0]

    def test_another_part_than_the_missing_one_is_not_appended(self, server, path, part):
        server.answer = another_part
        part.write_bytes(CONTENT[:1000])
        assert downloads.fetch(server.url, path).read_bytes() == CONTENT

    def test_the_second_download_of_a_file_waits_and_finds_it(self, server, path):
        arrived, go_on = threading.Event(), threading.Event()

        def slow(handler, begin):
            arrived.set()
            go_on.wait(5)
            good(handler, begin)

        server.answer = slow
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(downloads.fetch, server.url, path)
            arrived.wait(5)
            second = threads.submit(downloads.fetch, server.url, path)
            go_on.set()
            assert first.result() == second.result() == path
        assert path.read_bytes() == CONTENT
        assert server.asked == [0]
        assert [*path.parent.iterdir()] == [path]

    def test_a_page_that_is_not_there_is_told(self, server, path):
        with pytest.raises(EarshotError, match=r"nowhere\.zip could not be downloaded \(404"):
            downloads.fetch(server.url.replace("file", "nowhere"), path)
        assert not path.exists()

    def test_a_folder_that_cannot_be_written_to_is_named(self, server, tmp_path):
        (tmp_path / "a").touch()
        with pytest.raises(EarshotError, match=r"file\.zip cannot be written"):
            downloads.fetch(server.url, tmp_path / "a" / "file.zip")

    def test_the_wrong_file_is_thrown_away(self, server, path):
        with pytest.raises(EarshotError, match="checksum differs"):
            downloads.fetch(server.url, path, sha256="0" * 64)
        assert list(path.parent.iterdir()) == []

    def test_the_right_file_is_kept(self, server, path):
        assert downloads.fetch(server.url, path, sha256=SHA256).is_file()


class TestUnzip:
    def test_all_files_are_there(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("b/c.txt", "hello")
        downloads.unzip(tmp_path / "a.zip", tmp_path / "out")
        assert (tmp_path / "out" / "b" / "c.txt").read_text() == "hello"

    @pytest.mark.parametrize(
        "name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"]
    )
    def test_no_path_leads_outside(self, tmp_path, name):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("fine.txt", "x")
            archive.writestr(name, "x")
        with pytest.raises(EarshotError, match="outside of its folder"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")
        assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]

    def test_a_link_is_refused(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            link = zipfile.ZipInfo("link")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        with pytest.raises(EarshotError, match="outside of its folder"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")

    def test_a_damaged_archive_leaves_nothing(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("b.txt", "hello" * 100)
        data = bytearray((tmp_path / "a.zip").read_bytes())
        data[60] ^= 0xFF
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(EarshotError, match=r"a\.zip is damaged"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")
        assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]

    @pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    def test_damaged_packing_is_one_error(self, tmp_path, rng, kind):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", kind) as archive:
            archive.writestr("b.txt", rng.bytes(300) + b"hello" * 100)
        data = bytearray((tmp_path / "a.zip").read_bytes())
        data[40:120] = b"\xff" * 80
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(EarshotError, match=r"a\.zip is damaged.*download it again"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")

    def test_an_encrypted_archive_is_named(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("b.txt", "hello")
        data = bytearray((tmp_path / "a.zip").read_bytes())
        data[6] |= 1  # the flag for it in the head of the member, and in the list at the end
        data[data.find(b"PK\1\2") + 8] |= 1
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(EarshotError, match=r"a\.zip is damaged.*encrypted"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")

    def test_a_folder_in_its_place_is_named(self, tmp_path):
        (tmp_path / "a.zip").mkdir()
        with pytest.raises(EarshotError, match=r"no file .*a\.zip"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")

    def test_what_is_no_archive_is_named(self, tmp_path):
        (tmp_path / "a.zip").write_text("<html>not found</html>")
        with pytest.raises(EarshotError, match=r"a\.zip is damaged or no zip archive"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")
