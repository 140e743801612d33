"""Optimizers: how gradients change weights. Keras's names and defaults.

base.py      Optimizer: state, clipping, weight decay      schedules.py  learning rates that depend on the step
gradient.py  SGD with momentum                             adaptive.py   Adam, AdamW, Adamax, Nadam, RMSprop, Lion
accumulating.py  Adagrad, Adadelta, Ftrl           rate.py        the learning rate as a number
loss_scaling.py  LossScaleOptimizer
"""

from pycnn import registration
from pycnn.optimizers import schedules
from pycnn.optimizers.accumulating import Adadelta, Adagrad, Ftrl
from pycnn.optimizers.adaptive import Adam, Adamax, AdamW, Lion, Nadam, RMSprop
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.gradient import SGD
from pycnn.optimizers.loss_scaling import LossScaleOptimizer
from pycnn.registration import deserialize, serialize

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier):
    """Return the optimizer that a name, dict, class or Optimizer stands for.

    Examples
    --------
    >>> from pycnn import optimizers
    >>> optimizers.get("adam").learning_rate
    0.001
    """
    optimizer = registration.resolve(identifier, "optimizers", "optimizer")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a name, a dict or an Optimizer. Received: optimizer={identifier!r}")
    return optimizer


__getattr__ = registration.hint_names(__name__, __all__)
