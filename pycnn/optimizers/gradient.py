"""Stochastic gradient descent."""

from pycnn.backend import get_backend
from pycnn.optimizers.base import Optimizer, check_fraction
from pycnn.registration import register_serializable


@register_serializable("optimizers")
class SGD(Optimizer):
    """Gradient descent, with momentum (Polyak 1964) that may look ahead (Nesterov 1983).

    velocity = momentum * velocity - learning_rate * gradient; w += velocity, or with ``nesterov``
    w += momentum * velocity - learning_rate * gradient.

    Parameters
    ----------
    learning_rate : float or schedule
    momentum : float in [0, 1)
    nesterov : bool
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.

    Examples
    --------
    >>> import pycnn
    >>> w = pycnn.autograd.Variable([1.0, 2.0])
    >>> pycnn.optimizers.SGD(0.5).apply([pycnn.ops.ones(2)], [w])
    >>> w.tolist()
    [0.5, 1.5]
    """

    _arguments = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="SGD",
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
        )
        self.momentum, self.nesterov = check_fraction("momentum", momentum), bool(nesterov)

    def slots(self):
        """Return the velocity's name, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        get_backend().sgd_update(
            params, grads, slots[0] if slots else None, learning_rate, self.momentum, self.nesterov, weight_decay
        )
