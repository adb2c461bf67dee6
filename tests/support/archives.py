"""Stand-ins for archives of recordings, with the same structure."""

import io
import tarfile
import zipfile

import numpy as np
import soundfile


def sound(pitch_hz=300, rate=16000, duration_s=0.1, kind="WAV", **options):
    """Give the bytes of a sound file."""
    t = np.arange(int(duration_s * rate)) / rate
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * pitch_hz * t), rate, format=kind, **options)
    return file.getvalue()


def pack(path, members):
    """Make a tar or zip archive of names and bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path
