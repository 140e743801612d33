"""Every loss gives Keras's values and gradients, and takes Keras's arguments."""

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import losses

LABELS = np.array([0, 1, 2, 2, 1, 0])
ONE_HOT = np.eye(3)[LABELS]
LOGITS = normal((6, 3), seed=1)
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
Y = normal((6, 3), seed=2)
MASKS = (normal((2, 4, 4, 1)) > 0).astype(float)
Q = 1 / (1 + np.exp(-normal((2, 4, 4, 1), seed=3)))
MAPS = normal((6, 3, 4), seed=4)  # classes along axis 1
UNIT = LOGITS / np.linalg.norm(LOGITS, axis=1, keepdims=True)
WEIGHTS = np.array([0.0, 1.0, 2.0, 3.0, 0.5, 0.5])

CASES = [
    ("MeanSquaredError", {}, Y, LOGITS),
    ("MeanAbsoluteError", {}, Y, LOGITS),
    ("MeanAbsolutePercentageError", {}, Y, LOGITS),
    ("MeanSquaredLogarithmicError", {}, np.abs(Y), P),
    ("CosineSimilarity", {}, Y, LOGITS),
    ("CosineSimilarity", {"axis": 1}, MAPS, normal(MAPS.shape, seed=8)),
    ("Huber", {}, Y, LOGITS),
    ("Huber", {"delta": 0.5}, Y, LOGITS),
    ("LogCosh", {}, Y, LOGITS),
    ("Poisson", {}, np.abs(Y), P),
    ("KLDivergence", {}, P[::-1].copy(), P),
    ("Hinge", {}, 2 * ONE_HOT - 1, LOGITS),
    ("Hinge", {}, ONE_HOT, LOGITS),
    ("SquaredHinge", {}, ONE_HOT, LOGITS),
    ("CategoricalHinge", {}, ONE_HOT, LOGITS),
    ("BinaryCrossentropy", {}, ONE_HOT, P),
    ("BinaryCrossentropy", {"from_logits": True}, ONE_HOT, LOGITS),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, ONE_HOT, P),
    ("BinaryCrossentropy", {"from_logits": True, "axis": 1}, (MAPS > 0).astype(float), MAPS),
    ("BinaryFocalCrossentropy", {}, ONE_HOT, P),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}, ONE_HOT, P),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, LOGITS),
    ("CategoricalCrossentropy", {}, ONE_HOT, P),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, LOGITS),
    ("CategoricalCrossentropy", {"from_logits": True, "axis": 1}, np.eye(3)[LABELS][:, :, None] * np.ones(4), MAPS),
    ("CategoricalFocalCrossentropy", {}, ONE_HOT, P),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 1.0, "from_logits": True}, ONE_HOT, LOGITS),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, LOGITS),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, LABELS, LOGITS),
    ("CategoricalGeneralizedCrossEntropy", {}, LABELS, P),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, LABELS, P),
    ("Dice", {}, MASKS, Q),
    ("Dice", {"axis": (1, 2, 3)}, MASKS, Q),
    ("Tversky", {}, MASKS, Q),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": (1, 2, 3)}, MASKS, Q),
    ("Circle", {"gamma": 4.0}, LABELS, UNIT),
    ("Circle", {"gamma": 2.0, "margin": 0.25, "remove_diagonal": False}, LABELS, UNIT),
]
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def _same(loss, peer_loss, y, p, weights):
    """Compare value and gradient in the predictions."""
    torch = peer("torch")
    own, theirs = pycnn.Tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    value, expected = loss(y, own, weights), peer_loss(y, theirs, weights)
    assert_close(value.numpy(), expected.detach().numpy(), 1e-6)
    value.sum().backward()
    expected.sum().backward()
    assert_close(own.grad.numpy(), theirs.grad.numpy(), 1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES)
def test_values_and_gradients_are_those_of_keras(backend, name, arguments, y, p, reduction):
    keras = peer("keras")
    loss = getattr(losses, name)(**arguments, reduction=reduction)
    theirs = getattr(keras.losses, name)(**arguments, reduction=reduction, dtype="float64")
    _same(loss, theirs, y, p, None)
    if name == "Circle" or arguments.get("ignore_class") is not None:
        return  # Keras applies its mask to weights in other ways: see below
    weights = WEIGHTS[: len(p)]
    if arguments.get("axis") == 1:
        weights = weights[:, None] if reduction != "mean_with_sample_weight" else None  # Keras counts each only once
    if name in ("Dice", "Tversky") and "axis" not in arguments and reduction == "mean_with_sample_weight":
        weights = None
    _same(loss, theirs, y, p, weights)


@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES)
def test_strings_and_functions_are_those_of_keras(backend, name, arguments, y, p):
    keras = peer("keras")
    function = getattr(losses, name)().name if name != "Circle" else "circle"
    theirs = getattr(keras.losses, function)
    if arguments or name in ("Circle", "CategoricalGeneralizedCrossEntropy"):
        return
    assert type(losses.get(function)) is getattr(losses, name)
    torch = peer("torch")
    expected = theirs(torch.tensor(y), torch.tensor(p))
    assert_close(getattr(losses, function)(y, p).numpy(), expected.numpy(), 1e-6)


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    names = {n for n in dir(keras.losses) if n[0] != "_"} - {"CTC", "ctc", "get", "serialize", "deserialize"}
    assert names <= set(losses.__all__)
    own_default = {"q": 0.5}  # of the function categorical_generalized_cross_entropy, which has none in Keras
    for name in names:
        mine = inspect.signature(getattr(losses, name)).parameters
        theirs = inspect.signature(getattr(keras.losses, name)).parameters
        assert list(mine) == list(theirs), name
        for argument in set(mine) - {"name"}:  # None stands for the loss's own name
            expected = theirs[argument].default
            if expected is inspect.Parameter.empty:
                expected = own_default.get(argument, expected)
            assert mine[argument].default == expected, (name, argument)
    for identifier in (
        "mse",
        "mae",
        "mape",
        "msle",
        "MSE",
        "bce",
        "kld",
        "kl_divergence",
        "logcosh",
        "log_cosh",
        "dice",
    ):
        assert losses.get(identifier).name


def test_smooth_l1_is_pytorchs(backend):
    torch = peer("torch")
    for beta in (1.0, 0.3):
        expected = torch.nn.functional.smooth_l1_loss(torch.tensor(LOGITS), torch.tensor(Y), beta=beta)
        assert losses.SmoothL1(beta)(Y, LOGITS).item() == pytest.approx(expected.item())
    assert type(losses.get("smooth_l1")) is losses.SmoothL1
    with pytest.raises(ValueError, match="beta must be positive. Received: beta=0"):
        losses.SmoothL1(0)


@pytest.mark.parametrize("name", ["Dice", "Tversky", "Circle", "CategoricalGeneralizedCrossEntropy"])
def test_configurations(name):
    loss = getattr(losses, name)(reduction="sum", name="mine", dtype="float64")
    again = losses.deserialize(losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert (again.name, again.reduction, again.dtype) == ("mine", "sum", "float64")


def test_dtype_is_that_of_the_computation(backend):
    assert losses.MeanSquaredError(dtype="float64")(Y.astype("float32"), LOGITS.astype("float32")).dtype == np.float64
    assert losses.MeanSquaredError()(Y, LOGITS.astype("float32")).dtype == np.float32
