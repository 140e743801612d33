"""gradcheck passes right gradients and finds wrong ones."""

import numpy as np
import pytest

from pycnn import Tensor
from pycnn.autograd import Function, GradcheckError, gradcheck


class Cube(Function):
    """x cubed; the gradient is wrong by ``error`` at one element."""

    def forward(self, x, *, error=0.0, at=0):
        self.x, self.error, self.at = x, error, at
        return x * x * x

    def backward(self, gy):
        gx = 3 * self.x * self.x * gy
        gx.reshape(-1)[self.at] += self.error
        return gx


X = np.linspace(0.5, 1.5, 6).reshape(2, 3)


def test_right_gradients_pass(backend):
    assert gradcheck(Cube.apply, [X]) is True
    assert gradcheck(lambda x, y: (x * y, x.sum()), [X, X + 1]) is True
    assert gradcheck(lambda x: x * 2, [np.float64(3.0)]) is True
    assert gradcheck(lambda x: x * 2, [np.zeros((0, 3))]) is True


@pytest.mark.parametrize("error", [1e-3, -1e-3, 1.0, np.nan, np.inf])
def test_one_wrong_element_is_found_and_named(backend, error):
    with pytest.raises(GradcheckError, match=r"Gradient of input 0 is wrong at element \(1, 1\): analytic .*numeric"):
        gradcheck(lambda x: Cube.apply(x, error=error, at=4), [X])


def test_each_input_is_checked(backend):
    class Product(Function):
        def forward(self, a, b):
            self.a, self.b = a, b
            return a * b

        def backward(self, gy):
            return gy * self.b, gy * self.b

    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(Product.apply, [X, X + 1])


def test_each_output_is_checked(backend):
    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(lambda x: (x * 2, Cube.apply(x, error=0.01)), [X])


def test_a_gradient_that_is_lost_is_found(backend):
    with pytest.raises(GradcheckError, match="analytic"):
        gradcheck(lambda x: x.detach() * 2, [X])
    with pytest.raises(GradcheckError, match="analytic"):
        gradcheck(lambda x: x * x.detach(), [X])


def test_float32_is_checked_in_float64_and_integers_are_passed_on(backend):
    seen = []

    def function(x, labels):
        seen.append((x.dtype, labels.dtype))
        return x * labels

    assert gradcheck(function, [X.astype(np.float32), np.arange(3)])
    assert set(seen) == {(np.dtype("float64"), np.dtype("int64"))}


def test_inputs_are_left_alone(backend):
    x = X.copy()
    tensor = Tensor(X.copy(), requires_grad=True)
    gradcheck(lambda a, b: a * b, [x, tensor])
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(tensor.numpy(), X)
    assert tensor.grad is None


def test_tolerances_are_the_callers(backend):
    def function(x):
        return Cube.apply(x, error=1e-3)

    assert gradcheck(function, [X], atol=1e-2)
    with pytest.raises(GradcheckError, match="atol=0.0001"):
        gradcheck(function, [X], atol=1e-4)
