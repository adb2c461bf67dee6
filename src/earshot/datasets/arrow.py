"""Clips in Arrow files, as Hugging Face ``datasets`` keeps them on disk: written, and read lazily.

A folder holds ``data-00000.arrow`` and so on, each a stream of Arrow record batches with the sound
files' bytes in them, and the names of these files in ``state.json``:
https://huggingface.co/docs/datasets/about_arrow. It is read with ``pyarrow`` alone: ``datasets``
takes seconds to import, and asks for PyTorch before it decodes a sound.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> write([(np.float32([0, 0.5]), 0, "anna", "cat/anna_0.wav", "")], folder, ["cat"], 8000)
>>> shards, table = opened(folder)
>>> shards[0][0], table.column_names
(array([0. , 0.5], dtype=float32), ['label', 'speaker', 'part'])
"""

import contextlib
import hashlib
import itertools
import json
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot import files
from earshot.datasets.sounds import decoded, encoded, plain, sound_of
from earshot.errors import EarshotError, reason_of
from earshot.types import Array, PathLike

__all__ = ["INFO", "Row", "Shard", "new_folder", "opened", "prepare_once", "pyarrow", "write"]

END = b"\xff\xff\xff\xff\0\0\0\0"  # of a stream of record batches that was not cut off
STATE = "state.json"  # names the files of a folder; written last
INFO = "dataset_info.json"  # describes them
CLIPS_AT_ONCE = 500  # in a record batch: 16 MB of one-second clips at 16 kHz
SHARD_BYTES = 1_000_000_000  # of a file; ``datasets`` has half of it, and twice as many files
SIGN = b"sha256"  # of the sounds in a record batch: beside it, where other readers pass it by
ANEW = "copy the folder again, or write it anew."
AGAIN = "open it again."

Row = tuple[Array, int | str, str, str, str]
"""A clip to be written: waveform, label or word, speaker, source, part of the official split."""


def pyarrow() -> Any:
    """Import pyarrow, or say how to get it."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.ipc
    except ImportError as error:
        way_out = "pip install 'earshot[scale]'."
        raise EarshotError(f"Sets larger than the memory need pyarrow: {way_out}") from error
    return pyarrow


@contextlib.contextmanager
def new_folder(folder: PathLike) -> Iterator[Path]:
    """Give an empty folder that takes its name when it is whole; one that is there is kept."""
    if Path(folder).exists():
        way_out = "rename it, or choose another name."
        raise EarshotError(f"{folder} exists already and is kept: {way_out}")
    with files.atomic_path(folder, replace=False) as temporary:
        temporary.mkdir()
        yield temporary


def prepare_once(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let a folder be filled if it is not there; another process that does so is waited for."""
    if not folder.exists():
        with files.explained(folder), files.locked(folder):
            if not folder.exists():
                with new_folder(folder) as temporary:
                    fill(temporary)


def write(
    rows: Iterable[Row], folder: Path, class_names: Sequence[str] | None, sample_rate: int,
    about: str = "",
) -> None:  # fmt: skip
    """Write clips into a folder; without class names, the rows have words in the place of labels.

    The clips may come from anywhere, one by one: only some are in memory at a time.
    """
    pa, text = pyarrow(), {"dtype": "string", "_type": "Value"}
    features: dict[str, Any] = {
        "audio": {"sampling_rate": sample_rate, "_type": "Audio"},
        "label": text if class_names is None else {"names": [*class_names], "_type": "ClassLabel"},
        "speaker": text,
        "part": text,
    }
    sound = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    kinds = {"audio": sound, "label": pa.string() if class_names is None else pa.int64()}
    schema = pa.schema(
        {**kinds, "speaker": pa.string(), "part": pa.string()},
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    names: list[str] = []
    batches = _batches(rows, schema, sample_rate)
    for first in batches:
        names.append(f"data-{len(names):05d}.arrow")
        with pa.OSFile(str(folder / names[-1]), "wb") as file, pa.ipc.new_stream(file, schema) as s:
            for batch, sign in itertools.chain([first], batches):
                s.write_batch(batch, {SIGN: sign})
                if file.tell() > SHARD_BYTES:
                    break
    info = {"features": features, "description": about, "citation": "", "homepage": "",
            "license": ""}  # fmt: skip
    (folder / INFO).write_text(json.dumps(info), encoding="utf-8")
    state: dict[str, Any] = dict.fromkeys(("_format_columns", "_format_type", "_split"))
    state |= {"_data_files": [{"filename": name} for name in names], "_fingerprint": "earshot",
              "_format_kwargs": {}, "_output_all_columns": False}  # fmt: skip
    if not names:
        raise EarshotError("There are no clips: nothing is written.")
    (folder / STATE).write_text(json.dumps(state), encoding="utf-8")


def _batches(rows: Iterable[Row], schema: Any, sample_rate: int) -> Iterator[tuple[Any, bytes]]:
    """Give the clips as record batches, and the SHA-256 of the sounds in each."""
    pa, rows = pyarrow(), iter(rows)
    while some := list(itertools.islice(rows, CLIPS_AT_ONCE)):
        waveforms, labels, speakers, sources, parts = zip(*some, strict=True)
        encodings = [encoded(x, sample_rate) for x in waveforms]
        clips = pa.StructArray.from_arrays(
            [pa.array(encodings, pa.binary()), pa.array(sources, pa.string())],
            fields=list(schema.field("audio").type),
        )
        others = zip((labels, speakers, parts), schema.types[1:], strict=True)
        columns = [clips, *(pa.array(values, kind) for values, kind in others)]
        yield pa.record_batch(columns, schema=schema), _sign(encodings)


def _sign(sounds: Iterable[bytes]) -> bytes:
    """Give the SHA-256 of some sounds and their lengths."""
    sign = hashlib.sha256()
    for data in sounds:
        sign.update(len(data).to_bytes(8, "little") + data)
    return sign.digest()


class Shard(Sequence[Array]):
    """The waveforms in one file, decoded when they are asked for; with its other columns.

    The file is mapped while it is opened, for the small columns and the places of the sounds.
    Sounds are then read, not mapped: what is mapped counts as memory, and a file that gets shorter
    under it ends the process. It is opened for each of them: a set has more files than a process
    may keep open. One that was changed since then is refused.
    """

    def __init__(self, path: Path) -> None:
        pa = pyarrow()
        files.check_file(path)
        with path.open("rb") as file:
            self.path, self._state = path, _state(file.fileno())
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_RANDOM"):  # the sounds between the columns are not read ahead
            mapping.madvise(mmap.MADV_RANDOM)
        mapped = pa.py_buffer(mapping)
        if mapped[-len(END) :].to_pybytes() != END:
            raise ValueError("it is cut off")
        stream = pa.ipc.open_stream(mapped)
        read = [(batch, about) for batch, about in stream.iter_batches_with_custom_metadata()]
        self._signs: Any = [about.get(SIGN) if about else None for _, about in read]
        table = pa.Table.from_batches([batch for batch, _ in read], stream.schema)
        self.features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        column = next(key for key, kind in self.features.items() if kind.get("_type") == "Audio")
        self.sample_rate: Any = self.features[column].get("sampling_rate")
        chunks = [chunk for chunk in table.column(column).chunks if len(chunk)]
        names = pa.chunked_array([chunk.field("path") for chunk in chunks], pa.string())
        places = [_places(chunk.field("bytes"), mapped) for chunk in chunks]
        self._places = np.concatenate([np.zeros((0, 2), np.int64), *places])
        self.names = _copied(pa.table({"source": names})).column("source")
        self.columns = _copied(table.drop_columns(column))

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Any) -> Any:
        data = self.data(key)
        x = plain(data, self.sample_rate)
        return decoded(data, self.sample_rate, self.name(key)) if x is None else x

    def name(self, i: int) -> str:
        """Name a sound file, for messages."""
        return f"{self.names[i].as_py() or f'clip {i}'} in {self.path}"

    def data(self, i: int) -> bytes:
        """Read the bytes of a sound file."""
        begin, end = self._places[i].tolist()
        try:
            file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise EarshotError(f"{self.path} cannot be read ({error.strerror}): {ANEW}") from error
        try:
            if _state(file) == self._state:
                os.lseek(file, begin, os.SEEK_SET)
                return os.read(file, end - begin)
        finally:
            os.close(file)
        raise EarshotError(f"{self.path} was changed while the set was open: {AGAIN}")

    def digest(self, rows: Array) -> bytes:
        """Give a SHA-256 that tells these sounds from others.

        By the signs that were written with them, of all sounds; else some ``rows`` are read.
        """
        if all(self._signs):
            return hashlib.sha256(b"".join(self._signs)).digest()
        return _sign(self.data(row) for row in rows.tolist())


def _state(file: int) -> tuple[int, int]:
    """Give what changes with an open file: its length, and when it was written."""
    about = os.fstat(file)
    return about.st_size, about.st_mtime_ns


def _places(sounds: Any, mapped: Any) -> Array:
    """Say where in a file each entry of a binary array begins and ends, shape (n, 2)."""
    _, offsets, data = sounds.buffers()
    width = np.int64 if pyarrow().types.is_large_binary(sounds.type) else np.int32
    ends = np.frombuffer(offsets, width)[sounds.offset :][: len(sounds) + 1].astype(np.int64)
    ends += (data.address if data else mapped.address) - mapped.address
    if len(ends) and not 0 <= ends[0] <= ends[-1] <= mapped.size:
        raise ValueError("its columns are compressed")
    return np.stack([ends[:-1], ends[1:]], axis=1)


def _copied(table: Any) -> Any:
    """Copy a table from a mapped file into memory."""
    pa = pyarrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def opened(folder: Path) -> tuple[list[Shard], Any]:
    """Open the files of a folder; gives the shards, and one table of their other columns.

    Raises :class:`EarshotError` when the folder is half written, or a file is missing, cut off, or
    of other settings than the first.
    """
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        paths = [folder / Path(file["filename"]).name for file in state["_data_files"]]
    except (FileNotFoundError, NotADirectoryError) as error:
        way_out = "write it anew; save other data sets with Dataset.save_to_disk."
        raise EarshotError(f"{folder} holds no shards, or only some of them: {way_out}") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EarshotError(f"{folder / STATE} is damaged ({reason_of(error)}): {ANEW}") from error
    shards = []
    for path in paths:
        try:
            shards.append(Shard(path))
        except StopIteration as error:
            raise EarshotError(f"{path} has no column of sounds (Audio).") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise EarshotError(f"{path} is damaged ({reason_of(error)}): {ANEW}") from error
        if shards[-1].features != shards[0].features:
            belongs = "it belongs to another set; put the right file in its place."
            raise EarshotError(f"{path} has other columns or words than {paths[0].name}: {belongs}")
    if not any(map(len, shards)):
        raise EarshotError(f"{folder} holds no clips: {ANEW}")
    if shards[0].sample_rate is None:  # as in the first clip
        rate = next((sound_of(x.data(0), x.name(0))[1] for x in shards if len(x)), None)
        for shard in shards:
            shard.sample_rate = rate
    return shards, pyarrow().concat_tables([vars(shard).pop("columns") for shard in shards])
