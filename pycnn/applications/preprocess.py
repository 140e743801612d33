"""Pixels 0..255 as the weights of different origins expect them."""

import numpy as np

from pycnn import config, ops
from pycnn.autograd import Tensor
from pycnn.layers.image import read_data_format
from pycnn.layers.symbolic import SymbolicTensor

_MODES = ("caffe", "tf", "torch")
_CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green, red
_TORCH_MEANS, _TORCH_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue, of pixels 0..1


def preprocess_input(x, data_format=None, mode="caffe"):
    """Turn RGB pixels in 0..255 into what a network was trained on.

    Parameters
    ----------
    x : array, Tensor or SymbolicTensor
        Images (height, width, 3) or (batch, height, width, 3), or with ``channels_first`` (..., 3, height, width).
    data_format : {"channels_last", "channels_first"}, optional
    mode : {"caffe", "tf", "torch"}
        Blue before green before red, minus the mean of ImageNet; -1..1; or 0..1, minus the mean of ImageNet, over its
        standard deviation, which is what torchvision's and most of timm's weights expect.

    Returns
    -------
    array, Tensor or SymbolicTensor
        New, of floats; other than in Keras ``x`` is left as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.applications.preprocess import preprocess_input
    >>> preprocess_input(np.full((1, 1, 3), 255), mode="tf")
    array([[[1., 1., 1.]]], dtype=float32)
    """
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}. Received: mode={mode!r}")
    first = read_data_format(data_format) == "channels_first"
    if not isinstance(x, (Tensor, SymbolicTensor)):
        x = np.asarray(x)
    if x.ndim not in (3, 4):
        raise ValueError(f"x must be one image or a batch of them, with 3 or 4 axes. Received: x.shape={x.shape}")
    axis = x.ndim - 3 if first else x.ndim - 1
    if x.shape[axis] != 3:
        raise ValueError(f"x must have 3 channels on axis {axis}, red, green, blue. Received: x.shape={tuple(x.shape)}")
    if isinstance(x, np.ndarray):
        x = x.astype(x.dtype if x.dtype.kind == "f" else config.floatx())
        reverse = np.flip
    else:
        if np.dtype(x.dtype).kind != "f":
            x = ops.cast(x, config.floatx())
        reverse = ops.flip
    if mode == "tf":
        return x / 127.5 - 1.0

    def channels(values):
        return np.asarray(values, x.dtype).reshape([3 if i == axis else 1 for i in range(x.ndim)])

    if mode == "torch":
        return (x / 255.0 - channels(_TORCH_MEANS)) / channels(_TORCH_DEVIATIONS)
    return reverse(x, axis) - channels(_CAFFE_MEANS)


def preprocess_caffe(x, data_format=None):
    """``preprocess_input`` with ``mode="caffe"``: what Keras's weights of VGG and ResNet expect.

    Weights of PyTorch models expect ``pycnn.applications.imagenet_utils.preprocess_input(x, mode="torch")``.
    """
    return preprocess_input(x, data_format, "caffe")


def preprocess_tf(x, data_format=None):
    """``preprocess_input`` with ``mode="tf"``: pixels in -1..1, what Keras's weights of MobileNet expect."""
    return preprocess_input(x, data_format, "tf")


def preprocess_torch(x, data_format=None):
    """``preprocess_input`` with ``mode="torch"``: what torchvision's and most of timm's weights expect."""
    return preprocess_input(x, data_format, "torch")
