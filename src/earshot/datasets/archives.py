"""Archives of recordings, read from beginning to end without being unpacked on the disk.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "two.zip"
>>> with zipfile.ZipFile(path, "w") as archive:
...     archive.writestr("a/one.txt", "1")
>>> list(members(path))
[('a/one.txt', b'1')]
"""

import gzip
import hashlib
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from earshot import files
from earshot.datasets import downloads
from earshot.errors import EarshotError, reason_of
from earshot.types import PathLike

__all__ = ["find", "members"]

MOST_BYTES = 2**26  # of a file in an archive: 67 MB, half an hour at 16 kHz; a bomb has more
CHUNK_BYTES = 2**20  # that are read at a time where nothing is looked for
DAMAGE = (*downloads.DAMAGE, tarfile.TarError, zlib.error)
"""What the decoders raise at an archive that is damaged or another file."""


def find(
    url: str, name: str, data_dir: PathLike, folder: PathLike | None = None, *,
    sha256: str | None = None, n_bytes: int | None = None,
) -> Path:  # fmt: skip
    """Give an archive from a folder, that of EARSHOT_DOWNLOADS or ``downloads``, or download it.

    Size and checksum (hex), where they are known, are compared, wherever it comes from. When it
    cannot be had, an :class:`EarshotError` says where to put it by hand.
    """
    kept = Path(data_dir) / "downloads" / name
    for place in (folder, os.environ.get("EARSHOT_DOWNLOADS"), kept.parent):
        if place and (path := Path(place) / name).is_file():
            _verify(path, sha256, n_bytes, url)
            return path
    try:
        return downloads.fetch(url, kept, sha256=sha256)
    except EarshotError as error:
        raise EarshotError(
            f"{error} By hand: put it into {kept.parent} as {name}, or name its folder in "
            "EARSHOT_DOWNLOADS."
        ) from error


def _verify(path: Path, sha256: str | None, n_bytes: int | None, url: str) -> None:
    """Refuse another file than the expected one."""
    wrong, there = "", path.stat().st_size
    if n_bytes is not None and there != n_bytes:
        wrong = f"it has {there:,} bytes, not {n_bytes:,}"
    elif sha256 is not None:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                wrong = "its checksum differs"
    if wrong:
        way_out = f"delete it and download it again from {url}."
        raise EarshotError(f"{path} is not the expected archive ({wrong}): {way_out}")


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give name and bytes of each file in a zip or tar.gz archive, in the order they are in.

    An archive that is damaged or another file raises :class:`EarshotError`, after what is whole.
    """
    files.check_file(path)
    progress = tqdm(desc=f"reading {path.name}", unit=" files", delay=1)
    try:
        for name, n_bytes, read in _zipped(path) if path.suffix == ".zip" else _tarred(path):
            if n_bytes > MOST_BYTES:
                raise ValueError(f"{name} claims {n_bytes:,} bytes")
            yield str(PurePosixPath(name)), read()
            progress.update(1)
    except DAMAGE as error:
        raise EarshotError(
            f"{path} is damaged or no archive ({reason_of(error)}): delete it and download it "
            "again."
        ) from error
    finally:
        progress.close()


def _tarred(path):
    # As a stream: nothing is sought. At its end, gzip compares the checksum; tarfile does not.
    with gzip.open(path) as file, tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            if member.isfile():
                yield member.name, member.size, archive.extractfile(member).read
        while file.read(CHUNK_BYTES):
            pass


def _zipped(path):
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, member.file_size, lambda m=member: archive.read(m)
