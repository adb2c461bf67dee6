"""The network that makes a spectrogram of sounds that are given by name, in a voice that is given.

Durations are predicted, as in Ren and others (2021), "FastSpeech 2", and pitches, as in Łańcucki
(2021), "FastPitch": no attention that could lose its way.

>>> phoneme_voice(40, 5, 64).count_params() < 1e6
True
"""

from typing import Any

import keras
from keras import layers, ops

from earshot.errors import EarshotError

__all__ = ["N_DETAILS", "phoneme_voice"]

N_DETAILS = 3  # of a frame beside its harmonics: place in its sound, length of the sound, pitch


def phoneme_voice(
    n_symbols: int, n_speakers: int, n_mels: int = 64, *, width: int = 128, blocks: int = 3,
    dilations: tuple[int, ...] = (1, 2, 4, 1), kernel: int = 5,
) -> keras.Model:  # fmt: skip
    """Build it: convolutions over the sounds, spread over frames, then convolutions over time.

    Inputs by name:

    - "symbols" (batch, sounds, n_symbols): which sound it is, and its stress; zeros fill up
    - "speaker" (batch, n_speakers): how much of each voice, in sum 1
    - "alignment" (batch, frames, sounds): 1 where a frame belongs to a sound; zeros fill up
    - "frames" (batch, frames, 3 + n_mels): details of each frame, of
      :func:`earshot.synthesis.utterances.frame_details`

    Outputs: "timing" (batch, sounds, 2), the natural logarithm of a sound's length in frames, and
    its pitch in octaves above ``PITCH_HZ``, which need neither alignment nor frames; and
    "spectrogram" (batch, frames, n_mels), from -1 (``top_db`` below the loudest point) to 1.
    """
    if min(n_symbols, n_speakers, n_mels, width) < 1:
        raise EarshotError("A voice has at least one sound, one speaker, one band and a width.")
    symbols = keras.Input((None, n_symbols), name="symbols")
    speaker = keras.Input((n_speakers,), name="speaker")
    alignment = keras.Input((None, None), name="alignment")
    frames = keras.Input((None, N_DETAILS + n_mels), name="frames")
    who = layers.Dense(width // 4, use_bias=False, name="speaker_embedding")(speaker)
    said = ops.max(symbols, axis=-1, keepdims=True)
    x = layers.Dense(width, name="sound_embedding")(symbols)
    for _ in range(blocks):
        x = _block(x, who, said, 3, 1)
    y = layers.Dense(width, activation="gelu")(layers.LayerNormalization()(x))
    timing = layers.Multiply(name="timing")([layers.Dense(2)(y), said])
    sounding = ops.sum(alignment, axis=-1, keepdims=True)
    y = layers.Concatenate()([ops.matmul(alignment, x), frames])
    y = layers.Dense(width)(y)
    for dilation in dilations:
        y = _block(y, who, sounding, kernel, dilation)
    y = layers.Dense(n_mels)(layers.LayerNormalization()(y))
    spectrogram = layers.Multiply(name="spectrogram")([y, sounding])
    inputs = {"symbols": symbols, "speaker": speaker, "alignment": alignment, "frames": frames}
    return keras.Model(inputs, {"timing": timing, "spectrogram": spectrogram}, name="voice")


def _block(x: Any, who: Any, mask: Any, kernel: int, dilation: int) -> Any:
    """Add what a convolution finds, in this voice; where the mask is 0, there is nothing."""
    width = x.shape[-1]
    y = layers.Multiply()([layers.LayerNormalization()(x), mask])
    y = layers.Conv1D(width, kernel, padding="same", dilation_rate=dilation)(y)
    y = layers.Add()([y, layers.Reshape((1, width))(layers.Dense(width)(who))])
    return layers.Add()([x, layers.Dense(width)(layers.Activation("gelu")(y))])
