"""Numbers as the textbooks write them: letters, formulas, products."""

import math

from pycnn.backend.geometry import TotalPadding
from pycnn.layers.structure import is_shape


def nhwc(layer, shape):
    """Shape with a batch of one and the channels last."""
    if getattr(layer, "data_format", None) == "channels_first":
        channels, height, width = shape
        return (1, height, width, channels)
    return (1, *shape)


def letters(layer, i, f, padding, s, d=None, groups=None, asked=None):
    """The line that gives every letter its number."""
    asked = layer.padding if asked is None else asked
    name = f' ("{asked}")' if isinstance(asked, str) and asked != "valid" else ""
    if isinstance(asked, TotalPadding):
        name = f" (in all {asked.height} and {asked.width})"
    text = f"i = {by(i)}, f = {by(f)}, p = {pads(padding)}{name}, s = {once(s)}"
    return text + (f", d = {once(d)}, g = {groups}" if d is not None else "")


def sizes(formula, rows):
    """The formula, and beneath it height and width; once where they are the same."""
    if rows[0] == rows[1]:
        return [f"o = {formula}", f"  = {rows[0]}"]
    return [f"o = {formula}", f"height: {rows[0]}", f"width:  {rows[1]}"]


def pads(padding):
    """Padding as one number where all sides are equal, else side by side."""
    (top, bottom), (left, right) = padding
    if top == bottom == left == right:
        return str(top)
    if top == bottom and left == right:
        return f"{top} above and below, {left} left and right"
    return f"{top} above, {bottom} below, {left} left, {right} right"


def once(pair):
    """A pair as one number where both are equal."""
    return str(pair[0]) if pair[0] == pair[1] else by(pair)


def by(sizes):
    """Sizes as ``32 x 32 x 1``; those of several tensors with "and" between them."""
    if not is_shape(sizes):
        return " and ".join(map(by, sizes))
    return " x ".join(map(str, sizes))


def each(shape, when="", times=1):
    """The line that counts one multiply-add for each number of a shape."""
    several = f" * {times}" if times != 1 else ""
    note = f", one each {when}".rstrip()
    return [f"multiply-adds  {product(shape)}{several}{note} = {times * math.prod(shape):,}"]


def product(sizes):
    """Factors as ``5*5*6``."""
    return "*".join(map(str, sizes))


def divided(channels, groups):
    """Channels of one group."""
    return str(channels) if groups == 1 else f"({channels}/{groups})"


def indented(lines):
    """Lines, moved to the right."""
    return ["    " + line for line in lines]
