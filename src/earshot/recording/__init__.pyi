from . import takes as takes
from .microphone import Device as Device, devices as devices
from .recorder import Recorder as Recorder, problem as problem
from .takes import Take as Take
