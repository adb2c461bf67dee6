"""The form of a network that runs along a whole stream at once."""

import itertools
import weakref

import keras
import numpy as np
from keras import layers

from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.networks.layers import AllSteps, LastStep

__all__ = ["activations", "along", "is_recurrent"]


def is_recurrent(network):
    """Tell whether a network has a memory that it carries along a stream."""
    return any(isinstance(layer, layers.RNN) for layer in network.layers)


def along(network, *, stateful=False):
    """Give the form of a network that runs along a whole stream at once, with the same weights.

    Parameters
    ----------
    network : keras.Model
        From :func:`vanilla_conv`, :func:`readout`, :func:`next_frame_lstm`, or :func:`encoder`.
    stateful : bool
        For one stream (a batch of 1) that comes in pieces: an LSTM keeps its state from call to
        call. The weights are copies then.

    Returns
    -------
    keras.Model
        From (batch, steps, bands) to an answer for each window: (batch, steps - n_frames + 1,
        n_classes) of a convolutional network, (batch, steps, n_classes) of a recurrent one.
    """

    def adapted(layer):
        if isinstance(layer, LastStep):
            return AllSteps(name=layer.name)
        if stateful and isinstance(layer, layers.RNN):
            return type(layer).from_config({**layer.get_config(), "stateful": True})
        return layer

    if not is_recurrent(network) and not any(
        isinstance(layer, LastStep) or layer.name == "bottleneck" for layer in network.layers
    ):
        raise EarshotError(
            f"{network.name} has no form for streams: build it with vanilla_conv or readout."
        )
    bands = network.input_shape[-1]
    inputs = keras.Input(batch_shape=(1 if stateful else None, None, bands))
    stream = keras.models.clone_model(network, input_tensors=inputs, clone_function=adapted)
    if stateful:
        stream.set_weights(network.get_weights())
    return stream


def activations(network, settings, sound, sample_rate=None):
    """Give what a network answers at every step of a stream, such as an LSTM's cell state.

    Parameters
    ----------
    network : keras.Model
        On windows; often from :func:`earshot.networks.encoder`.
    settings : earshot.features.StreamSpectrogram
    sound, sample_rate
        As in :func:`classify`.

    Returns
    -------
    ndarray of float32, shape (steps, n_values)
    """
    rate = settings.sample_rate if sample_rate is None else sample_rate
    blocks = blocks_of(sound, rate)
    return np.concatenate(list(run_along(network, settings, blocks)))


_IDLE = weakref.WeakKeyDictionary()
"""Forms for streams that nobody uses at the moment: TensorFlow takes a while to build one."""


def run_along(network, settings, blocks):
    """Run a network of windows along a stream; gives its answers, shape (steps, n_values)."""
    if network.input_shape[1:] != settings.output_shape:
        raise EarshotError(
            f"The network takes windows of {network.input_shape[1:]}, and the settings make "
            f"{settings.output_shape}: use those that it was trained with."
        )
    trained = network
    network = _IDLE.pop(trained, None) or along(trained, stateful=True)
    recurrent = is_recurrent(network)
    if recurrent:
        network.set_weights(trained.get_weights())
        for layer in network.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()
    more = settings.n_frames - 1
    kept = np.zeros((0, settings.n_bands), np.float32)
    n_steps, last, skip = 0, kept, more if recurrent else 0
    for steps in itertools.chain(settings.blocks(blocks), [None]):
        if steps is None:  # the end: its last step goes on as long as a window looks ahead
            if n_steps < settings.n_frames:
                raise settings.too_short(n_steps)
            steps = np.repeat(last, settings.n_ahead, axis=0)
        elif len(steps):
            before = 0 if n_steps else more - settings.n_ahead
            n_steps, last = n_steps + len(steps), steps[-1:]
            steps = np.concatenate([np.repeat(steps[:1], before, axis=0), steps])
        steps = np.concatenate([kept, steps])
        if len(steps) <= (0 if recurrent else more):
            kept = steps
            continue
        answers = network.predict_on_batch(steps[None])[0]
        if not recurrent:
            kept = steps[len(steps) - more :]
        answers, skip = answers[skip:], max(skip - len(answers), 0)
        yield answers
    _IDLE[trained] = network
