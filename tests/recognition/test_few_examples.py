import numpy as np
import pytest

from earshot.errors import EarshotError
from earshot.recognition import few_examples


def test_few_are_as_many_of_each_word_and_others_in_another_draw(beeps):
    drawn = [few_examples.few(beeps, 3, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0].counts() == {"low": 3, "high": 3}
    assert list(drawn[0].sources) == list(drawn[1].sources)
    assert set(drawn[0].sources) != set(drawn[2].sources)


def test_without_a_number_all_are_given(beeps):
    assert sorted(few_examples.few(beeps, None).sources) == sorted(beeps.sources)


def test_labels_are_those_of_predict(trained, beeps):
    labels = few_examples.heard_labels(trained, beeps)
    said = trained.predict(beeps.waveforms, beeps.sample_rate)
    assert [trained.class_names[label] for label in labels] == [p.word for p in said]


def test_words_are_compared_by_name(trained, beeps):
    turned = beeps.only(["high", "low"])
    assert few_examples.accuracy(trained, turned) == few_examples.accuracy(trained, beeps) > 0.9
    assert few_examples.accuracy(trained, turned.only(["high"])) > 0.9


def test_a_word_that_is_not_known_is_wrong(trained, beeps):
    named = beeps.subset(beeps.labels == 0)
    object.__setattr__(named, "class_names", ("bass", "high"))
    assert few_examples.accuracy(trained, named) == 0


def test_accuracy_is_measured_for_each_number_of_clips(trained, few_beeps):
    learn, test = few_beeps
    shares = few_examples.by_examples(trained, learn, test, (1, 4), n_draws=2, layer="dense")
    assert list(shares) == [1, 4]
    assert shares[4] == 1.0


def test_clips_that_cannot_be_recognized_are_refused(trained, beeps):
    silent = beeps.subset([0])
    silent.waveforms[0] = np.zeros(4000, np.float32)
    with pytest.raises(EarshotError, match="silent"):
        few_examples.accuracy(trained, silent)
