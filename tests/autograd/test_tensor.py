"""Tensors and variables: what they hold, and how they show it."""

import numpy as np
import pytest

from pycnn import Tensor, config
from pycnn.autograd import Variable, as_tensor


def test_dtypes(backend):
    assert Tensor([1.0, 2.0]).dtype == np.float32
    assert Tensor(1.5).dtype == np.float32
    assert Tensor(np.float64(1.5)).dtype == np.float64
    assert Tensor(np.zeros(2)).dtype == np.float64
    assert Tensor([1, 2]).dtype.kind == "i"
    assert Tensor(np.zeros(2, np.uint8)).dtype == np.uint8
    assert Tensor([True, False]).dtype == np.bool_
    config.set_floatx("float64")
    assert Tensor([1.0]).dtype == np.float64


def test_what_is_not_a_number_is_refused(backend):
    for value in ("text", [None], [["a"]], {"a": 1}):
        with pytest.raises(TypeError, match="A tensor holds numbers. Received: dtype="):
            Tensor(value)


def test_shape_size_and_conversion(backend):
    x = Tensor(np.arange(6.0).reshape(2, 3))
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    np.testing.assert_array_equal(x.numpy(), np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(np.asarray(x), x.numpy())
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert [row.tolist() for row in x] == x.tolist()
    with pytest.raises(TypeError, match="without axes has no length"):
        len(Tensor(1.0))
    one = Tensor([[2.5]])
    assert one.item() == float(one) == 2.5
    assert int(one) == 2
    assert bool(one)
    assert f"{one:.3f}" == "2.500"
    assert [10, 20, 30][Tensor(1)] == 20
    with pytest.raises(ValueError, match="more than one element"):
        bool(x)


def test_numpy_shares_memory_and_copies_when_asked(backend):
    x = Tensor([1.0, 2.0])
    copied = np.array(x, copy=True)
    copied[0] = 9
    assert x.tolist() == [1, 2]


def test_text(backend):
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5], dtype=float32)"
    assert repr(Tensor([1.0], requires_grad=True)) == "Tensor([1.], dtype=float32, requires_grad=True)"
    assert repr(Variable([1.0, 2.0], "kernel")) == "Variable(name='kernel', shape=(2,), dtype=float32, trainable=True)"
    assert f"{Tensor([1, 2])}" == "Tensor([1, 2], dtype=int64)"


def test_only_floats_require_gradients(backend):
    for value in ([1, 2], [True], np.zeros(2, np.uint8)):
        with pytest.raises(TypeError, match="Only floating-point tensors can require gradients. Received: dtype="):
            Tensor(value, requires_grad=True)
    x = Tensor([1.0])
    x.requires_grad = True
    (x * 2).sum().backward()
    assert x.grad.item() == 2


def test_grad_can_be_set(backend):
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert x.grad is None
    x.grad = [3.0, 4.0]
    assert x.grad.tolist() == [3, 4]
    with pytest.raises(ValueError, match=r"grad must have the tensor's shape \(2,\)\. Received: value.shape=\(1,\)"):
        x.grad = [1.0]
    x.grad = None
    assert x.grad is None


def test_as_tensor_keeps_tensors(backend):
    x = Tensor([1.0], requires_grad=True)
    assert as_tensor(x) is x
    assert isinstance(as_tensor([1.0]), Tensor)
    copy = Tensor(x)
    assert copy is not x
    assert not copy.requires_grad


def test_numpy_on_the_left_gives_a_tensor(backend):
    product = np.array([2.0, 3.0]) * Tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert isinstance(product, Tensor)
    assert product.tolist() == [2, 6]
    assert product.requires_grad


def test_variables_own_their_memory(backend):
    value = np.arange(6.0).reshape(2, 3)
    variable = Variable(value.T, "kernel")
    assert variable.data.flags.c_contiguous
    variable.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(value, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(variable.numpy(), np.zeros((3, 2)))


def test_assign_add_and_sub_work_in_place(backend):
    variable = Variable([1.0, 2.0])
    array = variable.data
    assert variable.assign_add([0.5, 1.0]) is variable
    assert variable.assign_sub(Tensor([1.0, 0.0])) is variable
    assert variable.data is array
    assert variable.tolist() == [0.5, 3.0]
    assert variable.version == 2
    with pytest.raises(ValueError, match=r"value must have the shape \(2,\)"):
        variable.assign_add(1.0)


def test_assign_keeps_the_array_and_counts_versions(backend):
    variable = Variable([1.0, 2.0], "bias")
    array, version = variable.data, variable.version
    assert variable.assign(Tensor([3.0, 4.0])) is variable
    assert variable.data is array
    assert variable.tolist() == [3, 4]
    assert variable.version == version + 1
    with pytest.raises(ValueError, match=r"shape \(2,\) of variable 'bias'\. Received: value.shape=\(3,\)"):
        variable.assign([1.0, 2.0, 3.0])


def test_trainable_decides_whether_gradients_flow(backend):
    variable = Variable([1.0], trainable=False)
    assert not (variable * 2).requires_grad
    variable.trainable = True
    assert (variable * 2).requires_grad
    variable.trainable = False
    assert not variable.requires_grad
    counter = Variable(np.array([3]), "steps", trainable=False)
    assert counter.dtype.kind == "i"


@pytest.mark.parametrize("initializer", ["ones", lambda shape, dtype: np.ones(shape, dtype), np.ones(3)])
def test_variables_as_in_keras(backend, initializer):
    variable = Variable(initializer=initializer, shape=(3,), dtype="float32", trainable=False, name="state")
    assert (variable.shape, str(variable.dtype), variable.path, variable.requires_grad) == (
        (3,),
        "float32",
        "state",
        False,
    )
    np.testing.assert_array_equal(variable.value.numpy(), 1)


def test_initializers_of_variables_need_a_shape():
    with pytest.raises(ValueError, match=r"shape must be given.*Received: initializer="):
        Variable("zeros")
