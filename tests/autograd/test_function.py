"""Functions of one's own, and the switch that stops recording."""

import threading

import numpy as np
import pytest

import pycnn
from pycnn import Tensor
from pycnn.autograd import Function, gradcheck, is_grad_enabled


class Power(Function):
    """x ** exponent, with an optional shift."""

    def forward(self, x, shift, *, exponent):
        self.x, self.exponent = x, exponent
        self.seen = self.backend.name, list(self.needs_grad)
        y = x**exponent
        return y if shift is None else y + shift

    def backward(self, gy):
        gx = gy * self.exponent * self.x ** (self.exponent - 1) if self.needs_grad[0] else None
        return gx, gy if self.needs_grad[1] else None


def test_a_function_of_ones_own(backend):
    x, shift = Tensor([1.0, 3.0], requires_grad=True), Tensor([10.0, 10.0], requires_grad=True)
    y = Power.apply(x, shift, exponent=3)
    np.testing.assert_array_equal(y.numpy(), [11, 37])
    assert y.requires_grad
    assert y._node.seen == (backend.name, [True, True])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 27])
    np.testing.assert_array_equal(shift.grad.numpy(), [1, 1])
    assert gradcheck(lambda a, b: Power.apply(a, b, exponent=4), [[0.5, 1.5], [1.0, 2.0]])


def test_inputs_that_need_no_gradient_and_none(backend):
    x = Tensor([2.0], requires_grad=True)
    y = Power.apply(x, None, exponent=2)
    assert y._node.needs_grad == [True, False]
    y.backward()
    assert x.grad.item() == 4
    y = Power.apply(x.detach(), Tensor([1.0], requires_grad=True), exponent=2)
    assert y._node.needs_grad == [False, True]
    y.backward()


def test_arrays_lists_and_numbers_become_tensors(backend):
    for value in (np.array([2.0]), [2.0], Tensor([2.0])):
        y = Power.apply(value, None, exponent=2)
        assert isinstance(y, Tensor)
        assert y.tolist() == [4.0]
        assert not y.requires_grad
    assert Power.apply(3.0, None, exponent=2).item() == 9
    with pytest.raises(TypeError, match="A tensor holds numbers. Received: dtype=<U1"):
        Power.apply(["a"], None, exponent=2)


def test_a_function_that_lacks_its_passes(backend):
    class Empty(Function):
        pass

    class Forward(Function):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match="Empty must define forward"):
        Empty.apply([1.0])
    with pytest.raises(NotImplementedError, match="Forward must define backward"):
        Forward.apply(Tensor([1.0], requires_grad=True)).backward()


def test_outputs_in_a_tuple(backend):
    class Both(Function):
        def forward(self, x):
            return x, -x

        def backward(self, *gradients):
            return sum(g if i == 0 else -g for i, g in enumerate(gradients) if g is not None)

    plus, minus = Both.apply([1.0])
    assert not plus.requires_grad
    x = Tensor([1.0], requires_grad=True)
    plus, minus = Both.apply(x)
    assert plus.requires_grad
    assert minus.requires_grad
    (plus * 3 + minus).backward()
    assert x.grad.item() == 2


def test_no_grad_records_nothing(backend):
    x = Tensor([1.0], requires_grad=True)
    with pycnn.no_grad():
        assert not is_grad_enabled()
        y = x * 2
        with pycnn.no_grad():
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()
    assert not y.requires_grad
    assert y._node is None
    assert (x * 2).requires_grad
    with pytest.raises(KeyError), pycnn.no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_no_grad_as_a_decorator():
    @pycnn.no_grad()
    def double(x):
        """Twice x."""
        return x * 2, is_grad_enabled()

    y, enabled = double(Tensor([1.0], requires_grad=True))
    assert not y.requires_grad
    assert not enabled
    assert is_grad_enabled()
    assert (double.__name__, double.__doc__) == ("double", "Twice x.")


def test_no_grad_is_of_its_thread():
    seen = []
    with pycnn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
