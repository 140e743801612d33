"""Dropout (Srivastava et al. 2014)."""

from pycnn import config
from pycnn.autograd import Function, as_tensor
from pycnn.ops.arithmetic import unbroadcast
from pycnn.ops.promotion import as_float


class _Dropout(Function):
    def forward(self, x, *, rate, noise_shape, generator):
        x = as_float(x)
        self.shape = x.shape
        uniform = self.backend.random_uniform(generator, noise_shape, x.dtype)
        self.mask = (uniform >= rate) * x.dtype.type(1 / (1 - rate))
        return x * self.mask

    def backward(self, gy):
        return unbroadcast(gy * self.mask, self.shape)


def dropout(x, rate, noise_shape=None, generator=None):
    """Set a random share ``rate`` of the elements to 0 and scale the others by 1 / (1 - rate).

    Parameters
    ----------
    x : array
    rate : float in [0, 1)
    noise_shape : tuple, optional
        Shape of the random mask, which is broadcast to x's; a None in it is x's own size.
    generator : numpy.random.Generator, optional
        Defaults to the one that ``set_random_seed`` seeds.

    Raises
    ------
    ValueError
        If ``rate`` is outside [0, 1) or ``noise_shape`` cannot be broadcast to x's shape.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.dropout([1.0, 2.0], 0.0).numpy()
    array([1., 2.], dtype=float32)
    """
    x = as_tensor(x)
    if not 0 <= rate < 1:
        raise ValueError(f"rate must lie in [0, 1). Received: rate={rate!r}")
    if noise_shape is None:
        noise_shape = x.shape
    else:
        full = tuple(n if m is None else m for m, n in zip(noise_shape, x.shape, strict=False))
        if len(noise_shape) != x.ndim or any(m not in (1, n) for m, n in zip(full, x.shape, strict=True)):
            raise ValueError(
                f"noise_shape must have 1, None or x's size for each axis of x.shape={x.shape}. "
                f"Received: noise_shape={tuple(noise_shape)}"
            )
        noise_shape = full
    if not rate:
        return x
    return _Dropout.apply(x, rate=rate, noise_shape=noise_shape, generator=generator or config.generator())
