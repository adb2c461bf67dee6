"""The one exception of the package, the warning for what was passed over, and lists in messages."""

__all__ = ["listed"]


class EarshotError(Exception):
    """Something that the user can mend: the message names the file or value and the way out."""


class EarshotWarning(UserWarning):
    """Something was skipped or replaced; the message counts and names it."""


def some(words, n=12):
    """List words for a message: the first n of them, when there are more."""
    return ", ".join(words[:n]) + (f" and {len(words) - n:,} more" if len(words) > n else "")


def listed(problems, most=10):
    """Count and list what went wrong, for a message."""
    more = f" and {len(problems) - most} more" if len(problems) > most else ""
    return f"{len(problems)}: {' '.join(problems[:most])}{more}" if problems else ""
