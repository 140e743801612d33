"""Layers that pycnn and Keras both have: configurations and input shapes that both are tried with.

A case is (class name, arguments, shape of the input or list of shapes). Layers with random numbers are in
``RANDOM``: both must leave their inputs alone outside training.
"""

import numpy as np
from helpers import normal

IMAGE, SMALL, VECTOR, SEQUENCE = (2, 9, 8, 4), (2, 5, 6, 3), (3, 5), (2, 7, 4)

CASES = [
    ("Dense", {"units": 3}, VECTOR),
    ("Dense", {"units": 3, "activation": "tanh", "use_bias": False}, SEQUENCE),
    ("SimpleRNN", {"units": 3}, SEQUENCE),
    ("SimpleRNN", {"units": 3, "activation": "relu", "return_sequences": True, "go_backwards": True}, SEQUENCE),
    ("LSTM", {"units": 3}, SEQUENCE),
    ("LSTM", {"units": 5, "return_sequences": True, "go_backwards": True, "use_bias": False}, SEQUENCE),
    ("LSTM", {"units": 3, "activation": "softsign", "recurrent_activation": "relu"}, SEQUENCE),
    ("Masking", {"mask_value": 0.5}, SEQUENCE),
    ("GRU", {"units": 3}, SEQUENCE),
    ("GRU", {"units": 3, "return_sequences": True}, SEQUENCE),
    ("GRU", {"units": 5, "return_sequences": True, "reset_after": False}, SEQUENCE),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same", "activation": "relu"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2, "groups": 2, "use_bias": False}, IMAGE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, SMALL),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same", "activation": "elu"}, SMALL),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "padding": "same"}, IMAGE),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, "activation": "relu"}, IMAGE),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("AveragePooling2D", {"pool_size": 2}, IMAGE),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": 2, "padding": "same"}, IMAGE),
    ("GlobalAveragePooling2D", {}, IMAGE),
    ("GlobalMaxPooling2D", {"keepdims": True}, IMAGE),
    ("BatchNormalization", {}, IMAGE),
    ("BatchNormalization", {"axis": 1, "momentum": 0.8, "epsilon": 0.01, "scale": False}, IMAGE),
    ("LayerNormalization", {}, VECTOR),
    ("LayerNormalization", {"axis": [1, 2, 3], "epsilon": 0.01}, SMALL),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, SEQUENCE),
    ("GroupNormalization", {"groups": 2}, IMAGE),
    ("GroupNormalization", {"groups": 4, "axis": 1, "scale": False}, (2, 8, 3, 3)),
    ("GroupNormalization", {"groups": -1, "epsilon": 0.1}, IMAGE),
    ("RMSNormalization", {}, VECTOR),
    ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, SEQUENCE),
    ("UnitNormalization", {}, VECTOR),
    ("UnitNormalization", {"axis": [1, 2]}, SEQUENCE),
    ("Normalization", {"mean": 2.0, "variance": 4.0}, VECTOR),
    ("Normalization", {"axis": -1, "mean": [1.0, 2.0, 3.0], "variance": [1.0, 4.0, 9.0], "invert": True}, SMALL),
    ("Normalization", {}, SMALL),
    ("Activation", {"activation": "gelu"}, VECTOR),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, VECTOR),
    ("LeakyReLU", {}, VECTOR),
    ("ELU", {"alpha": 0.5}, VECTOR),
    ("PReLU", {}, VECTOR),
    ("PReLU", {"shared_axes": [1, 2]}, SMALL),
    ("Softmax", {}, SEQUENCE),
    ("Softmax", {"axis": 1}, SEQUENCE),
    ("Softmax", {"axis": [1, 2]}, SEQUENCE),
    ("Flatten", {}, SMALL),
    ("Reshape", {"target_shape": (4, -1)}, SEQUENCE),
    ("Permute", {"dims": (2, 1)}, SEQUENCE),
    ("RepeatVector", {"n": 3}, VECTOR),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, SMALL),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, SMALL),
    ("UpSampling2D", {"size": (2, 3)}, SMALL),
    ("UpSampling2D", {"interpolation": "bilinear"}, SMALL),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, SMALL),
    ("Resizing", {"height": 7, "width": 4}, SMALL),
    ("Resizing", {"height": 3, "width": 5, "interpolation": "nearest"}, (1, 6, 10, 2)),
    ("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True}, (1, 6, 9, 2)),
    ("Resizing", {"height": 4, "width": 4, "pad_to_aspect_ratio": True, "fill_value": 2.0}, (1, 6, 9, 2)),
    ("CenterCrop", {"height": 3, "width": 4}, SMALL),
    ("CenterCrop", {"height": 7, "width": 4}, SMALL),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, SEQUENCE),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2, "groups": 2}, SEQUENCE),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}, SEQUENCE),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "activation": "elu"}, SEQUENCE),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, SEQUENCE),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2}, SEQUENCE),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "padding": "same", "activation": "relu"}, SEQUENCE),
    ("MaxPooling1D", {}, SEQUENCE),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("GlobalAveragePooling1D", {}, SEQUENCE),
    ("GlobalMaxPooling1D", {"keepdims": True}, SEQUENCE),
    ("ZeroPadding1D", {"padding": (1, 2)}, SEQUENCE),
    ("Cropping1D", {"cropping": (2, 1)}, SEQUENCE),
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("Identity", {}, SEQUENCE),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, VECTOR),
    ("Add", {}, [SEQUENCE, SEQUENCE, SEQUENCE]),
    ("Add", {}, [(2, 4), SEQUENCE]),
    ("Subtract", {}, [SEQUENCE, (2, 1, 4)]),
    ("Multiply", {}, [SMALL, (2, 1, 1, 3)]),
    ("Average", {}, [SMALL, SMALL, SMALL]),
    ("Maximum", {}, [SMALL, SMALL]),
    ("Minimum", {}, [SMALL, (2, 1, 6, 3)]),
    ("Concatenate", {}, [SMALL, (2, 5, 6, 1)]),
    ("Concatenate", {"axis": 1}, [VECTOR, (3, 2)]),
    ("Dot", {"axes": 1}, [VECTOR, VECTOR]),
    ("Dot", {"axes": (1, 2), "normalize": True}, [(2, 3, 5), (2, 4, 3)]),
    ("Dot", {"axes": (2, 1)}, [(2, 3, 5), (2, 5)]),
    ("Dot", {"axes": (1, 1)}, [(2, 5), (2, 5, 3)]),
]

RANDOM = [
    ("Dropout", {"rate": 0.4}, SMALL),
    ("SpatialDropout1D", {"rate": 0.4}, SEQUENCE),
    ("SpatialDropout2D", {"rate": 0.4}, SMALL),
    ("GaussianNoise", {"stddev": 0.3}, SMALL),
    ("GaussianDropout", {"rate": 0.3}, SMALL),
    ("AlphaDropout", {"rate": 0.3}, SMALL),
    ("RandomRotation", {"factor": 0.2}, SMALL),
    ("RandomZoom", {"height_factor": 0.2}, SMALL),
    ("RandomShear", {"x_factor": 0.2}, SMALL),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.1}, SMALL),
    ("RandomFlip", {}, SMALL),
    ("RandomFlip", {"mode": "vertical"}, SMALL),
    ("RandomContrast", {"factor": 0.2}, SMALL),
    ("RandomBrightness", {"factor": 0.2, "value_range": (0, 1)}, SMALL),
    ("RandomErasing", {"scale": (0.1, 0.2)}, SMALL),
    ("RandomInvert", {}, SMALL),
    ("RandomGrayscale", {}, SMALL),
]


def identify(case):
    name, arguments, _ = case
    return "-".join([name, *(f"{key}={value}" for key, value in arguments.items())])


def random_inputs(shapes):
    several = isinstance(shapes, list)
    arrays = [normal(shape, np.float32, seed=i) for i, shape in enumerate(shapes if several else [shapes])]
    return arrays if several else arrays[0]


def random_weights(weights):
    """Positive ones, which variances may have too."""
    return [
        np.abs(normal(w.shape, seed=i)).astype(np.float32) + np.float32(0.1) if w.dtype.kind == "f" else w
        for i, w in enumerate(weights)
    ]
