"""The form of a network that runs along a whole stream at once.

>>> from earshot.networks import vanilla_conv
>>> settings = StreamSpectrogram(n_frames=15, n_ahead=7)
>>> form = StreamForm(vanilla_conv(settings.output_shape, width=4), settings)
>>> form.activations(np.ones(8000, np.float32)).shape  # a second, in steps of 10 ms, and 2 classes
(101, 2)
"""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from earshot.audio import blocks_of
from earshot.errors import EarshotError
from earshot.features.stream import StreamSpectrogram
from earshot.networks.layers import CarriedState, LastStep
from earshot.types import Array, Blocks, Sound

__all__ = ["StreamForm", "activations", "along", "check_windows", "is_recurrent"]


def is_recurrent(network: keras.Model) -> bool:
    """Tell whether a network has a memory that it carries along a stream."""
    return any(isinstance(layer, layers.RNN) for layer in network.layers)


def along(network: keras.Model, *, stateful: bool = False) -> keras.Model:
    """Give the form of a network that runs along a whole stream at once, with the same weights.

    From (batch, steps, bands) to (batch, steps - n_frames + 1, n_classes) of a convolutional
    network, (batch, steps, n_classes) of a recurrent one. The ``stateful`` form is for one stream
    that comes in pieces: an LSTM keeps its state from call to call, and the weights are copies.
    """

    def adapted(layer):
        if isinstance(layer, LastStep):
            return layers.Identity(name=layer.name)
        if stateful and isinstance(layer, layers.RNN):
            return CarriedState(layer)
        return layer

    ends = [isinstance(x, LastStep) or x.name == "bottleneck" for x in network.layers]
    if not is_recurrent(network) and not any(ends):
        raise EarshotError(
            f"{network.name} has no form for streams: build it with vanilla_conv or linear_probe."
        )
    inputs = keras.Input(batch_shape=(1 if stateful else None, None, network.input_shape[-1]))
    stream = keras.models.clone_model(network, input_tensors=inputs, clone_function=adapted)
    if stateful:
        stream.set_weights(network.get_weights())
    return stream


def check_windows(network: keras.Model, settings: StreamSpectrogram) -> None:
    """Refuse a network of other windows than the settings make."""
    takes, made = network.input_shape[1:], settings.output_shape
    if takes != made:
        raise EarshotError(
            f"The network takes windows of {takes}, and the settings make {made}: use those that "
            "it was trained with, or build it with settings.output_shape."
        )


class StreamForm:
    """A network of windows that runs along one stream after another.

    Keep it for the next one: the first takes about a second longer, to prepare the network.
    """

    def __init__(self, network: keras.Model, settings: StreamSpectrogram):
        check_windows(network, settings)
        self.network, self.settings = network, settings
        self._idle: list[keras.Model] = []  # several, where streams ran side by side

    def run(self, blocks: Blocks) -> Iterator[Array]:
        """Give the network's answers while a stream comes, each of shape (steps, n_values)."""
        form = self._idle.pop() if self._idle else along(self.network, stateful=True)
        form.set_weights(self.network.get_weights())
        skip, reach = 0, self.settings.n_frames - 1
        for layer in form.layers:
            if isinstance(layer, CarriedState):
                layer.reset_state()
                # An LSTM's first answers are about what lies before the stream.
                skip, reach = self.settings.n_frames - 1, 0
        kept = np.zeros((0, self.settings.n_bands), np.float32)
        for steps in _prolonged(self.settings, blocks):
            kept = np.concatenate([kept, steps])
            if len(kept) > reach:
                answers = form.predict_on_batch(kept[None])[0]
                kept = kept[len(kept) - reach :]
                yield answers[skip:]
                skip = max(skip - len(answers), 0)
        self._idle.append(form)

    def activations(self, sound: Sound, sample_rate: int | None = None) -> Array:
        """Give the answers at all steps of a sound, shape (steps, n_values)."""
        rate = self.settings.sample_rate if sample_rate is None else sample_rate
        return np.concatenate(list(self.run(blocks_of(sound, rate))))


def _prolonged(settings, blocks):
    """The steps of a stream, of which the first and the last go on as long as a window reaches."""
    n_steps, last = 0, None
    for steps in settings.blocks(blocks):
        if len(steps):
            before = 0 if n_steps else settings.n_frames - 1 - settings.n_ahead
            n_steps, last = n_steps + len(steps), steps[-1:]
            yield np.concatenate([np.repeat(steps[:1], before, axis=0), steps])
    if n_steps < settings.n_frames:
        raise settings.too_short(n_steps)
    yield np.repeat(last, settings.n_ahead, axis=0)


def activations(
    network: keras.Model, settings: StreamSpectrogram, sound: Sound, sample_rate: int | None = None
) -> Array:
    """Give a network's answers at all steps of one sound: :meth:`StreamForm.activations`."""
    return StreamForm(network, settings).activations(sound, sample_rate)
