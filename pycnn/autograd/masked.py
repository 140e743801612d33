"""Tensors with masks."""

from pycnn.autograd.function import Function
from pycnn.autograd.tensor import Tensor, as_tensor


class _Same(Function):
    def forward(self, x):
        return x

    def backward(self, gy):
        return gy


class MaskedTensor(Tensor):
    """A tensor of which only a part counts, the steps of its sequences mostly, as its ``mask`` says.

    Layers hand masks on (see ``Layer.compute_mask``), and losses and metrics leave out what a mask hides. Operations
    see nothing of it, and what they return has no mask: ``mask`` of all other tensors is None.

    Parameters
    ----------
    tensor : Tensor
        Whose data it shares; gradients flow back to it.
    mask : array or Tensor of bools
        Of the first axes of ``tensor``; False where it does not count.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Embedding(3, 2, mask_zero=True)([[1, 2, 0]]).mask.tolist()
    [[True, True, False]]
    """

    __slots__ = ("mask",)

    def __init__(self, tensor, mask):
        if tensor._requires_grad and tensor._node is None:
            tensor = _Same.apply(tensor)
        self.data, self._node, self._output_index = tensor.data, tensor._node, tensor._output_index
        self._grad, self._requires_grad = None, tensor._requires_grad
        self.mask = as_tensor(mask)

    def detach(self):
        """Return a tensor of the same data and mask that gradients do not flow through."""
        return MaskedTensor(super().detach(), self.mask)
