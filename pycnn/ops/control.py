"""Control flow. Everything runs eagerly here: these are Python's own ``if`` and loops under Keras's names."""

from pycnn.autograd import as_tensor
from pycnn.ops.shaping import stack


def cond(pred, true_fn, false_fn):
    """Call ``true_fn()`` if ``pred`` holds, else ``false_fn()``."""
    return true_fn() if pred else false_fn()


def switch(index, branches, *operands):
    """Call the function number ``index`` of ``branches`` (the nearest one, if there is none) with ``operands``."""
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """Replace ``loop_vars`` by ``body(*loop_vars)`` while ``cond(*loop_vars)`` holds.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.while_loop(lambda n: n < 10, lambda n: n * 2, 1).item()
    16
    """
    several = isinstance(loop_vars, (tuple, list))
    values = tuple(as_tensor(v) for v in (loop_vars if several else (loop_vars,)))
    done = 0
    while (maximum_iterations is None or done < maximum_iterations) and cond(*values):
        values = body(*values)
        values = tuple(values) if isinstance(values, (tuple, list)) else (values,)
        done += 1
    return values if several else values[0]


def fori_loop(lower, upper, body_fun, init_val):
    """Replace the value by ``body_fun(i, value)`` for i from ``lower`` up to, not including, ``upper``."""
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def _is_several(value):
    return isinstance(value, (tuple, list))


def _stacked(results):
    """Results of all steps, stacked: a tensor, or a tuple of them."""
    if not results or results[0] is None:
        return None
    if _is_several(results[0]):
        return tuple(_stacked([r[i] for r in results]) for i in range(len(results[0])))
    return stack(results)


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Go through the slices of ``xs`` along its first axis: (carry, y) = f(carry, x).

    Parameters
    ----------
    f : callable
    init : the first carry, of any kind
    xs : tensor or tuple of tensors, optional
        Without it x is None, and ``length`` says how many steps there are.
    length : int, optional
    reverse : bool
        Begin with the last slice.
    unroll
        Accepted for Keras's scripts.

    Returns
    -------
    carry, ys
        The last carry, and the results of all steps stacked in the order of ``xs``.
    """
    if xs is None and length is None:
        raise ValueError("xs or length must be given. Received: xs=None, length=None")
    several = _is_several(xs) and not isinstance(xs[0], (int, float, list))  # nested lists are an array
    parts = None if xs is None else [as_tensor(x) for x in (xs if several else (xs,))]
    count = int(length) if length is not None else len(parts[0])
    carry, results = init, [None] * count
    for i in reversed(range(count)) if reverse else range(count):
        x = None if parts is None else tuple(p[i] for p in parts) if several else parts[0][i]
        carry, results[i] = f(carry, x)
    return carry, _stacked(results)


def map(f, xs):
    """Results of ``f`` for each slice of ``xs`` (a tensor, or a tuple of them) along the first axis, stacked.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.map(lambda row: row.sum(), [[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([3., 7.], dtype=float32)
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


def vectorized_map(function, elements):
    """The same as ``map``: there is no faster way here."""
    return map(function, elements)
