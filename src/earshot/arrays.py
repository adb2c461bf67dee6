"""Arrays in ``.npz`` files, read with a limit: a damaged or hostile file takes no more memory.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "two.npz"
>>> np.savez_compressed(path, ones=np.ones(3), words=["cat", "dog"])
>>> read(path, ["words"])
{'words': array(['cat', 'dog'], dtype='<U3')}
"""

import math
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from earshot.errors import EarshotError, reason_of
from earshot.files import check_file
from earshot.types import Array, PathLike

__all__ = ["read"]

MOST_BYTES = 2**26  # that the arrays of a small file take: 67 MB, half an hour of speech at 16 kHz
MOST_PER_BYTE = 10  # ... or so many for each byte: sound and spectrograms are packed 1:1 to 1:4
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of compression that NumPy writes


def read(
    path: PathLike, names: Iterable[str] | None = None, *, optional: Iterable[str] = (),
    most_bytes: int | None = None,
) -> dict[str, Array]:  # fmt: skip
    """Read the arrays of these names, by default all, from an ``.npz`` file; no pickle is opened.

    Those that are ``optional`` as well, where the file has them.

    Raises :class:`EarshotError` when the file or an array is missing or damaged, or would take more
    memory than ``most_bytes``: by default ten times the file, and 67 MB always.
    """
    path = Path(path)
    check_file(path)
    most = most_bytes or max(MOST_BYTES, MOST_PER_BYTE * path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as packed, warnings.catch_warnings(action="ignore"):
            names = [x.removesuffix(".npy") for x in packed.namelist()] if names is None else names
            there = {*packed.namelist()}
            names = [*names, *(name for name in optional if f"{name}.npy" in there)]
            members = {name: packed.getinfo(f"{name}.npy") for name in names}
            if (total := sum(member.file_size for member in members.values())) <= most:
                return {name: _array(packed, member) for name, member in members.items()}
    # What zipfile, its decoders and NumPy's parser raise at foreign bytes is no list that ends:
    # errors of zlib, lzma, tokens, types, encodings, encrypted and unknown members, recursion.
    except Exception as error:
        reason = reason_of(error)
        way_out = "copy it again, or make it anew."
        raise EarshotError(f"{path} is damaged or another file ({reason}): {way_out}") from error
    sizes = f"{total:,} bytes, and {most:,} are the most for its size"
    raise EarshotError(f"{path} is damaged, or too large when unpacked ({sizes}): make it anew.")


def _array(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """Read an array, after its header: that may claim exactly the bytes that are there."""
    if member.compress_type not in KINDS:
        raise ValueError("another compression than NumPy's")
    with packed.open(member) as file:
        readers = {(1, 0): np.lib.format.read_array_header_1_0,
                   (2, 0): np.lib.format.read_array_header_2_0}  # fmt: skip
        shape, _, kind = readers[np.lib.format.read_magic(file)](file)
        there = member.file_size - file.tell()
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != there:
            raise ValueError(f"{member.filename} claims {shape} of {kind}, and has {there:,} bytes")
        if not kind.itemsize:
            raise ValueError(f"{member.filename} has elements that take no bytes")
        file.seek(0)
        array = np.lib.format.read_array(file, allow_pickle=False)
    if kind.kind == "U":
        for _ in array.flat:
            pass  # decodes the text, which NumPy puts off, and fails where it is none
    return array
