"""What a recognizer heard: sounds to replay, their spectrograms, and bars of the probabilities.

>>> import numpy as np
>>> from earshot import networks
>>> r = Recognizer(networks.cnn((101, 40), 2), LogMel(), ("yes", "no"))  # not trained
>>> show_heard(r, [np.sin(np.arange(4000))], 8000).sounds.count("<audio")
1
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from earshot import audio
from earshot.features.log_mel import LogMel
from earshot.notebook.browser_recorder import in_browser
from earshot.notebook.pictures import PicturedBox, as_png, below_each_other
from earshot.notebook.players import player
from earshot.notebook.plots import data, results, style
from earshot.recognition.prepare import checked_clip
from earshot.recognition.recognizer import Recognizer
from earshot.recording.recorder import Recorder
from earshot.recording.takes import Take
from earshot.segmentation import splitting
from earshot.segmentation.segments import Segment
from earshot.segmentation.stretches import word_stretch
from earshot.types import Array, PathLike

__all__ = ["hear_words", "show_heard", "show_take"]

MOST_SHOWN = 8  # clips in one picture: more are too small to read
SHOWN_MELS = 40  # bands drawn for a recognizer that reads no spectrogram
ROW = '<div style="display:flex;flex-wrap:wrap">{}</div>'  # of players


def show_heard(
    recognizer: Recognizer, sounds: Sequence[PathLike | Array], sample_rate: int | None = None, *,
    titles: Sequence[str] | None = None,
) -> PicturedBox:  # fmt: skip
    """Recognize files or waveforms of single words, and show what was heard in each.

    The spectrogram is of the part that the network was asked about. Of what cannot be recognized
    the reason is said; waveforms are at ``sample_rate``, in Hz, as for :meth:`Recognizer.predict`.
    Titles are, by default, the names of files, or numbers.
    """
    shown = list(sounds)[:MOST_SHOWN]
    names = [Path(x).name if isinstance(x, str | Path) else "" for x in shown]
    names = names if titles is None else list(titles)
    rate, front_end = sample_rate or recognizer.front_end.sample_rate, _seen_through(recognizer)
    told, answers, clips, players = [], [], [], []
    for i, answer in enumerate(recognizer.predict(shown, rate)):
        if not answer.word:
            told.append(answer.reason)
            continue
        x = checked_clip(shown[i], rate, to_rate=front_end.sample_rate)
        title = names[i] or str(i + 1)
        clips.append((title, front_end(word_stretch(x, front_end))))
        players.append(player(x, front_end.sample_rate, f"{title}: {answer}"))
        answers.append(answer)
    if len(sounds) > len(shown):
        told.append(f"The first {MOST_SHOWN} of {len(sounds)} are shown.")
    text = "\n".join(told or ["No word was found."] * (not answers))
    if not answers:
        return PicturedBox([ipywidgets.Label(text)], lambda: as_png(style.note(text)))
    figure = results.probabilities(
        answers, [seen for _, seen in clips], front_end, [title for title, _ in clips]
    )
    return _box(as_png(figure), ROW.format("".join(players)), text)


def show_take(recognizer: Recognizer, recording: PathLike) -> PicturedBox:
    """Cut a recording into words and recognize each: show the whole, where they are, and each."""
    segments = splitting.split_words(recording)
    x, rate = audio.read(recording)
    clips = Take(Path(recording), rate, len(x) / rate).words()
    answers = recognizer.predict(clips, rate)
    named = [
        Segment(segment.start_s, segment.end_s, answer.word, answer.probability)
        for segment, answer in zip(segments, answers, strict=True)
    ]
    numbers = [str(i) for i in range(len(clips))]  # as they stand over the segments
    each = show_heard(recognizer, clips, rate, titles=numbers)
    whole = as_png(data.segments(x, rate, named, title="where words are, and which"))
    sounds = player(x, rate, Path(recording).name) + each.sounds
    return _box(below_each_other([whole, each.picture()]), sounds, "")


def hear_words(
    recognizer: Recognizer, folder: PathLike, *, where: str = "auto",
    recorder: Recorder | None = None,
) -> Any:  # fmt: skip
    """Record from one key to the other into a folder, and show what was heard: :func:`show_take`.

    ``where`` and ``recorder`` are as for :func:`record_words`. In the browser the recorder is
    given, which shows it after each take; with this machine's keys, the words are printed as well.
    """
    recorder = recorder or Recorder()
    box = in_browser(
        where, recorder, {"": folder}, lambda _, take: show_take(recognizer, take.path)
    )
    if box is not None:
        return box
    take = recorder.record(folder)
    print(*recognizer.predict(take.words(), take.sample_rate), sep="\n")
    return show_take(recognizer, take.path)


def _box(image: bytes, sounds: str, text: str) -> PicturedBox:
    """Show an image, players and a text, live and where no widget runs."""
    picture = ipywidgets.Image(value=image, format="png", layout={"max_width": "900px"})
    children = [picture, ipywidgets.HTML(sounds), *([ipywidgets.Label(text)] if text else [])]
    return PicturedBox(children, lambda: image, sounds=sounds)


def _seen_through(recognizer: Recognizer) -> LogMel:
    """Give the front end that the picture is drawn with: the recognizer's, where it can be."""
    own = recognizer.front_end
    if isinstance(own, LogMel):
        return own
    return LogMel(sample_rate=own.sample_rate, n_mels=SHOWN_MELS, n_samples=own.n_samples)
