"""One floating dtype for the arrays of one operation."""

from pycnn import config
from pycnn.backend import get_backend


def same_float(*arrays):
    """Bring arrays (None stays None) to one floating dtype: the widest among them, ``floatx`` if none floats.

    Integer and boolean arrays follow the floating ones.
    """
    dtypes = {a.dtype for a in arrays if a is not None}
    if len(dtypes) == 1 and next(iter(dtypes)).kind == "f":
        return arrays
    xp = get_backend().xp
    floats = [d for d in dtypes if d.kind == "f"]
    dtype = xp.result_type(*floats) if floats else xp.dtype(config.floatx())
    return tuple(None if a is None else a.astype(dtype, copy=False) for a in arrays)
