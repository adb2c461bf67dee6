"""Linear classifiers of scikit-learn as weights of a Dense layer; needs no Keras.

>>> from types import SimpleNamespace
>>> two = SimpleNamespace(coef_=np.array([[2.0, 4.0]]), intercept_=np.array([1.0]))
>>> dense_weights(two)[1]
array([-0.5,  0.5])
"""

from typing import Any

import numpy as np

from earshot.types import Array

__all__ = ["dense_weights"]


def dense_weights(classifier: Any) -> tuple[Array, Array]:
    """Give kernel and bias of a Dense layer from a fitted linear classifier of scikit-learn.

    For two classes, scikit-learn has one column, the second's logit less the first's: each of the
    two columns given here has half of it.
    """
    kernel, bias = classifier.coef_.T, classifier.intercept_
    if len(bias) == 1:
        return np.c_[-kernel, kernel] / 2, np.r_[-bias, bias] / 2
    return kernel, bias
