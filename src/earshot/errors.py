"""The one exception of the package, and the warning for what was passed over."""


class EarshotError(Exception):
    """Something that the user can mend: the message names the file or value and the way out."""


class EarshotWarning(UserWarning):
    """Something was skipped or replaced; the message counts and names it."""
