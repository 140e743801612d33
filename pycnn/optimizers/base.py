"""The Optimizer: gradients in, changed weights out; schedules, clipping, decay, and state that can be saved."""

import numpy as np

from pycnn import registration
from pycnn.autograd import Variable, as_tensor
from pycnn.backend import get_backend
from pycnn.optimizers.rate import Rate, read_learning_rate
from pycnn.optimizers.schedules import LearningRateSchedule
from pycnn.registration import Configurable

_SELDOM_GIVEN = {
    "loss_scale_factor": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "gradient_accumulation_steps": None,
}
"""Arguments that configurations hold only where they are not these defaults."""


class HostNumber(Variable):
    """A number, such as that of the steps: saved like a variable, kept on the host as ``value``."""

    __slots__ = ("_host_dtype", "value")

    def __init__(self, name, dtype):
        self._host_dtype = np.dtype(dtype)
        super().__init__(np.zeros((), dtype), name, trainable=False)
        self.value = self.numpy_of(0).item()

    def assign(self, value):
        self.value = self.numpy_of(as_tensor(value).item()).item()
        return super().assign(self.numpy())

    def numpy(self):
        return self.numpy_of(self.value)

    def numpy_of(self, value):
        return np.array(value, self._host_dtype)


class Optimizer(Configurable):
    """Base class. A subclass names its state in ``slots`` and defines ``update``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A callable takes no argument and is asked at each step.
    weight_decay : float, optional
        Before each step every weight loses this share of itself, times the learning rate.
    clipnorm : float, optional
        Each gradient is scaled down to at most this norm.
    clipvalue : float, optional
        Each element of each gradient is brought into [-clipvalue, clipvalue].
    global_clipnorm : float, optional
        All gradients together are scaled down to at most this norm.
    use_ema : bool
        Keep a moving average of every weight: ``average = ema_momentum * average + (1 - ema_momentum) * weight``
        after each step.
    ema_momentum : float in [0, 1]
    ema_overwrite_frequency : int, optional
        The weights become their averages after every so many steps; without it when
        ``finalize_variable_values`` is called.
    loss_scale_factor : float, optional
        What ``scale_loss`` multiplies the loss by, and gradients are divided by again: in float16 small ones would
        vanish. See ``LossScaleOptimizer``, too.
    gradient_accumulation_steps : int >= 2, optional
        Weights change only at every so many steps, by the mean of the gradients since the last change.
        ``iterations`` counts the changes; learning-rate schedules see all steps.
    name : str, optional
    """

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
    ):
        self.name = name or type(self).__name__.lower()
        self._learning_rate = read_learning_rate(learning_rate)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {k: v for k, v in clips.items() if v is not None}
        if len(given) > 1:
            raise ValueError(f"Only one of clipnorm, clipvalue and global_clipnorm can be set. Received: {given}")
        weight_decay = None if weight_decay is False else weight_decay
        for argument, value in (*given.items(), ("weight_decay", weight_decay)):
            if value is not None and not (isinstance(value, (int, float)) and value >= 0):
                raise ValueError(f"{argument} must be a number >= 0 or None. Received: {argument}={value!r}")
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self._clips = bool(given)
        self._set_average(use_ema, ema_momentum, ema_overwrite_frequency)
        if not (loss_scale_factor is None or (isinstance(loss_scale_factor, (int, float)) and loss_scale_factor > 0)):
            raise ValueError(
                f"loss_scale_factor must be a number > 0 or None. Received: loss_scale_factor={loss_scale_factor!r}"
            )
        if gradient_accumulation_steps is not None and not gradient_accumulation_steps >= 2:
            raise ValueError(
                "gradient_accumulation_steps must be an integer >= 2 or None. "
                f"Received: gradient_accumulation_steps={gradient_accumulation_steps!r}"
            )
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self._gathers = (
            *(("accumulated_gradient",) if gradient_accumulation_steps else ()),
            *(("average",) if self.use_ema else ()),
        )  # names of what is kept for each variable beside slots()
        self._steps = HostNumber("iterations", np.int64)
        self._state = {}  # id of a variable -> (variable, its state: a tuple of Variables in the order of slots())
        self._undecayed = set()  # ids of variables
        self._undecayed_names = ()
        self._ready = None  # of the last step: ids of its variables, their state as one list a slot, who decays

    def _set_average(self, use_ema, ema_momentum, ema_overwrite_frequency):
        if use_ema:
            if not 0 <= ema_momentum <= 1:
                raise ValueError(f"ema_momentum must lie in [0, 1]. Received: ema_momentum={ema_momentum!r}")
            frequency = ema_overwrite_frequency
            if frequency is not None and (not isinstance(frequency, int) or frequency < 1):
                raise ValueError(
                    "ema_overwrite_frequency must be an integer >= 1 or None. "
                    f"Received: ema_overwrite_frequency={frequency!r}"
                )
        self.use_ema, self.ema_momentum = bool(use_ema), ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency

    def slots(self):
        """Return the names of the arrays of a variable's shape that the optimizer keeps for each variable."""
        return ()

    def initial_slot(self, name, variable):
        """Return what the slot ``name`` holds before the first step, an array: zeros unless overridden."""
        return get_backend().xp.zeros_like(variable.data)

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Change ``params`` in place.

        Parameters
        ----------
        params, grads : lists of device arrays
        slots : list of lists of device arrays
            One list for each name of ``slots()``, to be changed in place.
        learning_rate, weight_decay : float
        """
        raise NotImplementedError(f"{type(self).__name__} must define update(self, params, grads, slots, ...)")

    # State

    @property
    def built(self):
        """Whether the optimizer knows the variables that it changes."""
        return bool(self._state)

    def build(self, variables):
        """Make the state for ``variables``; those that have theirs keep it."""
        for variable in variables:
            if id(variable) not in self._state:
                state = tuple(
                    Variable(self.initial_slot(slot, variable), f"{variable.name}_{slot}", trainable=False)
                    for slot in self.slots()
                ) + tuple(
                    Variable(get_backend().xp.zeros_like(variable.data), f"{variable.name}_{name}", trainable=False)
                    for name in self._gathers
                )
                self._state[id(variable)] = (variable, state)
        self._ready = None

    def state_of(self, variable):
        """Return the state that belongs to one variable: a dict slot -> Variable, empty before ``build``."""
        _, state = self._state.get(id(variable), (None, ()))
        return dict(zip((*self.slots(), *self._gathers), state, strict=False))

    @property
    def variables(self):
        """All state as variables: the number of steps, then the slots of each weight, in the order of ``build``."""
        return [self._steps, *(v for _, state in self._state.values() for v in state)]

    @property
    def numbers(self):
        """The state that belongs to no weight, by name."""
        return {"iterations": self._steps}

    @property
    def iterations(self):
        """Number of steps done; with ``gradient_accumulation_steps`` that of changes of the weights."""
        return self._steps.value // (self.gradient_accumulation_steps or 1)

    @iterations.setter
    def iterations(self, value):
        self._steps.assign(value * (self.gradient_accumulation_steps or 1))

    @property
    def learning_rate(self):
        """The learning rate of the next step, a float. Assign a number or a schedule."""
        rate = self._learning_rate
        if type(rate) is not float:
            return float(rate(self._steps.value) if isinstance(rate, LearningRateSchedule) else rate())
        return Rate(rate, self)

    @learning_rate.setter
    def learning_rate(self, value):
        value = read_learning_rate(value)
        if isinstance(value, float) and not isinstance(self._learning_rate, float):
            problem = "The learning rate follows a schedule: only another schedule can take its place."
            raise TypeError(f"{problem} Received: learning_rate={value!r}")
        self._learning_rate = value

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Let these variables, or those whose name contains one of ``var_names``, keep clear of weight decay."""
        self._undecayed |= {id(v) for v in var_list or ()}
        self._undecayed_names = (*self._undecayed_names, *(var_names or ()))
        self._ready = None

    # Steps

    def apply_gradients(self, grads_and_vars):
        """Make one step from pairs (gradient, variable)."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])

    def apply(self, grads, variables=None):
        """Make one step.

        Parameters
        ----------
        grads : list of arrays, Tensors or None
            None leaves its variable alone.
        variables : list of Variables, optional
            Those of ``build`` unless given.

        Raises
        ------
        ValueError
            If gradients and variables differ in number or shape, or no variable has a gradient.
        """
        if variables is None:
            variables = [variable for variable, _ in self._state.values()]
        if len(grads) != len(variables):
            raise ValueError(
                "grads and variables must be equally many. "
                f"Received: {len(grads)} gradients, {len(variables)} variables"
            )
        key = [id(v) for v in variables]
        if self._ready is None or self._ready[0] != key:
            self._prepare(key, variables)
        _, slots, decayed = self._ready
        if any(g is None for g in grads):
            kept = [i for i, g in enumerate(grads) if g is not None]
            variables, grads = [variables[i] for i in kept], [grads[i] for i in kept]
            slots, decayed = [[s[i] for i in kept] for s in slots], decayed and [decayed[i] for i in kept]
        if not grads:
            raise ValueError("No gradient reached any variable. Received: grads that are all None, or no variables")
        params = [v.data for v in variables]
        grads = [_fitting(g, v) for g, v in zip(grads, variables, strict=True)]
        if self.loss_scale_factor:
            grads = [g / self.loss_scale_factor for g in grads]
        if self._gathers:
            self._apply_gathering(params, grads, slots, decayed)
        else:
            self._change(params, grads, slots, decayed)
        self._steps.value += 1
        for variable in variables:
            variable.version += 1
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def _change(self, params, grads, slots, decayed):
        if self._clips:
            grads = self._clipped(grads)
        if decayed is None:
            self.update(params, grads, slots, self.learning_rate, self.weight_decay or 0.0)
        else:
            self._update_in_two(params, grads, slots, self.learning_rate, decayed)

    def _apply_gathering(self, params, grads, slots, decayed):
        """A step with gathered gradients, averaged weights, or both."""
        count = len(slots) - len(self._gathers)
        gathered, slots = slots[count:], slots[:count]
        steps = self.gradient_accumulation_steps
        if steps and (self._steps.value + 1) % steps:
            for total, g in zip(gathered[0], grads, strict=True):
                total += g
        elif steps:
            self._change(params, [(g + t) / steps for g, t in zip(grads, gathered[0], strict=True)], slots, decayed)
            for total in gathered[0]:
                total[...] = 0
        else:
            self._change(params, grads, slots, decayed)
        if self.use_ema:
            self._update_averages()

    def _update_averages(self):
        momentum = self.ema_momentum if self.iterations else 0.0
        frequency = self.ema_overwrite_frequency
        for variable, state in self._state.values():
            average = state[-1].data
            average *= momentum
            average += (1 - momentum) * variable.data
            if frequency and (self.iterations + 1) % frequency == 0:
                variable.assign(average)

    def finalize_variable_values(self, var_list):
        """With ``use_ema``: the variables become their moving averages. What Keras calls at the end of ``fit``."""
        if self.use_ema:
            for variable in var_list:
                if id(variable) in self._state:
                    variable.assign(self._state[id(variable)][1][-1])

    @property
    def loss_scale(self):
        """What the loss is multiplied by before gradients are made of it, or None."""
        return self.loss_scale_factor

    def scale_loss(self, loss):
        """Return the loss times ``loss_scale``, of which ``apply`` wants the gradients."""
        scale = self.loss_scale
        return loss if scale is None else loss * scale

    def _prepare(self, key, variables):
        """Gather the state of ``variables``, once for each selection of them."""
        self.build(variables)
        states = [self._state[id(v)][1] for v in variables]
        slots = [[state[i].data for state in states] for i in range(len(self.slots()) + len(self._gathers))]
        decayed = None
        if self.weight_decay and (self._undecayed or self._undecayed_names):
            decayed = [
                id(v) not in self._undecayed and not any(name in v.name for name in self._undecayed_names)
                for v in variables
            ]
        self._ready = (key, slots, decayed)

    def _update_in_two(self, params, grads, slots, learning_rate, decayed):
        """Update those with weight decay, then those without."""
        for wanted, weight_decay in ((True, self.weight_decay), (False, 0.0)):
            chosen = [i for i, d in enumerate(decayed) if d is wanted]
            if chosen:
                parts = [[s[i] for i in chosen] for s in slots]
                self.update([params[i] for i in chosen], [grads[i] for i in chosen], parts, learning_rate, weight_decay)

    def _clipped(self, grads):
        if self.clipvalue is not None:
            xp = get_backend().xp
            return [xp.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        limit = self.clipnorm if self.clipnorm is not None else self.global_clipnorm
        return get_backend().clip_norms(grads, limit, self.clipnorm is None)

    # Configuration

    def get_config(self):
        """Return the arguments that make the same optimizer again, without its state."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": rate if isinstance(rate, float) else registration.serialize(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            **{name: value for name, value in self._seldom_given().items() if value != _SELDOM_GIVEN[name]},
            **super().get_config(),
        }

    def _seldom_given(self):
        return {name: getattr(self, name) for name in _SELDOM_GIVEN}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what ``get_config`` returned."""
        return cls(**{**config, "learning_rate": registration.deserialize(config["learning_rate"])})


def _fitting(gradient, variable):
    """The gradient as a device array of the variable's shape and dtype, or an error."""
    data = variable.data
    if type(gradient) is type(data) and gradient.shape == data.shape and gradient.dtype is data.dtype:
        return gradient
    gradient = gradient if get_backend().is_array(gradient) else as_tensor(gradient).data
    if gradient.shape != data.shape:
        raise ValueError(
            f"The gradient of variable {variable.name!r} must have its shape {data.shape}. "
            f"Received: gradient.shape={gradient.shape}"
        )
    return gradient if gradient.dtype is data.dtype else gradient.astype(data.dtype, copy=False)


def check_fraction(argument, value):
    """Return ``value`` if it lies in [0, 1), or raise an error that names ``argument``."""
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"{argument} must lie in [0, 1). Received: {argument}={value!r}")
    return value
