import pytest

from earshot.errors import EarshotError
from earshot.exports import engine


def test_a_damaged_archive_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
    (tmp_path / "downloads").mkdir()
    for name in engine.PACKAGES:
        (tmp_path / "downloads" / name).write_bytes(b"no archive")
    with pytest.raises(EarshotError, match=r"litertjs-.*\.tgz is not the expected .*: delete it"):
        engine.parts(tmp_path)


def test_without_the_internet_it_says_what_to_save_where(tmp_path, monkeypatch):
    monkeypatch.delenv("EARSHOT_DOWNLOADS", raising=False)
    monkeypatch.setattr(engine, "REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(EarshotError, match=r"put it into .*downloads as litertjs-core-[\d.]+\.tgz"):
        engine.parts(tmp_path)
