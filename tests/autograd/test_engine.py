"""The backward pass: what reaches the leaves, in which order, and what is left in memory."""

import gc
import weakref

import numpy as np
import pytest

import pycnn
from pycnn import Tensor
from pycnn.autograd import Function


class Scale(Function):
    """factor * x, which keeps a list of what happens."""

    log = []

    def forward(self, x, *, factor, name=""):
        self.factor, self.name = factor, name
        return factor * x

    def backward(self, gy):
        Scale.log.append(self.name)
        return self.factor * gy


class SumAndProduct(Function):
    """Two outputs of two inputs."""

    def forward(self, a, b):
        self.a, self.b = a, b
        return a + b, a * b

    def backward(self, g_sum, g_product):
        g_sum = 0 * self.a if g_sum is None else g_sum
        g_product = 0 * self.a if g_product is None else g_product
        return g_sum + g_product * self.b, g_sum + g_product * self.a


def leaf(*values):
    return Tensor(np.array(values, np.float64), requires_grad=True)


def test_gradients_add_up_until_they_are_zeroed(backend):
    x = leaf(1, 2)
    for times in (1, 2, 3):
        (x * 5).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [5 * times] * 2)
    x.zero_grad()
    assert x.grad is None
    x.grad = [1.0, 1.0]
    (x * 5).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6, 6])


def test_shared_subexpressions_by_hand(backend):
    x, y = leaf(3), leaf(4)
    s = x * y  # 12
    t = s + x  # 15
    z = s * t * t  # x y (x y + x)^2
    z.sum().backward()
    # dz/ds = t^2 + 2 s t, dz/dt = 2 s t
    ds, dt = 15**2 + 2 * 12 * 15, 2 * 12 * 15
    assert x.grad.item() == ds * 4 + dt
    assert y.grad.item() == ds * 3


def test_one_tensor_as_several_inputs(backend):
    x = leaf(3)
    (x * x * x + x).sum().backward()
    assert x.grad.item() == 28


def test_each_node_goes_back_once_after_all_that_use_it(backend):
    Scale.log = []
    x = leaf(1)
    a = Scale.apply(x, factor=2, name="a")
    b = Scale.apply(a, factor=3, name="b")
    c = Scale.apply(a, factor=5, name="c")
    d = Scale.apply(c, factor=7, name="d")
    (b + d + a).sum().backward()
    assert sorted(Scale.log) == ["a", "b", "c", "d"]
    assert Scale.log.index("d") < Scale.log.index("c") < Scale.log.index("a")
    assert Scale.log[-1] == "a"
    assert x.grad.item() == 2 * (3 + 5 * 7 + 1)


def test_a_diamond_of_many_levels_is_not_walked_twice(backend):
    x = y = leaf(1)
    for _ in range(200):
        y = y + y
    y.backward(np.array([2.0**-200]))
    assert x.grad.item() == 1


def test_long_chains_need_no_recursion(backend):
    x = y = leaf(1)
    for _ in range(5000):
        y = y + 1
    y.sum().backward()
    assert x.grad.item() == 1
    for _ in range(50000):
        y = y + 1
    del y  # nor does forgetting one


def test_only_the_part_behind_the_tensor_goes_back(backend):
    x = leaf(2)
    a = x * 3
    b = x * 1000
    (a * 2).sum().backward()
    assert x.grad.item() == 6
    b.sum().backward()
    assert x.grad.item() == 1006


def test_weights_of_the_outputs(backend):
    x = leaf(1, 2, 3)
    (x * x).backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(x.grad.numpy(), [2, 40, 600])
    x.zero_grad()
    (x * x).backward(Tensor([0, 1, 0]))
    np.testing.assert_array_equal(x.grad.numpy(), [0, 4, 0])
    with pytest.raises(ValueError, match=r"gradient must have the tensor's shape \(3,\)\. Received: .*\(2,\)"):
        (x * x).backward([1.0, 2.0])
    with pytest.raises(ValueError, match=r"needs a tensor of one element, such as a loss\. Received: shape=\(3,\)"):
        (x * x).backward()


def test_backward_of_a_leaf_is_the_gradient_itself(backend):
    x = leaf(1, 2)
    x.backward([3.0, 4.0])
    x.backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad.numpy(), [4, 5])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_gradient_of_a_loss_that_is_not_finite(backend, value):
    x = leaf(value)
    (x + x).sum().backward()
    assert x.grad.item() == 2


def test_a_tensor_that_depends_on_nothing_cannot_go_back(backend):
    for tensor in (Tensor([1.0]), Tensor([1.0]) * 2, leaf(1).detach() * 3):
        with pytest.raises(RuntimeError, match="does not depend on any that requires a gradient"):
            tensor.backward()


def test_a_graph_goes_back_once_unless_it_is_retained(backend):
    x = leaf(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12
    with pytest.raises(RuntimeError, match="freed by an earlier backward.*retain_graph=True"):
        y.backward()
    s = x * x
    a, b = (s * 2).sum(), (s * 3).sum()
    a.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        b.backward()


def test_only_leaves_keep_gradients(backend):
    x = leaf(3)
    y = x * 2
    (y * y).sum().backward()
    assert y.grad is None
    assert x.grad.item() == 24
    constant = Tensor([1.0])
    (x * constant).sum().backward()
    assert constant.grad is None


def test_detach_stops_gradients(backend):
    x = leaf(3)
    (x * x.detach()).sum().backward()
    assert x.grad.item() == 3
    assert x.detach().numpy() is not None
    assert not x.detach().requires_grad


def test_two_outputs_together_and_one_alone(backend):
    a, b = leaf(2), leaf(5)
    total, product = SumAndProduct.apply(a, b)
    (total * 10 + product * 100).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (510, 210)
    for which, expected in ((0, (1, 1)), (1, (5, 2))):
        a, b = leaf(2), leaf(5)
        SumAndProduct.apply(a, b)[which].sum().backward()
        assert (a.grad.item(), b.grad.item()) == expected


def test_gradients_come_in_the_dtype_of_their_leaf(backend):
    narrow = Tensor(np.ones(2, np.float32), requires_grad=True)
    wide = Tensor(np.ones(2, np.float64), requires_grad=True)
    (narrow * wide).sum().backward()
    assert narrow.grad.dtype == np.float32
    assert wide.grad.dtype == np.float64


def test_a_wrong_backward_is_found(backend):
    class WrongShape(Function):
        def forward(self, x):
            return x * 2

        def backward(self, gy):
            return gy[:1]

    class TooMany(WrongShape):
        def backward(self, gy):
            return gy, gy

    with pytest.raises(RuntimeError, match=r"WrongShape.backward .* wrong shape: expected \(2,\)\. Received: \(1,\)"):
        WrongShape.apply(leaf(1, 2)).sum().backward()
    with pytest.raises(RuntimeError, match=r"TooMany.backward must return one gradient for each of 1 inputs\. .*: 2"):
        TooMany.apply(leaf(1, 2)).sum().backward()


def test_no_gradient_array_is_written_into_once_it_is_handed_out(backend):
    x, y = leaf(1), leaf(2)
    gradient = np.array([1.0])
    (x + y).backward(gradient)
    first = x.grad.numpy()
    (x * 10).sum().backward()
    assert y.grad.item() == first.item() == gradient.item() == 1
    assert x.grad.item() == 11


class Watched(Function):
    """x * x, with weak references to what it keeps."""

    kept = []

    def forward(self, x):
        self.x = x + 0
        Watched.kept.append(weakref.ref(self.x))
        return self.x * self.x

    def backward(self, gy):
        return 2 * self.x * gy


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_arrays_are_released_as_the_pass_goes_back(backend):
    Watched.kept = []
    x = leaf(1.5)
    y = Watched.apply(Watched.apply(x))
    loss = y.sum()
    assert [ref() is None for ref in Watched.kept] == [False, False]
    loss.backward()
    assert [ref() is None for ref in Watched.kept] == [True, True]
    assert x.grad.item() == 4 * 1.5**3


@pytest.mark.usefixtures("without_collector")
def test_retained_and_forgotten_graphs_are_released_without_the_collector(backend):
    Watched.kept = []
    x = leaf(1.5)
    loss = Watched.apply(x).sum()
    loss.backward(retain_graph=True)
    assert Watched.kept[0]() is not None
    del loss
    assert Watched.kept[0]() is None
    y = Watched.apply(x)
    del y
    assert Watched.kept[1]() is None


@pytest.mark.usefixtures("without_collector")
def test_intermediate_tensors_and_their_arrays_are_released(backend):
    x = leaf(1.5)
    y = x * 2
    array, tensor = weakref.ref(y.data), weakref.ref(y)
    loss = (y * y).sum()
    del y
    assert tensor() is None
    assert array() is not None  # the product's gradient needs it
    loss.backward()
    assert array() is None
    y = x * 2
    array = weakref.ref(y.data)
    loss = (y + x).sum()
    del y
    assert array() is None  # nobody's gradient needs it
    loss.backward()
    assert x.grad.item() == 2 * 2 * 2 * 1.5 + 3
    with pycnn.no_grad():
        y = x * 2
        tensor = weakref.ref(y)
        loss = (y * y).sum()
        del y
        assert tensor() is None


def test_value_and_grad_by_hand(backend):
    value, gradient = pycnn.value_and_grad(lambda x, y: (x * x * y).sum())(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert value.item() == 19
    assert not value.requires_grad
    np.testing.assert_array_equal(gradient.numpy(), [6, 16])
    function = pycnn.grad(lambda x, y, power=1: (x * y**power).sum(), argnums=(0, 1))
    gx, gy = function(np.array([1.0, 2.0]), np.array([3.0, 4.0]), power=2)
    np.testing.assert_array_equal(gx.numpy(), [9, 16])
    np.testing.assert_array_equal(gy.numpy(), [6, 16])
    assert pycnn.grad(lambda x: x * x, argnums=0)(3.0).item() == 6
    assert pycnn.grad(lambda x, y: x * y, argnums=-1)(3.0, 4.0).item() == 3


def test_grad_where_nothing_depends_on_the_argument(backend):
    np.testing.assert_array_equal(pycnn.grad(lambda x: Tensor([1.0]))([1.0, 2.0]).numpy(), [0, 0])
    gx, gy = pycnn.grad(lambda x, y: y.sum(), argnums=(0, 1))([np.inf, 2.0], [1.0])
    np.testing.assert_array_equal(gx.numpy(), [0, 0])
    np.testing.assert_array_equal(gy.numpy(), [1])


def test_grad_touches_no_other_tensor(backend):
    weight, x = leaf(5), leaf(2)
    assert pycnn.grad(lambda x: (x * weight).sum())(x).item() == 5
    assert weight.grad is None
    assert x.grad is None


def test_grad_says_what_it_cannot_do(backend):
    with pytest.raises(TypeError, match="function must return a Tensor. Received: float"):
        pycnn.grad(lambda x: 1.0)([1.0])
    with pytest.raises(ValueError, match="needs a tensor of one element"):
        pycnn.grad(lambda x: x * 2)([1.0, 2.0])
    with pytest.raises(TypeError, match="Only floating-point tensors can require gradients. Received: dtype=int"):
        pycnn.grad(lambda x: x * 2)(3)


def test_many_gradients_add_up_and_leave_what_others_hold(backend):
    """Above the size from which kernels add, a shared gradient array must stay as it is."""
    x = Tensor(np.ones(10_000), requires_grad=True)
    y = x * 1.0
    gy = np.arange(10_000.0)
    (y + y + (y + y + y)).backward(gy)
    np.testing.assert_array_equal(gy, np.arange(10_000.0))
    np.testing.assert_array_equal(x.grad.numpy(), 5 * gy)
    first = x.grad
    (x * 2.0).backward(gy)
    np.testing.assert_array_equal(first.numpy(), 5 * gy)
    np.testing.assert_array_equal(x.grad.numpy(), 7 * gy)
