"""Scaling of the loss, without which small gradients vanish in float16."""

import numpy as np

from pycnn import registration
from pycnn.autograd import as_tensor
from pycnn.backend import get_backend
from pycnn.optimizers.base import HostNumber, Optimizer
from pycnn.registration import register_serializable


@register_serializable("optimizers")
class LossScaleOptimizer(Optimizer):
    """Another optimizer, for training in float16: gradients are those of a loss times a large number, found as it goes.

    float16 has no numbers between 0 and 6e-8, where many gradients lie. A step whose gradients are not all finite is
    left out, and the scale is halved; after ``dynamic_growth_steps`` finite steps in a row it is doubled. ``compile``
    puts it around the optimizer of a model whose policy is ``"mixed_float16"``.

    Parameters
    ----------
    inner_optimizer : Optimizer
        Gets the gradients of the loss itself. Its ``loss_scale_factor`` becomes None.
    initial_scale : float > 0
    dynamic_growth_steps : int >= 1
    name : str, optional

    Attributes
    ----------
    dynamic_scale, step_counter : Variable
        The scale, and the number of finite steps since it was last changed.

    Notes
    -----
    Micikevicius et al., Mixed precision training, ICLR 2018. Whether a step counts is decided on the host: on a GPU
    each step waits for its gradients.

    Examples
    --------
    >>> import pycnn
    >>> optimizer = pycnn.optimizers.LossScaleOptimizer(pycnn.optimizers.SGD(0.5), initial_scale=8.0)
    >>> weight = pycnn.Variable([1.0])
    >>> optimizer.scale_loss(weight.sum()).backward()
    >>> optimizer.apply([weight.grad], [weight])
    >>> weight.tolist()
    [0.5]
    >>> optimizer.apply([[float("inf")]], [weight])
    >>> weight.tolist(), optimizer.dynamic_scale.item()
    ([0.5], 4.0)
    """

    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None):
        inner_optimizer = registration.resolve(inner_optimizer, "optimizers", "inner_optimizer")
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(
                "inner_optimizer must be an optimizer that does not scale the loss. "
                f"Received: inner_optimizer={inner_optimizer!r}"
            )
        if not (isinstance(initial_scale, (int, float)) and initial_scale > 0):
            raise ValueError(f"initial_scale must be a number > 0. Received: initial_scale={initial_scale!r}")
        if not (isinstance(dynamic_growth_steps, int) and dynamic_growth_steps >= 1):
            raise ValueError(
                f"dynamic_growth_steps must be an integer >= 1. Received: dynamic_growth_steps={dynamic_growth_steps!r}"
            )
        self.inner_optimizer = inner_optimizer
        inner_optimizer.loss_scale_factor = None
        super().__init__(0.0, name=name)
        self.initial_scale, self.dynamic_growth_steps = float(initial_scale), dynamic_growth_steps
        self.step_counter = HostNumber("step_counter", np.int64)
        self.dynamic_scale = HostNumber("dynamic_scale", np.float32)
        self.dynamic_scale.value = self.initial_scale

    @property
    def loss_scale(self):
        """What the loss is multiplied by."""
        return self.dynamic_scale.value

    def apply(self, grads, variables=None):
        """Make a step from the gradients of the scaled loss, or leave it out if one of them is not finite."""
        grads = [None if g is None else as_tensor(g).data for g in grads]
        if not _all_finite([g for g in grads if g is not None]):
            self.step_counter.value = 0
            self.dynamic_scale.value *= 0.5
            return
        share = 1 / self.dynamic_scale.value
        self.inner_optimizer.apply([None if g is None else g * share for g in grads], variables)
        self.step_counter.value += 1
        if self.step_counter.value == self.dynamic_growth_steps:
            self.step_counter.value = 0
            self.dynamic_scale.value *= 2.0

    @property
    def numbers(self):
        """The state that belongs to no weight, by name."""
        own = {"step_counter": self.step_counter, "dynamic_scale": self.dynamic_scale}
        return {**self.inner_optimizer.numbers, **own}

    # What the inner optimizer does

    @property
    def built(self):
        """Whether the optimizer knows the variables that it changes."""
        return self.inner_optimizer.built

    def build(self, variables):
        """Make the inner optimizer's state for ``variables``."""
        self.inner_optimizer.build(variables)

    def state_of(self, variable):
        """Return the state that belongs to one variable: a dict slot -> Variable, empty before ``build``."""
        return self.inner_optimizer.state_of(variable)

    @property
    def variables(self):
        """All state as variables: the inner optimizer's, then the count of finite steps and the scale."""
        return [*self.inner_optimizer.variables, self.step_counter, self.dynamic_scale]

    @property
    def iterations(self):
        """Number of steps done; those left out do not count."""
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, value):
        self.inner_optimizer.iterations = value

    @property
    def learning_rate(self):
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Let these variables, or those whose name contains one of ``var_names``, keep clear of weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list):
        """With ``use_ema`` of the inner optimizer: the variables become their moving averages."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        """Return the arguments that make the same optimizer again, without its state."""
        return {
            "name": self.name,
            "inner_optimizer": registration.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what ``get_config`` returned."""
        return cls(**{**config, "inner_optimizer": registration.deserialize(config["inner_optimizer"])})


def _all_finite(gradients):
    """Whether all numbers are finite; they are asked once, all together."""
    backend = get_backend()
    finite = [backend.xp.isfinite(g).all() for g in gradients]
    return not finite or bool(backend.xp.stack(finite).all())
