"""Several networks that learn in one step, from several losses."""

from pycnn.metrics import Mean
from pycnn.models import Model


def partly_moved(regions, share):
    """The same regions, which hand on this share of their gradient: 0 none, 1 all of it."""
    fixed = regions.detach()
    return fixed + share * (regions - fixed) if share else fixed


def check_box_gradients(share):
    """Raise unless it is a share."""
    if not 0 <= share <= 1:
        raise ValueError(f"box_gradients must be in 0..1. Received: box_gradients={share!r}")


class JointModel(Model):
    """A model to be trained on losses that it computes itself; its logs are their weighted sum and each of them.

    A subclass holds the networks and defines ``losses_of``.

    Parameters
    ----------
    losses : dict of str to float
        Names of the losses, and by what each is multiplied in the sum.
    name : str
    """

    def __init__(self, losses, name):
        super().__init__(name=name)
        self.factors = dict(losses)
        self.means = [Mean(name) for name in ("loss", *losses)]

    def losses_of(self, x, y, training):
        """Return the losses of a batch, Tensors without a shape, by name."""
        raise NotImplementedError(f"{type(self).__name__} must define losses_of(self, x, y, training)")

    def train_step(self, data):
        """Train on one batch; return the means of the losses."""
        self.zero_grad()
        total, losses = self._compute(data, training=True)
        total.backward()
        variables = self.trainable_weights
        self.optimizer.apply([variable.grad for variable in variables], variables)
        return self._logs_of(total, losses)

    def test_step(self, data):
        """Compute the losses of one batch; return their means."""
        return self._logs_of(*self._compute(data, training=False))

    def _compute(self, data, training):
        losses = self.losses_of(*data, training)
        total = 0.0
        for name, factor in self.factors.items():
            total = losses[name] * factor + total
        return total, losses

    def _logs_of(self, total, losses):
        for mean in self.means:
            mean.update_state((total if mean.name == "loss" else losses[mean.name]).detach())
        return {mean.name: mean.result() for mean in self.means}
