"""Recurrent layers of random arguments, shapes, masks and states against Keras's: outputs, masks and all gradients."""

import numpy as np
import pytest
from helpers import assert_close, peer

import pycnn
from pycnn import ops
from pycnn.autograd import MaskedTensor

pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")  # Keras's own
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
ACTIVATIONS = ("tanh", "tanh", "relu", "sigmoid", None, "softsign")


class Case:
    """What the layer is, and what it is called with."""

    def __init__(self, seed):
        draw = np.random.default_rng(seed)

        def yes():
            return bool(draw.integers(2))

        self.name, self.around = str(draw.choice(list(STATES))), str(draw.choice(["", "RNN", "Bidirectional"]))
        self.units, self.flow = int(draw.integers(1, 5)), {"return_sequences": yes(), "return_state": yes()}
        self.arguments = {"activation": ACTIVATIONS[draw.integers(6)], "use_bias": yes(), "bias_initializer": "uniform"}
        if self.name == "GRU":
            self.arguments["reset_after"] = yes()
        if self.name != "SimpleRNN":
            self.arguments["recurrent_activation"] = str(draw.choice(["sigmoid", "sigmoid", "tanh"]))
        if self.around != "Bidirectional":
            self.flow["go_backwards"] = yes()
        self.zeros, self.merge = yes(), ("concat", "sum", "mul", "ave", None)[draw.integers(5)]
        batch, steps, _ = shape = tuple(draw.integers(1, 6, 3))
        self.x = draw.standard_normal(shape, np.float32)
        count = STATES[self.name] * (2 if self.around == "Bidirectional" else 1)
        self.states = [draw.standard_normal((batch, self.units), np.float32) for _ in range(count)] if yes() else None
        ends = draw.integers(0, steps + 1, (batch, 1))
        masks = (None, draw.random((batch, steps)) < 0.6, np.arange(steps) < ends, np.arange(steps) >= ends)
        self.mask, self.carried, self.draw = masks[draw.integers(4)], self.states is None and yes(), draw

    def make(self, layers):
        """The layer, of pycnn or Keras."""
        if self.around == "RNN":
            cell = getattr(layers, f"{self.name}Cell")(self.units, **self.arguments)
            return layers.RNN(cell, zero_output_for_mask=self.zeros, **self.flow)
        layer = getattr(layers, self.name)(self.units, **self.arguments, **self.flow)
        return layers.Bidirectional(layer, merge_mode=self.merge) if self.around else layer

    def run(self, layer, leaf, carry):
        """Return inputs and states that take gradients, and the outputs in a list."""
        x, states = leaf(self.x), None if self.states is None else [leaf(s) for s in self.states]
        options = {} if states is None else {"initial_state": states}
        if self.mask is not None and not self.carried:
            options["mask"] = self.mask
        y = layer(carry(x, self.mask) if self.mask is not None and self.carried else x, **options)
        return [x, *(states or [])], list(y) if isinstance(y, (list, tuple)) else [y]


@pytest.mark.parametrize("seed", range(40))
def test_random_layers_are_keras_s(seed):
    torch, keras, case = peer("torch"), peer("keras"), Case(seed)
    ours, theirs = case.make(pycnn.layers), case.make(keras.layers)
    ours(case.x), theirs(case.x)
    ours.set_weights(theirs.get_weights())

    def carry(x, mask):
        x = x * 1
        x._keras_mask = torch.tensor(mask)
        return x

    given, outputs = case.run(ours, lambda a: pycnn.Tensor(a, requires_grad=True), MaskedTensor)
    their_given, wanted = case.run(theirs, lambda a: torch.tensor(a, requires_grad=True), carry)
    assert [y.shape for y in outputs] == [tuple(w.shape) for w in wanted]
    total = their_total = 0.0
    for y, w in zip(outputs, wanted, strict=True):
        assert_close(y.numpy(), w.detach().numpy(), 1e-5)
        their_mask = getattr(w, "_keras_mask", None)
        assert (y.mask is None) == (their_mask is None)
        if y.mask is not None:
            np.testing.assert_array_equal(y.mask.numpy(), their_mask.numpy())
        factors = case.draw.standard_normal(y.shape, np.float32)
        total, their_total = total + ops.sum(y * factors), their_total + (w * torch.tensor(factors)).sum()
    total.backward()
    their_total.backward()
    their_given += [w.value for w in theirs.trainable_weights]
    for tensor, their_tensor in zip([*given, *ours.weights], their_given, strict=True):
        expected = np.zeros(tensor.shape) if their_tensor.grad is None else their_tensor.grad.numpy()
        actual = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        assert_close(actual, expected, 1e-5)
