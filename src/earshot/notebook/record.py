"""Recording words in a notebook: record, cut, save and show.

>>> import tempfile
>>> box = record_words("cat", tempfile.mkdtemp(), where="browser", speaker="anna")
Recording in the browser.
>>> type(box.children[0]).__name__
'BrowserRecorder'
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earshot.errors import EarshotError
from earshot.recording import takes
from earshot.recording.recorder import Recorder
from earshot.types import PathLike

__all__ = ["record_words"]


def record_words(
    word: str | Sequence[str], folder: PathLike = "data/own_recordings", *, where: str = "auto",
    recorder: Recorder | None = None, speaker: str = "me", sample_rate: int = 16000,
    n_words: int | None = None, n_enough: int | None = None,
) -> Any:  # fmt: skip
    """Record a word, said as often as you like; cut it, save it, and show what was cut.

    The words go to ``<folder>/<word>/``, the whole take to ``raw`` in there. Gives the widget of
    :func:`review`; in the browser, the recorder, which shows it after each take. Of several words,
    the keys are waited for once for each, in their order, and once more where no word was heard;
    in the browser, one is chosen.

    ``where`` is "microphone" (and keys of this machine), "browser", or "auto": the browser only if
    this machine has none, and why is said. The recorder holds device, keys and times, the
    ``sample_rate``, in Hz, is that of the words, of which ``n_words`` are said; by default as many
    as are found. ``n_enough``: examples that each word should have; how many more it takes is said.
    Raises :class:`EarshotError` when the microphone is asked for and something is missing, or a
    named device is not there.
    """
    try:
        from earshot.notebook.browser_recorder import in_browser
        from earshot.notebook.take_review import review
    except ImportError as error:
        missing = f"The package {error.name} is missing, which shows what was recorded"
        raise EarshotError(f"{missing}: pip install {error.name}.") from error
    words = (word,) if isinstance(word, str) else tuple(word)
    if not words:
        raise EarshotError("There is no word to record: name one.")
    recorder = recorder or Recorder()
    needed = dict.fromkeys((word.strip() for word in words), n_enough) if n_enough else None
    folders = {word: takes.raw_folder(folder, word) for word in words}

    def cut(word: str, take: takes.Take) -> list[Path]:
        return takes.cut(
            take.path, folder, word, speaker=speaker, sample_rate=sample_rate, n_words=n_words
        )

    def show(paths: list[Path]) -> Any:
        return review(paths, folder, needed)

    box = in_browser(where, recorder, folders, lambda word, take: show(cut(word, take)), speaker)
    if box is not None:
        return box
    paths: list[Path] = []
    for one, raw in folders.items():
        print(f"Recording “{one}” on this machine: it has a microphone, and its keys can be heard.")
        wanted = (n_enough or 0) - takes.counts(folder).get(one.strip(), 0)
        if wanted > 0:
            print(f"{wanted} more of it will do.")
        found = cut(one, recorder.record(raw, name=speaker))
        if not found:
            print(f"“{one}” was not heard in this take: once more.")
            found = cut(one, recorder.record(raw, name=speaker))
        there = len([*raw.parent.glob("*.wav")])
        print(f"“{one}”: {len(found)} cut, {there} in all.")
        paths += found
    return show(paths)
