"""The one exception of the package, the warning for what was skipped, and lists in messages.

>>> some(["cat", "dog", "fox"], 2)
'cat, dog and 1 more'
>>> listed(["a.wav is empty.", "b.wav is empty."])
'2: a.wav is empty. b.wav is empty.'
"""

from collections.abc import Sequence

__all__ = ["EarshotError", "EarshotWarning", "listed", "reason_of", "some"]


class EarshotError(Exception):
    """Something that the user can mend: the message names the file or value and the way out."""


class EarshotWarning(UserWarning):
    """Something was skipped or replaced; the message counts and names it."""


def reason_of(error: BaseException) -> str:
    """Give the first line of what an error says, else its kind, for a message of ours."""
    return str(error).strip("'\"").partition("\n")[0].rstrip(".") or type(error).__name__


def some(words: Sequence[str], n: int = 12, separator: str = ", ") -> str:
    """Join the first n words for a message, and count the others."""
    more = f" and {len(words) - n:,} more" if len(words) > n else ""
    return separator.join(words[:n]) + more


def listed(problems: Sequence[str], most: int = 10) -> str:
    """Count and list what went wrong, for a message."""
    return f"{len(problems)}: {some(problems, most, ' ')}" if problems else ""
