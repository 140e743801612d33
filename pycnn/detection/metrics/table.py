"""Tables to print: a row for each class, and one for all."""

import math


def text_table(head, rows):
    """Return a table as text: the first column from the left, the others from the right; NaN is a dash.

    Examples
    --------
    >>> print(text_table(["class", "objects", "AP"], [["cat", 12, 0.5], ["dog", 0, float("nan")]]))
    class  objects     AP
    cat         12  0.500
    dog          0      -
    """
    cells = [list(map(str, head))] + [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *rest in cells:
        aligned = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def _text(cell):
    if isinstance(cell, float):  # NumPy's are, too
        return "-" if math.isnan(cell) else f"{cell:.3f}"
    return str(cell)


def mean_of_known(values):
    """Return the mean of those that are not NaN, a float; NaN without any."""
    known = values[~_is_nan(values)]
    return float(known.mean()) if known.size else math.nan


def _is_nan(values):
    return values != values
