import inspect

import numpy as np
import pytest
from helpers import normal, peer

import pycnn
from pycnn import random

N = 40000
DRAWS = {
    "normal": ((N,), 1.0, 2.0),
    "uniform": ((N,), -1.0, 3.0),
    "randint": ((N,), 2, 9),
    "truncated_normal": ((N,), 1.0, 2.0),
    "gamma": ((N,), 2.5),
    "beta": ((N,), 2.0, 3.0),
    "binomial": ((N,), 10, 0.3),
}


@pytest.mark.parametrize("name", DRAWS)
def test_distributions_are_those_of_keras(name):
    keras = peer("keras")
    mine = getattr(random, name)(*DRAWS[name], seed=1).numpy()
    theirs = getattr(keras.random, name)(*DRAWS[name], seed=1).numpy()
    assert mine.dtype == theirs.dtype
    mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
    assert mine.mean() == pytest.approx(theirs.mean(), abs=0.04 * theirs.std())
    assert mine.std() == pytest.approx(theirs.std(), rel=0.03)
    assert mine.min() >= theirs.min() - 0.6 * theirs.std()


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    for name in set(random.__all__) - {"SeedGenerator"}:
        mine, theirs = getattr(random, name), getattr(keras.random, name)
        assert str(inspect.signature(mine)) == str(inspect.signature(theirs)), name


def test_seeds(backend):
    for seed in (None, 3):
        pycnn.utils.set_random_seed(5)
        first = random.normal((3,), seed=seed).numpy()
        second = random.normal((3,), seed=seed).numpy()
        assert np.array_equal(first, second) is (seed == 3)
    one, two = random.SeedGenerator(4), random.SeedGenerator(4)
    draws = [random.uniform((3,), seed=g).tolist() for g in (one, one, two, two)]
    assert draws[:2] == draws[2:]
    assert draws[0] != draws[1]
    assert random.SeedGenerator(**one.get_config()).next() == random.SeedGenerator(4).next()
    with pytest.raises(ValueError, match="seed must be an integer, .* Received: seed='x'"):
        random.normal((2,), seed="x")


def test_shuffle_dropout_and_classes(backend):
    x = normal((20, 3))
    shuffled = random.shuffle(x, seed=1).numpy()
    assert not np.array_equal(shuffled, x)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(x, axis=0))
    dropped = random.dropout(np.ones((200, 100)), 0.25, seed=1).numpy()
    assert set(np.unique(dropped).round(6)) == {0.0, round(1 / 0.75, 6)}
    assert dropped.mean() == pytest.approx(1, abs=0.02)
    rows = random.dropout(np.ones((200, 10)), 0.5, noise_shape=(None, 1), seed=1).numpy()
    assert (rows == rows[:, :1]).all()
    counts = np.bincount(random.categorical(np.log([[0.2, 0.8]]), 5000, seed=1).numpy().ravel(), minlength=2)
    assert counts[0] == pytest.approx(1000, abs=150)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\). Received: rate=1"):
        random.dropout(x, 1)
    with pytest.raises(ValueError, match=r"logits must be \(batch, classes\)"):
        random.categorical([0.5, 0.5], 3)
