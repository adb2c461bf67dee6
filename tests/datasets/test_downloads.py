import hashlib
import http.server
import threading
import zipfile

import pytest

from earshot.datasets import downloads
from earshot.errors import EarshotError

CONTENT = bytes(range(256)) * 400


class _Files(http.server.BaseHTTPRequestHandler):
    """Sends CONTENT, from where it is asked to; the first answer may break off."""

    broken_at = downloads.CHUNK_BYTES + 5000

    def do_GET(self):
        begin = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append(begin)
        if begin >= len(CONTENT) or "file" not in self.path:
            self.send_error(404 if "file" not in self.path else 416)
            return
        self.send_response(206 if begin and self.server.resumes else 200)
        if not self.server.resumes:
            begin = 0
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        broken = len(self.server.asked) == 1 and self.server.breaks
        self.wfile.write(CONTENT[begin : begin + self.broken_at] if broken else CONTENT[begin:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.asked, server.breaks, server.resumes = [], False, True
    server.url = f"http://127.0.0.1:{server.server_port}/file.zip"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class TestFetch:
    def test_a_file_arrives_whole(self, server, tmp_path):
        path = downloads.fetch(server.url, tmp_path / "a" / "file.zip")
        assert path.read_bytes() == CONTENT
        assert list(path.parent.iterdir()) == [path]

    def test_what_is_there_is_not_asked_for_again(self, server, tmp_path):
        (tmp_path / "file.zip").write_bytes(b"mine")
        assert downloads.fetch(server.url, tmp_path / "file.zip").read_bytes() == b"mine"
        assert server.asked == []

    @pytest.mark.parametrize("resumes", [True, False])
    def test_a_broken_download_goes_on(self, server, tmp_path, resumes):
        server.breaks, server.resumes = True, resumes
        with pytest.raises(EarshotError, match=r"goes on where it stopped"):
            downloads.fetch(server.url, tmp_path / "file.zip")
        assert not (tmp_path / "file.zip").exists()
        path = downloads.fetch(server.url, tmp_path / "file.zip")
        assert path.read_bytes() == CONTENT
        assert server.asked == [0, downloads.CHUNK_BYTES]

    def test_what_was_whole_but_not_yet_named_is_taken(self, server, tmp_path):
        (tmp_path / "file.zip.part").write_bytes(CONTENT)
        assert downloads.fetch(server.url, tmp_path / "file.zip").read_bytes() == CONTENT
        assert server.asked == [len(CONTENT)]

    def test_a_page_that_is_not_there_is_told(self, server, tmp_path):
        with pytest.raises(EarshotError, match=r"nowhere\.zip could not be downloaded \(404"):
            downloads.fetch(server.url.replace("file", "nowhere"), tmp_path / "file.zip")
        assert not (tmp_path / "file.zip").exists()

    def test_the_wrong_file_is_thrown_away(self, server, tmp_path):
        with pytest.raises(EarshotError, match="checksum differs"):
            downloads.fetch(server.url, tmp_path / "file.zip", sha256="0" * 64)
        assert list(tmp_path.iterdir()) == []

    def test_the_right_file_is_kept(self, server, tmp_path):
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        assert downloads.fetch(server.url, tmp_path / "file.zip", sha256=sha256).is_file()


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

    def test_what_is_no_archive_is_named(self, tmp_path):
        (tmp_path / "a.zip").write_text("<html>not found</html>")
        with pytest.raises(EarshotError, match=r"a\.zip is damaged or no zip archive"):
            downloads.unzip(tmp_path / "a.zip", tmp_path / "out")
