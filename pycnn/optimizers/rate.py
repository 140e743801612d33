"""The learning rate: what may be given as one, and what an optimizer shows."""

import math


class Rate(float):
    """A learning rate, a float, with the methods of the variable that it is in Keras."""

    __slots__ = ("_optimizer",)

    def __new__(cls, value, optimizer):
        rate = super().__new__(cls, value)
        rate._optimizer = optimizer
        return rate

    def __reduce__(self):
        return float, (float(self),)

    def assign(self, value):
        """Change the optimizer's learning rate."""
        self._optimizer.learning_rate = value

    def numpy(self):
        """Return the number."""
        return float(self)


def read_learning_rate(value):
    """Return a float in [0, inf), or the schedule or callable that was given; raise for anything else."""
    if callable(value):
        return value
    try:
        value = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"learning_rate must be a number, a schedule or a callable. Received: learning_rate={value!r}"
        ) from None
    if not 0 <= value < math.inf:
        raise ValueError(f"learning_rate must be >= 0 and finite. Received: learning_rate={value!r}")
    return value
