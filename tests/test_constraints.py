"""Constraints on weights."""

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import constraints, layers


def lengths(w, axis=0):
    return np.sqrt((np.asarray(w) ** 2).sum(axis=axis))


def test_non_neg(backend):
    assert constraints.NonNeg()([[-1.0, 2.0]]).tolist() == [[0, 2]]


def test_max_norm(backend):
    w = normal((5, 8)) * np.linspace(0.1, 3, 8)
    y = constraints.MaxNorm(1.5)(w).numpy()
    assert_close(lengths(y), np.minimum(lengths(w), 1.5), 1e-6)
    assert_close(y / lengths(y), w / lengths(w), 1e-6)


def test_unit_norm_of_filters(backend):
    w = constraints.UnitNorm((0, 1, 2))(normal((3, 3, 2, 4))).numpy()
    assert_close(lengths(w, (0, 1, 2)), np.ones(4), 1e-6)


def test_min_max_norm(backend):
    w = normal((5, 8)) * np.linspace(0.1, 3, 8)
    assert_close(lengths(constraints.MinMaxNorm(0.5, 2.0)(w).numpy()), lengths(w).clip(0.5, 2), 1e-6)
    half = constraints.MinMaxNorm(1.0, 1.0, rate=0.5)(w).numpy()
    assert_close(lengths(half), (lengths(w) + 1) / 2, 1e-6)


@pytest.mark.parametrize("name", ["max_norm", "unit_norm", "non_neg", "min_max_norm"])
def test_names_and_configurations(name):
    constraint = constraints.get(name)
    assert repr(type(constraint).from_config(constraint.get_config())) == repr(constraint)
    assert constraints.get(constraint) is constraint
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="Unknown constraint.*non_neg|Unknown constraint.*NonNeg"):
        constraints.get("non_negg")


def test_training_keeps_to_the_constraint(backend):
    model = pycnn.Sequential([pycnn.Input((3,)), layers.Dense(4, kernel_constraint="non_neg")])
    model.compile("sgd", "mse")
    model.fit(normal((32, 3)), -np.ones((32, 4)), epochs=3, verbose=0)
    assert (model.weights[0].numpy() >= 0).all()
    assert (model.weights[0].numpy() == 0).any()
    assert (model.weights[1].numpy() < 0).all()
