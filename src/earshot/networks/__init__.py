"""Networks: their layers, what builds them, what trains them, and how good they are.

:func:`cnn`, :func:`temporal_cnn`, :func:`raw_lstm` and :func:`spectrogram_lstm` tell words apart;
:func:`vanilla_conv`, :func:`autoencoder` and :func:`next_frame_lstm` hear streams, and
:func:`linear_probe` reads what the last two have learned. :func:`fit`, :func:`fit_streams` and
:func:`fit_linear_probe` train, :func:`accuracy` and :func:`cross_validate` measure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "builders": ["cnn", "raw_lstm", "spectrogram_lstm", "temporal_cnn"],
        "stream_builders": [
            "autoencoder", "encoder", "linear_probe", "next_frame_lstm", "vanilla_conv",
        ],
        "stream_form": ["StreamForm", "activations", "along"],
        "batches": ["network_inputs"],
        "callbacks": ["tensorboard"],
        "training": ["TrainingConfig", "cross_validate", "fit"],
        "evaluation": ["accuracy", "predict_labels", "roc_areas"],
        "stream_training": ["fit_linear_probe", "fit_streams"],
    },
)  # fmt: skip
