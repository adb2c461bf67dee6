import gzip
import hashlib

import pytest
from support.archives import pack

from earshot.datasets import archives, downloads
from earshot.errors import EarshotError

NOWHERE = "http://127.0.0.1:9/a.tar.gz"
FILES = {"./a/one.txt": b"1", "a/two.txt": b"22" * 1000}


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
class TestMembers:
    def test_all_files_come_in_their_order(self, tmp_path, name):
        path = pack(tmp_path / name, FILES)
        assert list(archives.members(path)) == [("a/one.txt", b"1"), ("a/two.txt", b"22" * 1000)]

    def test_one_that_is_cut_off_is_named(self, tmp_path, name):
        path = pack(tmp_path / name, FILES)
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(EarshotError, match=r"a\.\w+(\.gz)? is damaged or no archive.*again"):
            list(archives.members(path))

    def test_another_file_is_named(self, tmp_path, name):
        (tmp_path / name).write_text("<html>not found</html>")
        with pytest.raises(EarshotError, match="is damaged or no archive"):
            list(archives.members(tmp_path / name))

    def test_a_bomb_is_not_unpacked(self, tmp_path, name, monkeypatch):
        monkeypatch.setattr(archives, "MOST_BYTES", 1000)
        with pytest.raises(EarshotError, match=r"two\.txt claims 2,000 bytes"):
            list(archives.members(pack(tmp_path / name, FILES)))


def test_a_damaged_middle_is_noticed(tmp_path):
    path = pack(tmp_path / "a.tar.gz", {"a.txt": bytes(range(256)) * 400})
    data = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), mtime=0))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(EarshotError, match="is damaged or no archive"):
        list(archives.members(path))


class TestFind:
    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch):
        monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)

    def test_it_is_taken_from_where_it_was_put(self, tmp_path, monkeypatch):
        path = pack(tmp_path / "mine" / "a.zip", FILES)
        assert archives.find(NOWHERE, "a.zip", tmp_path, path.parent) == path
        monkeypatch.setenv("EARSHOT_DOWNLOADS", str(path.parent))
        assert archives.find(NOWHERE, "a.zip", tmp_path) == path
        monkeypatch.delenv("EARSHOT_DOWNLOADS")
        path = pack(tmp_path / "downloads" / "a.zip", FILES)
        assert archives.find(NOWHERE, "a.zip", tmp_path) == path

    def test_size_and_checksum_are_compared(self, tmp_path):
        path = pack(tmp_path / "downloads" / "a.zip", FILES)
        known = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        assert archives.find(NOWHERE, "a.zip", tmp_path, **known) == path
        with pytest.raises(EarshotError, match=r"a\.zip is not .*has [\d,]+ bytes, not 7\).*again"):
            archives.find(NOWHERE, "a.zip", tmp_path, **known, n_bytes=7)
        with pytest.raises(EarshotError, match=r"a\.zip is not .*checksum differs.*127\.0\.0\.1"):
            archives.find(NOWHERE, "a.zip", tmp_path, sha256="0" * 64)

    def test_without_internet_it_says_what_to_put_where(self, tmp_path, monkeypatch):
        monkeypatch.setattr(downloads, "PATIENCE_S", 0.2)
        with pytest.raises(EarshotError, match=r"127\.0\.0\.1:9/a\.tar\.gz .*downloads as b\.gz"):
            archives.find(NOWHERE, "b.gz", tmp_path)
