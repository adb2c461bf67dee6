"""earshot: teach a small network your own words."""

from earshot.errors import EarshotError, EarshotWarning

__all__ = ["EarshotError", "EarshotWarning"]
__version__ = "0.1.0"
