"""Random affine maps of images, for training: rotation, zoom, shear, translation.

Each layer draws one 3x3 matrix an image, which takes a pixel (column, row, 1) of the output to the place in the
input that it shows. Where such layers follow each other with the same borders and interpolation, a Sequential
multiplies their matrices and resamples once: the images are blurred less, and nothing that one map pushes over
the edge and the next brings back is lost.
"""

import functools

import numpy as np

from pycnn import ops
from pycnn.layers.image import ImageLayer
from pycnn.layers.resize import read_interpolation
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable

_FILL_MODES = ("constant", "nearest", "reflect", "wrap")


class RandomAffine(ImageLayer):
    """What the layers of this file share. Subclasses define ``matrices``.

    With ``training=False``, as in ``evaluate`` and ``predict``, the images pass unchanged. In ``fit``, and where the
    layer or a model around it is called without the argument ``training``, they are changed, as in Keras.
    """

    _arguments = ("fill_mode", "interpolation", "seed", "fill_value")

    def __init__(
        self, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None, **kwargs
    ):
        super().__init__(data_format, **kwargs)
        if fill_mode not in _FILL_MODES:
            raise ValueError(f"fill_mode must be one of {', '.join(_FILL_MODES)}. Received: fill_mode={fill_mode!r}")
        self.fill_mode = fill_mode
        self.interpolation = read_interpolation(interpolation)
        self.seed = seed
        self.fill_value = float(fill_value)
        self._random = SeedGenerator(seed)

    def matrices(self, generator, count, height, width):
        """Draw ``count`` matrices, (count, 3, 3) float64, for images of this size."""
        raise NotImplementedError(f"{type(self).__name__} must define matrices(self, generator, count, height, width)")

    def call(self, inputs, followers=(), training=True):
        """Compute the output. ``followers`` are layers right behind this one, whose maps join its own."""
        if not training:
            return inputs
        if self._first:
            inputs = ops.transpose(inputs, (0, 2, 3, 1))
        count, height, width, _ = inputs.data.shape
        matrices = self.matrices(self._random.generator(), count, height, width)
        for layer in followers:
            matrices = matrices @ layer.matrices(layer._random.generator(), count, height, width)
        outputs = ops.affine2d(
            inputs, matrices[:, :2].reshape(count, 6), self.interpolation, self.fill_mode, self.fill_value
        )
        return ops.transpose(outputs, (0, 3, 1, 2)) if self._first else outputs

    def joins(self, other):
        """Whether ``other``, right behind this layer, can share its resampling."""
        return (
            isinstance(other, RandomAffine)
            and (self.fill_mode, self.interpolation, self.fill_value, self.data_format, self.dtype_policy)
            == (other.fill_mode, other.interpolation, other.fill_value, other.data_format, other.dtype_policy)
            and self.activity_regularizer is None
            and other.activity_regularizer is None
        )


def join_affine(layers):
    """Return callables that do what ``layers`` do one after another, each run of affine layers as one."""
    steps, run = [], []
    for layer in (*layers, None):
        if run and run[0].joins(layer):
            run.append(layer)
            continue
        if run:
            steps.append(functools.partial(run[0], followers=tuple(run[1:])) if len(run) > 1 else run[0])
            run = []
        if isinstance(layer, RandomAffine):
            run = [layer]
        elif layer is not None:
            steps.append(layer)
    return steps


def _range(argument, value, smallest):
    """Return (lower, upper) of a factor: a number means from its negative to itself."""
    bounds = (-abs(value), abs(value)) if isinstance(value, (int, float)) else value
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2 or not all(smallest <= b <= 1 for b in _given(value)):
        raise ValueError(
            f"{argument} must be a number, or a pair of numbers, in [{smallest}, 1]. Received: {argument}={value!r}"
        )
    return tuple(sorted(float(b) for b in bounds))


def _given(value):
    return value if isinstance(value, (tuple, list)) else (value,)


def _about_centre(matrices, height, width):
    """Let matrices that leave (0, 0) in its place leave the image's centre in its place instead."""
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrices[:, :2, 2] += centre - matrices[:, :2, :2] @ centre
    return matrices


def _identity(count):
    matrices = np.zeros((count, 3, 3))
    matrices[:, [0, 1, 2], [0, 1, 2]] = 1
    return matrices


@register_serializable("layers")
class RandomRotation(RandomAffine):
    """Turn each image about its centre by a random angle, in training.

    Parameters
    ----------
    factor : float or pair of floats
        Angle as a fraction of a full turn, positive counter-clockwise: 0.1 means from -36 to 36 degrees.
    fill_mode : {"reflect", "constant", "wrap", "nearest"}
        What lies outside the image: its mirror image (dcba|abcd|dcba), ``fill_value``, itself again, or its edge.
    interpolation : {"bilinear", "nearest"}
    seed : int, optional
        For a sequence of angles of the layer's own.
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> quarter = layers.RandomRotation((0.25, 0.25))
    >>> quarter(np.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None], training=True).numpy()[0, :, :, 0].round(4)
    array([[2., 4.],
           [1., 3.]], dtype=float32)
    """

    _arguments = ("factor",)

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor
        self._turns = _range("factor", factor, -1)

    def matrices(self, generator, count, height, width):
        """Draw ``count`` rotations."""
        angle = 2 * np.pi * generator.uniform(*self._turns, count)
        cosine, sine = np.cos(angle), np.sin(angle)
        matrices = _identity(count)
        matrices[:, 0, 0] = matrices[:, 1, 1] = cosine
        matrices[:, 0, 1], matrices[:, 1, 0] = -sine, sine
        return _about_centre(matrices, height, width)


@register_serializable("layers")
class RandomZoom(RandomAffine):
    """Make what each image shows randomly smaller or larger about its centre, in training.

    Parameters
    ----------
    height_factor : float or pair of floats
        Positive zooms out, negative in: 0.2 shows from 80 to 120 % of the height.
    width_factor : float or pair of floats, optional
        The same for the width; unless given, width and height get the same zoom.
    fill_mode, interpolation, seed, fill_value, data_format
        As in RandomRotation.
    """

    _arguments = ("height_factor", "width_factor")

    def __init__(
        self,
        height_factor,
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._high = _range("height_factor", height_factor, -1)
        self._wide = None if width_factor is None else _range("width_factor", width_factor, -1)

    def matrices(self, generator, count, height, width):
        """Draw ``count`` zooms."""
        matrices = _identity(count)
        matrices[:, 1, 1] = 1 + generator.uniform(*self._high, count)
        matrices[:, 0, 0] = matrices[:, 1, 1] if self._wide is None else 1 + generator.uniform(*self._wide, count)
        return _about_centre(matrices, height, width)


@register_serializable("layers")
class RandomShear(RandomAffine):
    """Slant each image randomly, in training.

    Other than Keras, which shears about the upper left corner and so moves what the image shows, this layer
    leaves the image's centre in its place.

    Parameters
    ----------
    x_factor : float or pair of floats
        Columns that a row is pushed for each row above or below the centre, in [0, 1]; a pair is the range of
        the amount, of either sign.
    y_factor : float or pair of floats
        Rows that a column is pushed for each column beside the centre.
    interpolation, fill_mode, fill_value, data_format, seed
        As in RandomRotation.
    """

    _arguments = ("x_factor", "y_factor")

    def __init__(
        self,
        x_factor=0.0,
        y_factor=0.0,
        interpolation="bilinear",
        fill_mode="reflect",
        fill_value=0.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor, self.y_factor = x_factor, y_factor
        self._x, self._y = _range("x_factor", x_factor, 0), _range("y_factor", y_factor, 0)

    def matrices(self, generator, count, height, width):
        """Draw ``count`` shears."""
        sign = np.where(generator.random(count) < 0.5, -1.0, 1.0)
        matrices = _identity(count)
        matrices[:, 0, 1] = sign * generator.uniform(*self._x, count)
        matrices[:, 1, 0] = sign * generator.uniform(*self._y, count)
        return _about_centre(matrices, height, width)


@register_serializable("layers")
class RandomTranslation(RandomAffine):
    """Move what each image shows randomly, in training.

    Parameters
    ----------
    height_factor : float or pair of floats
        As a fraction of the height, positive downwards: 0.1 means up to a tenth up or down.
    width_factor : float or pair of floats
        As a fraction of the width, positive to the right.
    fill_mode, interpolation, seed, fill_value, data_format
        As in RandomRotation.
    """

    _arguments = ("height_factor", "width_factor")

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down, self._right = (_range("height_factor", height_factor, -1), _range("width_factor", width_factor, -1))

    def matrices(self, generator, count, height, width):
        """Draw ``count`` translations."""
        matrices = _identity(count)
        matrices[:, 1, 2] = -height * generator.uniform(*self._down, count)
        matrices[:, 0, 2] = -width * generator.uniform(*self._right, count)
        return matrices
