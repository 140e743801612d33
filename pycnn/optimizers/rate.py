"""The learning rate that an optimizer shows."""


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
