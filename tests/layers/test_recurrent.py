"""Recurrent layers: a step by hand, PyTorch, masks and states, both directions, dropout, bad arguments."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers, ops
from pycnn.autograd import gradcheck

STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
ORDERS = {"SimpleRNN": [0], "LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2]}  # of the gates in PyTorch


def test_a_step_of_lstm_by_hand(backend):
    """One unit: z = 1 * .5 + .25 * 2 + bias = 1 + bias for each gate."""
    y, h, c = ops.lstm([[[1.0]]], [[0.5] * 4], [[2.0] * 4], [0.0, 1.0, 2.0, 3.0], ([[0.25]], [[-1.0]]))

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    state = sigmoid(2) * -1.0 + sigmoid(1) * np.tanh(3)
    assert c.item() == pytest.approx(state, rel=1e-6)
    assert y.item() == h.item() == pytest.approx(sigmoid(4) * np.tanh(state), rel=1e-6)


def torch_twin(torch, name, layer, inputs, units):
    """PyTorch's layer with the same weights, its gates in its own order."""
    twin = getattr(torch.nn, name.removeprefix("Simple"))(inputs, units, batch_first=True, dtype=torch.float64)
    kernel, recurrent, bias = (w.numpy() for w in layer.weights)
    order = ORDERS[name]

    def turned(matrix):
        blocks = np.split(matrix, len(order), axis=-1)
        return torch.tensor(np.concatenate([blocks[i] for i in order], axis=-1).T.copy())

    bias, other = bias if name == "GRU" else (bias, np.zeros_like(bias))
    with torch.no_grad():
        twin.weight_ih_l0.copy_(turned(kernel))
        twin.weight_hh_l0.copy_(turned(recurrent))
        twin.bias_ih_l0.copy_(turned(bias))
        twin.bias_hh_l0.copy_(turned(other))
    return twin


@pytest.mark.parametrize("name", STATES)
def test_pytorch(backend, name):
    torch = peer("torch")
    layer = getattr(layers, name)(6, return_sequences=True, return_state=True, dtype="float64")
    given = normal((3, 5, 4), np.float64)
    layer(given)
    layer.set_weights([normal(w.shape, np.float64, i) for i, w in enumerate(layer.weights)])
    twin = torch_twin(torch, name, layer, 4, 6)
    start = [normal((3, 6), np.float64, i + 9) for i in range(STATES[name])]
    x, states = (pycnn.Tensor(given, requires_grad=True), [pycnn.Tensor(s, requires_grad=True) for s in start])
    y, *last = layer(x, initial_state=states)
    theirs = [torch.tensor(a, requires_grad=True) for a in (given, *start)]
    h0 = [s[None] for s in theirs[1:]]
    their_y, their_last = twin(theirs[0], tuple(h0) if name == "LSTM" else h0[0])
    their_last = their_last if name == "LSTM" else [their_last]
    assert_close(y.numpy(), their_y.detach().numpy(), 1e-12)
    for ours, their in zip(last, their_last, strict=True):
        assert_close(ours.numpy(), their[0].detach().numpy(), 1e-12)

    weights = [normal(y.shape, np.float64, 20), *(normal(s.shape, np.float64, 21 + i) for i, s in enumerate(last))]
    sum((ops.sum(a * w) for a, w in zip((y, *last), weights, strict=True)), ops.sum(y * 0.0)).backward()
    total = (their_y * torch.tensor(weights[0])).sum()
    for their, w in zip(their_last, weights[1:], strict=True):
        total = total + (their[0] * torch.tensor(w)).sum()
    total.backward()
    for ours, their in zip((x, *states), theirs, strict=True):
        assert_close(ours.grad.numpy(), their.grad.numpy(), 1e-11)
    kernel = twin.weight_ih_l0.grad.numpy().T
    order = ORDERS[name]
    blocks = np.split(kernel, len(order), axis=1)
    assert_close(layer.cell.kernel.grad.numpy(), np.concatenate([blocks[i] for i in order], axis=1), 1e-11)
    blocks = np.split(twin.weight_hh_l0.grad.numpy().T, len(order), axis=1)
    assert_close(layer.cell.recurrent_kernel.grad.numpy(), np.concatenate([blocks[i] for i in order], axis=1), 1e-11)
    biases = (twin.bias_ih_l0, twin.bias_hh_l0)[: 2 if name == "GRU" else 1]
    blocks = [np.split(b.grad.numpy(), len(order)) for b in biases]
    wanted = np.stack([np.concatenate([b[i] for i in order]) for b in blocks])
    assert_close(layer.cell.bias.grad.numpy().reshape(wanted.shape), wanted, 1e-11)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", STATES)
def test_gradients(backend, name, masked):
    gates, op = len(ORDERS[name]), {"SimpleRNN": ops.simple_rnn, "LSTM": ops.lstm, "GRU": ops.gru}[name]
    mask = np.array([[True, False, True], [False, True, True]]) if masked else None
    x, kernel, recurrent = (normal(s, np.float64, i) for i, s in enumerate([(2, 3, 2), (2, gates * 2), (2, gates * 2)]))
    states = [normal((2, 2), np.float64, 5 + i) for i in range(STATES[name])]
    biases = [normal((gates * 2,), np.float64, 8 + i) for i in range(2 if name == "GRU" else 1)]

    def run(x, kernel, recurrent, *rest):
        biases_, states_ = rest[: len(biases)], rest[len(biases) :]
        start = states_ if name == "LSTM" else states_[0]
        y, *last = op(x, kernel, recurrent, *biases_, start, mask=mask)
        return ops.sum(y * normal(y.shape, np.float64, 30)) + sum(ops.sum(s * s) for s in last)

    gradcheck(run, [x, kernel, recurrent, *biases, *states])


MASK = np.array([[True, True, False, True], [False, True, False, False], [False, False, False, False]])


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("name", STATES)
def test_a_whole_sequence_is_its_steps(backend, name, mask):
    """Where a step is not seen the states stay, and the output repeats; before the first one it is 0."""
    layer = getattr(layers, name)(3, return_sequences=True, return_state=True)
    x = normal((3, 4, 5), np.float32)
    states = [normal((3, 3), np.float32, i) for i in range(STATES[name])]
    y, *last = layer(x, initial_state=states, mask=mask)
    wanted = np.zeros((3, 3), np.float32)
    for t in range(4):
        output, new = layer.cell(x[:, t], states)
        seen = np.ones((3, 1), bool) if mask is None else mask[:, t, None]
        states = [np.where(seen, n.numpy(), s) for n, s in zip(new, states, strict=True)]
        wanted = np.where(seen, output.numpy(), wanted)
        assert_close(y[:, t].numpy(), wanted, 1e-5)
    for ours, state in zip(last, states, strict=True):
        assert_close(ours.numpy(), state, 1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@pytest.mark.parametrize("name", STATES)
def test_masks_and_states_are_keras_s(name):
    peer("torch")
    keras = peer("keras")
    ours, theirs = (getattr(k.layers, name)(3, return_sequences=True) for k in (pycnn, keras))
    x = normal((3, 4, 5), np.float32)
    states = [normal((3, 3), np.float32, i) for i in range(STATES[name])]
    theirs(x)
    ours(x)
    ours.set_weights(theirs.get_weights())
    wanted = theirs(x, initial_state=states, mask=MASK)
    assert_close(ours(x, initial_state=states, mask=MASK).numpy(), wanted.detach().numpy(), 1e-5)


def test_both_directions(backend):
    x = normal((2, 4, 5), np.float32)
    for mode, join in (
        ("concat", lambda a, b: np.concatenate([a, b], axis=-1)), ("sum", np.add), ("mul", np.multiply),
        ("ave", lambda a, b: (a + b) / 2), (None, lambda a, b: [a, b]),
    ):  # fmt: skip
        layer = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=mode)
        y = layer(x)
        forward = layer.forward_layer(x).numpy()
        backward = layer.backward_layer(x).numpy()[:, ::-1]
        alone = layers.GRU(3, return_sequences=True)
        alone(x)
        alone.set_weights(layer.backward_layer.get_weights())
        np.testing.assert_array_equal(backward, alone(x[:, ::-1]).numpy()[:, ::-1])
        np.testing.assert_array_equal(np.array(y if mode is None else y.numpy()), np.array(join(forward, backward)))
        assert len(layer.weights) == 6
    config = layer.get_config()
    assert layers.Bidirectional.from_config(config).get_config() == config


def test_functional_models_and_files(tmp_path):
    inputs = pycnn.Input((6, 3))
    x, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(inputs)
    x = layers.Bidirectional(layers.GRU(2))(x, initial_state=None)
    x = layers.RNN(layers.SimpleRNNCell(5))(layers.RepeatVector(2)(layers.Concatenate()([x, h])))
    model = pycnn.Model(inputs, [x, c])
    data = normal((3, 6, 3), np.float32)
    model.save(tmp_path / "model.pycnn")
    again = pycnn.models.load_model(tmp_path / "model.pycnn")
    for a, b in zip(model.predict(data, verbose=0), again.predict(data, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_by_a_plan_is_the_same(backend):
    """Steps that are recorded and repeated give the bits of eager ones."""
    x, y = normal((16, 5, 3), np.float32), np.arange(16) % 2
    losses = []
    for eager in (True, False):
        pycnn.utils.set_random_seed(0)
        recurrent = [layers.LSTM(4, return_sequences=True), layers.GRU(3)]
        model = pycnn.Sequential([layers.Input((5, 3)), *recurrent, layers.Dense(2, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        losses.append(model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]


def test_dropout_is_the_same_at_all_steps():
    pycnn.utils.set_random_seed(0)
    layer = layers.SimpleRNN(
        4, activation=None, dropout=0.5, recurrent_dropout=0.5, kernel_initializer="ones",
        recurrent_initializer="zeros", return_sequences=True,
    )  # fmt: skip
    y = layer(np.ones((64, 3, 4)), training=True).numpy()
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 2.0, 4.0, 6.0, 8.0}  # of four inputs as many are left, doubled
    assert (layer(np.ones((2, 3, 4))).numpy() == 4).all()


@pytest.mark.parametrize("activation", ["relu", "sigmoid", None, "relu6", "elu", ops.sin])
def test_a_sequence_of_plain_steps_by_hand(backend, activation):
    """As one operation where a kernel knows the activation, and else step by step; gradients by differences."""
    layer = layers.SimpleRNN(2, activation, return_sequences=True, bias_initializer="ones", dtype="float64")
    x, function = normal((2, 3, 4)), pycnn.activations.get(activation)
    y = layer(x).numpy()
    kernel, recurrent, bias = layer.get_weights()
    h = np.zeros((2, 2))
    for t in range(3):
        h = function(pycnn.Tensor(x[:, t] @ kernel + h @ recurrent + bias)).numpy()
        assert_close(y[:, t], h, 1e-12)
    gradcheck(lambda x, w, *s: ops.sum(layer(x, initial_state=list(s)) ** 2 * w), [x, normal(y.shape), normal((2, 2))])


@pytest.mark.parametrize("cell", [layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell])
def test_a_step_of_ones_own(cell):
    class Sum(cell):
        def step(self, inputs, states, recurrent_drop=None):
            total = states[0] + ops.sum(inputs, axis=1, keepdims=True)
            return total, [total, *states[1:]]

    y = layers.RNN(Sum(1), return_sequences=True)([[[1.0, 2.0], [3.0, 4.0]]])
    assert y.tolist() == [[[3.0], [10.0]]]


@pytest.mark.parametrize("name", STATES)
def test_no_samples(backend, name):
    layer = getattr(layers, name)(3, return_sequences=True)
    x = pycnn.Tensor(np.zeros((0, 4, 5), np.float32), requires_grad=True)
    y = layer(x)
    assert y.shape == (0, 4, 3)
    ops.sum(y).backward()
    assert x.grad.shape == (0, 4, 5)
    assert not layer.cell.kernel.grad.numpy().any()


@pytest.mark.parametrize("name", STATES)
def test_no_steps(backend, name):
    """The last states are the first ones, and so are their gradients."""
    layer = getattr(layers, name)(3, return_sequences=True, return_state=True)
    x = pycnn.Tensor(np.zeros((2, 0, 5), np.float32), requires_grad=True)
    states = [pycnn.Tensor(normal((2, 3), np.float32, i), requires_grad=True) for i in range(STATES[name])]
    y, *last = layer(x, initial_state=states)
    assert y.shape == (2, 0, 3)
    for new, first in zip(last, states, strict=True):
        np.testing.assert_array_equal(new.numpy(), first.numpy())
    sum((ops.sum(s * (i + 2.0)) for i, s in enumerate(last)), ops.sum(y)).backward()
    for i, first in enumerate(states):
        assert (first.grad.numpy() == i + 2).all()
    assert x.grad.shape == (2, 0, 5)
    assert not layer.cell.kernel.grad.numpy().any()


def test_the_forget_gate_begins_open():
    for bias, expected in ((True, [0, 0, 1, 1, 0, 0, 0, 0]), (False, [0] * 8)):
        layer = layers.LSTM(2, unit_forget_bias=bias)
        layer(np.ones((1, 1, 1)))
        assert layer.cell.bias.numpy().tolist() == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LSTM(0), "units must be an integer >= 1. Received: units=0"),
        (lambda: layers.GRU(2, dropout=1.0), "dropout must lie in"),
        (lambda: layers.LSTM(2, stateful=True), "stateful must be False"),
        (lambda: layers.RNN(layers.Dense(2)), "cell must be one like"),
        (lambda: layers.LSTM(2)(np.zeros((2, 3))), "ndim|3"),
        (lambda: layers.Bidirectional(layers.Dense(2)), "layer must be a recurrent layer"),
        (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"), "merge_mode must be one of"),
        (lambda: layers.LSTM(2)(np.ones((2, 3, 4)), initial_state=[np.ones((2, 2))]), "initial_state must be 2 times"),
        (
            lambda: ops.simple_rnn([[[1.0]]], [[1.0]], [[1.0]], activation="gelu"),
            "activation must be one of",
        ),
        (lambda: ops.gru(np.zeros((2, 3, 4)), np.zeros((4, 8)), np.zeros((2, 6))), "x must be"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
