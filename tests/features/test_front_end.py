import json

import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.features.front_end import KINDS, FrontEnd, from_settings, kind_of
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform

each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_a_front_end_survives_json(kind):
    front_end = KINDS[kind]()
    settings = json.loads(json.dumps(front_end.to_dict()))
    assert isinstance(front_end, FrontEnd)
    assert from_settings(kind_of(front_end), settings) == front_end


@each_kind
def test_what_it_makes_has_the_shape_that_it_states(kind, speech):
    front_end = KINDS[kind]()
    made = front_end(speech.waveforms)
    if isinstance(made, tuple):
        assert tuple(part.shape[1:] for part in made) == front_end.output_shape
    else:
        assert made.shape[1:] == front_end.output_shape


@pytest.mark.parametrize("front_end", [LogMel(), RawWaveform()])
def test_packed_clips_come_back(front_end, speech):
    back = front_end.unpack(front_end.pack(speech.waveforms))
    np.testing.assert_allclose(
        np.asarray(back, np.float32), np.asarray(front_end(speech.waveforms), np.float32), atol=0.1
    )


def test_settings_of_no_front_end_are_refused():
    with pytest.raises(EarshotError, match="no front end 'Mfcc': choose one of LogMel"):
        from_settings("Mfcc", {})
    with pytest.raises(EarshotError, match="no settings of a LogMel: .*n_bands"):
        from_settings("LogMel", {"n_bands": 3})
