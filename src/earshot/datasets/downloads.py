"""Files from the internet, and archives unpacked, without surprises.

>>> import shutil, tempfile
>>> folder = tempfile.mkdtemp()
>>> unzip(shutil.make_archive(f"{folder}/a", "zip", tempfile.mkdtemp()), f"{folder}/a")
>>> Path(folder, "a").is_dir()
True
"""

import zipfile
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from earshot import files
from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["PATIENCE_S", "fetch", "unzip"]

PATIENCE_S = 20.0  # a server that sends nothing for this long is given up
CHUNK_BYTES = 1 << 16  # read from the server at a time: pooch's own 1 kB makes a GB slow
NOTHING_LEFT = 416  # HTTP status: the file is complete already


def fetch(url: str, path: PathLike, *, sha256: str | None = None) -> Path:
    """Download a file that is not there yet; what was broken off goes on where it stopped.

    Until it is whole, and has the checksum if that is given, it is ``<path>.part``.
    """
    path = Path(path)
    if path.is_file():
        return path
    import pooch  # with requests, half a second to import

    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("ab") as file:

            def begin_again(answer, **_):
                if answer.status_code == 200:  # all of it, whatever was asked for
                    file.truncate(0)

            pooch.HTTPDownloader(
                progressbar=True, chunk_size=CHUNK_BYTES, timeout=PATIENCE_S,
                headers={"Range": f"bytes={file.tell()}-", "Accept-Encoding": "identity"},
                hooks={"response": begin_again},
            )(url, file, None)  # fmt: skip
    except OSError as error:  # that of requests is one, too
        answer = getattr(error, "response", None)
        if answer is None or answer.status_code != NOTHING_LEFT:
            reason: BaseException = error
            while reason.__context__:  # "timed out" lies below two sentences of the libraries
                reason = reason.__context__
            raise EarshotError(
                f"{url} could not be downloaded ({reason}): check the internet connection and the "
                "free space, and run this again; it goes on where it stopped."
            ) from error
    if sha256 and pooch.file_hash(str(part)) != sha256:
        part.unlink()
        raise EarshotError(f"{url} is not the expected file (its checksum differs): try again.")
    return part.replace(path)


def unzip(path: PathLike, folder: PathLike) -> None:
    """Unpack a zip archive into a folder that appears only when all of it is there.

    Nothing is unpacked of an archive that is damaged or names a file outside of the folder.
    """
    path = Path(path)
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
    except FileNotFoundError as error:
        raise EarshotError(f"There is no file {path}: check the name.") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise EarshotError(
            f"{path} is damaged or no zip archive ({error}): delete it and download it again."
        ) from error
