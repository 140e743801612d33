import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch

from pycnn import ops
from pycnn.autograd import gradcheck

LABELS = np.array([0, 3, 1, 1, 2])
SOFT = np.abs(normal((5, 4), seed=5))
SOFT /= SOFT.sum(axis=1, keepdims=True)
TRUE, PREDICTED = normal((5, 4), seed=6), normal((5, 4), seed=7)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_distances_agree_with_torch(backend):
    functional = peer("torch").nn.functional
    for function, twin in (
        (ops.mean_squared_error, functional.mse_loss),
        (ops.mean_absolute_error, functional.l1_loss),
        (ops.huber, functional.huber_loss),
    ):
        assert_matches_torch(function, lambda t, p, twin=twin: twin(p, t, reduction="none").mean(-1), [TRUE, PREDICTED])
    assert_matches_torch(
        lambda t, p: ops.huber(t, p, delta=0.3),
        lambda t, p: functional.huber_loss(p, t, reduction="none", delta=0.3).mean(-1),
        [TRUE, PREDICTED],
    )
    assert_matches_torch(ops.log_cosh, lambda t, p: (p - t).cosh().log().mean(-1), [TRUE, PREDICTED])
    assert_matches_torch(ops.cosine_similarity, lambda t, p: -functional.cosine_similarity(p, t), [TRUE, PREDICTED])


BY_HAND = {
    "mean_absolute_percentage_error": lambda t, p: 100 * np.abs((t - p) / t).mean(-1),
    "mean_squared_logarithmic_error": lambda t, p: ((np.log1p(p) - np.log1p(t)) ** 2).mean(-1),
    "poisson": lambda t, p: (p - t * np.log(p + 1e-7)).mean(-1),
    "kl_divergence": lambda t, p: (t * np.log(t / p)).sum(-1),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_by_formula(backend, name):
    p = softmax(PREDICTED)
    assert_close(getattr(ops, name)(SOFT, p).numpy(), BY_HAND[name](SOFT, p))
    gradcheck(lambda p: getattr(ops, name)(SOFT, p), [p], atol=1e-5)


def test_hinges(backend):
    signs, p = np.array([[1.0, -1.0, 1.0]]), np.array([[0.5, 0.5, 2.0]])
    for target in (signs, (signs + 1) / 2):
        assert ops.hinge(target, p).tolist() == pytest.approx([(0.5 + 1.5 + 0) / 3])
        assert ops.squared_hinge(target, p).tolist() == pytest.approx([(0.25 + 2.25 + 0) / 3])
    assert ops.categorical_hinge(np.eye(3)[[0, 2]], np.vstack([p, p])).tolist() == [2.5, 0.0]
    for function in (ops.hinge, ops.squared_hinge):
        gradcheck(lambda p, function=function: function(signs, p), [p])
    gradcheck(lambda p: ops.categorical_hinge(np.eye(4)[LABELS], p), [PREDICTED])


def test_vectors_meet_columns_and_integers_follow(backend):
    assert ops.mean_squared_error([1, 2], np.float32([[1], [4]])).tolist() == [0.0, 4.0]
    y = ops.mean_squared_error(np.float64([[1.0, 2.0]]), np.float32([[0.0, 0.0]]))
    assert y.dtype == np.float32


def test_shapes_must_agree(backend):
    with pytest.raises(ValueError, match=r"same shape. Received: y_true.shape=\(3, 4\), y_pred.shape=\(5, 4\)"):
        ops.mean_squared_error(TRUE[:3], PREDICTED)
