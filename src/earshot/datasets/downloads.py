"""Files from the internet, and archives unpacked, without surprises.

>>> import shutil, tempfile
>>> folder = tempfile.mkdtemp()
>>> unzip(shutil.make_archive(f"{folder}/a", "zip", tempfile.mkdtemp()), f"{folder}/a")
>>> Path(folder, "a").is_dir()
True
"""

import hashlib
import logging
import lzma
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from earshot import files
from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["PATIENCE_S", "fetch", "unzip"]

PATIENCE_S = 20.0  # a server that sends nothing for this long is given up
CHUNK_BYTES = 1 << 16  # read from the server at a time: pooch's own 1 kB makes a GB slow
NOTHING_LEFT = 416  # HTTP status: what is asked for begins after the end
DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
          RuntimeError, ValueError)  # fmt: skip
"""What zipfile and its decoders raise at an archive that is damaged or encrypted."""
RANGE = re.compile(r"bytes .*/(\d+)")  # Content-Range, which ends in the length of the whole

log = logging.getLogger(__name__)


def fetch(url: str, path: PathLike, *, sha256: str | None = None) -> Path:
    """Download a file that is not there yet; what was broken off goes on where it stopped.

    It is ``<path>.part`` until it has the checksum or, where none is given, the length that the
    server tells. A second download of the same file waits for the first.
    """
    path = Path(path)
    with files.explained(path):
        files.tidy(path.parent)
        if path.is_file():
            return path
        log.info("downloading %s, after any other process that does", path)
        with files.locked(path):
            if not path.is_file():
                _download(url, path, sha256).replace(path)
    return path


def _download(url, path, sha256):
    """Download a file, or the rest of it; what is not that file is thrown away, and begun anew."""
    part = path.with_name(f"{path.name}.part")
    for _ in range(2):
        is_new = not part.is_file() or part.stat().st_size == 0
        length, size, wrong = _get(url, part), part.stat().st_size, ""
        if sha256:
            with part.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    wrong = "is not the expected file (its checksum differs): try again."
        elif length is None:
            way_out = f"download it by hand, and save it as {path}."
            wrong = f"may be half a file, as the server does not tell its length: {way_out}"
        elif size != length:
            wrong = f"has {length:,} bytes, not the {size:,} that came: try again."
        if not wrong:
            return part
        part.unlink()
        if is_new:
            break
    raise EarshotError(f"{url} {wrong}")


def _get(url, part):
    """Append to a file what is missing; gives the length of the whole, None if nobody tells it."""
    import pooch  # with requests, half a second to import

    length, is_chunked = None, False
    with part.open("ab") as file:

        def begin(answer, **_):
            nonlocal length, is_chunked
            told = answer.headers
            place = RANGE.fullmatch(told.get("Content-Range", ""))
            length = int(place[1]) if place else None
            if answer.status_code == 200:  # all of it, whatever was asked for
                file.truncate(0)
                is_chunked = "chunked" in told.get("Transfer-Encoding", "")
                if told.get("Content-Length", "").isdigit() and "Content-Encoding" not in told:
                    length = int(told["Content-Length"])

        try:
            pooch.HTTPDownloader(
                progressbar=True, chunk_size=CHUNK_BYTES, timeout=PATIENCE_S,
                headers={"Range": f"bytes={file.tell()}-", "Accept-Encoding": "identity"},
                hooks={"response": begin},
            )(url, file, None)  # fmt: skip
            if length is not None and file.tell() < length:
                raise ConnectionError("it broke off")
        except OSError as error:  # that of requests is one, too
            answer = getattr(error, "response", None)
            if answer is None or answer.status_code != NOTHING_LEFT:
                raise _stopped(url, error) from error
        return file.tell() if is_chunked else length


def _stopped(url: str, error: OSError) -> EarshotError:
    """Make the error about a download that goes on another time."""
    reason: BaseException = error
    while reason.__context__:  # "timed out" lies below two sentences of the libraries
        reason = reason.__context__
    return EarshotError(
        f"{url} could not be downloaded ({reason}): check the internet connection and the "
        "free space, and run this again; it goes on where it stopped."
    )


def unzip(path: PathLike, folder: PathLike) -> None:
    """Unpack a zip archive into a folder that appears only when all of it is there.

    Nothing is unpacked of an archive that is damaged or names a file outside of the folder.
    """
    path = Path(path)
    files.check_file(path)
    try:
        with zipfile.ZipFile(path) as archive, files.atomic_path(folder) as temporary:
            members = archive.infolist()
            for member in members:
                parts = PurePosixPath(member.filename.replace("\\", "/")).parts
                link = (member.external_attr >> 16) & 0o170000 == 0o120000
                if not parts or parts[0] == "/" or ":" in parts[0] or ".." in parts or link:
                    raise EarshotError(
                        f"{path} wants to write outside of its folder ({member.filename!r}): do "
                        "not trust it; download it again."
                    )
            temporary.mkdir()
            for member in tqdm(members, desc=f"unpacking {path.name}", unit="file", delay=1):
                archive.extract(member, temporary)
    except DAMAGE as error:
        raise EarshotError(
            f"{path} is damaged or no zip archive ({error}): delete it and download it again."
        ) from error
