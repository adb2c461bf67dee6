"""Makes a small folder of the form of SingleWordProductionDutch-iBIDS, to test on."""

import datetime

import numpy as np

from earshot import audio

SOUND_RATE, BRAIN_RATE = 48000, 1024
SHOWN_S, CROSS_S = 2.0, 1.0


def make_subject(folder, subject, words, clips, clip_rate, rng, *, leave=(), timestamps=False):
    """Write one subject: each word is shown for 2 s and spoken a little later, in a noisy room.

    Returns
    -------
    list of (float, float)
        When each word was really spoken, in seconds.
    """
    import warnings

    with warnings.catch_warnings(action="ignore"):
        from pynwb import NWBHDF5IO, NWBFile, TimeSeries

    shown, spoken = [""] * int(1.5 * BRAIN_RATE), []
    sound = [np.zeros(int(1.5 * SOUND_RATE), np.float32)]
    for word, clip in zip(words, clips, strict=True):
        shown += [word] * int(SHOWN_S * BRAIN_RATE) + [""] * int(CROSS_S * BRAIN_RATE)
        clip = audio.resample(clip, clip_rate, SOUND_RATE)
        place = np.zeros(int((SHOWN_S + CROSS_S) * SOUND_RATE), np.float32)
        late = int(rng.uniform(0.4, 1.0) * SOUND_RATE)
        place[late : late + len(clip)] = clip[: len(place) - late] / np.abs(clip).max()
        loud = np.flatnonzero(np.abs(clip) > 0.01 * np.abs(clip).max())[[0, -1]]
        spoken.append(tuple((sum(map(len, sound)) + late + loud) / SOUND_RATE))
        sound.append(place)
    x = np.concatenate(sound)
    x = (8000 * (x + 0.01 * rng.standard_normal(len(x)))).astype(np.int16)
    series = {
        "Audio": (x, SOUND_RATE, "int16"),
        "Stimulus": (np.array(shown, dtype=object), BRAIN_RATE, "word"),
        "iEEG": (rng.standard_normal((len(shown), 4)), BRAIN_RATE, "uV"),
    }
    file = NWBFile(
        session_description="test", identifier=subject,
        session_start_time=datetime.datetime(2022, 1, 1, tzinfo=datetime.UTC),
    )  # fmt: skip
    for name, (data, rate, unit) in series.items():
        clock = {"timestamps": np.arange(len(data)) / rate} if timestamps else {"rate": float(rate)}
        if name not in leave:
            file.add_acquisition(TimeSeries(name=name, data=data, unit=unit, **clock))
    path = folder / subject / "ieeg" / f"{subject}_task-wordProduction_ieeg.nwb"
    path.parent.mkdir(parents=True)
    with NWBHDF5IO(path, mode="w") as io:
        io.write(file)
    return spoken


def make_table(folder, subjects):
    """Write participants.tsv."""
    rows = ["participant_id\tage\tsex", *(f"{subject}\t30\tn/a" for subject in subjects)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
