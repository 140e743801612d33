"""Which parts of an image a score comes from: Grad-CAM and saliency."""

import numpy as np

from pycnn import ops
from pycnn.analysis.tap import layer_inside, outputs_of_layers, tapped
from pycnn.autograd import Tensor, no_grad, value_and_grad
from pycnn.layers.structure import flatten_structure
from pycnn.ops.activation import logits_of


def grad_cam(model, images, layer=None, target=None, batch_size=32):
    r"""Return the maps of gradient-weighted class activation: where the evidence for a class lies.

    Each channel :math:`A^k` of the layer's output has the weight :math:`\alpha_k`, the mean over all places of the
    gradient of the class's score; the map is :math:`\mathrm{ReLU}(\sum_k \alpha_k A^k)`, enlarged bilinearly to the
    size of the images. The score is that before a softmax or sigmoid, if the model ends in one.

    Parameters
    ----------
    model : Model
        From images to scores (batch, classes), or (batch, ..., classes), which are summed over the places. Of several
        outputs the first counts.
    images : (batch, height, width, channels)
    layer : str, int or Layer, optional
        Whose output is weighted: a name (also inside of models in the model), a number in ``model.layers``, or the
        layer. Unless given, the last that gives maps of more than one pixel. Of several calls the last counts.
    target : int, (batch,) ints or callable, optional
        The class, or one for each image; each image's best unless given. A callable gets what the model gives and
        returns the scores, one for each image.
    batch_size : int
        Images that are computed together.

    Returns
    -------
    (batch, height, width) array
        Not negative. Only the pattern within a map has a meaning: its size depends on the score's.

    Raises
    ------
    ValueError
        If the layer gives no maps.

    References
    ----------
    Selvaraju et al., Grad-CAM: Visual explanations from deep networks via gradient-based localization, ICCV 2017,
    section 3.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([
    ...     layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    >>> grad_cam(model, np.ones((5, 8, 8, 1)), target=1).shape
    (5, 8, 8)
    """
    images = _batch_of_images(images)
    layer = last_maps(model, images[:1]) if layer is None else layer_inside(model, layer)
    if getattr(layer, "data_format", None) == "channels_first":
        raise ValueError(f"layer must give maps with the channels last. Received: layer={layer.name!r}, channels first")
    maps = np.zeros(images.shape[:3], np.float32)
    for first in range(0, len(images), batch_size):
        part = slice(first, first + batch_size)
        maps[part] = _grad_cam(model, images[part], layer, _part(target, part, len(images)))
    return maps


def saliency(model, images, target=None, samples=0, noise=0.15, seed=0, batch_size=32):
    r"""Return how much a class's score changes with each pixel: the gradient's size, the largest over the channels.

    With ``samples`` the gradient is the mean over as many noisy copies of each image (SmoothGrad). The score is that
    before a softmax or sigmoid, if the model ends in one.

    Parameters
    ----------
    model : Model
        From images to scores, as in ``grad_cam``.
    images : (batch, height, width, channels)
    target : int, (batch,) ints or callable, optional
        As in ``grad_cam``.
    samples : int
        Noisy copies of each image; 0 takes the image itself. The paper takes 50.
    noise : float
        Standard deviation of the noise, as a share of the image's range (largest less smallest value).
    seed : int
        Of the noise.
    batch_size : int
        Images that are computed together.

    Returns
    -------
    (batch, height, width) array
        Of the score's units over those of a pixel.

    References
    ----------
    Simonyan, Vedaldi & Zisserman, Deep inside convolutional networks: Visualising image classification models and
    saliency maps, 2013, section 3.1. Smilkov et al., SmoothGrad: Removing noise by adding noise, 2017.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    >>> weights = model.layers[1].kernel.numpy()[:, 1]
    >>> bool(np.array_equal(saliency(model, np.ones((1, 4, 4, 1)), target=1)[0], abs(weights).reshape(4, 4)))
    True
    """
    images = _batch_of_images(images)
    if samples < 0 or noise < 0:
        raise ValueError(f"samples and noise must not be negative. Received: samples={samples}, noise={noise}")
    images = images.astype(model.dtype, copy=False)
    random = np.random.default_rng(seed)
    maps = np.zeros(images.shape[:3], np.float32)
    for first in range(0, len(images), batch_size):
        part = slice(first, first + batch_size)
        x, goal = images[part], _part(target, part, len(images))
        if samples and goal is None:
            with no_grad():
                goal = _best(_scores(model(x, training=False)))  # of the clean image, for all its noisy copies
        spread = noise * (x.max(axis=(1, 2, 3), keepdims=True) - x.min(axis=(1, 2, 3), keepdims=True))
        total = np.zeros(x.shape, np.float64)
        for _ in range(samples or 1):
            noisy = x + (spread * random.standard_normal(x.shape)).astype(x.dtype) if samples else x
            total += _input_gradient(model, noisy, goal)
        maps[part] = np.abs(total / (samples or 1)).max(axis=-1)
    return maps


def last_maps(model, images):
    """Return the layer that is the last to give maps (batch, height, width, channels) of more than one pixel."""
    for layer, y in reversed(outputs_of_layers(model, images)):
        if y.ndim == 4 and y.shape[1] * y.shape[2] > 1:
            return layer
    raise ValueError(f"model must have a layer with maps (batch, height, width, channels). Received: {model.name!r}")


def _grad_cam(model, x, layer, target):
    calls = outputs_of_layers(model, x, [layer])
    if not calls or calls[-1][1].ndim != 4:
        shape = calls[-1][1].shape if calls else "no output"
        raise ValueError(
            "layer must give maps (batch, height, width, channels). "
            f"Received: layer={layer.name!r}, which gives {shape}"
        )
    activations = calls[-1][1]

    def score(maps):
        left = len(calls)

        def replace_last(_, output):
            nonlocal left
            left -= isinstance(output, Tensor)
            return output if left else maps

        with tapped([layer], replace_last):
            return _score(model(x, training=False), target)

    _, gradient = value_and_grad(score)(activations)
    with no_grad():
        weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
        cam = ops.relu(ops.sum(weights * activations, axis=-1, keepdims=True))
        return ops.resize(cam, x.shape[1:3]).numpy()[..., 0]


def _input_gradient(model, x, target):
    return value_and_grad(lambda pixels: _score(model(pixels, training=False), target))(x)[1].numpy()


def _score(outputs, target):
    """The sum over the batch of each image's score: its gradient is that of each image's own."""
    if callable(target):
        scores = target(outputs)
        if not isinstance(scores, Tensor):
            raise TypeError(f"target must return a Tensor of scores. Received: {type(scores).__name__}")
        return ops.sum(scores)
    scores = _scores(outputs)
    classes = scores.shape[-1]
    chosen = _best(scores) if target is None else np.broadcast_to(np.asarray(target), scores.shape[:1])
    if chosen.dtype.kind not in "iu" or (chosen.size and not 0 <= chosen.min() <= chosen.max() < classes):
        raise ValueError(f"target must be classes from 0 to {classes - 1}. Received: target={target!r}")
    mask = np.eye(classes, dtype=scores.dtype)[chosen].reshape(len(chosen), *[1] * (scores.ndim - 2), classes)
    return ops.sum(scores * Tensor(mask))


def _scores(outputs):
    """The first output, before its softmax or sigmoid where the tape knows that: (batch, ..., classes)."""
    outputs = flatten_structure(outputs)[0]
    if outputs.ndim < 2:
        raise ValueError(f"model must give scores (batch, classes). Received: an output of shape {outputs.shape}")
    for name in ("softmax", "sigmoid"):
        logits = logits_of(outputs, name)
        if logits is not None:
            return logits
    return outputs


def _best(scores):
    """The class of the largest score of each image, summed over the places where there are several."""
    values = scores.numpy()
    return values.reshape(len(values), -1, values.shape[-1]).sum(axis=1).argmax(axis=-1)


def _part(target, part, count):
    if target is None or callable(target) or np.ndim(target) == 0:
        return target
    target = np.asarray(target)
    if target.shape != (count,):
        raise ValueError(f"target must be one class, or one for each of {count} images. Received: {target.shape}")
    return target[part]


def _batch_of_images(images):
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"images must be (batch, height, width, channels). Received: images.shape={images.shape}")
    return images
