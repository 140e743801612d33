"""Whether shifts go through a layer: translation equivariance, and invariance."""

import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from pycnn.analysis.receptive_field import receptive_field
from pycnn.autograd import Tensor, no_grad
from pycnn.explain.calls import copy_of
from pycnn.explain.wording import once
from pycnn.layers import Layer


class EquivarianceError(AssertionError):
    """A layer does something else where its input was shifted."""


class Shift(NamedTuple):
    """One shift of the input, (down, right) in pixels, and what it did.

    ``output`` is the shift of the output in places; (0, 0) where the output has no places, and None where ``input`` is
    no multiple of the stride, so that only the nearest whole shifts could be compared. ``deviation`` is the largest
    difference between the output of the shifted input and the shifted output, relative to the largest output.
    """

    input: tuple
    output: tuple | None
    deviation: float


class Equivariance:
    """What ``check_equivariance`` returns; true if shifts by multiples of the stride go through. ``str()`` says it.

    Attributes
    ----------
    shifts : list of Shift
    stride : tuple of ints
        Smallest shifts (down, right), in pixels, that the output can follow by whole places.
    invariant : bool
        Whether the output has no places, so that it should stay as it is.
    deviation : float
        The largest at shifts by multiples of the stride; ``worst`` is that Shift.
    passed : bool
        Whether it is at most ``tolerance``.
    any_shift : bool
        Whether all other shifts that were tried go through, too.
    """

    def __init__(self, name, shifts, stride, invariant, tolerance):
        self.name, self.shifts, self.stride = name, shifts, stride
        self.invariant, self.tolerance = invariant, tolerance
        self.worst = max((s for s in shifts if s.output is not None), key=_deviation)
        self.deviation = self.worst.deviation
        self.passed = self.deviation <= tolerance
        self.any_shift = self.passed and all(shift.deviation <= tolerance for shift in shifts)

    def __bool__(self):
        return self.passed

    def __str__(self):
        kind = "invariant" if self.invariant else "equivariant"
        most = f"largest deviation {self.deviation:.1e}, at shift {self.worst.input}"
        if not self.passed:
            return f"{self.name}: not {kind} to translation; {most}"
        others = [shift for shift in self.shifts if shift.output is None]
        if self.any_shift:
            return f"{self.name}: {kind} to translation; {most}"
        worst = max(others, key=_deviation)
        return (
            f"{self.name}: {kind} to translation by multiples of its stride {once(self.stride)} only; {most}; "
            f"but {worst.deviation:.1e} at shift {worst.input}"
        )

    def __repr__(self):
        return f"<Equivariance: {self}>"


def check_equivariance(layer, input_shape, stride=None, shifts=None, tolerance=None, seed=0, raise_error=False):
    """Test whether shifting the input of a layer shifts its output, away from borders.

    The input is random numbers with zeros around them, which are moved. Where a layer has strides, only shifts by
    multiples of their product can go through; others are tried, too, and the answer says if they do not. An output
    without places, such as that of global pooling, should not change at all.

    Parameters
    ----------
    layer : Layer, model or callable
        In inference. A layer that was not built is left so: a copy with random weights is tested.
    input_shape : (height, width, channels)
        Large enough that some places of the output do not see the border.
    stride : int, Fraction or pair of them, optional
        Pixels of the input between places of the output: 2 of a convolution with stride 2, Fraction(1, 2) of a doubling
        in size. It is known of layers that ``receptive_field`` knows, and must be given of others; of functions it
        follows from the sizes of input and output unless given. Where it is given, and of functions, a quarter of the
        output on each side counts as border.
    shifts : list of pairs, optional
        (down, right) in pixels of the input; a choice of multiples of the stride, and of others, unless given.
    tolerance : float, optional
        Allowed deviation, relative to the largest output; by the dtype of the output unless given: 1e-4 or 1e-10, for
        fast algorithms of convolution round differently from place to place.
    seed : int
    raise_error : bool
        Raise if the check fails.

    Returns
    -------
    Equivariance
        True in conditions if the check was passed.

    Raises
    ------
    EquivarianceError
        With ``raise_error``, if shifts by multiples of the stride do not go through.
    ValueError
        If the input is too small.

    Examples
    --------
    >>> from pycnn import layers
    >>> from pycnn.analysis import check_equivariance
    >>> check = check_equivariance(layers.MaxPooling2D(2), (16, 16, 3))
    >>> check.passed, check.stride, check.any_shift
    (True, (2, 2), False)
    >>> print(check_equivariance(layers.GlobalMaxPooling2D(), (16, 16, 3)))
    global_max_pooling2d (GlobalMaxPooling2D): invariant to translation; largest deviation 0.0e+00, at shift (1, 0)
    """
    if not callable(layer):
        raise TypeError(f"layer must be a layer, a model or a function. Received: layer={layer!r}")
    if len(input_shape) != 3:
        raise ValueError(f"input_shape must be (height, width, channels). Received: input_shape={input_shape!r}")
    run = _runner(layer)
    axes = _known_axes(layer, input_shape) if isinstance(layer, Layer) and stride is None else None
    if axes is None:
        axes = _axes_by_size(run(np.zeros((1, *input_shape))).shape, input_shape, stride)
    periods = [(axis.shift, axis.positions) for axis in axes]
    shifts = [tuple(map(int, shift)) for shift in shifts] if shifts is not None else _choose(periods, input_shape)
    images = _images(input_shape, shifts, np.random.default_rng(seed))
    still, *moved = run(images)
    invariant = still.ndim < 3
    scale = float(np.abs(still).max()) or 1.0
    results = []
    for shift, output in zip(shifts, moved, strict=True):
        follows = [Fraction(d * positions, pixels) for d, (pixels, positions) in zip(shift, periods, strict=True)]
        whole = all(f.denominator == 1 for f in follows)
        if invariant:
            difference = np.abs(output - still).max()
        else:
            near = [sorted({f.numerator // f.denominator, -(-f.numerator // f.denominator)}) for f in follows]
            difference = min(_difference(still, output, by, axes) for by in itertools.product(*near))
        expected = ((0, 0) if invariant else tuple(int(f) for f in follows)) if whole else None
        results.append(Shift(shift, expected, float(difference) / scale))
    if all(result.output is None for result in results):
        raise ValueError(f"shifts must hold multiples of the stride, {periods}. Received: shifts={shifts}")
    tolerance = (1e-10 if still.dtype == np.float64 else 1e-4) if tolerance is None else tolerance
    check = Equivariance(_name(layer), results, tuple(pixels for pixels, _ in periods), invariant, tolerance)
    if raise_error and not check:
        raise EquivarianceError(f"The layer does not commute with shifts. Received: {check}")
    return check


class _Axis(NamedTuple):
    """A shift by ``shift`` pixels moves the output by ``positions`` places; ``clean`` places do not see the border."""

    shift: int
    positions: int
    clean: range


def _known_axes(layer, input_shape):
    """The axes of a layer that ``receptive_field`` knows: of its output, or the last ones before it has no places."""
    fields = receptive_field(layer, input_shape)
    axes = next((field.axes for field in reversed(list(fields)) if field.axes is not None), None)
    if axes is None:
        return [_Axis(1, 1, range(n)) for n in input_shape[:2]]
    return [_Axis(axis.shift, len(axis.windows), axis.clean) for axis in axes]


def _axes_by_size(output_shape, input_shape, stride):
    sizes = output_shape[1:3] if len(output_shape) == 4 else input_shape[:2]
    strides = stride if isinstance(stride, (tuple, list)) else (stride, stride)
    axes = []
    for given, count, n in zip(strides, sizes, input_shape, strict=False):
        found = Fraction(round(n / count)) if n >= count else Fraction(1, round(count / n))
        ratio = found if given is None else Fraction(given)
        axes.append(_Axis(ratio.numerator, ratio.denominator, range(count // 4, count - count // 4)))
    return axes


def _choose(periods, sizes):
    """Multiples of the stride in several directions, as far as the input is large enough, and some other shifts."""
    (down, _), (right, _) = periods
    off = [(d, 0) for d in sorted({1, down // 2, down - 1}) if d % down]
    off += [(0, d) for d in sorted({1, right // 2, right - 1}) if d % right]
    further = [shift for shift in ((-down, right), (2 * down, -right)) if 2 * abs(shift[0]) < sizes[0] - down]
    return [(down, 0), (0, right), *further, *off]


def _images(input_shape, shifts, rng):
    """Random numbers in the middle of zeros, and the same shifted."""
    margins = [max(abs(shift[axis]) for shift in shifts) for axis in (0, 1)]
    size = [n - 2 * margin for n, margin in zip(input_shape, margins, strict=False)]
    if min(size) < 1:
        raise ValueError(
            f"input_shape must be larger than twice the shifts, {tuple(margins)}. Received: input_shape={input_shape}"
        )
    content = rng.standard_normal((*size, input_shape[2]))
    images = np.zeros((1 + len(shifts), *input_shape))
    for image, (down, right) in zip(images, [(0, 0), *shifts], strict=True):
        top, left = margins[0] + down, margins[1] + right
        image[top : top + size[0], left : left + size[1]] = content
    return images


def _difference(still, moved, by, axes):
    """The largest difference between an output and another that should be the same, moved by whole places."""
    before, after = [], []
    for axis, d in zip(axes, by, strict=True):
        start, stop = max(axis.clean.start, axis.clean.start + d), min(axis.clean.stop, axis.clean.stop + d)
        if stop <= start:
            raise ValueError(
                "input_shape must be larger: all places of the output see the border, before or after a shift. "
                f"Received: places that do not see it={axis.clean}, shift of the output={d}"
            )
        after.append(slice(start, stop))
        before.append(slice(start - d, stop - d))
    return np.abs(moved[tuple(after)] - still[tuple(before)]).max()


def _runner(layer):
    """A function of NumPy arrays that gives NumPy arrays."""
    if isinstance(layer, Layer) and not layer.built:
        layer = copy_of(layer)

    def run(images):
        with no_grad():
            inputs = Tensor(images)
            outputs = layer(inputs, training=False) if isinstance(layer, Layer) else layer(inputs)
            return np.asarray(outputs)

    return run


def _deviation(shift):
    return shift.deviation


def _name(layer):
    if isinstance(layer, Layer):
        return f"{layer.name} ({type(layer).__name__})"
    return getattr(layer, "__name__", type(layer).__name__)
