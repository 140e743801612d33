"""Every optimizer makes Keras's steps: the same weights after several steps with the same gradients."""

import importlib
import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

from pycnn import optimizers
from pycnn.autograd import Variable

OPTIONS = [
    {},
    {"learning_rate": 0.05, "weight_decay": 0.1},
    {"learning_rate": 0.05, "clipnorm": 0.7},
    {"learning_rate": 0.05, "clipvalue": 0.3},
    {"learning_rate": 0.05, "global_clipnorm": 0.5},
    {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.7},
    {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"learning_rate": 0.05, "gradient_accumulation_steps": 2, "weight_decay": 0.1, "clipnorm": 0.7},
    {"learning_rate": 0.05, "gradient_accumulation_steps": 3, "use_ema": True, "ema_overwrite_frequency": 2},
]
OWN = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}],
    "RMSprop": [{"rho": 0.8, "momentum": 0.5}, {"centered": True}, {"centered": True, "momentum": 0.3}],
    "Adam": [{"amsgrad": True}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}],
    "AdamW": [{"weight_decay": 0.05}, {"amsgrad": True}],
    "Adagrad": [{"initial_accumulator_value": 0.5}],
    "Adadelta": [{"rho": 0.5, "epsilon": 1e-3}],
    "Adamax": [{"beta_1": 0.5, "beta_2": 0.9}],
    "Nadam": [{"beta_1": 0.5, "beta_2": 0.9}],
    "Lion": [{"beta_1": 0.5, "beta_2": 0.9}],
    "Ftrl": [
        {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02, "learning_rate": 0.1},
        {"l2_shrinkage_regularization_strength": 0.1, "beta": 0.3, "learning_rate_power": -0.3},
    ],
}
CASES = [(name, options) for name, own in OWN.items() for options in OPTIONS + own]
STARTS = [normal((3, 4), seed=1), normal((4,), seed=2)]
STEPS = 7

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's Variable


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_steps_are_those_of_keras(backend, name, options):
    keras, torch = peer("keras"), peer("torch")
    mine, theirs = getattr(optimizers, name)(**options), getattr(keras.optimizers, name)(**options)
    weights, variables = [Variable(w) for w in STARTS], [keras.Variable(w, dtype="float64") for w in STARTS]
    for step in range(STEPS):
        grads = [normal(w.shape, seed=10 + 2 * step + i) for i, w in enumerate(STARTS)]
        mine.apply_gradients(zip(grads, weights, strict=True))
        theirs.apply_gradients(zip([torch.tensor(g) for g in grads], variables, strict=True))
        for w, v in zip(weights, variables, strict=True):
            assert_close(w.numpy(), v.numpy(), 1e-6)
        assert mine.iterations == int(theirs.iterations)
    mine.finalize_variable_values(weights)
    theirs.finalize_variable_values(variables)
    for w, v in zip(weights, variables, strict=True):
        assert_close(w.numpy(), v.numpy(), 1e-6)
    again = optimizers.deserialize(optimizers.serialize(mine))
    assert again.get_config() == mine.get_config()


def test_weights_without_decay_are_keras_s(backend):
    keras, torch = peer("keras"), peer("torch")
    mine, theirs = optimizers.AdamW(0.1), keras.optimizers.AdamW(0.1)
    weights = [Variable(w, name) for w, name in zip(STARTS, ("kernel", "bias"), strict=True)]
    variables = [
        keras.Variable(w, dtype="float64", name=name) for w, name in zip(STARTS, ("kernel", "bias"), strict=True)
    ]
    for optimizer in (mine, theirs):
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    for step in range(3):
        grads = [normal(w.shape, seed=step) for w in STARTS]
        mine.apply(grads, weights)
        theirs.apply([torch.tensor(g) for g in grads], variables)
    for w, v in zip(weights, variables, strict=True):
        assert_close(w.numpy(), v.numpy(), 1e-6)


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    for name in OWN:
        mine = inspect.signature(getattr(optimizers, name)).parameters
        theirs = inspect.signature(getattr(keras.optimizers, name)).parameters
        assert list(mine) == [n for n in theirs if n != "kwargs"], name
        for argument in set(mine) - {"name"}:  # the name that Keras makes of None is the default itself
            assert mine[argument].default == theirs[argument].default, (name, argument)
        assert type(optimizers.get(name.lower())) is getattr(optimizers, name)


def test_gathered_state_goes_on_where_it_stopped(backend):
    options = {"learning_rate": 0.1, "gradient_accumulation_steps": 3, "use_ema": True}
    one, two = Variable(STARTS[0]), Variable(STARTS[0])
    first, whole = optimizers.Adam(**options), optimizers.Adam(**options)
    grads = [normal(STARTS[0].shape, seed=i) for i in range(8)]
    for g in grads:
        whole.apply([g], [two])
    for g in grads[:4]:
        first.apply([g], [one])
    second = optimizers.Adam(**options)
    second.build([one])
    for new, old in zip(second.variables, first.variables, strict=True):
        new.assign(old.numpy())
    assert set(second.state_of(one)) == {"momentum", "velocity", "accumulated_gradient", "average"}
    for g in grads[4:]:
        second.apply([g], [one])
    np.testing.assert_array_equal(one.numpy(), two.numpy())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_scale_factor": 0.0}, "loss_scale_factor must be a number > 0 or None. Received: loss_scale_factor=0.0"),
        (
            {"gradient_accumulation_steps": 1},
            ">= 2 or None. Received: gradient_accumulation_steps=1",
        ),
        ({"use_ema": True, "ema_momentum": 2}, r"ema_momentum must lie in \[0, 1\]. Received: ema_momentum=2"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "Received: ema_overwrite_frequency=0"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**options)
    with pytest.raises(ValueError, match="learning_rate_power must not be positive"):
        optimizers.Ftrl(learning_rate_power=1)
    with pytest.raises(ValueError, match="l1_regularization_strength must not be negative"):
        optimizers.Ftrl(l1_regularization_strength=-1)


def test_fit_ends_with_the_averages(backend):
    models, layers = importlib.import_module("pycnn.models"), importlib.import_module("pycnn.layers")
    model = models.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    model.fit(normal((8, 3)), normal((8, 2)), batch_size=4, epochs=2, verbose=0)
    for weight in model.trainable_weights:
        np.testing.assert_array_equal(weight.numpy(), model.optimizer.state_of(weight)["average"].numpy())
