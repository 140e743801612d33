"""InputSpec: what a layer accepts, and the error with a hint where it gets something else."""


class InputSpec:
    """Number of axes, and sizes of some of them, that an input must have.

    Parameters
    ----------
    dtype : str, optional
        Kept, and not looked at: layers cast their inputs.
    shape : tuple, optional
        The whole shape, with None where any size will do.
    ndim : int, optional
        Exact number of axes, that of the batch included.
    max_ndim, min_ndim : int, optional
        Largest and smallest number of axes.
    axes : dict, optional
        Axis -> size.
    meaning : str, optional
        The axes in words, for the error: ``"(batch, height, width, channels)"``.

    Examples
    --------
    >>> InputSpec(ndim=2, axes={-1: 3}).check((5, 3))
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None, meaning=None):
        self.dtype = dtype
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})
        if shape is not None:
            self.axes.update((i, n) for i, n in enumerate(shape) if n is not None)
        self.shape = shape
        self.meaning = meaning

    def check(self, shape):
        """Raise ValueError unless ``shape`` fits; sizes of None fit everything."""
        rank = len(shape)
        if (
            (self.ndim is not None and rank != self.ndim)
            or (self.min_ndim is not None and rank < self.min_ndim)
            or (self.max_ndim is not None and rank > self.max_ndim)
        ):
            limits = [("at least ", self.min_ndim), ("at most ", self.max_ndim)]
            limits = [("", self.ndim)] if self.ndim is not None else limits
            wanted = " and ".join(f"{word}{n}" for word, n in limits if n is not None)
            raise ValueError(
                f"inputs must have {wanted} axes{self._in_words()}.{self._rank_hint(shape)} "
                f"Received: inputs.shape={tuple(shape)}"
            )
        for axis, size in self.axes.items():
            if shape[axis] is not None and shape[axis] != size:
                raise ValueError(
                    f"inputs must have the size {size} on axis {axis}{self._in_words()}.{self._layout_hint(shape)} "
                    f"Received: inputs.shape={tuple(shape)}"
                )

    def _in_words(self):
        if self.shape is not None:
            return f", the shape {self.shape}"
        return f" {self.meaning}" if self.meaning else ""

    def _rank_hint(self, shape):
        if self.ndim != 4 or len(shape) != 3:
            return ""
        return " Grey images lack the axis of channels: x[..., None]. One image lacks the axis of the batch: x[None]."

    def _layout_hint(self, shape):
        """Say so where the other layout of images would fit."""
        if self.ndim == 4:
            n, a, b, c = shape
            if self._fits((n, b, c, a), 3):
                return _HINT.format("channels_first (NCHW)", "(0, 2, 3, 1)", "channels_first")
            if self._fits((n, c, a, b), 1):
                return _HINT.format("channels_last (NHWC)", "(0, 3, 1, 2)", "channels_last")
        return ""

    def _fits(self, shape, channels):
        """Whether ``shape`` satisfies the sizes, the one on the axis ``channels`` among them."""
        axes = {axis % 4: size for axis, size in self.axes.items()}
        return channels in axes and all(shape[axis] == size for axis, size in axes.items())


_HINT = " It looks like {}: use x.transpose{}, or give the layers data_format={!r}."
