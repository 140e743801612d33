"""Learning rates that depend on the step: Keras's schedules, and the one-cycle policy."""

import math

from pycnn.registration import Configurable, deserialize, register_serializable, serialize


class LearningRateSchedule(Configurable):
    """Base class. A subclass defines ``__call__(step)``, which returns the learning rate of a step, counted from 0."""

    def __call__(self, step):
        """Return the learning rate of ``step``, a float."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")


def _positive(argument, value):
    if not value > 0:
        raise ValueError(f"{argument} must be positive. Received: {argument}={value!r}")
    return value


def _cosine(start, end, share):
    """From ``start`` to ``end`` along half a wave, for ``share`` from 0 to 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


@register_serializable("schedules")
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ** (step / decay_steps); with ``staircase`` the exponent is a whole number.

    Examples
    --------
    >>> from pycnn.optimizers import schedules
    >>> schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate, self.decay_rate, self.name = initial_learning_rate, decay_rate, name
        self.decay_steps, self.staircase = _positive("decay_steps", decay_steps), staircase

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        exponent = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate**exponent


@register_serializable("schedules")
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], ..., at last values[-1]."""

    _arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "values must be one more than boundaries. "
                f"Received: boundaries of length {len(boundaries)}, values of length {len(values)}"
            )
        if list(boundaries) != sorted(boundaries):
            raise ValueError(f"boundaries must rise. Received: boundaries={boundaries!r}")
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        for boundary, value in zip(self.boundaries, self.values, strict=False):
            if step <= boundary:
                return value
        return self.values[-1]


@register_serializable("schedules")
class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ** power + end, and ``end`` after ``decay_steps``.

    With ``cycle`` it does not stay there: ``decay_steps`` becomes its first multiple that ``step`` has not passed.
    """

    _arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate, self.end_learning_rate, self.power = initial_learning_rate, end_learning_rate, power
        self.decay_steps, self.cycle, self.name = _positive("decay_steps", decay_steps), cycle, name

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        steps = self.decay_steps
        if self.cycle:
            steps *= max(math.ceil(step / steps), 1)
        share = min(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * (
            1 - share
        ) ** self.power + self.end_learning_rate


@register_serializable("schedules")
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); with ``staircase`` the quotient is whole."""

    _arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self.initial_learning_rate, self.decay_rate, self.name = initial_learning_rate, decay_rate, name
        self.decay_steps, self.staircase = _positive("decay_steps", decay_steps), staircase

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        quotient = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * quotient)


@register_serializable("schedules")
class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from the highest rate down to ``alpha`` times it, after a warm-up (Loshchilov, Hutter 2017).

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Steps of the wave, after those of the warm-up.
    alpha : float
        The last rate, as a share of the highest.
    name : str
    warmup_target : float, optional
        With it the rate first rises from ``initial_learning_rate`` to this, in ``warmup_steps`` equal steps, and the
        wave falls from there.
    warmup_steps : int

    Examples
    --------
    >>> from pycnn.optimizers import schedules
    >>> [round(schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)(step), 3) for step in (0, 2, 4, 9, 14)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    _arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0
    ):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        highest = self.initial_learning_rate
        if self.warmup_target is not None:
            highest = self.warmup_target
            if step < self.warmup_steps:
                share = step / self.warmup_steps
                return self.initial_learning_rate + (highest - self.initial_learning_rate) * share
            step -= self.warmup_steps
        return _cosine(highest, self.alpha * highest, min(step, self.decay_steps) / self.decay_steps)


@register_serializable("schedules")
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosine waves one after another, each ``t_mul`` times as long and ``m_mul`` times as high as the one before.

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : int
    t_mul : float >= 1
    m_mul : float
    alpha : float
        The lowest rate, as a share of the first wave's highest.
    name : str
    """

    _arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        if not t_mul >= 1:
            raise ValueError(f"t_mul must be at least 1. Received: t_mul={t_mul!r}")
        self.t_mul, self.m_mul = t_mul, m_mul

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        wave, length = 0, self.first_decay_steps
        if self.t_mul == 1:
            wave, step = divmod(step, length)
        while step >= length:
            wave, step, length = wave + 1, step - length, length * self.t_mul
        height = (1 - self.alpha) * self.m_mul**wave
        return self.initial_learning_rate * (_cosine(height, 0.0, step / length) + self.alpha)


@register_serializable("schedules")
class OneCycle(LearningRateSchedule):
    """Up along half a cosine wave, then down to nearly nothing along a longer one (Smith and Topin 2018).

    Parameters
    ----------
    max_learning_rate : float
    total_steps : int
        Of the whole training: epochs times batches an epoch. Afterwards the rate stays at its lowest.
    pct_start : float in (0, 1)
        Share of the steps that go up.
    div_factor : float
        The first rate is ``max_learning_rate / div_factor``.
    final_div_factor : float
        The last rate is the first one divided by this.
    name : str

    Examples
    --------
    >>> from pycnn.optimizers import schedules
    >>> [round(schedules.OneCycle(1.0, 11)(step), 3) for step in (0, 2.3, 10)]
    [0.04, 1.0, 0.0]
    """

    _arguments = ("max_learning_rate", "total_steps", "pct_start", "div_factor", "final_div_factor", "name")

    def __init__(
        self, max_learning_rate, total_steps, pct_start=0.3, div_factor=25.0, final_div_factor=1e4, name="OneCycle"
    ):
        self.max_learning_rate, self.total_steps = max_learning_rate, _positive("total_steps", total_steps)
        if not 0 < pct_start < 1:
            raise ValueError(f"pct_start must lie in (0, 1). Received: pct_start={pct_start!r}")
        self.pct_start, self.name = pct_start, name
        self.div_factor = _positive("div_factor", div_factor)
        self.final_div_factor = _positive("final_div_factor", final_div_factor)

    def __call__(self, step):
        """Return the learning rate of ``step``."""
        highest, first = self.max_learning_rate, self.max_learning_rate / self.div_factor
        top, end = self.pct_start * self.total_steps - 1, self.total_steps - 1
        if step <= top:
            return _cosine(first, highest, step / top if top else 1.0)
        share = min((step - top) / (end - top), 1.0) if end > top else 1.0
        return _cosine(highest, first / self.final_div_factor, share)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
