from .comparison import Comparison as Comparison
from .exporting import FORMATS as FORMATS
