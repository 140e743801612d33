"""What all networks of this package share: their arguments, their input and head, and weights from a file."""

import os

from pycnn import config, layers
from pycnn.applications.torch_weights import is_torch_file, load_torch_weights
from pycnn.backend.geometry import is_integer
from pycnn.layers.input import InputLayer
from pycnn.layers.symbolic import SymbolicTensor
from pycnn.models import AuxiliaryModel, Model
from pycnn.models.files import existing_file


def read_images(include_top, weights, input_tensor, input_shape, pooling, classes, size=224, smallest=32, fixed=False):
    """Check the arguments that all networks have, and return the images that the network begins with.

    Parameters
    ----------
    include_top, weights, input_tensor, input_shape, pooling, classes
        As the caller got them; ``ResNet50`` explains them.
    size : int
        Height and width where the caller gave no shape and the size must be known.
    smallest : int
        Least height and width.
    fixed : bool
        Whether the head needs to know height and width, because it flattens the last maps.

    Returns
    -------
    SymbolicTensor

    Raises
    ------
    ValueError
        If an argument is none of those allowed.
    FileNotFoundError
        If ``weights`` is not the name of a file.
    """
    if config.image_data_format() != "channels_last":
        raise ValueError(
            "The networks of pycnn.applications take images (height, width, channels): set "
            "config.set_image_data_format('channels_last'). "
            f"Received: image_data_format={config.image_data_format()!r}"
        )
    if not isinstance(include_top, bool):
        raise ValueError(f"include_top must be True or False. Received: include_top={include_top!r}")
    if pooling not in (None, "avg", "max"):
        raise ValueError(f"pooling must be None, 'avg' or 'max'. Received: pooling={pooling!r}")
    if not is_integer(classes) or classes < 1:
        raise ValueError(f"classes must be an integer >= 1. Received: classes={classes!r}")
    _check_weights(weights)
    if input_tensor is None:
        known = (size, size, 3) if include_top else (None, None, 3)
        images = layers.Input(known if input_shape is None else _read_shape(input_shape))
    elif isinstance(input_tensor, SymbolicTensor):
        images = input_tensor
        if input_shape is not None and _read_shape(input_shape) != images.shape[1:]:
            raise ValueError(
                f"input_shape must be that of input_tensor, {images.shape[1:]}, or be left out. "
                f"Received: input_shape={input_shape!r}"
            )
    else:
        raise ValueError(
            "input_tensor must be symbolic: what pycnn.Input(...) gives, and what layers called on it give. "
            f"Received: input_tensor={input_tensor!r}"
        )
    _check_images(images.shape[1:], smallest, fixed and include_top)
    return images


def _check_weights(weights):
    if weights == "imagenet":
        raise ValueError(
            "pycnn distributes no weights. weights=None starts with random ones; weights=PATH reads a file of "
            "model.save_weights, or the state_dict of a PyTorch model (torchvision's or timm's names) that "
            "safetensors.torch.save_file wrote. Received: weights='imagenet'"
        )
    if weights is not None:
        if not isinstance(weights, (str, os.PathLike)):
            raise ValueError(f"weights must be None or the name of a file. Received: weights={weights!r}")
        existing_file(weights)


def _read_shape(input_shape):
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if len(shape) != 3 or not all(n is None or (is_integer(n) and n > 0) for n in shape):
        raise ValueError(
            f"input_shape must be (height, width, channels), without the batch. Received: input_shape={input_shape!r}"
        )
    return shape


def _check_images(shape, smallest, fixed):
    if len(shape) != 3 or shape[-1] is None:
        raise ValueError(f"Images must be (height, width, channels), channels known. Received: input_shape={shape}")
    if any(n is not None and n < smallest for n in shape[:2]):
        raise ValueError(f"Images must be at least {smallest} x {smallest} pixels. Received: input_shape={shape}")
    if fixed and None in shape:
        raise ValueError(
            "Height and width must be known for the fully connected layers: give them, or include_top=False. "
            f"Received: input_shape={shape}"
        )


def pooled_head(x, include_top, pooling, classes, classifier_activation):
    """The end of networks that take the mean of each of the last maps: classes, or features as ``pooling`` says."""
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        return layers.Dense(classes, classifier_activation, name="predictions")(x)
    return pool_features(x, pooling)


def pool_features(x, pooling):
    """The last maps themselves, or with ``pooling`` one number of each."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(x)
    return x


def finish(images, outputs, weights, name):
    """Make the model from the inputs behind ``images`` to ``outputs``, and read its weights if a file is given.

    Of a list of outputs all but the first are auxiliary.
    """
    make = AuxiliaryModel if isinstance(outputs, list) else Model
    model = make(_source_inputs(images), outputs, name=name)
    if weights is not None:
        if is_torch_file(weights):
            load_torch_weights(model, weights)
        else:
            model.load_weights(weights)
    return model


def _source_inputs(tensor):
    """The Inputs that a symbolic tensor depends on: one tensor, or a list of several."""
    found, seen, queue = [], set(), [tensor]
    while queue:
        tensor = queue.pop(0)
        if id(tensor) not in seen:
            seen.add(id(tensor))
            if isinstance(tensor.node.layer, InputLayer):
                found.append(tensor)
            queue += tensor.node.input_tensors
    return found[0] if len(found) == 1 else found
