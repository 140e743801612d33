"""Every operation that Keras has under the same name gives Keras's values, and the same gradients."""
# ruff: noqa: SIM905

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import ops

A, B = normal((3, 4)), normal((3, 4), seed=1)
POSITIVE = np.abs(normal((3, 4), seed=2)) + 0.1
SHARE = POSITIVE / (POSITIVE.sum() + 1)  # in (0, 1)
V, W = normal((4,), seed=3), normal((4,), seed=4)
CUBE = normal((2, 3, 4), seed=5)
IMAGES = normal((2, 6, 5, 4), seed=6)
SIGNAL = normal((2, 7, 4), seed=7)
LABELS = np.array([0, 3, 1])
PLACES = np.array([[0, 3], [1, 1], [2, 0]])
BOOLS = A > 0
ROWS = np.exp(A) / np.exp(A).sum(axis=1, keepdims=True)
TARGETS = np.eye(4)[LABELS]

CASES = [
    *((name, (A,), {}) for name in (
        "abs absolute arcsinh arctan cbrt ceil celu copy cos cosh deg2rad elu erf erfc exp exp2 expm1 "
        "flip fliplr flipud floor gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh "
        "isfinite isinf isnan isneginf isposinf leaky_relu log_sigmoid log_softmax logsumexp max mean "
        "median min negative normalize norm ones_like prod ptp rad2deg ravel reciprocal relu relu6 round "
        "selu sigmoid sign signbit silu sin sinh soft_shrink softmax softplus softsign sort sparse_plus "
        "sparse_sigmoid square squareplus squeeze std sum swish tan tanh tanh_shrink tril triu trunc var "
        "zeros_like argsort argmax argmin amax amin cumsum cumprod diff trace diag layer_normalization "
        "rms_normalization nan_to_num"
    ).split()),
    *((name, (POSITIVE,), {}) for name in (
        "log log10 log1p log2 rsqrt sqrt"
    ).split()),
    *((name, (SHARE,), {}) for name in ["arcsin", "arccos", "arctanh"]),
    ("arccosh", (POSITIVE + 1.5,), {}),
    *((name, (A, B), {}) for name in (
        "add subtract multiply divide true_divide maximum minimum arctan2 hypot logaddexp equal "
        "not_equal less less_equal greater greater_equal isclose inner outer append divide_no_nan"
    ).split()),
    *((name, (A, POSITIVE), {}) for name in ["mod", "fmod", "floor_divide"]),
    *((name, (BOOLS, B > 0), {}) for name in ["logical_and", "logical_or", "logical_xor"]),
    *((name, (BOOLS,), {}) for name in (
        "logical_not any all count_nonzero"
    ).split()),
    *((name, (CUBE,), {"axis": axis, "keepdims": keep})
      for name in (
        "sum mean var std max min prod logsumexp argmax argmin median any all ptp amax amin"
    ).split()
      for axis, keep in ((1, False), (-1, True))),
    ("power", (POSITIVE, B), {}),
    ("vdot", (V, W), {}),
    ("heaviside", (LABELS - 1, np.array([5, 5, 5])), {}),
    ("max", (A,), {"axis": 1, "initial": 0.5}),
    ("min", (A,), {"axis": 0, "initial": -0.5}),
    ("clip", (A, -0.5, 0.5), {}),
    ("threshold", (A, 0.1, 0.25), {}),
    ("gelu", (A,), {"approximate": False}),
    ("celu", (A,), {"alpha": 0.5}),
    ("squareplus", (A,), {"b": 2}),
    ("glu", (CUBE,), {"axis": 0}),
    ("softmax", (CUBE,), {"axis": 1}),
    ("round", (A,), {"decimals": 1}),
    ("average", (A,), {"axis": 1, "weights": POSITIVE}),
    ("average", (CUBE,), {"axis": -1, "weights": np.abs(V)}),
    ("average", (A,), {"axis": 1}),
    ("moments", (CUBE,), {"axes": (0, 1)}),
    ("moments", (CUBE,), {"axes": [1], "keepdims": True}),
    *(("norm", (A,), {"ord": ord, "axis": 1}) for ord in (1, 2, 3, np.inf, -np.inf)),
    *(("norm", (A,), {"ord": ord}) for ord in (1, -1, np.inf, -np.inf, "fro")),
    ("norm", (CUBE,), {"ord": 1, "axis": (1, 2), "keepdims": True}),
    *(("normalize", (CUBE,), {"axis": 1, "order": order}) for order in (1, 2, 3)),
    ("quantile", (CUBE, 0.3), {"axis": 1}),
    ("quantile", (CUBE, (0.1, 0.5, 1.0)), {"axis": -1, "keepdims": True}),
    *(("quantile", (A, 0.4), {"method": method}) for method in ("lower", "higher", "midpoint", "nearest")),
    ("percentile", (A, 40.0), {"axis": 0}),
    ("cumsum", (CUBE,), {"axis": 1}),
    ("cumprod", (CUBE,), {"axis": 1}),
    ("cumprod", (np.array([[2.0, 0.0, 3.0, 0.0, 4.0]]),), {"axis": 1}),
    ("diff", (CUBE,), {"n": 2, "axis": 1}),
    ("sort", (CUBE,), {"axis": 1}),
    ("argsort", (CUBE,), {"axis": 1}),
    ("top_k", (A, 2), {}),
    ("in_top_k", (LABELS, A, 2), {}),
    ("searchsorted", (np.sort(V), A.ravel()), {"side": "right"}),
    ("digitize", (A, np.array([-1.0, 0.0, 0.5])), {}),
    ("bincount", (np.array([0, 2, 2, 5]),), {"minlength": 7}),
    ("bincount", (np.array([0, 2, 2, 5]),), {"weights": np.array([1, 2, 3, 4])}),
    ("unique", (np.array([3, 1, 3, 2]),), {"return_counts": True}),
    ("isin", (LABELS, np.array([3, 5])), {}),
    ("unravel_index", (np.array([0, 5, 11]), (3, 4)), {}),
    ("where", (BOOLS, A, B), {}),
    ("matmul", (A, B.T), {}),
    ("matmul", (CUBE, normal((2, 4, 5))), {}),
    ("dot", (A, V), {}),
    ("dot", (A, B.T), {}),
    ("dot", (CUBE, B.T), {}),
    ("tensordot", (CUBE, A), {"axes": 2}),
    ("tensordot", (CUBE, A), {"axes": ([1, 2], [0, 1])}),
    ("tensordot", (CUBE, V), {"axes": 1}),
    *(("einsum", (s, *xs), {}) for s, xs in (
        ("ij,kj->ik", (A, B)), ("bij,jk", (CUBE, B.T)), ("...j,j->...", (CUBE, V)), ("ij->j", (A,)), ("ij->", (A,)),
        ("bij->bji", (CUBE,)), ("ij,ij,j->i", (A, B, V)), ("bhwc,co->bhwo", (IMAGES, B.T)), ("i,j->ij", (V, W)),
        ("...ij,...jk->...ik", (CUBE, B.T)), ("ij,k->i", (A, V)))),
    ("diagonal", (CUBE,), {"offset": 1, "axis1": 1, "axis2": 2}),
    ("trace", (CUBE,), {"axis1": 1, "axis2": 2}),
    ("diag", (V,), {"k": -1}),
    ("diag", (A,), {"k": 1}),
    ("tril", (CUBE,), {"k": -1}),
    ("triu", (CUBE,), {"k": 1}),
    ("expand_dims", (A, 1), {}),
    ("expand_dims", (A, (0, 3)), {}),
    ("squeeze", (A[None],), {"axis": 0}),
    ("reshape", (A, (2, 6)), {}),
    ("reshape", (A,), {"newshape": (-1, 3)}),
    ("transpose", (CUBE,), {}),
    ("transpose", (CUBE,), {"axes": (2, 0, 1)}),
    ("swapaxes", (CUBE, 0, 2), {}),
    ("moveaxis", (CUBE, 0, -1), {}),
    ("moveaxis", (CUBE, (0, 1), (2, 0)), {}),
    ("flip", (CUBE,), {"axis": 1}),
    ("roll", (CUBE, 2), {}),
    ("roll", (CUBE, 1), {"axis": 1}),
    ("roll", (CUBE, (1, -2)), {"axis": (0, 2)}),
    ("repeat", (A, 2), {}),
    ("repeat", (A, 3), {"axis": 1}),
    ("tile", (A, 2), {}),
    ("tile", (A, (2, 1, 3)), {}),
    ("tile", (CUBE, (2, 3)), {}),
    *(("rot90", (CUBE,), {"k": k}) for k in range(-1, 4)),
    ("rot90", (CUBE,), {"axes": (1, 2)}),
    ("broadcast_to", (V, (3, 4)), {}),
    ("concatenate", ([A, B],), {"axis": 1}),
    ("stack", ([A, B],), {"axis": 1}),
    *((name, ([A, B],), {}) for name in ("hstack", "vstack", "dstack")),
    *((name, ([V, W],), {}) for name in ("hstack", "vstack")),
    ("append", (A, B), {"axis": 0}),
    ("split", (CUBE, 2), {"axis": 2}),
    ("split", (CUBE, (1, 2)), {"axis": 1}),
    ("array_split", (CUBE, 3), {"axis": 2}),
    *((name, (normal((2, 4, 6)), 2), {}) for name in ("hsplit", "vsplit", "dsplit")),
    ("unstack", (CUBE,), {"axis": 1}),
    ("unstack", (CUBE, 2), {}),
    ("meshgrid", (V, W[:3]), {}),
    ("meshgrid", (V, W[:3], W[:2]), {"indexing": "ij"}),
    ("depth_to_space", (IMAGES, 2), {}),
    ("depth_to_space", (IMAGES.transpose(0, 3, 1, 2), 2), {"data_format": "channels_first"}),
    ("space_to_depth", (IMAGES[:, :, :4], 2), {}),
    ("pad", (A, ((1, 2), (0, 1))), {}),
    ("pad", (A, ((1, 1), (2, 1))), {"mode": "reflect"}),
    ("pad", (A, ((1, 1), (0, 1))), {"constant_values": 2.0}),
    ("take", (A, np.array([0, 2, 2])), {"axis": 1}),
    ("take", (A, LABELS), {}),
    ("take_along_axis", (A, PLACES), {"axis": 1}),
    ("take_along_axis", (A, PLACES.ravel()), {}),
    ("get_item", (A, (slice(None), 1)), {}),
    ("slice", (CUBE, (0, 1, 1), (2, 2, 3)), {}),
    ("slice_update", (CUBE, (0, 1, 1), normal((2, 2, 3), seed=8)), {}),
    ("scatter", (np.array([[0, 1], [2, 2], [0, 1]]), V[:3], (3, 4)), {}),
    ("scatter_update", (A, np.array([[0, 1], [2, 2]]), V[:2]), {}),
    ("scatter_update", (A, np.array([[0], [2]]), B[:2]), {}),
    ("segment_sum", (A, np.array([0, 2, 0])), {"num_segments": 3}),
    ("segment_max", (A, np.array([0, 1, 0])), {"num_segments": 2}),
    ("one_hot", (LABELS, 5), {}),
    ("one_hot", (LABELS, 5), {"axis": 0}),
    ("multi_hot", (PLACES, 5), {}),
    ("multi_hot", (LABELS, 5), {}),
    ("arange", (5,), {}),
    ("arange", (1, 7, 2), {}),
    ("arange", (0.0, 1.0, 0.25), {}),
    ("linspace", (0.0, 1.0, 5), {}),
    ("linspace", (0.0, 1.0, 5), {"endpoint": False}),
    ("logspace", (0.0, 2.0, 5), {}),
    ("eye", (3,), {}),
    ("eye", (3, 4), {"k": 1}),
    ("identity", (3,), {}),
    ("tri", (3, 4), {"k": 1}),
    ("zeros", ((2, 3),), {}),
    ("ones", ((2, 3),), {}),
    ("full", ((2, 3), 4.0), {}),
    ("full_like", (A, 3.0), {}),
    ("cast", (A, "int32"), {}),
    ("saturate_cast", (np.array([-5.0, 100.0, 300.0]), "uint8"), {}),
    ("batch_normalization", (IMAGES, V, np.abs(W), -1), {"offset": W, "scale": V}),
    ("batch_normalization", (CUBE, V[:3], np.abs(W[:3]), 1), {}),
    ("layer_normalization", (CUBE,), {"gamma": V, "beta": W, "axis": -1, "epsilon": 1e-3}),
    ("rms_normalization", (CUBE,), {"scale": V}),
    ("binary_crossentropy", (SHARE, ROWS), {}),
    ("binary_crossentropy", (SHARE, A), {"from_logits": True}),
    ("categorical_crossentropy", (TARGETS, ROWS), {}),
    ("categorical_crossentropy", (TARGETS, A), {"from_logits": True}),
    ("categorical_crossentropy", (TARGETS.T, A.T), {"from_logits": True, "axis": 0}),
    ("sparse_categorical_crossentropy", (LABELS, ROWS), {}),
    ("sparse_categorical_crossentropy", (LABELS, A), {"from_logits": True}),
    ("psnr", (A, B, 2.0), {}),
    ("conv", (IMAGES, normal((3, 2, 4, 5))), {"padding": "same", "strides": 2}),
    ("conv", (IMAGES, normal((3, 2, 2, 6))), {}),
    ("conv", (SIGNAL, normal((3, 4, 5))), {"dilation_rate": 2}),
    ("conv", (SIGNAL, normal((3, 4, 5))), {"strides": 2, "padding": "same"}),
    ("conv", (IMAGES.transpose(0, 3, 1, 2), normal((3, 2, 4, 5))), {"data_format": "channels_first"}),
    ("depthwise_conv", (IMAGES, normal((3, 3, 4, 2))), {"padding": "same"}),
    ("depthwise_conv", (SIGNAL, normal((3, 4, 2))), {"strides": 2}),
    ("separable_conv", (IMAGES, normal((3, 3, 4, 2)), normal((1, 1, 8, 5))), {}),
    ("separable_conv", (SIGNAL, normal((3, 4, 2)), normal((1, 8, 5))), {}),
    ("conv_transpose", (IMAGES, normal((3, 3, 5, 4))), {"strides": 2, "padding": "same"}),
    ("conv_transpose", (SIGNAL, normal((3, 5, 4))), {"strides": 2}),
    ("max_pool", (IMAGES, 2), {}),
    ("max_pool", (SIGNAL, 3), {"strides": 2, "padding": "same"}),
    ("max_pool", (IMAGES.transpose(0, 3, 1, 2), (2, 3)), {"strides": 1, "data_format": "channels_first"}),
    ("average_pool", (IMAGES, 3), {"strides": 2}),
    ("average_pool", (SIGNAL, 2), {}),
    ("image.resize", (IMAGES, (4, 9)), {}),
    ("image.resize", (IMAGES, (4, 4)), {"crop_to_aspect_ratio": True}),
    ("image.resize", (IMAGES, (9, 4)), {"pad_to_aspect_ratio": True, "fill_value": 2.0}),
    ("image.resize", (IMAGES[0].transpose(2, 0, 1), (9, 4)), {"data_format": "channels_first"}),
    ("image.resize", (IMAGES, (4, 9)), {"interpolation": "nearest"}),
    ("image.rgb_to_grayscale", (IMAGES[..., :3],), {}),
    ("image.pad_images", (IMAGES, 1, 2), {"target_height": 9, "target_width": 8}),
    ("image.crop_images", (IMAGES,), {"top_cropping": 1, "right_cropping": 2, "target_height": 3, "target_width": 2}),
]  # fmt: skip

FLAT = {"sign", "floor", "ceil", "round", "trunc", "floor_divide", "count_nonzero"}  # their derivative is 0


def _leaves(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _named(module, name):
    for part in name.split("."):
        module = getattr(module, part)
    return module


def _floats(value, make, leaves):
    """The same structure with ``make`` of each array; what is floating goes into ``leaves``."""
    if isinstance(value, list):
        return [_floats(item, make, leaves) for item in value]
    if isinstance(value, np.ndarray):
        tensor = make(value)
        if value.dtype.kind == "f":
            leaves.append(tensor)
        return tensor
    return value


@pytest.mark.filterwarnings("ignore::UserWarning")  # of PyTorch, about its own transposition
@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_values_and_gradients_are_those_of_keras(backend, name, args, kwargs):
    keras, torch = peer("keras"), peer("torch")
    own, theirs = [], []
    make_own = lambda a: pycnn.Tensor(a, requires_grad=a.dtype.kind == "f")  # noqa: E731
    make_their = lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f")  # noqa: E731
    y = _named(ops, name)(
        *(_floats(a, make_own, own) for a in args), **{k: _floats(v, make_own, own) for k, v in kwargs.items()}
    )
    expected = _named(keras.ops, name)(
        *(_floats(a, make_their, theirs) for a in args),
        **{k: _floats(v, make_their, theirs) for k, v in kwargs.items()},
    )
    y, expected = _leaves(y), _leaves(expected)
    assert len(y) == len(expected)
    total, their_total = 0.0, 0.0
    for i, (one, other) in enumerate(zip(y, expected, strict=True)):
        other = other if isinstance(other, torch.Tensor) else torch.as_tensor(other)
        assert_close(np.asarray(one.numpy(), np.float64), other.detach().numpy().astype(np.float64), 1e-6)
        if other.requires_grad and name not in FLAT:
            assert one.requires_grad, "the gradient is lost"
            weights = normal(one.shape, seed=50 + i)
            total = total + ops.sum(one * weights)
            their_total = their_total + (other * torch.tensor(weights)).sum()
    if not isinstance(total, float):
        total.backward()
        their_total.backward()
        for leaf, other in zip(own, theirs, strict=True):
            gradient = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
            wanted = np.zeros(leaf.shape) if other.grad is None else other.grad.numpy()
            assert_close(gradient, wanted, 1e-6)


SIGNATURES_OF_OUR_OWN = {
    "amax": "another name of max",
    "amin": "another name of min",
    "layer_normalization": "no rms_scaling: there is rms_normalization",
    "convert_to_tensor": "there are no sparse and ragged tensors",
    "multi_hot": "there are no sparse tensors",
    "one_hot": "there are no sparse tensors",
    "bincount": "there are no sparse tensors",
    "unique": "no size and fill_value, which are there for compiled code",
    "clip": "one bound may be left out",
    "pad": "constant_values is 0, not None",
    "relu": "the arguments of the activation",
    "reshape": "several integers are a shape, too",
    "transpose": "several integers are axes, too",
    "einsum": "no keyword arguments",
}


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    common = [n for n in ops.__all__ if inspect.isfunction(getattr(keras.ops, n, None))]
    assert len(common) >= 240
    different = {
        n for n in common if str(inspect.signature(getattr(ops, n))) != str(inspect.signature(getattr(keras.ops, n)))
    }
    assert different == set(SIGNATURES_OF_OUR_OWN)
    for name in ("resize", "rgb_to_grayscale", "pad_images", "crop_images"):
        assert str(inspect.signature(getattr(ops.image, name))) == str(
            inspect.signature(getattr(keras.ops.image, name))
        )


def test_what_keras_gets_wrong_or_leaves_open(backend):
    assert ops.sparsemax([[2.0, 1.5, 0.0]]).tolist() == [[0.75, 0.25, 0.0]]
    images = IMAGES[:, :, :4].transpose(0, 3, 1, 2)
    deep = ops.space_to_depth(images, 2, "channels_first")
    np.testing.assert_array_equal(ops.depth_to_space(deep, 2, "channels_first").numpy(), images)
    for place, expected in zip(ops.nonzero(BOOLS), np.nonzero(BOOLS), strict=True):
        np.testing.assert_array_equal(place.numpy(), expected)
    pooled = ops.average_pool(np.arange(4.0).reshape(1, 4, 1), 3, strides=2, padding="same")
    assert pooled.numpy().ravel().tolist() == [1.0, 2.5]  # of the data alone


def test_control_flow(backend):
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    assert ops.switch(5, [lambda x: x, lambda x: -x], 3) == -3
    assert ops.fori_loop(0, 4, lambda i, total: total + i, 0) == 6
    assert [v.item() for v in ops.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + i), (0, 0))] == [3, 3]
    x = pycnn.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    carry, sums = ops.scan(lambda carry, row: (carry + row, (carry + row).sum()), ops.zeros(2), x, reverse=True)
    assert carry.tolist() == [4.0, 6.0]
    assert sums.tolist() == [10.0, 7.0]
    sums.sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert ops.map(lambda rows: rows[0] * rows[1], (x.detach(), x.detach())).tolist() == [[1.0, 4.0], [9.0, 16.0]]


def test_unknown_names_say_what_exists():
    with pytest.raises(AttributeError, match="pycnn.ops has no 'sofmax'. Did you mean softmax"):
        _ = ops.sofmax
    with pytest.raises(AttributeError, match="There are: .*softmax"):
        _ = ops.zzzz


SELDOM = [
    (ops.segment_max, lambda x: (x, [0, 1, 0]), CUBE.reshape(3, 8)),
    (ops.scatter_update, lambda x: (x, [[0, 1], [2, 2]], [0.5, -0.25], "max"), A),
    (ops.scatter_update, lambda x: (A, [[0, 1], [2, 2], [0, 1]], x), V[:3]),
    (ops.scatter_update, lambda x: (A, [[0, 1], [2, 2]], x, "add"), V[:2]),
    (ops.sparsemax, lambda x: (x,), A),
    (ops.nan_to_num, lambda x: (x,), A),
    (ops.image.rgb_to_grayscale, lambda x: (x,), IMAGES[..., :3]),
]


@pytest.mark.parametrize(("function", "arguments", "x"), SELDOM)
def test_numeric_gradients(backend, function, arguments, x):
    assert pycnn.autograd.gradcheck(lambda x: function(*arguments(x)), [x])
