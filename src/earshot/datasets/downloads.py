"""Files from the network, and archives unpacked, without surprises."""

import hashlib
import shutil
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from earshot import files
from earshot.errors import EarshotError

__all__ = ["fetch", "unzip"]

PATIENCE_S = 20
"""A network that says nothing for this long is given up."""


def fetch(url, path, *, sha256=None):
    """Download a file; what was broken off goes on where it stopped.

    Parameters
    ----------
    url : str
    path : str or path
        Takes this name only when it is whole; until then it is ``<path>.part``. If it is there
        already, nothing is asked of the network.
    sha256 : str, optional
        Checked, if given.

    Returns
    -------
    Path

    Raises
    ------
    EarshotError
        When the network or the disk fails, or the file is not the expected one.
    """
    path = Path(path)
    if path.is_file():
        return path
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    done = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            if answer.status != 206:  # the server starts from the beginning
                done = 0
            size = done + int(answer.headers.get("Content-Length") or 0)
            with (
                part.open("ab" if done else "wb") as file,
                tqdm(
                    desc="downloading", total=size, initial=done, unit="B", unit_scale=True
                ) as bar,
            ):
                while chunk := answer.read(1 << 16):
                    file.write(chunk)
                    bar.update(len(chunk))
                broken = bar.n < size
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to be sent
            raise EarshotError(f"{url} could not be downloaded ({error}): try later.") from error
        broken = False
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise EarshotError(
            f"{url} could not be downloaded ({reason}): check the network and the free space, and "
            "run this again; it goes on where it stopped."
        ) from error
    if broken:
        raise EarshotError(
            f"{url} broke off after {part.stat().st_size:,} bytes: run this again; it goes on "
            "where it stopped."
        )
    if sha256 and _sha256(part) != sha256:
        part.unlink()
        raise EarshotError(f"{url} is not the expected file (its checksum differs): try again.")
    part.replace(path)
    return path


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unzip(path, folder):
    """Unpack a zip archive into a folder that appears only when all of it is there.

    Raises
    ------
    EarshotError
        When the archive is damaged, or names a file outside of the folder; then nothing is
        unpacked.
    """
    path, folder = Path(path), Path(folder)
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
                target = temporary.joinpath(*PurePosixPath(member.filename).parts)
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)  # zipfile checks the CRC at the end
    except FileNotFoundError as error:
        raise EarshotError(f"There is no file {path}: check the name.") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise EarshotError(
            f"{path} is damaged or no zip archive ({error}): delete it and download it again."
        ) from error
