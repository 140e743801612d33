"""Which pixels the positions along one axis see: exact, in whole pixels, also where it differs between positions."""

import math
from fractions import Fraction


class AxisField:
    """The pixels that each position along one axis sees, from a lowest to a highest one, in pixels of the input.

    Positions see a window that moves along with them, but behind a transposed convolution or an enlargement not all
    windows are alike: those of ``len(windows)`` positions are, then all repeat, moved by ``shift`` pixels.

    Parameters
    ----------
    windows : tuple of pairs or None
        Lowest and highest pixel that the first positions see; None for a position that sees nothing.
    shift : int
        By how much the windows have moved when they repeat.
    count : int
        Number of positions.
    clean : range
        Of these positions those that no padding takes part in.
    """

    __slots__ = ("clean", "count", "shift", "windows")

    def __init__(self, windows, shift, count, clean):
        self.windows, self.shift = _shortest(tuple(windows), shift)
        self.count, self.clean = count, clean

    @classmethod
    def of_input(cls, count):
        """Each pixel sees itself."""
        return cls([(0, 0)], 1, count, range(count))

    def at(self, position):
        """Lowest and highest pixel that a position sees, which may lie outside the input; None if it sees nothing."""
        repeats, place = divmod(position, len(self.windows))
        window = self.windows[place]
        return None if window is None else (window[0] + repeats * self.shift, window[1] + repeats * self.shift)

    @property
    def size(self):
        """Pixels that a position sees; the largest number where they differ."""
        return max((high - low + 1 for low, high in filter(None, self.windows)), default=0)

    @property
    def jump(self):
        """Pixels between the windows of neighbouring positions: an int, or a Fraction."""
        jump = Fraction(self.shift, len(self.windows))
        return int(jump) if jump.denominator == 1 else jump

    @property
    def centre(self):
        """The middle of what the first position sees, counted from the middle of the first pixel; None if nothing."""
        window = self.at(0)
        return None if window is None else sum(window) / 2

    def seen_by(self, sees, positions, steps, count):
        """Return the field of positions that see positions of this axis.

        ``sees(o)`` are the positions that position ``o`` sees, and ``sees(o + positions)`` are the same moved by
        ``steps``. There are ``count`` new positions.
        """
        repeats = len(self.windows) // math.gcd(len(self.windows), steps)
        windows = [_union(self.at(place) for place in sees(o)) for o in range(positions * repeats)]
        clean = [o for o in range(count) if all(place in self.clean for place in sees(o))]
        shift = self.shift * steps * repeats // len(self.windows)
        return AxisField(windows, shift, count, _longest_run(clean))

    def window(self, size, stride, dilation, before, count):
        """Return the field of windows: those of a convolution or a pooling with ``before`` rows of padding."""
        return self.seen_by(lambda o: [o * stride - before + k * dilation for k in range(size)], 1, stride, count)

    def transposed(self, size, stride, dilation, before, count):
        """Return the field of a transposed convolution, whose places are those of the convolution that it undoes."""

        def sees(o):
            reached = [o + before - k * dilation for k in range(size)]
            return [place // stride for place in reached if place % stride == 0]

        return self.seen_by(sees, stride, 1, count)

    def resized(self, count, interpolation):
        """Return the field of the axis resized to ``count`` positions."""
        ratio = Fraction(self.count, count)

        def sees(o):
            place = (o + Fraction(1, 2)) * ratio
            if interpolation == "nearest":
                return [math.floor(place)]
            place -= Fraction(1, 2)
            return [math.floor(place), math.ceil(place)]

        return self.seen_by(sees, ratio.denominator, ratio.numerator, count)

    def united(self, other):
        """Return the field of positions that see what two kinds of positions see; their jumps must be equal."""
        period = math.lcm(len(self.windows), len(other.windows))
        windows = [_union([self.at(o), other.at(o)]) for o in range(period)]
        clean = range(max(self.clean.start, other.clean.start), min(self.clean.stop, other.clean.stop))
        return AxisField(windows, self.shift * period // len(self.windows), self.count, clean)


def _union(windows):
    """The lowest and the highest pixel of windows, which may be None."""
    seen = [window for window in windows if window is not None]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def _longest_run(positions):
    """The longest range of successive numbers among rising ones."""
    best = run = range(0)
    for place in positions:
        run = range(run.start, place + 1) if run and place == run.stop else range(place, place + 1)
        best = max(best, run, key=len)
    return best


def _shortest(windows, shift):
    """The same windows with the shortest period."""
    count = len(windows)
    for period in range(1, count // 2 + 1):
        if count % period or shift * period % count:
            continue
        step = shift * period // count
        moved = [
            window and (window[0] + o // period * step, window[1] + o // period * step)
            for o, window in enumerate(windows[:period] * (count // period))
        ]
        if tuple(moved) == windows:
            return windows[:period], step
    return windows, shift
