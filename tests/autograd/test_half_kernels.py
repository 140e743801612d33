"""Operations inside autocast on a backend with half-wide kernels: those of float32 and rounding, but for rounding."""

import numpy as np
import pytest
from cuda_emulator.backend import on_gpus
from halves import ROUNDING, halves
from helpers import assert_close, normal

import pycnn
from pycnn import ops
from pycnn.analysis.tap import tapped
from pycnn.autograd import autocast

MAP, FILTERS, CHANNELS = (2, 9, 8, 24), (3, 3, 24, 32), (24,)

# What is computed, the shapes of arrays and of weights, and whether half-wide kernels do it.
CASES = {
    "conv2d": (lambda x, w, b: ops.conv2d(x, w, b, padding="same", activation="relu"), [MAP], [FILTERS, (32,)], True),
    "conv2d, residual": (
        lambda x, r, w: ops.conv2d(x, w, None, 2, residual=r, activation="tanh"),
        [MAP, (2, 4, 3, 32)],
        [FILTERS],
        True,
    ),
    "conv2d_transpose": (
        lambda x, w, b: ops.conv2d_transpose(x, w, b, strides=2),
        [MAP],
        [(3, 3, 16, 24), (16,)],
        True,
    ),
    "dense": (lambda x, w, b: ops.dense(x, w, b, activation="relu"), [(12, 40)], [(40, 24), (24,)], True),
    "dense of sequences": (lambda x, w: ops.dense(x, w), [(3, 4, 10)], [(10, 7)], True),
    "matmul": (ops.matmul, [(12, 40)], [(40, 24)], True),
    "matmul of stacks": (ops.matmul, [(3, 5, 8), (3, 8, 6)], [], True),
    "matmul with a stack of weights": (ops.matmul, [(3, 5, 8)], [(3, 8, 6)], True),
    "weights on the left": (lambda x, w: ops.matmul(w, x), [(12, 40)], [(7, 12)], False),
    "batch_norm": (lambda x, g, b: ops.batch_norm(x, g, b, activation="relu"), [MAP], [CHANNELS, CHANNELS], True),
    "batch_norm, residual": (
        lambda x, r, g, b: ops.batch_norm(x, g, b, residual=r, activation="relu"),
        [MAP, MAP],
        [CHANNELS, CHANNELS],
        True,
    ),
    "batch_norm, moments": (
        lambda x, g, b, m, v: ops.batch_norm(x, g, b, m, v * v, activation="sigmoid"),
        [MAP],
        [CHANNELS] * 4,
        True,
    ),
    "max_pool2d": (lambda x: ops.max_pool2d(x, 3, 2, 1), [MAP], [], True),
    "min_pool2d": (lambda x: ops.min_pool2d(x, 2), [MAP], [], True),
    "avg_pool2d": (lambda x: ops.avg_pool2d(x, 3, 2, 1), [MAP], [], True),
    "global_avg_pool2d": (ops.global_avg_pool2d, [(3, 60, 50, 24)], [], True),
    "small mean": (lambda x: ops.mean(x, axis=(1, 3)), [(2, 300, 2, 6)], [], True),
    "sum": (lambda x: ops.sum(x, axis=3), [(2, 30, 20, 24)], [], True),
    "gelu": (ops.gelu, [MAP], [], True),
    "relu": (ops.relu, [MAP], [], True),
    "sigmoid of weights": (lambda x, w: ops.sigmoid(w) + x, [MAP], [MAP], True),
    "sum of two": (ops.add, [(2, 30, 20, 24)] * 2, [], True),
    "small sum": (ops.add, [MAP, (2, 1, 1, 24)], [], True),
    "bias": (ops.add, [(2, 30, 20, 24)], [(24,)], True),
    "squeeze and excite": (ops.multiply, [(2, 30, 20, 24), (2, 1, 1, 24)], [], True),
    "small product": (ops.multiply, [MAP, MAP], [], True),
    "scaled by weights": (ops.multiply, [(2, 30, 20, 24)], [(24,)], False),
    "with a number": (lambda x: x * 0.1, [MAP], [], False),
    "softmax": (ops.softmax, [MAP], [], False),
}


def evaluated(name, half, arrays, weights):
    """The result, whether half-wide kernels made it, and the gradients of all that was given."""
    backend, function = pycnn.get_backend(), CASES[name][0]
    xs = [pycnn.Tensor(backend.asarray(a), requires_grad=True) for a in arrays]
    ws = [pycnn.Variable(w) for w in weights]
    with autocast(half):
        y = function(*xs, *ws)
    y.backward(pycnn.Tensor(backend.asarray(normal(y.shape, half, 9))))
    return y, [t.grad for t in (*xs, *ws)]


@on_gpus
@halves
@pytest.mark.parametrize("name", CASES)
def test_half_wide_kernels_give_what_float32_and_rounding_do(backend, half, name):
    _, shapes, weight_shapes, direct = CASES[name]
    arrays = [normal(shape, half, i) for i, shape in enumerate(shapes)]
    weights = [normal(shape, "float32", 4 + i) * 0.3 for i, shape in enumerate(weight_shapes)]
    with pycnn.backend_scope("cpu"):
        expected, gradients = evaluated(name, half, arrays, weights)
    y, own = evaluated(name, half, arrays, weights)
    assert (expected.dtype, y.dtype) == (half, half)
    assert_close(y.numpy().astype("f4"), expected.numpy().astype("f4"), 2.1 * ROUNDING[half.name])
    for mine, theirs in zip(own, gradients, strict=True):
        assert mine.dtype == theirs.dtype
        assert_close(mine.numpy().astype("f4"), theirs.numpy().astype("f4"), 6 * ROUNDING[half.name])
        if mine.dtype == np.float32:  # weights
            assert (mine.numpy() != mine.numpy().astype(half).astype("f4")).any()
    with autocast(half):  # a node without its gradients
        again = CASES[name][0](
            *(pycnn.Tensor(backend.asarray(a), requires_grad=True) for a in arrays), *map(pycnn.Variable, weights)
        )
    assert again._node.halves == direct


@on_gpus
@halves
def test_other_dtypes_beside_are_not_left_to_them(backend, half):
    """Arrays of float32, of the other half-wide dtype, and integers."""
    other = np.dtype("bfloat16" if half == "float16" else "float16")
    x, y = (
        pycnn.Tensor(backend.asarray(normal((4, 8), d, i)), requires_grad=True) for i, d in enumerate((half, other))
    )
    wide, whole = pycnn.Tensor(backend.asarray(normal((4, 8), "f4"))), pycnn.Tensor(backend.asarray(np.arange(8)))
    with autocast(half):
        results = [x + y, x + wide, x + whole]
    assert [r.dtype for r in results] == [half, np.float32, half]
    assert not any(r._node.halves for r in results)
    with autocast(np.dtype("float32")):
        assert (x + x).dtype == np.float32


@on_gpus
def test_batch_norm_takes_weights_of_float64(backend):
    x, gamma = pycnn.Tensor(backend.asarray(normal(MAP, "float16"))), normal(24)
    with autocast(np.dtype("float16")):
        y = ops.batch_norm(x, pycnn.Variable(gamma, autocast=False))
        expected = ops.batch_norm(x, pycnn.Variable(gamma.astype("f4"), autocast=False))
    assert y.dtype == "float16"
    np.testing.assert_array_equal(y.numpy(), expected.numpy())


@on_gpus
def test_a_network_trains_in_half_the_bytes(backend):
    """What is kept for the backward pass is half-wide, and the loss goes the way of float32's."""

    def losses_of(policy):
        pycnn.config.set_random_seed(3)
        pycnn.config.set_dtype_policy(policy)
        x = pycnn.Input((8, 8, 8))
        y = pycnn.layers.Conv2D(24, 3, padding="same", use_bias=False)(x)
        y = pycnn.layers.Activation("relu")(pycnn.layers.BatchNormalization()(y))
        shortcut = y
        y = pycnn.layers.Conv2D(24, 3, padding="same")(y)
        y = pycnn.layers.Activation("relu")(pycnn.layers.Add()([y, shortcut]))
        y = pycnn.layers.GlobalAveragePooling2D()(pycnn.layers.MaxPooling2D()(y))
        model = pycnn.Model(x, pycnn.layers.Dense(3, dtype="float32")(pycnn.layers.Dense(16, "relu")(y)))
        pycnn.config.set_dtype_policy(None)
        loss = pycnn.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(pycnn.optimizers.SGD(0.1), loss)
        labels = np.arange(12) % 3
        data = normal((12, 8, 8, 8), "f4") + labels[:, None, None, None]
        history = model.fit(data, labels, batch_size=6, epochs=4, shuffle=False, verbose=0).history["loss"]
        with autocast(None):
            tensor = model(data[:2], training=True)
        kept = set()
        nodes = [tensor._node]
        while nodes:
            node = nodes.pop()
            kept |= {v.dtype.name for v in vars(node).values() if backend.is_array(v) and v.size > 500}
            nodes += [t._node for t in node.inputs if t is not None and t._node is not None]
        return np.array(history), kept - {"uint8"}  # where maxima were

    fine, kept = losses_of("float32")
    assert kept == {"float32"}
    for policy, tolerance in (("mixed_float16", 3e-3), ("mixed_bfloat16", 3e-2)):
        rough, kept = losses_of(policy)
        assert_close(rough, fine, tolerance)
        assert kept == {policy.removeprefix("mixed_")}


def fusable_network(policy):
    pycnn.config.set_random_seed(3)
    pycnn.config.set_dtype_policy(policy)
    x = pycnn.Input((8, 8, 8))
    y = pycnn.layers.Conv2D(24, 3, padding="same")(x)
    y = pycnn.layers.Activation("relu")(pycnn.layers.BatchNormalization()(y))
    z = pycnn.layers.BatchNormalization()(pycnn.layers.Conv2D(24, 3, padding="same", use_bias=False)(y))
    model = pycnn.Model(x, pycnn.layers.ReLU()(pycnn.layers.Add()([z, y])))
    pycnn.config.set_dtype_policy(None)
    model.set_weights([np.abs(w) + 0.1 * normal(w.shape, "f4", i) for i, w in enumerate(model.get_weights())])
    return model


@on_gpus
@halves
def test_neighbours_are_fused(backend, half, monkeypatch):
    """One pass for batch norm, sum and activation in training, none outside of it, and what they give one by one."""
    model, x, passes = fusable_network(f"mixed_{half}"), normal((4, 8, 8, 8), "f4"), []

    def notes(launch):
        def noted(source, kernel, *arguments, **options):
            passes.append(kernel)
            launch(source, kernel, *arguments, **options)

        return noted

    for module in (backend.norm, backend.activation, backend.arithmetic):
        monkeypatch.setattr(module, "launch", notes(module.launch))
    for training, allowed in ((True, ["moments_of_rows", "moments_of_slices", "batch_norm_forward"]), (False, [])):
        with tapped(model.flatten_layers()[1:], lambda layer, y: y):
            expected = model(x, training=training)
        passes.clear()
        with pycnn.autograd.no_grad():
            y = model(x, training=training)
        assert sorted(passes) == sorted(2 * allowed)
        assert y.dtype == expected.dtype == half
        assert_close(y.numpy().astype("f4"), expected.numpy().astype("f4"), 4 * ROUNDING[half.name])


@pytest.mark.parametrize("backend", ["cpu"], indirect=True)
def test_without_such_kernels_each_layer_rounds(backend):
    model, x = fusable_network("mixed_bfloat16"), normal((4, 8, 8, 8), "f4")
    with tapped(model.flatten_layers()[1:], lambda layer, y: y):
        expected = model(x, training=False).numpy()
    np.testing.assert_array_equal(model(x, training=False).numpy().view("u2"), expected.view("u2"))


@on_gpus
def test_layers_of_float32_are_fused_as_such_in_a_model_that_rounds(backend):
    pycnn.config.set_dtype_policy("mixed_float16")
    try:
        model = pycnn.Sequential(
            [
                pycnn.Input((6, 6, 8)),
                pycnn.layers.Conv2D(24, 3, dtype="float32"),
                pycnn.layers.BatchNormalization(dtype="float32"),
                pycnn.layers.ReLU(dtype="float32"),
            ]
        )
    finally:
        pycnn.config.set_dtype_policy(None)
    x = normal((2, 6, 6, 8), "f4")
    with pycnn.autograd.no_grad():
        y = model(x, training=False)
    assert y.dtype == "float32"
    fine = pycnn.Sequential.from_config(model.get_config() | {"dtype": "float32"})
    fine.set_weights(model.get_weights())
    assert_close(y.numpy(), fine(x, training=False).numpy(), 2e-6)
