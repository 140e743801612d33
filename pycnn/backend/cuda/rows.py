"""How an array (outer, rows, inner) is cut for ``kernels/rows.cuh``: by its shape alone, so that sums stay the same."""

from pycnn.backend.cuda.launch import blocks_for

THREADS = 256
_MOST_BLOCKS = 1024  # that sum: all that run at a time on the largest chip
_MOST_SLICES = 65535  # of an elementwise kernel: a grid has no more along y


def _power_of_two(count):
    """The smallest one that is not below."""
    return 1 << max(count - 1, 0).bit_length()


def _cut(outer, rows, inner, together, slices):
    """``struct Rows`` and the grid: so many neighbours together, the threads that are left share the rows of each.

    A lane has 4 rows or more, so that lanes do not mostly wait for each other.
    """
    lanes = min(THREADS // min(together, _power_of_two(inner)), _power_of_two(blocks_for(rows, 4)))
    blocks = blocks_for(outer * inner, THREADS // lanes)
    slices = slices(lanes, max(blocks, 1))
    return (outer * inner, rows, inner, lanes, slices), (blocks, slices)


def sums(outer, rows, inner):
    """``struct Rows`` and the grid of a kernel that sums rows in slices, 16 rows or more for each lane.

    Examples
    --------
    >>> sums(1, 100_000, 64)
    ((64, 100000, 64, 8, 512), (2, 512))
    """

    def slices(lanes, blocks):
        return max(1, min(blocks_for(rows, lanes * 16), blocks_for(_MOST_BLOCKS, blocks)))

    return _cut(outer, rows, inner, 32, slices)


def joined(outer, slices, inner):
    """The same of a kernel that sums what was found in the slices."""
    return _cut(outer, slices, inner, 8, lambda lanes, blocks: 1)


def elementwise(rows, inner):
    """The same of a kernel that goes over (rows, inner), 8 rows or more for each lane, which stays in its column."""
    return _cut(1, rows, inner, 32, lambda lanes, blocks: max(1, min(blocks_for(rows, lanes * 8), _MOST_SLICES)))
