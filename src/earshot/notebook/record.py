"""Recording words in a notebook: record, cut, save and show.

>>> import tempfile
>>> box = record_words("cat", tempfile.mkdtemp(), where="browser", speaker="anna")
Recording in the browser.
>>> type(box.children[0]).__name__
'BrowserRecorder'
"""

from typing import Any

from earshot.errors import EarshotError
from earshot.recording import takes
from earshot.recording.recorder import Recorder, problem
from earshot.types import PathLike

__all__ = ["record_words"]


def record_words(
    word: str, folder: PathLike = "data/own_recordings", *, where: str = "auto",
    recorder: Recorder | None = None, speaker: str = "me", sample_rate: int = 16000,
    n_words: int | None = None,
) -> Any:  # fmt: skip
    """Record a word, said as often as you like; cut it, save it, and show what was cut.

    The words go to ``<folder>/<word>/``, the whole take to ``raw`` in there. Gives the widget of
    :func:`review`; in the browser, the recorder, which shows it after each take.

    ``where`` is "microphone" (and keys of this machine), "browser", or "auto": the browser only if
    this machine has none, and why is said. The recorder holds device, keys and times, the
    ``sample_rate``, in Hz, is that of the words, of which ``n_words`` are said; by default as many
    as are found. Raises :class:`EarshotError` when the microphone is asked for and something is
    missing, or a named device is not there.
    """
    try:
        from earshot.notebook.browser_recorder import browser_recorder
        from earshot.notebook.take_review import review
    except ImportError as error:
        reason = f"The package {error.name} is missing, which shows what was recorded"
        raise EarshotError(f"{reason}: pip install {error.name}.") from error
    if where not in ("auto", "microphone", "browser"):
        raise EarshotError(f'where is "auto", "microphone" or "browser", not {where!r}.')
    recorder, raw = recorder or Recorder(), takes.raw_folder(folder, word)

    def show(take: takes.Take) -> Any:
        words = takes.cut(
            take.path, folder, word, speaker=speaker, sample_rate=sample_rate, n_words=n_words
        )
        return review(words, folder)

    reason = "" if where == "browser" else problem(recorder.device)
    if reason and (where == "microphone" or recorder.device is not None):
        raise EarshotError(reason)
    if where == "browser" or reason:
        print(f"Recording in the browser. {reason}".strip())
        return browser_recorder(
            raw, show, name=speaker, start_key=recorder.start_key, stop_key=recorder.stop_key,
            pre_roll_s=recorder.pre_roll_s, longest_s=recorder.longest_s,
        )  # fmt: skip
    print(f"Recording “{word}” on this machine: it has a microphone, and its keys can be heard.")
    return show(recorder.record(raw, name=speaker))
