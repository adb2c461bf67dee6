from .batches import network_inputs as network_inputs
from .builders import (
    cnn as cnn,
    raw_lstm as raw_lstm,
    spectrogram_lstm as spectrogram_lstm,
    temporal_cnn as temporal_cnn,
)
from .callbacks import tensorboard as tensorboard
from .distribution import is_first as is_first, meet as meet
from .evaluation import (
    accuracy as accuracy,
    predict_labels as predict_labels,
    roc_areas as roc_areas,
)
from .stream_builders import (
    autoencoder as autoencoder,
    encoder as encoder,
    linear_probe as linear_probe,
    next_frame_lstm as next_frame_lstm,
    vanilla_conv as vanilla_conv,
)
from .stream_evaluation import (
    balanced_accuracy as balanced_accuracy,
    few_labels as few_labels,
    stream_area as stream_area,
    value_areas as value_areas,
)
from .stream_form import StreamForm as StreamForm, activations as activations, along as along
from .stream_training import fit_linear_probe as fit_linear_probe, fit_streams as fit_streams
from .tensorboard_logs import gradient_histograms as gradient_histograms
from .training import (
    TrainingConfig as TrainingConfig,
    checkpoint_folder as checkpoint_folder,
    cross_validate as cross_validate,
    fit as fit,
)
from .voice_builders import phoneme_voice as phoneme_voice
