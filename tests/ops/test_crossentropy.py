import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch

import pycnn
from pycnn import config, ops
from pycnn.autograd import gradcheck
from pycnn.ops import crossentropy
from pycnn.ops.crossentropy import categorical_crossentropy as categorical
from pycnn.ops.crossentropy import sparse_categorical_crossentropy as sparse

LOGITS = normal((5, 4)) * 2
LABELS = np.array([0, 3, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]
SOFT = np.abs(normal((5, 4), seed=5))
SOFT /= SOFT.sum(axis=1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_sparse_categorical_crossentropy_of_logits_agrees_with_torch(backend):
    torch = peer("torch")
    assert_matches_torch(
        lambda x: sparse(LABELS, x, from_logits=True),
        lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS), reduction="none"),
        [LOGITS],
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_categorical_crossentropy_of_logits_agrees_with_torch(backend, smoothing):
    functional = peer("torch").nn.functional
    assert_matches_torch(
        lambda t, x: categorical(t, x, from_logits=True, label_smoothing=smoothing),
        lambda t, x: functional.cross_entropy(x, t, reduction="none", label_smoothing=smoothing),
        [SOFT, LOGITS],
    )


def test_binary_crossentropy_of_logits_agrees_with_torch(backend):
    functional = peer("torch").nn.functional
    assert_matches_torch(
        lambda t, x: crossentropy.binary_crossentropy(t, x, from_logits=True),
        lambda t, x: functional.binary_cross_entropy_with_logits(x, t, reduction="none").mean(-1),
        [SOFT, LOGITS],
    )


def test_crossentropies_of_probabilities(backend):
    p = softmax(LOGITS)
    by_hand = -np.log(p[np.arange(5), LABELS])
    assert_close(sparse(LABELS, p).numpy(), by_hand)
    assert_close(categorical(ONE_HOT, p).numpy(), by_hand)
    q = sigmoid(LOGITS)
    bce = -(SOFT * np.log(q) + (1 - SOFT) * np.log(1 - q)).mean(axis=1)
    assert_close(crossentropy.binary_crossentropy(SOFT, q).numpy(), bce)
    gradcheck(lambda p: sparse(LABELS, p), [p])
    gradcheck(categorical, [SOFT, p * 3])
    gradcheck(crossentropy.binary_crossentropy, [SOFT, q])


def test_probabilities_are_normalised_and_kept_from_zero(backend):
    unnormalised = np.array([[2.0, 6.0], [0.0, 5.0]])
    expected = np.array([-np.log(0.25), -np.log(config.epsilon())])
    assert_close(sparse([0, 0], unnormalised).numpy(), expected)
    assert_close(categorical([[1.0, 0], [1, 0]], unnormalised).numpy(), expected)
    assert_close(
        crossentropy.binary_crossentropy([[1.0], [0.0]], np.array([[0.0], [1.0]])).numpy(),
        np.full(2, expected[1]),
        1e-7,
    )


@pytest.mark.parametrize(
    ("function", "link", "target"),
    [
        (sparse, ops.softmax, LABELS),
        (categorical, ops.softmax, SOFT),
        (crossentropy.binary_crossentropy, ops.sigmoid, SOFT),
        (ops.categorical_focal_crossentropy, ops.softmax, SOFT),
    ],
)
def test_probabilities_on_the_tape_lead_to_their_logits(backend, function, link, target):
    """Far out the probabilities round to 0 and 1; value and gradient must stay those of the logits."""
    x = np.array([[200.0, -200.0, 0.0, 1.0]] * 5)
    through, direct = pycnn.Tensor(x, requires_grad=True), pycnn.Tensor(x, requires_grad=True)
    a = function(target, link(through))
    b = function(target, direct, from_logits=True)
    a.backward(np.ones(5))
    b.backward(np.ones(5))
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_array_equal(through.grad.numpy(), direct.grad.numpy())
    assert a.numpy().max() > 20


@pytest.mark.parametrize("layer", ["dense", "conv2d"])
@pytest.mark.parametrize(("activation", "loss"), [("softmax", "categorical"), ("sigmoid", "binary")])
def test_logits_are_found_behind_fused_layers(backend, layer, activation, loss):
    x = np.full((2, 1, 1, 3), 100.0) if layer == "conv2d" else np.full((2, 3), 100.0)
    w = np.array([[3.0, -3.0]] * 3)
    w = pycnn.Tensor(w[None, None] if layer == "conv2d" else w, requires_grad=True)
    function = getattr(crossentropy, f"{loss}_crossentropy")
    y = getattr(ops, layer)(x, w, activation=activation)
    target = np.broadcast_to([0.0, 1.0], y.shape)
    value = function(target, y)
    value.sum().backward()
    assert value.numpy().ravel()[0] == pytest.approx(1800.0 if loss == "categorical" else 900.0)
    assert np.abs(w.grad.numpy()).min() > 50


def test_a_freed_tape_leaves_the_probabilities(backend):
    x = pycnn.Tensor(LOGITS, requires_grad=True)
    y = ops.softmax(x)
    y.sum().backward()
    assert_close(sparse(LABELS, y).numpy(), -np.log(softmax(LOGITS)[np.arange(5), LABELS]))


def test_losses_of_maps(backend):
    x, labels = normal((2, 3, 3, 4)), np.arange(18).reshape(2, 3, 3) % 4
    y = sparse(labels, x, from_logits=True)
    expected = -np.log(np.take_along_axis(softmax(x), labels[..., None], -1))[..., 0]
    assert_close(y.numpy(), expected)
    assert_close(sparse(labels[..., None], softmax(x)).numpy(), expected)
    gradcheck(lambda x: sparse(labels, x, from_logits=True), [x])


def test_ignored_classes_count_nothing(backend):
    labels = np.array([0, -1, 1, -1, 2])
    x = pycnn.Tensor(LOGITS, requires_grad=True)
    y = sparse(labels, x, from_logits=True, ignore_class=-1)
    y.sum().backward()
    expected = -np.log(softmax(LOGITS)[np.arange(5), labels])
    expected[[1, 3]] = 0
    assert_close(y.numpy(), expected)
    assert not x.grad.numpy()[[1, 3]].any()


FOCAL = {
    "categorical_focal_crossentropy": lambda t, p: (-0.25 * (1 - p) ** 2 * t * np.log(p)).sum(-1),
    "binary_focal_crossentropy": lambda t, p: (
        -(t * np.log(p) + (1 - t) * np.log(1 - p)) * (1 - (t * p + (1 - t) * (1 - p))) ** 2
    ).mean(-1),
}


@pytest.mark.parametrize("name", FOCAL)
def test_focal_losses_by_formula(backend, name):
    p = softmax(LOGITS)
    assert_close(getattr(ops, name)(SOFT, p).numpy(), FOCAL[name](SOFT, p))
    gradcheck(lambda p: getattr(ops, name)(SOFT, p), [p])


def test_focal_losses_balance_and_take_logits(backend):
    t, x = (SOFT > 0.3) * 1.0, LOGITS
    p = sigmoid(x)
    expected = FOCAL["binary_focal_crossentropy"]
    balanced = ops.binary_focal_crossentropy(t[:, :1], p[:, :1], apply_class_balancing=True, alpha=0.8)
    assert_close(balanced.numpy(), expected(t[:, :1], p[:, :1]) * np.where(t[:, 0] == 1, 0.8, 0.2))
    assert_close(ops.binary_focal_crossentropy(t, x, from_logits=True).numpy(), expected(t, p))
    q = softmax(x)
    assert_close(
        ops.categorical_focal_crossentropy(SOFT, x, from_logits=True).numpy(),
        FOCAL["categorical_focal_crossentropy"](SOFT, q),
    )


def test_smoothed_targets(backend):
    p = softmax(LOGITS)
    assert_close(
        categorical(ONE_HOT, p, label_smoothing=0.2).numpy(),
        -((ONE_HOT * 0.8 + 0.05) * np.log(p)).sum(-1),
    )
    assert_close(
        crossentropy.binary_crossentropy(ONE_HOT, p, label_smoothing=0.2).numpy(),
        crossentropy.binary_crossentropy(ONE_HOT * 0.8 + 0.1, p).numpy(),
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sparse([0, 4], LOGITS[:2]), r"from 0 to 3.* y_true from 0 to 4"),
        (lambda: sparse([-1, 2], LOGITS[:2]), r"Received: y_true from -1 to 2"),
        (lambda: sparse([0], LOGITS), r"the shape \(5,\).* Received: y_true.shape"),
        (lambda: categorical(LABELS, LOGITS), "integer labels there is the loss sparse_categorical"),
        (lambda: categorical(ONE_HOT, LOGITS, label_smoothing=2), "label_smoothing must lie in"),
    ],
)  # fmt: skip
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_empty_batch(backend):
    x = pycnn.Tensor(LOGITS[:0], requires_grad=True)
    y = sparse(LABELS[:0], x, from_logits=True)
    y.sum().backward()
    assert y.shape == (0,)
    assert x.grad.shape == (0, 4)
