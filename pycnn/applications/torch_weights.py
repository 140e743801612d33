"""Weights of PyTorch models, saved as safetensors, under torchvision's and timm's names."""

import os
import re

import numpy as np

from pycnn import layers
from pycnn.backend import get_backend
from pycnn.models.files import existing_file, list_names
from pycnn.models.saving import is_keras_file

_OWN_NAMES = ("model/", "optimizer/")  # how the names in pycnn's own files begin
_FLOATS = ("F64", "F32", "F16")
_HEADS = ("fc.", "classifier.", "pre_logits.", "head.")  # what a model with include_top=False leaves in the file


def is_torch_file(filepath):
    """Whether a file is of safetensors and its names are not those that pycnn and Keras write."""
    if is_keras_file(filepath):
        return False
    with _open(filepath) as file:
        return not all(name.startswith(_OWN_NAMES) for name in file.keys())  # noqa: SIM118  safe_open is no dict


def load_torch_weights(model, filepath):
    """Read the weights of a PyTorch model into the same model of this package.

    Parameters
    ----------
    model : Model
        A VGG, ResNet, SE-ResNet or MobileNet of ``pycnn.applications``. With ``include_top=False`` the classifier in
        the file is passed over.
    filepath : str or path
        Of ``safetensors.torch.save_file(torch_model.state_dict(), filepath)``, with the names that torchvision or timm
        give (VGG without batch normalization, timm's ``seresnet50`` and ``mobilenetv1_100``).

    Raises
    ------
    ValueError
        If the model is another one, or if names are missing or surplus in the file, or shapes do not fit; the first
        ones are listed, and the model is unchanged.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    Filters are turned from OIHW to HWIO, matrices are transposed, and the rows of VGG's first matrix are put in the
    order of a flattened (height, width, channels). The images want ``preprocess_input`` with ``mode="torch"``.

    Examples
    --------
    >>> import numpy as np
    >>> from safetensors.numpy import save_file
    >>> from pycnn import applications
    >>> model = applications.VGG16(include_top=False)
    >>> save_file({"features.0.weight": np.zeros((64, 3, 3, 3), np.float32)}, "vgg16.safetensors")
    >>> applications.load_torch_weights(model, "vgg16.safetensors")
    Traceback (most recent call last):
    ...
    ValueError: ... Not in the file: 'features.0.bias', 'features.2.weight', ... and 15 more. Received: ...
    """
    prefixes = _prefixes(model)
    with _open(filepath) as file:
        names = [name for name in file.keys() if not name.endswith("num_batches_tracked")]  # noqa: SIM118
        entries = [entry for layer in prefixes for entry in _entries(layer, prefixes[layer], names)]
        _check(entries, names, file, "predictions" not in {layer.name for layer in prefixes}, filepath)
        asarray = get_backend().asarray
        for variable, name, _, convert in entries:
            variable.assign(asarray(np.ascontiguousarray(convert(file.get_tensor(name)), variable.dtype)))


def _open(filepath):
    from safetensors import SafetensorError, safe_open

    path = existing_file(filepath)
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, ValueError, OSError) as error:
        raise ValueError(
            f"The file is damaged, or not of safetensors ({error}). In Python with PyTorch, "
            "safetensors.torch.save_file(torch_model.state_dict(), filepath) makes such a file. "
            f"Received: filepath={path!r}"
        ) from error


def _check(entries, names, file, headless, filepath):
    """Raise unless the file has exactly the arrays of ``entries``, of the right shapes; nothing is read."""
    wanted = {name: shapes for _, name, shapes, _ in entries}
    problems = {
        "Not in the file": [name for name in wanted if name not in names],
        "Only in the file": [n for n in names if n not in wanted and not (headless and n.startswith(_HEADS))],
        "Of another shape": [],
        f"Not of {', '.join(_FLOATS)}": [],
    }
    *_, misshapen, others = problems.values()
    for name, shapes in wanted.items():
        if name in names:
            part = file.get_slice(name)
            if tuple(part.get_shape()) not in shapes:
                misshapen.append(f"{name} {tuple(part.get_shape())}, must be {shapes[0]}")
            elif part.get_dtype() not in _FLOATS:
                others.append(f"{name} {part.get_dtype()}")
    if any(problems.values()):
        listing = " ".join(f"{problem}: {list_names(found, 10)}." for problem, found in problems.items() if found)
        raise ValueError(
            f"The file's weights are not those of the model. {listing} Received: filepath={os.fspath(filepath)!r}"
        )


# Names


def _prefixes(model):
    """A dict of the model's layers that have weights -> how the names of a layer's weights may begin in PyTorch."""
    prefixes, owners = {}, [layer for layer in model.layers if layer.weights]
    names = {layer.name for layer in owners}
    families = [rule for sign, rule in _FAMILIES.items() if sign in names]
    for layer in owners:
        found = families[0](layer.name, names) if families else None
        if found is None:
            raise ValueError(
                "load_torch_weights knows the layers of VGG, ResNet, SE-ResNet and MobileNet in pycnn.applications. "
                f"Received: model={model.name!r} with the layer {layer.name!r}"
            )
        prefixes[layer] = found
    return prefixes


def _resnet(name, names):
    if match := re.fullmatch(r"conv([2-5])_block(\d+)_(\w+)", name):
        stage, block, part = match.groups()
        part = {"0_conv": "downsample.0", "0_bn": "downsample.1"}.get(part, re.sub(r"(\d)_(conv|bn)", r"\2\1", part))
        return (f"layer{int(stage) - 1}.{int(block) - 1}.{part}",)
    return {"conv1_conv": ("conv1",), "conv1_bn": ("bn1",), "predictions": ("fc",)}.get(name)


def _vgg(name, names):
    if match := re.fullmatch(r"block(\d)_conv(\d)", name):
        block, number = map(int, match.groups())
        before = [
            n for n in names if re.fullmatch(rf"block[1-{block}]_conv\d", n) and not n.startswith(f"block{block}")
        ]
        return (f"features.{2 * len(before) + block - 1 + 2 * (number - 1)}",)  # a ReLU for each, a pooling a block
    heads = {"fc1": ("classifier.0", "pre_logits.fc1"), "fc2": ("classifier.3", "pre_logits.fc2")}
    return {**heads, "predictions": ("classifier.6", "head.fc")}.get(name)


def _mobilenet(name, names):
    if match := re.fullmatch(r"conv_(dw|pw)_(\d+)(_bn)?", name):
        kind, number, norm = match.groups()
        stages = [(stage, block) for stage, count in enumerate(_MOBILENET_BLOCKS) for block in range(count)]
        stage, block = stages[int(number) - 1]
        part = f"conv_{kind}" if norm is None else {"dw": "bn1", "pw": "bn2"}[kind]
        return (f"blocks.{stage}.{block}.{part}",)
    return {"conv1": ("conv_stem",), "conv1_bn": ("bn1",), "predictions": ("classifier",)}.get(name)


_MOBILENET_BLOCKS = (1, 2, 2, 6, 2)  # of each of timm's stages
_FAMILIES = {"conv2_block1_1_conv": _resnet, "block1_conv1": _vgg, "conv_dw_1": _mobilenet}  # a layer -> the names


# Arrays


def _entries(layer, prefixes, names):
    """For each weight of a layer: (Variable, name in the file, shapes it may have there, function to our layout)."""
    prefix = next((p for p in prefixes if any(n.startswith(f"{p}.") for n in names)), prefixes[0])
    if isinstance(layer, layers.BatchNormalization):
        own = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        theirs = ("weight", "bias", "running_mean", "running_var")
        return [_vector(v, f"{prefix}.{name}") for v, name in zip(own, theirs, strict=True)]
    if isinstance(layer, layers.SqueezeExcite):
        return [
            _matrix(layer.squeeze_kernel, f"{prefix}.fc1.weight"),
            _vector(layer.squeeze_bias, f"{prefix}.fc1.bias"),
            _matrix(layer.excite_kernel, f"{prefix}.fc2.weight"),
            _vector(layer.excite_bias, f"{prefix}.fc2.bias"),
        ]
    if isinstance(layer, layers.Dense):
        kernel = _matrix(layer.kernel, f"{prefix}.weight", _flattened(layer))
    elif isinstance(layer, layers.DepthwiseConv2D):
        kernel = _depthwise(layer.kernel, f"{prefix}.weight")
    else:
        kernel = _filters(layer.kernel, f"{prefix}.weight")
    return [kernel] if layer.bias is None else [kernel, _vector(layer.bias, f"{prefix}.bias")]


def _flattened(dense):
    """(height, width) of the maps that a dense layer sees flattened, or (1, 1)."""
    before = dense.input.node.layer
    return before.input.shape[1:3] if isinstance(before, layers.Flatten) else (1, 1)


def _vector(variable, name):
    return variable, name, [variable.shape], lambda a: a


def _filters(variable, name):
    height, width, channels, filters = variable.shape
    return variable, name, [(filters, channels, height, width)], lambda a: a.transpose(2, 3, 1, 0)


def _depthwise(variable, name):
    height, width, channels, multiplier = variable.shape

    def convert(a):
        return a.reshape(channels, multiplier, height, width).transpose(2, 3, 0, 1)

    return variable, name, [(channels * multiplier, 1, height, width)], convert


def _matrix(variable, name, size=(1, 1)):
    """Of a dense layer, or of a convolution that covers the whole map: PyTorch flattens (channels, height, width)."""
    inputs, units = variable.shape
    height, width = size
    maps = (units, inputs // (height * width), height, width)

    def convert(a):
        return a.reshape(maps).transpose(2, 3, 1, 0).reshape(inputs, units)

    return variable, name, [(units, inputs), maps], convert
