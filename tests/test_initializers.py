import inspect
import math

import numpy as np
import pytest
from helpers import assert_close, peer

from pycnn import config, initializers
from pycnn.initializers import compute_fans

RANDOM = {
    "random_normal": {"stddev": 0.2},
    "random_uniform": {"minval": 1.0, "maxval": 3.0},
    "truncated_normal": {"mean": 1.0, "stddev": 0.5},
    "glorot_uniform": {},
    "glorot_normal": {},
    "he_uniform": {},
    "he_normal": {},
    "lecun_uniform": {},
    "lecun_normal": {},
    "variance_scaling": {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
    "orthogonal": {"gain": 2.0},
}
FIXED = {"zeros": {}, "ones": {}, "constant": {"value": 2.5}, "identity": {"gain": 3.0}}
SHAPE = (5, 5, 20, 60)
FAN_IN, FAN_OUT = 500, 1500

VARIANCE = {
    "random_normal": 0.04,
    "random_uniform": 4 / 12,
    "truncated_normal": 0.25 * 0.87962566103423978**2,
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "variance_scaling": 3 / FAN_OUT,
    "orthogonal": 4 / FAN_IN,
}
LIMIT = {
    "glorot_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(6 / FAN_IN),
    "lecun_uniform": math.sqrt(3 / FAN_IN),
    "he_normal": 2 * math.sqrt(2 / FAN_IN) / 0.87962566103423978,
    "lecun_normal": 2 * math.sqrt(1 / FAN_IN) / 0.87962566103423978,
}


def make(name, arguments):
    return getattr(initializers, name)(**arguments)


@pytest.mark.parametrize("name", RANDOM)
def test_mean_and_variance(backend, name):
    values = make(name, RANDOM[name])(SHAPE).numpy()
    assert values.shape == SHAPE
    assert values.dtype == np.float32
    mean = {"random_uniform": 2.0, "truncated_normal": 1.0}.get(name, 0.0)
    assert values.mean() == pytest.approx(mean, abs=0.02 * math.sqrt(VARIANCE[name]))
    assert values.var() == pytest.approx(VARIANCE[name], rel=0.02)
    if name in LIMIT:
        assert np.abs(values).max() <= LIMIT[name] * 1.000001
        assert np.abs(values).max() > 0.95 * LIMIT[name]


def test_truncation(backend):
    values = initializers.TruncatedNormal(mean=1.0, stddev=0.5)((200, 200), "float64").numpy()
    assert values.min() >= 0
    assert values.max() <= 2


@pytest.mark.parametrize(("name", "expected"), [("zeros", 0.0), ("ones", 1.0), ("constant", 2.5)])
def test_constants(backend, name, expected):
    assert_close(make(name, FIXED[name])((2, 3)).numpy(), np.full((2, 3), expected, np.float32))


def test_a_constant_array_is_broadcast(backend):
    assert initializers.Constant(np.array([1.0, 2.0]))((2, 2)).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_identity(backend):
    assert initializers.Identity(3.0)((2, 3)).tolist() == [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]]
    with pytest.raises(ValueError, match=r"two axes. Received: shape=\(2,\)"):
        initializers.Identity()((2,))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 5), (2, 2, 3, 20)])
def test_orthogonal_weights_are_orthogonal(backend, shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64").numpy().reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    assert_close(product, 4 * np.eye(len(product)))
    with pytest.raises(ValueError, match=r"two axes or more. Received: shape=\(3,\)"):
        initializers.Orthogonal()((3,))


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(backend, name):
    arguments = RANDOM[name]
    own = make(name, {**arguments, "seed": 3})
    assert own((4, 4)).tolist() == own((4, 4)).tolist()
    assert own((4, 4)).tolist() != make(name, {**arguments, "seed": 4})((4, 4)).tolist()
    shared = make(name, arguments)
    config.set_random_seed(5)
    first, second = shared((4, 4)).tolist(), shared((4, 4)).tolist()
    assert first != second
    config.set_random_seed(5)
    assert shared((4, 4)).tolist() == first


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_serialisation(backend, name):
    arguments = {**RANDOM, **FIXED}[name] | ({"seed": 8} if name in RANDOM else {})
    before = make(name, arguments)
    after = initializers.deserialize(initializers.serialize(before))
    assert type(after) is type(before)
    assert after.get_config() == before.get_config()
    assert after((4, 4)).tolist() == before((4, 4)).tolist()


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_names(name):
    cls = getattr(initializers, name)
    assert type(initializers.get(name)) is cls
    assert type(initializers.get(cls.__name__)) is cls
    assert type(initializers.get(cls)) is cls
    assert type(initializers.get({"class_name": cls.__name__, "config": {}})) is cls


def test_other_identifiers():
    assert initializers.get(None) is None
    instance = initializers.Zeros()
    assert initializers.get(instance) is instance
    assert initializers.get(len) is len
    with pytest.raises(
        ValueError, match=r"Unknown initializer. Did you mean GlorotUniform.* initializer='glorot_unifrm'"
    ):
        initializers.get("glorot_unifrm")
    with pytest.raises(TypeError, match=r"Received: initializer=3"):
        initializers.get(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.VarianceScaling(scale=0), r"scale must be positive. Received: scale=0"),
        (lambda: initializers.VarianceScaling(mode="fan"), r"mode must be one of .* Received: mode='fan'"),
        (lambda: initializers.VarianceScaling(distribution="x"), r"Received: distribution='x'"),
        (lambda: initializers.HeNormal(seed=-1), r"seed must be an integer >= 0 or None. Received: seed=-1"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_fans():
    assert compute_fans((3, 4)) == (3, 4)
    assert compute_fans((7,)) == (7, 7)
    assert compute_fans(()) == (1, 1)
    assert compute_fans((3, 3, 8, 1)) == (72, 9)


def test_fans_of_chosen_axes():
    initializer = initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=1, input_axes=(0, 2), output_axes=(1,))
    values = initializer((4, 5, 6)).numpy()
    assert np.abs(values).max() <= np.sqrt(3 * 2.0 / 24)
    assert np.abs(values).max() > 0.9 * np.sqrt(3 * 2.0 / 24)
    again = initializers.deserialize(initializers.serialize(initializer))
    np.testing.assert_array_equal(again((4, 5, 6)).numpy(), values)
    fixed = initializers.HeUniform(seed=1, input_axes=(0, 2), output_axes=(1,))
    np.testing.assert_array_equal(fixed((4, 5, 6)).numpy(), values)
    assert initializers.deserialize(initializers.serialize(fixed)).input_axes == [0, 2]


def test_names_and_signatures_are_those_of_keras():
    keras = peer("keras")
    names = {n for n in dir(keras.initializers) if n[0] != "_"}
    names -= {"get", "serialize", "deserialize", "STFT", "STFTInitializer", "stft"}  # these are for sound
    for name in names:
        mine, theirs = getattr(initializers, name), getattr(keras.initializers, name)
        assert str(inspect.signature(mine)) == str(inspect.signature(theirs)), name
        if name not in ("Initializer",):
            assert initializers.get(name) is not None


@pytest.mark.parametrize(
    ("name", "shape", "arguments"),
    [
        ("Zeros", (2, 3), {}),
        ("Ones", (2,), {}),
        ("Constant", (2, 2), {"value": 3.5}),
        ("Identity", (3, 4), {"gain": 2}),
    ],
)
def test_numbers_without_chance_are_those_of_keras(backend, name, shape, arguments):
    keras = peer("keras")
    expected = getattr(keras.initializers, name)(**arguments)(shape)
    np.testing.assert_array_equal(getattr(initializers, name)(**arguments)(shape).numpy(), expected.numpy())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomNormal", {"mean": 0.3, "stddev": 0.2}),
        ("RandomUniform", {"minval": -0.2, "maxval": 0.6}),
        ("TruncatedNormal", {"mean": 0.3, "stddev": 0.2}),
        *((name, {}) for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform")),
        ("LecunNormal", {}),
        ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"}),
    ],
)
def test_distributions_are_those_of_keras(name, arguments):
    keras, shape = peer("keras"), (3, 3, 40, 60)
    mine = getattr(initializers, name)(**arguments, seed=1)(shape).numpy()
    theirs = getattr(keras.initializers, name)(**arguments, seed=1)(shape).numpy()
    spread = theirs.std()
    assert abs(mine.mean() - theirs.mean()) < 0.05 * spread
    assert mine.std() == pytest.approx(spread, rel=0.02)
    for share in (0.01, 0.25, 0.5, 0.75, 0.99):
        assert abs(np.quantile(mine, share) - np.quantile(theirs, share)) < 0.08 * spread
