"""Damage, drawn from a seed: to bytes, to the members of a zip archive, to fields of JSON.

>>> rng = np.random.default_rng(0)
>>> damaged(b"RIFF" * 10, rng) == b"RIFF" * 10
False
"""

import io
import json
import struct
import zipfile
import zlib

import numpy as np

HEADER = 200  # bytes: half of all changes hit them, since headers say how the rest is read
NUMBERS = [
    struct.pack(form, value) for form in ("<I", ">I") for value in (0, 1, 2**31 - 1, 2**32 - 1)
]
"""What is put in the place of four bytes: sizes and counts break at these."""
VALUES = (None, True, -1, 0, 1, 10**9, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", "a",
          "../../outside.wav", "/etc/passwd", "x" * 300, "\x00", [], {}, [[]], [1, 2], ["a", "a"],
          {"a": 1})  # fmt: skip
"""What is put in the place of a field of JSON."""


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to three ways, by what it is: an archive, an image, JSON, or bytes."""
    for _ in range(rng.integers(1, 4)):
        ways = [_flipped, _cut, _spliced, _numbered]
        if data[:2] == b"PK":
            ways += [_repacked] * 4
        elif data[:4] == b"\x89PNG":
            ways += [_rechunked] * 4
        elif data[:1] in b"{[":
            ways += [_retyped] * 8
        data = ways[rng.integers(len(ways))](data, rng) or b"\0"
    return data


def _place(data, rng):
    """Draw a place in a file, half of the time in its header."""
    return int(rng.integers(max(min(len(data), HEADER) if rng.random() < 0.5 else len(data), 1)))


def _flipped(data, rng):
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        changed[_place(data, rng)] ^= 1 << rng.integers(8)
    return bytes(changed)


def _cut(data, rng):
    return data[: _place(data, rng)]


def _spliced(data, rng):
    """Copy a stretch of the file to another place: over what is there, or in between."""
    begin, n, to = _place(data, rng), int(rng.integers(1, 65)), _place(data, rng)
    return data[:to] + data[begin : begin + n] + data[to + n * int(rng.integers(2)) :]


def _numbered(data, rng):
    at = _place(data, rng)
    return data[:at] + NUMBERS[rng.integers(len(NUMBERS))] + data[at + 4 :]


def _repacked(data, rng):
    """Damage a member of an archive, and give it the right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # it was damaged before
        return _flipped(data, rng)
    names = sorted(members)
    name = names[rng.integers(len(names))]
    if rng.random() < 0.1:
        members[name] = members[names[rng.integers(len(names))]]
    else:
        members[name] = damaged(members[name] or b"\0", rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _rechunked(data, rng):
    """Damage a chunk of a PNG image, and give it the right checksum."""
    at, chunks = 8, []
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    if not chunks:
        return _flipped(data, rng)
    i = int(rng.integers(len(chunks)))
    kind, content = chunks[i]
    if kind == b"IDAT" and rng.random() < 0.5:
        content = zlib.compress(bytes(int(rng.integers(2**16))))
    elif kind == b"tEXt" and rng.random() < 0.5:
        name, _, text = content.partition(b"\0")
        content = name + b"\0" + _retyped(text, rng)
    else:
        content = damaged(content or b"\0", rng)
    chunks[i] = kind, content
    return data[:8] + b"".join(
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content)) for kind, content in chunks
    )  # fmt: skip


def _retyped(data, rng):
    """Put something of another type in the place of a field, or leave a field out."""
    try:
        tree = json.loads(data)
    except ValueError:
        return _flipped(data or b"\0", rng)
    places = [(None, None), *_places(tree)]
    parent, key = places[rng.integers(len(places))]
    value = VALUES[rng.integers(len(VALUES))]
    if parent is None:
        tree = value
    elif rng.random() < 0.2:
        del parent[key]
    else:
        parent[key] = value
    return json.dumps(tree).encode()


def _places(tree):
    """Give every field of a tree, as what holds it and its key."""
    pairs = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
