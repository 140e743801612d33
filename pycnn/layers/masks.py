"""Masks of tensors in structures, which layers hand on (see ``Layer.compute_mask``)."""

from pycnn.autograd import MaskedTensor, Tensor
from pycnn.layers.structure import flatten_structure, map_structure


def masks_of(inputs):
    """Return the mask of a tensor, or those of a list or dict of them, nested like it; None if there is none."""
    if not isinstance(inputs, (list, tuple, dict)):
        return inputs.mask if isinstance(inputs, Tensor) else None
    if {*map(type, inputs)} == {Tensor}:  # which is quick, and most often so
        return None
    if not any(isinstance(x, MaskedTensor) for x in flatten_structure(inputs)):
        return None
    return map_structure(masks_of, inputs)


def with_masks(outputs, masks):
    """Return the outputs with these masks, of which there may be fewer; those that have one already keep it."""
    if masks is None:
        return outputs
    if isinstance(outputs, dict):
        return {key: with_masks(y, masks.get(key)) for key, y in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        masks = masks if isinstance(masks, (list, tuple)) else [masks]
        return type(outputs)(map(with_masks, outputs, (*masks, *[None] * (len(outputs) - len(masks)))))
    return MaskedTensor(outputs, masks) if outputs.mask is None else outputs


def holds_tensors(arguments):
    """Whether there are tensors among arguments."""
    return any(isinstance(x, Tensor) for x in flatten_structure(arguments))
