"""Optimizers with a step size for each weight: Adam and its kin, RMSprop. (See also ``accumulating``.)"""

from pycnn.backend import get_backend
from pycnn.optimizers.base import Optimizer, check_fraction
from pycnn.registration import register_serializable


@register_serializable("optimizers")
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), or AMSGrad (Reddi et al. 2018).

    Parameters
    ----------
    learning_rate : float or schedule
    beta_1, beta_2 : float in [0, 1)
        Decay of the means of the gradients and of their squares.
    epsilon : float
        The paper's epsilon-hat.
    amsgrad : bool
        Divide by the largest mean square so far.
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.

    Examples
    --------
    >>> import pycnn
    >>> w = pycnn.autograd.Variable([1.0])
    >>> pycnn.optimizers.Adam(0.5).apply([pycnn.ops.ones(1)], [w])
    >>> round(w.item(), 4)
    0.5
    """

    _arguments = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="adam",
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
        self.beta_1, self.beta_2 = check_fraction("beta_1", beta_1), check_fraction("beta_2", beta_2)
        self.epsilon, self.amsgrad = epsilon, bool(amsgrad)

    def slots(self):
        """Return the names of the moments, and of the largest second one with AMSGrad."""
        return ("momentum", "velocity", "velocity_hat") if self.amsgrad else ("momentum", "velocity")

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        get_backend().adam_update(
            params,
            grads,
            slots[0],
            slots[1],
            slots[2] if self.amsgrad else None,
            self.iterations + 1,
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            weight_decay,
        )


@register_serializable("optimizers")
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); the arguments are those of ``Adam``."""

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="adamw",
    ):
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
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


@register_serializable("optimizers")
class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016); the arguments are those of ``Adam``."""

    _arguments = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
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
        name="nadam",
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
        self.beta_1, self.beta_2 = check_fraction("beta_1", beta_1), check_fraction("beta_2", beta_2)
        self.epsilon = epsilon
        self._product = (0, 1.0)  # step, and the product of the momenta up to it

    def slots(self):
        """Return the names of the moments."""
        return ("momentum", "velocity")

    def _momentum(self, step):
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def _momentum_product(self, step):
        """Product of the momenta of all steps up to ``step``, which a loaded optimizer can have passed already."""
        done, product = self._product if self._product[0] <= step else (0, 1.0)
        for t in range(done + 1, step + 1):
            product *= self._momentum(t)
        self._product = (step, product)
        return product

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp, step = get_backend().xp, self.iterations + 1
        product = self._momentum_product(step)
        ahead = self._momentum(step + 1)
        of_mean = ahead / (1 - product * ahead)
        of_gradient = (1 - self._momentum(step)) / (1 - product)
        for p, g, m, v in zip(params, grads, *slots, strict=True):
            p -= learning_rate * weight_decay * p
            m += (g - m) * (1 - self.beta_1)
            v += (g * g - v) * (1 - self.beta_2)
            denominator = xp.sqrt(v / (1 - self.beta_2**step)) + self.epsilon
            p -= learning_rate * (of_mean * m + of_gradient * g) / denominator


@register_serializable("optimizers")
class RMSprop(Optimizer):
    """Divides by the root of a moving mean of the squared gradients (Tieleman and Hinton 2012).

    Parameters
    ----------
    learning_rate : float or schedule
    rho : float in [0, 1)
        Decay of the mean of squares.
    momentum : float in [0, 1)
    epsilon : float
        Added under the root.
    centered : bool
        Divide by an estimate of the standard deviation instead.
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.
    """

    _arguments = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="rmsprop",
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
        self.rho, self.momentum = check_fraction("rho", rho), check_fraction("momentum", momentum)
        self.epsilon, self.centered = epsilon, bool(centered)

    def slots(self):
        """Return the names of the mean square, and of momentum and mean if they are used."""
        return ("velocity", *(("momentum",) if self.momentum else ()), *(("average",) if self.centered else ()))

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        named = dict(zip(self.slots(), slots, strict=True))
        get_backend().rmsprop_update(
            params,
            grads,
            named["velocity"],
            named.get("momentum"),
            named.get("average"),
            learning_rate,
            self.rho,
            self.momentum,
            self.epsilon,
            weight_decay,
        )


@register_serializable("optimizers")
class Adamax(Optimizer):
    """Adam with the largest decayed gradient in place of the mean square (Kingma and Ba 2015, section 7.1).

    The arguments are those of ``Adam``.
    """

    _arguments = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
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
        name="adamax",
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
        self.beta_1, self.beta_2 = check_fraction("beta_1", beta_1), check_fraction("beta_2", beta_2)
        self.epsilon = epsilon

    def slots(self):
        """Return the names of the mean and the norm."""
        return ("momentum", "norm")

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp = get_backend().xp
        rate = learning_rate / (1 - self.beta_1 ** (self.iterations + 1))
        for p, g, m, u in zip(params, grads, *slots, strict=True):
            p -= learning_rate * weight_decay * p
            m += (g - m) * (1 - self.beta_1)
            u[...] = xp.maximum(self.beta_2 * u, abs(g))
            p -= rate * m / (u + self.epsilon)


@register_serializable("optimizers")
class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a momentum (Chen et al. 2023).

    Parameters
    ----------
    learning_rate : float or schedule
    beta_1 : float in (0, 1)
        How the momentum and the gradient are mixed for the step.
    beta_2 : float in [0, 1)
        Decay of the momentum.
    weight_decay, clipnorm, ..., name
        See ``Optimizer``.
    """

    _arguments = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="lion",
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
        self.beta_1, self.beta_2 = check_fraction("beta_1", beta_1), check_fraction("beta_2", beta_2)

    def slots(self):
        """Return the momentum's name."""
        return ("momentum",)

    def update(self, params, grads, slots, learning_rate, weight_decay):
        """Make a step."""
        xp = get_backend().xp
        for p, g, m in zip(params, grads, *slots, strict=True):
            p -= learning_rate * weight_decay * p
            p -= learning_rate * xp.sign(m * self.beta_1 + g * (1 - self.beta_1))
            m[...] = m * self.beta_2 + g * (1 - self.beta_2)
