import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import losses, ops
from pycnn.autograd import gradcheck

OTHERS = ("Loss", "LossFunctionWrapper", "Dice", "Tversky", "Circle", "CategoricalGeneralizedCrossEntropy")
OTHERS += ("RubbishCrossentropy",)  # has no function
NAMES = [name for name in losses.__all__ if name[0].isupper() and name not in OTHERS]
P = np.abs(normal((6, 3))) + 0.1
P /= P.sum(axis=1, keepdims=True)
ONE_HOT = np.eye(3)[[0, 1, 2, 2, 1, 0]]


def target_of(name):
    return np.array([0, 1, 2, 2, 1, 0]) if name.startswith("Sparse") else ONE_HOT


@pytest.mark.parametrize("name", NAMES)
def test_reductions(backend, name):
    cls, target = getattr(losses, name), target_of(name)
    function = getattr(losses, cls().name)
    each = function(target, P).numpy()
    assert each.shape == (6,)
    assert_close(cls(reduction="none")(target, P).numpy(), each)
    assert_close(cls(reduction=None)(target, P).numpy(), each)
    assert cls(reduction="sum")(target, P).item() == pytest.approx(each.sum())
    assert cls(reduction="mean")(target, P).item() == pytest.approx(each.mean())
    assert cls()(target, P).item() == pytest.approx(each.mean())


@pytest.mark.parametrize("name", NAMES)
def test_sample_weights(backend, name):
    cls, target = getattr(losses, name), target_of(name)
    weights = np.array([0.0, 1.0, 2.0, 3.0, 0.5, 0.5])
    weighted = getattr(losses, cls().name)(target, P).numpy() * weights
    for given in (weights, weights[:, None], weights.astype("float32"), weights.tolist()):
        assert_close(cls(reduction="none")(target, P, given).numpy(), weighted)
        assert cls()(target, P, given).item() == pytest.approx(weighted.sum() / 6)
        assert cls(reduction="sum")(target, P, given).item() == pytest.approx(weighted.sum())
        mean = cls(reduction="mean_with_sample_weight")(target, P, given).item()
        assert mean == pytest.approx(weighted.sum() / weights.sum())


def test_weights_of_maps(backend):
    y = normal((2, 4, 3, 1), seed=1)
    weights = np.array([1.0, 3.0])
    loss = losses.MeanSquaredError()(np.zeros_like(y), y, weights).item()
    assert loss == pytest.approx(((y**2).mean(axis=(1, 2, 3)) * weights).mean())
    with pytest.raises(ValueError, match=r"of shape \(2, 4, 3\).* Received: sample_weight.shape=\(3,\)"):
        losses.MeanSquaredError()(np.zeros_like(y), y, np.ones(3))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_through_reduction_and_weights(backend, name):
    loss, target = getattr(losses, name)(), target_of(name)
    if name == "MeanAbsolutePercentageError":
        target = target * 0.9 + 0.05  # a percentage of nothing is huge
    gradcheck(lambda p: loss(target, p, np.arange(6.0)), [P], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_configurations(backend, name):
    cls = getattr(losses, name)
    loss = cls(reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is cls
    assert again.get_config() == loss.get_config()
    assert again.name == "mine"
    plain = cls()
    for identifier in (plain.name, name, cls, plain, getattr(losses, plain.name), losses.serialize(plain)):
        found = losses.get(identifier)
        assert type(found) is cls
        assert found.name == plain.name


ARGUMENTS = [
    losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
    losses.BinaryCrossentropy(label_smoothing=0.2),
    losses.BinaryFocalCrossentropy(True, 0.3, 1.5, True, 0.1),
    losses.CategoricalFocalCrossentropy(0.3, 1.5, True, 0.1),
    losses.Huber(0.5),
]


@pytest.mark.parametrize("loss", ARGUMENTS, ids=lambda loss: type(loss).__name__)
def test_arguments_survive_and_are_used(backend, loss):
    again = losses.deserialize(losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    target = target_of(type(loss).__name__)
    assert again(target, P).item() == loss(target, P).item()
    assert again(target, P).item() != type(loss)()(target, P).item()


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("mse", "MeanSquaredError"),
        ("MAE", "MeanAbsoluteError"),
        ("mape", "MeanAbsolutePercentageError"),
        ("msle", "MeanSquaredLogarithmicError"),
        ("bce", "BinaryCrossentropy"),
        ("kld", "KLDivergence"),
        ("kullback_leibler_divergence", "KLDivergence"),
        ("logcosh", "LogCosh"),
    ],
)
def test_short_names(alias, name):
    assert type(losses.get(alias)) is getattr(losses, name)


def test_own_functions_and_classes(backend):
    def twice(y_true, y_pred):
        return 2 * ops.mean_absolute_error(y_true, y_pred)

    loss = losses.get(twice)
    assert loss.name == "twice"
    assert loss(ONE_HOT, P, np.ones(6)).item() == pytest.approx(2 * np.abs(ONE_HOT - P).mean())
    assert losses.get(None) is None
    with pytest.raises(
        ValueError, match=r"Unknown loss. Did you mean .*Crossentropy.* Received: loss='sparse_crossent'"
    ):
        losses.get("sparse_crossent")
    with pytest.raises(ValueError, match=r"reduction must be one of .* Received: reduction='average'"):
        losses.Huber(reduction="average")


def test_a_registered_function_survives(backend):
    @pycnn.registration.register_serializable("test_losses")
    def thrice(y_true, y_pred):
        return 3 * ops.mean_absolute_error(y_true, y_pred)

    loss = losses.deserialize(losses.serialize(losses.get(thrice)))
    assert loss.fn is thrice
    assert loss.name == "thrice"


def test_rubbish_crossentropy_is_the_formula_of_the_paper(backend):
    penalties, labels = 3 * P, np.array([0, 1, 2, 2, 1, 0])
    each = penalties[np.arange(6), labels] + np.log(np.exp(-1.5) + np.exp(-penalties).sum(axis=1))
    loss, weights = losses.RubbishCrossentropy(1.5), np.arange(6.0)
    assert_close(losses.RubbishCrossentropy(1.5, reduction="none")(labels, -penalties).numpy(), each)
    assert loss(labels, -penalties).item() == pytest.approx(each.mean())
    assert loss(labels, -penalties, weights).item() == pytest.approx((each * weights).mean())
    assert gradcheck(lambda p: loss(labels, p), [-penalties])
    assert losses.deserialize(losses.serialize(loss)).get_config() == loss.get_config()
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        loss.check_targets(np.array([3]), (None, 3))
    with pytest.raises(ValueError, match="rubbish must be a finite number. Received: rubbish=nan"):
        losses.RubbishCrossentropy(np.nan)


def test_ignored_classes_are_left_out_of_the_mean(backend):
    labels = np.array([0, -1, 2, -1, 1, 0])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    kept = labels >= 0
    each = -np.log(P[kept, labels[kept]])
    assert loss(labels, P).item() == pytest.approx(each.mean())
    weights = np.arange(6.0)
    assert loss(labels, P, weights).item() == pytest.approx((each * weights[kept]).sum() / 4)
    total = losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction="sum")(labels, P)
    assert total.item() == pytest.approx(each.sum())


@pytest.mark.parametrize(
    ("name", "y", "output_shape"),
    [
        ("sparse_categorical_crossentropy", np.array([0, 2]), (None, 3)),
        ("sparse_categorical_crossentropy", np.array([[0], [2]]), (None, 3)),
        ("sparse_categorical_crossentropy", np.array([0.0, 2.0]), (None, 3)),
        ("sparse_categorical_crossentropy", np.zeros((2, 4, 4), int), (None, 4, None, 3)),
        ("categorical_crossentropy", np.eye(3), (None, 3)),
        ("binary_crossentropy", np.array([0, 1, 1]), (None, 1)),
        ("binary_crossentropy", np.array([[True], [False]]), (None, 1)),
        ("mse", np.zeros((5, 2)), (None, 2)),
        ("mse", np.zeros(5), (None, 1)),
        ("mse", np.zeros((5, 1)), (None,)),
        ("hinge", np.ones((5, 2)), (None, 2)),
    ],
)
def test_good_targets_pass(backend, name, y, output_shape):
    losses.get(name).check_targets(y, output_shape)
    losses.get(name).check_targets(pycnn.Tensor(y), output_shape)


NAN = np.array([[0.0, 1.0], [np.nan, 0.0]])


@pytest.mark.parametrize(
    ("name", "y", "output_shape", "message"),
    [
        ("sparse_categorical_crossentropy", np.array([0, 3]), (None, 3), r"labels from 0 to 2.* Received: y\[1\]=3"),
        ("sparse_categorical_crossentropy", np.array([[-1], [0]]), (None, 3), r"Received: y\[0, 0\]=-1"),
        ("sparse_categorical_crossentropy", np.array([0.5]), (None, 3), r"Received: y\[0\]=0.5"),
        ("sparse_categorical_crossentropy", np.array([np.nan]), (None, 3), r"NaN. Received: y\[0\]=nan"),
        ("sparse_categorical_crossentropy", np.eye(3), (None, 3), "categorical_crossentropy. Received: y.shape"),
        ("categorical_crossentropy", np.array([0, 2]), (None, 3), "sparse_categorical_crossentropy. Received: y.shape"),
        ("categorical_crossentropy", np.eye(4), (None, 3), r"\('n', 3\). Received: y.shape=\(4, 4\)"),
        ("categorical_crossentropy", NAN, (None, 2), r"must not contain NaN. Received: y\[1, 0\]=nan"),
        ("binary_crossentropy", np.array([0, 2]), (None, 1), r"must lie in \[0, 1\].* Received: y\[1\]=2"),
        ("binary_crossentropy", NAN, (None, 2), "must not contain NaN"),
        ("mse", np.zeros((5, 3)), (None, 2), r"Received: y.shape=\(5, 3\)"),
        ("mse", NAN, (None, 2), "must not contain NaN"),
    ],
)  # fmt: skip
def test_bad_targets_are_reported_at_once(backend, name, y, output_shape, message):
    with pytest.raises(ValueError, match=message):
        losses.get(name).check_targets(y, output_shape)


def test_ignored_labels_and_own_losses_are_checked_with_care(backend):
    losses.SparseCategoricalCrossentropy(ignore_class=-1).check_targets(np.array([0, -1]), (None, 2))
    losses.get(lambda t, p: p).check_targets(np.zeros((3, 7)), (None, 2))
    with pytest.raises(ValueError, match="validation y must not contain NaN"):
        losses.get(lambda t, p: p).check_targets(NAN, (None, 2), argument="validation y")


@pytest.mark.parametrize("shapes", [((2,), (2, 1)), ((2, 1), (2,)), ((2, 3, 1), (2, 3)), ((2, 3), (2, 3, 1))])
def test_functions_get_targets_and_predictions_of_one_rank(shapes):
    seen = []
    loss = losses.get(
        lambda y_true, y_pred: seen.append((y_true.shape, y_pred.shape)) or ops.mean((y_true - y_pred) ** 2)
    )
    values = [np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for shape in shapes]
    assert loss(*map(pycnn.Tensor, values)).item() == 0  # broadcast against each other they would differ
    assert seen[0] == ((2, 1),) * 2 if (2,) in shapes else seen[0] == ((2, 3),) * 2
