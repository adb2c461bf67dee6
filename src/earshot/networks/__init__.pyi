from .batches import network_inputs as network_inputs
from .builders import (
    cnn as cnn,
)
from .builders import (
    raw_lstm as raw_lstm,
)
from .builders import (
    spectrogram_lstm as spectrogram_lstm,
)
from .builders import (
    temporal_cnn as temporal_cnn,
)
from .callbacks import tensorboard as tensorboard
from .evaluation import (
    accuracy as accuracy,
)
from .evaluation import (
    predict_labels as predict_labels,
)
from .evaluation import (
    roc_areas as roc_areas,
)
from .stream_builders import (
    autoencoder as autoencoder,
)
from .stream_builders import (
    encoder as encoder,
)
from .stream_builders import (
    linear_probe as linear_probe,
)
from .stream_builders import (
    next_frame_lstm as next_frame_lstm,
)
from .stream_builders import (
    vanilla_conv as vanilla_conv,
)
from .stream_form import StreamForm as StreamForm
from .stream_form import activations as activations
from .stream_form import along as along
from .stream_training import fit_linear_probe as fit_linear_probe
from .stream_training import fit_streams as fit_streams
from .training import TrainingConfig as TrainingConfig
from .training import cross_validate as cross_validate
from .training import fit as fit
