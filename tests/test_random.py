"""Random tensors: distributions by their moments, seeds, and what they refuse."""

import inspect

import numpy as np
import pytest
from helpers import peer

import pycnn
from pycnn import random

N = 40_000

DRAWS = {
    "normal": (lambda seed: random.normal((N,), 1.0, 2.0, seed=seed), 1, 2),
    "uniform": (lambda seed: random.uniform((N,), -1.0, 3.0, seed=seed), 1, 4 / 12**0.5),
    "randint": (lambda seed: random.randint((N,), 0, 4, seed=seed), 1.5, 1.25**0.5),
    "truncated_normal": (lambda seed: random.truncated_normal((N,), 1.0, 2.0, seed=seed), 1, 2 * 0.87962566),
    "gamma": (lambda seed: random.gamma((N,), 4.0, seed=seed), 4, 2),
    "beta": (lambda seed: random.beta((N,), 2.0, 2.0, seed=seed), 0.5, 0.05**0.5),
    "binomial": (lambda seed: random.binomial((N,), 10, 0.2, seed=seed), 2, 1.6**0.5),
    "categorical": (lambda seed: random.categorical(np.log([[0.5, 0.25, 0.25]]), N, seed=seed), 0.75, 0.6875**0.5),
}


@pytest.mark.parametrize("name", DRAWS)
def test_moments(backend, name):
    draw, mean, deviation = DRAWS[name]
    values = draw(0).numpy()
    assert values.mean() == pytest.approx(mean, abs=5 * deviation / N**0.5)
    assert values.std() == pytest.approx(deviation, rel=0.03)
    assert values.dtype == ("int32" if name in ("randint", "categorical") else "float32")


@pytest.mark.parametrize("name", DRAWS)
def test_seeds(backend, name):
    draw = DRAWS[name][0]
    np.testing.assert_array_equal(draw(3).numpy(), draw(3).numpy())
    seeds = random.SeedGenerator(3)
    first, second = draw(seeds).numpy(), draw(seeds).numpy()
    np.testing.assert_array_equal(first, draw(3).numpy())
    assert (first != second).any()
    pycnn.utils.set_random_seed(5)
    before = draw(None).numpy()
    pycnn.utils.set_random_seed(5)
    np.testing.assert_array_equal(before, draw(None).numpy())


def test_sequences_go_on_and_begin_again():
    seeds = random.SeedGenerator(4, name="own")
    again = random.SeedGenerator.from_config(seeds.get_config())
    first = [seeds.next() for _ in range(3)]
    assert len(set(first)) == 3
    assert [again.next() for _ in range(3)] == first
    state = seeds.state
    after = seeds.next()
    seeds.state = state
    assert seeds.next() == after


def test_bounds(backend):
    values = random.truncated_normal((N,), seed=0).numpy()
    assert np.abs(values).max() <= 2
    whole = random.uniform((1000,), 0, 3, dtype="int64", seed=0).numpy()
    assert set(whole) == {0, 1, 2}


def test_shuffle_keeps_entries(backend):
    x = np.arange(24.0).reshape(4, 6)
    shuffled = random.shuffle(x, axis=1, seed=1).numpy()
    assert (shuffled != x).any()
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), x)


def test_dropout(backend):
    y = random.dropout(np.ones(1000, np.float32), 0.25, seed=0).numpy()
    assert set(np.unique(y)) == {0, np.float32(4 / 3)}


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    for name in set(random.__all__) - {"SeedGenerator"}:
        assert str(inspect.signature(getattr(random, name))) == str(inspect.signature(getattr(keras.random, name))), (
            name
        )


def test_errors():
    with pytest.raises(ValueError, match="seed must be an integer >= 0 or None. Received: seed=-1"):
        random.normal((2,), seed=-1)
    with pytest.raises(ValueError, match=r"logits must have 2 axes .* Received: logits.shape=\(2,\)"):
        random.categorical([0.0, 1.0], 2)
