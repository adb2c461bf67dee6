from . import takes as takes
from .microphone import Device as Device
from .microphone import devices as devices
from .recorder import Recorder as Recorder
from .recorder import problem as problem
from .takes import Take as Take
