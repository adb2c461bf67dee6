import numpy as np

from earshot.segmentation.segments import Segment


def test_a_segment_cuts_its_samples_out_of_a_waveform():
    x = np.arange(16000)
    np.testing.assert_array_equal(Segment(0.5, 0.75).cut(x, 8000), x[4000:6000])


def test_a_segment_that_is_not_sure_is_doubtful():
    assert Segment(0, 1, confidence=0.7).doubtful
    assert not Segment(0, 1).doubtful
    assert Segment(0.5, 2).duration_s == 1.5
