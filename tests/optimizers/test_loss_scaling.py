"""The scale of the loss: Keras's sequence of it, steps that are left out, and the state behind it."""

import numpy as np
import pytest
from helpers import assert_close, peer

import pycnn
from pycnn.optimizers import SGD, Adam, LossScaleOptimizer

FINITE, INFINITE, NAN = 1.0, float("inf"), float("nan")
STEPS = [FINITE, FINITE, FINITE, INFINITE, FINITE, NAN, NAN, *[FINITE] * 7, INFINITE, *[FINITE] * 3]


def small(value, scale):
    """Gradients of two variables, of which the second one decides."""
    return [np.full(2, 0.5 * scale, "f4"), np.array([0.25 * scale, value if value != FINITE else scale], "f4")]


@pytest.mark.parametrize("inner", ["SGD", "Adam"])
def test_scales_and_weights_are_keras_s(inner):
    peer("torch")
    keras = peer("keras")
    optimizers, variables = [], []
    for K in (pycnn, keras):
        optimizer = K.optimizers.LossScaleOptimizer(getattr(K.optimizers, inner)(0.01), 2.0**10, dynamic_growth_steps=3)
        optimizers.append(optimizer)
        variables.append([K.Variable(np.ones(2, "f4")), K.Variable(np.ones(2, "f4"))])
    for i, value in enumerate(STEPS):
        scales = []
        for K, optimizer, own in zip((pycnn, keras), optimizers, variables, strict=True):
            scale = float(optimizer.scale_loss(K.ops.convert_to_tensor(np.float32(1))))
            scales.append(scale)
            optimizer.apply([K.ops.convert_to_tensor(g) for g in small(value, scale)], own)
        assert scales[0] == scales[1], f"step {i}"
        for ours, theirs in zip(*variables, strict=True):
            assert_close(ours.numpy(), theirs.value.detach().numpy())
    ours, theirs = optimizers
    assert ours.dynamic_scale.item() == float(theirs.dynamic_scale) == 2.0**10
    assert ours.step_counter.item() == int(theirs.step_counter) == 0
    assert ours.iterations == int(theirs.iterations) == STEPS.count(FINITE)


def test_a_step_that_is_not_finite_changes_nothing_but_the_scale():
    weights = [pycnn.Variable([1.0, 2.0]), pycnn.Variable([3.0])]
    optimizer = LossScaleOptimizer(Adam(0.5))
    optimizer.apply([[2.0**15, 0.0], [2.0**15]], weights)
    before = [v.numpy().copy() for v in (*weights, *optimizer.inner_optimizer.variables)]
    assert before[0][0] == pytest.approx(0.5, rel=1e-5)
    optimizer.apply([[1.0, np.inf], [1.0]], weights)
    for array, variable in zip(before, (*weights, *optimizer.inner_optimizer.variables), strict=True):
        np.testing.assert_array_equal(array, variable.numpy())
    assert optimizer.dynamic_scale.item() == 2.0**14
    optimizer.apply([None, [2.0**14]], weights)
    assert optimizer.step_counter.item() == 1
    assert optimizer.iterations == 2


def test_what_belongs_to_the_inner_one():
    weight = pycnn.Variable([1.0, 2.0])
    optimizer = LossScaleOptimizer("adam")
    assert not optimizer.built
    optimizer.build([weight])
    assert optimizer.built
    assert set(optimizer.state_of(weight)) == {"momentum", "velocity"}
    optimizer.learning_rate = 0.25
    assert optimizer.inner_optimizer.learning_rate == optimizer.learning_rate == 0.25
    optimizer.learning_rate.assign(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.iterations = 7
    assert optimizer.inner_optimizer.iterations == 7
    again = pycnn.optimizers.deserialize(pycnn.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert type(again.inner_optimizer) is Adam


def test_a_fixed_factor():
    weight = pycnn.Variable([1.0])
    optimizer = SGD(0.5, loss_scale_factor=8.0)
    optimizer.scale_loss(weight.sum() * 2).backward()
    assert weight.grad.tolist() == [16.0]
    optimizer.apply([weight.grad], [weight])
    assert weight.tolist() == [0.0]
    assert SGD.from_config(optimizer.get_config()).loss_scale_factor == 8.0
    assert "loss_scale_factor" not in SGD().get_config()
    assert LossScaleOptimizer(optimizer).inner_optimizer.loss_scale_factor is None  # else it would be scaled twice


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inner_optimizer": 3}, "inner_optimizer must be"),
        ({"inner_optimizer": LossScaleOptimizer(SGD())}, "an optimizer that does not scale the loss"),
        ({"initial_scale": 0}, "initial_scale must be a number > 0. Received: initial_scale=0"),
        ({"dynamic_growth_steps": 0.5}, "dynamic_growth_steps must be an integer >= 1. Received: .*0.5"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LossScaleOptimizer(**{"inner_optimizer": SGD(), **arguments})
