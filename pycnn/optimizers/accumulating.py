"""Optimizers that gather squared gradients over all steps: Adagrad, Adadelta, Ftrl."""

from pycnn.backend import get_backend
from pycnn.optimizers.base import Optimizer, check_fraction
from pycnn.registration import register_serializable


@register_serializable("optimizers")
class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients (Duchi et al. 2011).

    Parameters
    ----------
    learning_rate : float or schedule
    initial_accumulator_value : float
        What the sum of squares starts with.
    epsilon : float
        Added under the root.
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.
    """

    _arguments = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate=0.001,
        initial_accumulator_value=0.1,
        epsilon=1e-7,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="adagrad",
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
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slots(self):
        """Return the name of the sum of squares."""
        return ("accumulator",)

    def initial_slot(self, name, variable):
        """Return the sum of squares to start with."""
        return get_backend().xp.full_like(variable.data, self.initial_accumulator_value)

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp = get_backend().xp
        for p, g, total in zip(params, grads, slots[0], strict=True):
            p -= learning_rate * weight_decay * p
            total += g * g
            p -= learning_rate * g / xp.sqrt(total + self.epsilon)


@register_serializable("optimizers")
class Adadelta(Optimizer):
    """Adagrad with decaying sums, scaled by the size of former steps (Zeiler 2012).

    Parameters
    ----------
    learning_rate : float or schedule
        The paper's is 1; Keras's default is smaller.
    rho : float in [0, 1)
        Decay of the means of squares.
    epsilon : float
        Added under the roots.
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.
    """

    _arguments = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
        epsilon=1e-7,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="adadelta",
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
        self.rho, self.epsilon = check_fraction("rho", rho), epsilon

    def slots(self):
        """Return the names of the mean squares of gradients and steps."""
        return ("accumulated_grad", "accumulated_delta_var")

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp, rho = get_backend().xp, self.rho
        for p, g, squares, steps in zip(params, grads, *slots, strict=True):
            p -= learning_rate * weight_decay * p
            squares[...] = rho * squares + (1 - rho) * g * g
            step = xp.sqrt(steps + self.epsilon) * g / xp.sqrt(squares + self.epsilon)
            steps[...] = rho * steps + (1 - rho) * step * step
            p -= learning_rate * step


@register_serializable("optimizers")
class Ftrl(Optimizer):
    """Follow the regularized leader, with L1 and L2 penalties (McMahan et al. 2013).

    Parameters
    ----------
    learning_rate : float or schedule
    learning_rate_power : float <= 0
        How the step size falls with the sum of squared gradients.
    initial_accumulator_value : float
        What the sum of squares starts with.
    l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength, beta : float >= 0
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.
    """

    _arguments = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="ftrl",
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
        if learning_rate_power > 0:
            raise ValueError(
                f"learning_rate_power must not be positive. Received: learning_rate_power={learning_rate_power!r}"
            )
        for argument, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0:
                raise ValueError(f"{argument} must not be negative. Received: {argument}={value!r}")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def slots(self):
        """Return the names of the sum of squares and the linear term."""
        return ("accumulator", "linear")

    def initial_slot(self, name, variable):
        """Return the sum of squares to start with, and 0."""
        start = self.initial_accumulator_value if name == "accumulator" else 0
        return get_backend().xp.full_like(variable.data, start)

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp, power, l1 = get_backend().xp, -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2 * learning_rate)
        for p, g, squares, linear in zip(params, grads, *slots, strict=True):
            p -= learning_rate * weight_decay * p
            before = squares**power
            squares += g * g
            now = squares**power
            linear += g + 2 * self.l2_shrinkage_regularization_strength * p - (now - before) / learning_rate * p
            p[...] = (xp.clip(linear, -l1, l1) - linear) / (now / learning_rate + 2 * l2)
