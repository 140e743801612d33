"""Graphs of layers: what they compute, their order, their errors, and what of them Keras does the same."""

import os

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers, ops
from pycnn.models import clone_model, load_model, model_from_json

os.environ.setdefault("KERAS_BACKEND", "torch")


def two_inputs(keras=pycnn, layers=layers, ops=ops):
    """Inputs, outputs, operations, a shared layer, a nested model and branches, the same in pycnn and Keras."""
    image, vector = keras.Input((6, 6, 2), name="image"), keras.Input((3,), name="vector")
    x = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="branch")(x)
    x = ops.relu(x + 2.0 * y)[:, ::2]
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    shared = layers.Dense(4, name="shared")
    x = layers.Concatenate(name="join")([shared(x), shared(shared(x)), vector])
    inner = keras.Sequential([keras.Input((11,)), layers.Dense(5, activation="tanh"), layers.Dense(3)], name="inner")
    x = inner(x)
    return keras.Model([image, vector], [layers.Dense(2, name="b")(x), layers.Dense(1, name="a")(x)])


def set_same_weights(*models):
    for model in models:
        model.set_weights([normal(tuple(w.shape), np.float32, i) / 2 for i, w in enumerate(model.weights)])


def data(n=4):
    return [normal((n, 6, 6, 2), np.float32), normal((n, 3), np.float32, 1)]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras
def test_it_computes_what_keras_computes(backend):
    keras = peer("keras")
    mine, theirs = two_inputs(), two_inputs(keras, keras.layers, keras.ops)
    assert [layer.name for layer in mine.layers] == [layer.name for layer in theirs.layers]
    assert [w.shape for w in mine.weights] == [tuple(w.shape) for w in theirs.weights]
    assert (mine.input_shape, mine.output_shape) == (theirs.input_shape, theirs.output_shape)
    assert mine.output_names == theirs.output_names
    set_same_weights(mine, theirs)
    for a, b in zip(mine.predict(data(), verbose=0), theirs.predict(data(), verbose=0), strict=True):
        assert_close(a, b, 1e-5)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning", "ignore:Gradients do not exist")
@pytest.mark.parametrize(
    ("arguments", "y"),
    [
        ({"loss": "mse"}, "list"),
        ({"loss": ["mse", "mae"], "loss_weights": [1.0, 0.5], "metrics": [["mae"], ["mse", "mae"]]}, "list"),
        ({"loss": {"a": "mse", "b": "mae"}, "loss_weights": {"a": 2.0, "b": 0.2}, "metrics": {"b": "mse"}}, "dict"),
        ({"loss": [None, "mse"], "metrics": ["mae", "mse"], "weighted_metrics": ["mae", None]}, "list"),
    ],
)
def test_several_outputs_are_trained_as_in_keras(arguments, y):
    """Names of logs, their values, the order of ``evaluate``, weights after training."""
    keras = peer("keras")
    mine, theirs = two_inputs(), two_inputs(keras, keras.layers, keras.ops)
    set_same_weights(mine, theirs)
    targets = [normal((4, 2), np.float32, 2), normal((4, 1), np.float32, 3)]
    targets = dict(zip("ba", targets, strict=True)) if y == "dict" else targets
    histories, values = [], []
    for model, optimizers in ((mine, pycnn.optimizers), (theirs, keras.optimizers)):
        model.compile(optimizers.SGD(0.1), **arguments)
        histories.append(model.fit(data(), targets, batch_size=4, epochs=2, verbose=0, shuffle=False).history)
        values.append(model.evaluate(data(), targets, verbose=0))
    assert set(histories[0]) == set(histories[1])
    for name, numbers in histories[1].items():
        assert_close(np.array(histories[0][name]), np.array(numbers), 1e-5)
    assert_close(np.array(values[0]), np.array(values[1]), 1e-5)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, 1e-5)


def test_sample_weights_of_several_outputs(backend):
    model = two_inputs()
    y = [normal((4, 2), seed=2), normal((4, 1), seed=3)]
    model.compile("sgd", "mse")
    b, a = model.predict(data(), verbose=0)
    w = [np.arange(4.0), np.ones(4)]
    expected = (((b - y[0]) ** 2).mean(1) * w[0]).mean(), ((a - y[1]) ** 2).mean()
    for weights in (w, {"b": w[0], "a": w[1]}):
        logs = model.evaluate(data(), y, sample_weight=weights, verbose=0, return_dict=True)
        assert logs["b_loss"] == pytest.approx(expected[0], rel=1e-5)
        assert logs["loss"] == pytest.approx(sum(expected), rel=1e-5)


def test_single_batches(backend):
    model = two_inputs()
    model.compile("sgd", "mse")
    y = [normal((4, 2), seed=2), normal((4, 1), seed=3)]
    assert [part.shape for part in model.predict_on_batch(data())] == [(4, 2), (4, 1)]
    assert set(model.test_on_batch(data(), y, return_dict=True)) == {"loss", "a_loss", "b_loss"}
    assert len(model.train_on_batch(data(), y)) == 3


def test_dicts_and_nested_structures(backend):
    a, b = pycnn.Input((3,), name="a"), pycnn.Input((1,), name="b")
    model = pycnn.Model({"a": a, "b": b}, {"sum": a + b, "both": (a, [b * 2])})
    x = {"a": normal((5, 3), np.float32), "b": normal((5, 1), np.float32)}
    y = model.predict(x, verbose=0, batch_size=2)
    np.testing.assert_array_equal(y["sum"], x["a"] + x["b"])
    np.testing.assert_array_equal(y["both"][0], x["a"])
    np.testing.assert_array_equal(y["both"][1][0], x["b"] * 2)
    assert model.output_shape == {"sum": (None, 3), "both": ((None, 3), [(None, 1)])}
    single = pycnn.Model([a], [a * 2])  # a list of one is that one, as in Keras
    assert single(x["a"]).shape == single([x["a"]]).shape == single({"a": x["a"]}).shape == (5, 3)


def test_dict_outputs_are_named_by_their_keys(backend):
    x = pycnn.Input((3,))
    model = pycnn.Model(x, {"v": layers.Dense(1)(x), "u": layers.Dense(2)(x)})
    model.compile("sgd", {"v": "mse", "u": "mae"}, metrics={"u": ["mse"]})
    history = model.fit(normal((4, 3)), {"v": np.ones((4, 1)), "u": np.ones((4, 2))}, verbose=0).history
    assert list(history) == ["loss", "v_loss", "u_loss", "u_mse"]
    with pytest.raises(ValueError, match=r"y names outputs that there are not: \['w'\]. The outputs are \['u', 'v'\]"):
        model.fit(normal((4, 3)), {"w": np.ones((4, 1))}, verbose=0)


def test_parts_of_a_graph_are_models(backend):
    """Features, and what follows them, share the layers of the whole."""
    model = two_inputs()
    stem = model.get_layer("stem")
    features = pycnn.Model(model.inputs[0], stem.output)
    np.testing.assert_array_equal(features(data()[0]).numpy(), stem(data()[0]).numpy())
    top = pycnn.Model(model.get_layer("join").output, model.outputs)
    joined = pycnn.Model(model.inputs, model.get_layer("join").output).predict(data(), verbose=0)
    for a, b in zip(top.predict(joined, verbose=0), model.predict(data(), verbose=0), strict=True):
        assert_close(a, b)
    chain = pycnn.Sequential([pycnn.Input((4,)), layers.Dense(3, name="one"), layers.Dense(2)])
    part = pycnn.Model(chain.inputs, [layer.output for layer in chain.layers])
    assert [y.shape for y in part(np.ones((2, 4)))] == [(2, 3), (2, 2)]
    chain.pop()
    chain.add(layers.Dense(5))
    assert chain.output.shape == (None, 5)
    assert chain.layers[0].output.shape == (None, 3)


def test_transfer_learning(backend):
    base = pycnn.Sequential([pycnn.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization()])
    base.trainable = False
    inputs = pycnn.Input((6, 6, 2))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = pycnn.Model(inputs, layers.Dense(1)(x))
    assert len(model.trainable_weights) == 2
    model.compile("sgd", "mse")
    before = base.get_weights()
    model.fit(data()[0], np.ones((4, 1)), verbose=0)
    for a, b in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # moving statistics, too
    base.trainable = True
    assert len(model.trainable_weights) == 6


class Scaled(layers.Layer):
    """Takes two tensors, one by name; does not tell its shape; counts calls; adds a loss."""

    def build(self, input_shape):
        self.calls = self.add_weight((), "zeros", trainable=False, name="calls")

    def call(self, inputs, factor=None, training=False):
        self.calls.assign(self.calls.numpy() + 1)
        self.add_loss(ops.mean(inputs) * 0.0 + 1.0)
        y = inputs if factor is None else inputs * factor
        return (y, ops.reshape(y, (-1, 1))) if not training else (y * 2, ops.reshape(y, (-1, 1)))


def test_layers_that_tell_no_shape_leave_no_trace(backend):
    a, b = pycnn.Input((3,)), pycnn.Input((1,))
    layer = Scaled()
    y, column = layer(a, factor=b)
    assert (y.shape, column.shape) == ((None, 3), (None, 1))
    assert layer.calls.numpy() == 0
    model = pycnn.Model([a, b], y)
    x = [np.ones((2, 3)), np.full((2, 1), 3.0)]
    assert_close(model(x).numpy(), np.full((2, 3), 3.0, np.float32))
    assert_close(model(x, training=True).numpy(), np.full((2, 3), 6.0, np.float32))
    assert layer.calls.numpy() == 2
    assert [loss.item() for loss in model.losses] == [1.0]


def test_operators_and_operations(backend):
    x = pycnn.Input((4, 3))
    value = normal((2, 4, 3), np.float32)
    tensor = pycnn.Tensor(value)
    for compute in (
        lambda x: 1 - x / 2,
        lambda x: np.float32(3) * x**2,
        lambda x: x[:, 1:3, None, ..., 0],
        lambda x: ops.concatenate([x, -x], axis=-1),
        lambda x: ops.split(x, 2, axis=1)[1],
        lambda x: x.mean(axis=(1, 2), keepdims=True) @ np.ones((1, 2), np.float32),
        lambda x: ops.where(x > 0, x, np.zeros(3, np.float32)),
        lambda x: ops.cast(ops.argmax(x, axis=-1), "float32"),
        lambda x: ops.reshape(x, (-1, 2, 6)),
        lambda x: ops.sum(abs(x), axis=-1),
    ):
        model = pycnn.Model(x, compute(x))
        expected = compute(tensor).numpy()
        assert_close(model(value).numpy(), expected)
        assert model.output_shape == (None, *expected.shape[1:])
        again = model_from_json(model.to_json())
        assert_close(again(value).numpy(), expected)
        assert [layer.name for layer in again.operations] == [layer.name for layer in model.operations]
    assert pycnn.Model(x, x + 1).layers == [x.node.layer]  # operations are not among the layers


def test_saving_cloning_json(backend, tmp_path):
    model = two_inputs()
    model.compile("adam", {"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 0.5}, metrics={"a": ["mae"]})
    y = {"a": np.ones((4, 1)), "b": np.ones((4, 2))}
    model.fit(data(), y, verbose=0)
    model.save(tmp_path / "net.pycnn")
    loaded = load_model(tmp_path / "net.pycnn")
    for a, b in zip(loaded.predict(data(), verbose=0), model.predict(data(), verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)
    options = {"verbose": 0, "shuffle": False}
    assert loaded.fit(data(), y, **options).history == model.fit(data(), y, **options).history
    part = pycnn.Model(model.get_layer("join").output, model.outputs[0])
    part.save(tmp_path / "part.pycnn")
    assert load_model(tmp_path / "part.pycnn").input_shape == (None, 11)
    clone = clone_model(model)
    assert clone.count_params() == model.count_params()
    assert clone.get_layer("stem") is not model.get_layer("stem")
    wider = clone_model(model, clone_function=lambda layer: layers.Dense(7) if layer.name == "a" else
                        type(layer).from_config(layer.get_config()))  # fmt: skip
    assert wider.output_shape == [(None, 2), (None, 7)]


def test_a_weight_in_an_operation_cannot_be_saved(backend):
    layer = layers.Dense(3)
    x = layer(pycnn.Input((3,)))
    model = pycnn.Model(layer.input, x * layer.bias)
    with pytest.raises(ValueError, match="An operation on a weight cannot be saved.*Received: weight 'bias'"):
        model.to_json()


class Doubling(pycnn.Model):
    """Keras's way to a training step of one's own, over a graph."""

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        self.zero_grad()
        loss.backward()
        variables = list(self.trainable_weights)
        self.optimizer.apply([v.grad for v in variables], variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        return {**super().test_step(data), "twice": 2.0}


def test_training_steps_in_the_form_of_keras(backend):
    x = pycnn.Input((3,))
    model = Doubling(x, layers.Dense(1, kernel_initializer="ones")(x))
    model.compile("sgd", "mse", metrics=["mae"])
    plain = pycnn.Model(x, layers.Dense(1, kernel_initializer="ones")(x))
    plain.compile("sgd", "mse", metrics=["mae"])
    arrays = normal((8, 3), np.float32), normal((8, 1), np.float32, 1)
    options = {"batch_size": 4, "epochs": 2, "verbose": 0, "shuffle": False}
    mine, expected = model.fit(*arrays, **options).history, plain.fit(*arrays, **options).history
    assert set(mine) == {"loss", "mae"}
    for name in mine:
        assert mine[name] == pytest.approx(expected[name], rel=1e-5)
    assert model.evaluate(*arrays, verbose=0, return_dict=True)["twice"] == 2.0


def test_metrics_that_are_attributes_are_reset_and_logged(backend):
    class Own(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.tracker = pycnn.metrics.Mean(name="ones")

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            super().train_step(data)
            self.tracker.update_state(1.0)
            return {m.name: m.result() for m in [self.tracker]}

    model = Own()
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0).history
    assert history == {"ones": [1.0, 1.0]}


def test_deep_graphs(backend):
    """Deeper than Python's stack."""
    x = start = pycnn.Input((1,))
    for _ in range(1500):
        x = x + 1.0
    assert pycnn.Model(start, x)(np.zeros((1, 1))).item() == 1500.0


def test_memory_of_intermediate_results_is_given_back(backend):
    x = pycnn.Input((2,))
    model = pycnn.Model(x, ops.exp(ops.square(x) + 1.0))
    assert any(step[-1] for step in model._graph._steps)


def test_errors(backend):
    x, other = pycnn.Input((3,), name="x"), pycnn.Input((3,), name="other")
    y = layers.Dense(2, name="y")(x)
    with pytest.raises(ValueError, match=r"output of layer 'y' depends on the Input 'x'.*Received: inputs=\['other'\]"):
        pycnn.Model(other, y)
    with pytest.raises(ValueError, match="inputs must be symbolic tensors.*Received: inputs with"):
        pycnn.Model(np.ones(3), y)
    with pytest.raises(ValueError, match="outputs must be symbolic tensors.*Received: outputs with <Dense"):
        pycnn.Model(x, [layers.Dense(2)])
    with pytest.raises(ValueError, match="Give both inputs and outputs, or none"):
        pycnn.Model(x)
    with pytest.raises(ValueError, match="different names. Received: name='y' twice"):
        pycnn.Model(x, layers.Dense(2, name="y")(y))
    model = pycnn.Model([x, other], y)
    with pytest.raises(ValueError, match=r"has 2 inputs, \['x', 'other'\].*Received: 3 inputs"):
        model([np.ones((1, 3))] * 3)
    with pytest.raises(ValueError, match=r"The inputs \['other'\] are missing"):
        model({"x": np.ones((1, 3))})
    with pytest.raises(ValueError, match=r"^Layer 'x' \(InputLayer\): inputs must have the size 3"):
        model([np.ones((1, 4)), np.ones((1, 3))])
    with pytest.raises(ValueError, match=r"'add\w*' \(Operation\)"):
        x + pycnn.Input((4,))
    with pytest.raises(TypeError, match="cannot be a condition"):
        bool(x > 0)
    with pytest.raises(AttributeError, match="was never called on symbolic tensors and so has no output"):
        layers.Dense(2, name="lone").output  # noqa: B018  raises


def test_unused_inputs_are_allowed(backend):
    a, b = pycnn.Input((2,)), pycnn.Input((2,))
    assert pycnn.Model([a, b], a * 2)([np.ones((1, 2)), np.zeros((1, 2))]).numpy().tolist() == [[2.0, 2.0]]


def test_the_summary_tells_what_is_connected(backend):
    texts = []
    two_inputs().summary(print_fn=texts.append, expand_nested=True, show_trainable=True)
    assert "Connected to" in texts[0]
    assert "stem[0][0]" in texts[0]
    assert "shared[0][0]" in texts[0]
    assert "shared[2][0]" in texts[0]
    assert "  dense" in texts[0]
    chain = pycnn.Input((3,))
    pycnn.Model(chain, layers.Dense(2)(chain)).summary(print_fn=texts.append)
    assert "Connected to" not in texts[1]
