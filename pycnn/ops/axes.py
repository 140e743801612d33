"""Which axes an argument names."""


def is_axis(value, ndim):
    """Whether ``value`` is an integer that names one of ``ndim`` axes, from either end."""
    return hasattr(value, "__index__") and -ndim <= value < ndim


def normalize_axis(axis, ndim, argument="axis"):
    """Return ``axis`` counted from 0, or raise an error that names ``argument``."""
    if not is_axis(axis, ndim):
        raise ValueError(
            f"{argument} must be an integer from {-ndim} to {ndim - 1}. "
            f"Received: {argument}={axis!r} for a tensor of {ndim} axes"
        )
    return int(axis) % ndim


def normalize_axes(axis, ndim, argument="axis"):
    """Return ``axis`` (None for all, an int, or a tuple) as a rising tuple of axes from 0, or raise."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    normal = sorted({normalize_axis(a, ndim, argument) for a in axes})
    if len(normal) != len(axes):
        raise ValueError(f"{argument} must not name an axis twice. Received: {argument}={axis!r}")
    return tuple(normal)


def without(shape, axes):
    """``shape`` without the axes in ``axes``."""
    return tuple(n for i, n in enumerate(shape) if i not in axes)
