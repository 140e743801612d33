"""What Fast and Faster R-CNN have in common: regions to learn from, the head that looks at them, its loss."""

import numpy as np

from pycnn import layers, losses, ops
from pycnn.backend.geometry import is_integer, pair
from pycnn.detection.coding import decode_boxes, encode_boxes
from pycnn.detection.matching import match, sample
from pycnn.initializers import RandomNormal
from pycnn.models import Model
from pycnn.registration import register_serializable

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""What the four numbers of a box are multiplied by: one over their standard deviations .1, .1, .2, .2."""


def dense_names(units):
    """Names of the head's dense layers: those of AlexNet and VGG."""
    return [f"fc{i}" for i in range(6, 6 + len(units))]


def head_model(maps_shape, pool_size, units, classes, dropout, ranks=None):
    """Return a Model from pooled maps (n, *pool_size, channels) to logits and boxes.

    Parameters
    ----------
    maps_shape : tuple
        Of the backbone's output; its last number counts.
    pool_size : int or pair of ints
    units : sequence of int
        Of the dense layers, ``fc6`` and so on.
    classes : int
    dropout : float
        Behind each dense layer.
    ranks : sequence of int, optional
        For each of them, how many numbers a linear layer before it leaves of its inputs.

    Returns
    -------
    Model
        Logits (n, classes + 1), the last one that of the background, and (n, 4 (classes + 1)): for each class how the
        region's box is to be changed, as ``encode_boxes`` with ``WEIGHTS`` tells it.
    """
    pooled = layers.Input((*pair("pool_size", pool_size), maps_shape[-1]))
    x = layers.Flatten()(pooled)
    for name, n, rank in zip(dense_names(units), units, ranks or [None] * len(units), strict=True):
        x = layers.Dense(rank, use_bias=False, name=f"{name}_values")(x) if rank else x
        x = layers.Dense(n, "relu", name=name)(x)
        x = layers.Dropout(dropout)(x) if dropout else x
    logits = layers.Dense(classes + 1, kernel_initializer=RandomNormal(stddev=0.01), name="logits")(x)
    boxes = layers.Dense(4 * (classes + 1), kernel_initializer=RandomNormal(stddev=0.001), name="boxes")(x)
    return Model(pooled, [logits, boxes], name="head")


class _RegionLoss(losses.Loss):
    """Of regions (n, r) whose predictions are (n * r, ...). Labels of -1 only fill up: they count as no error."""


@register_serializable("detection")
class RegionClassLoss(_RegionLoss):
    """Cross-entropy of labels (n, r), the last one that of the background, and logits (n * r, classes + 1)."""

    def call(self, y_true, y_pred):
        """Return the loss of each region, (n * r,)."""
        labels = ops.reshape(y_true, (-1,))
        errors = ops.sparse_categorical_crossentropy(ops.maximum(labels, 0), y_pred, from_logits=True)
        return errors * ops.cast(labels >= 0, y_pred.dtype)


@register_serializable("detection")
class RegionBoxLoss(_RegionLoss):
    """Smooth L1 of the boxes of the regions' own classes, summed over a box; the mean is over all regions (Girshick).

    ``y_true`` (n, r, 5) holds the label, that of the background being the last, and the change of the region's box;
    ``y_pred`` (n * r, 4 (classes + 1)) is what ``head_model`` gives. Regions of the background have no box.
    """

    def call(self, y_true, y_pred):
        """Return the loss of each region, (n * r,)."""
        rows, classes = y_pred.shape[0], y_pred.shape[1] // 4
        y_true = ops.reshape(y_true, (rows, 5))
        labels = ops.cast(y_true[:, 0], "int64")
        own = ops.one_hot(ops.maximum(labels, 0), classes, dtype=y_pred.dtype)
        found = ops.sum(own[:, :, None] * ops.reshape(y_pred, (rows, classes, 4)), axis=1)
        is_object = ops.cast(ops.logical_and(labels >= 0, labels < classes - 1), y_pred.dtype)
        return 4.0 * is_object * ops.smooth_l1(y_true[:, 1:], found)


def sample_regions(proposals, truth, classes, count, generator, fraction=0.25, foreground=0.5, background=(0.1, 0.5)):
    """Choose the regions of one image to learn from, and tell what they are.

    Parameters
    ----------
    proposals : (n, 4) array
    truth : GroundTruth
        Its boxes are proposals, too; difficult objects and crowds are not learnt.
    classes : int
        The background's label.
    count : int
        Regions, at most.
    generator : numpy.random.Generator
    fraction : float
        The part of them, at most, that overlap an object by ``foreground`` or more.
    background : (low, high)
        The others overlap those they overlap most by no less than ``low``, and less than ``high``. If no region does,
        ones that overlap less are taken.

    Returns
    -------
    boxes (r, 4), labels (r,), objects (r, 4), sources (r,)
        float32, int64, float32, int64. The objects are boxes, of the background the regions' own; the sources are
        indices of proposals, and -1 for an object's own box.

    Notes
    -----
    Girshick, Fast R-CNN, ICCV 2015, section 2.3.
    """
    truth = truth.ordinary()
    boxes = np.concatenate([truth.boxes, np.asarray(proposals, np.float32).reshape(-1, 4)])
    mine = match(truth.boxes, boxes, foreground, background, best=False)
    if not (mine.numpy() == -1).any():
        mine = match(truth.boxes, boxes, foreground, background[1], best=False)
    rows = sample(mine, count, fraction, generator).numpy()
    mine = mine.numpy()[rows]
    near = mine >= 0
    labels, objects = np.full(len(rows), classes), boxes[rows]
    labels[near], objects[near] = truth.labels[mine[near]], truth.boxes[mine[near]]
    return boxes[rows], labels, objects, np.maximum(rows - len(truth), -1)


def region_batch(proposals, truth, classes, count, generator, **how):
    """Choose ``count`` regions of each of several images, as ``sample_regions`` does; where there are less, fill up.

    ``how`` is what else ``sample_regions`` takes.

    Returns
    -------
    regions (n, count, 5), labels (n, count), targets (n, count, 5)
        What a network of ``region_network`` gets, and the targets of ``RegionClassLoss`` and ``RegionBoxLoss``.
    """
    regions, targets = (np.zeros((len(truth), count, 5), np.float32) for _ in range(2))
    regions[..., 0], targets[..., 0] = np.arange(len(truth))[:, None], -1
    objects = regions[..., 1:].copy()
    for i, (proposed, known) in enumerate(zip(proposals, truth, strict=True)):
        boxes, labels, mine, _ = sample_regions(proposed, known, classes, count, generator, **how)
        regions[i, : len(boxes), 1:], objects[i, : len(boxes)], targets[i, : len(boxes), 0] = boxes, mine, labels
    targets[..., 1:] = encode_boxes(objects, regions[..., 1:], WEIGHTS).numpy()
    return regions, targets[..., 0].astype(np.int64), targets


def padded_objects(truth):
    """Boxes (n, most, 4) and labels (n, most) of the objects of n images, filled up to one length by labels of -1."""
    truth = [t.ordinary() for t in truth]
    most = max(1, *map(len, truth))
    boxes, labels = np.zeros((len(truth), most, 4), np.float32), np.full((len(truth), most), -1)
    for i, objects in enumerate(truth):
        boxes[i, : len(objects)], labels[i, : len(objects)] = objects.boxes, objects.labels
    return boxes, labels


def region_network(input_shape, backbone, pooling, head):
    """Return a Model of images (n, height, width, channels) and regions (n, r, 5), to be trained."""
    images, regions = layers.Input(input_shape), layers.Input((None, 5))
    logits, boxes = head(pooling([backbone(images), ops.reshape(regions, (-1, 5))]))
    return Model([images, regions], named(classes=logits, boxes=boxes), name="regions")


def layer_sizes(values, argument="units", count=None):
    """Return integers >= 1 as a tuple, ``count`` of them if that is given, or raise."""
    sizes = tuple(values) if isinstance(values, (tuple, list)) else (0,)
    if not all(is_integer(n) and n > 0 for n in sizes) or count not in (None, len(sizes)):
        number = "" if count is None else f", {count} of them"
        raise ValueError(f"{argument} must be a sequence of integers >= 1{number}. Received: {argument}={values!r}")
    return sizes


def named(**outputs):
    """Outputs of a model under names of their own, which its losses have in the logs."""
    return [layers.Identity(name=name)(output) for name, output in outputs.items()]


def with_image_numbers(boxes):
    """Join the boxes of several images to regions, (r, 5): the image's number, then the box."""
    numbers = np.repeat(np.arange(len(boxes)), [len(b) for b in boxes])
    return np.concatenate([numbers[:, None], np.concatenate([np.zeros((0, 4)), *boxes])], axis=1).astype(np.float32)


def read_head(regions, logits, changes):
    """What the head says of regions (r, 5): boxes (r, classes, 4) and scores (r, classes), NumPy arrays."""
    scores = ops.softmax(logits).numpy()[:, :-1]
    rows, classes = scores.shape
    changes = changes.reshape(rows, classes + 1, 4)[:, :-1]
    return decode_boxes(changes, regions[:, None, 1:], WEIGHTS).numpy(), scores
