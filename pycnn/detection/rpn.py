"""The region proposal network of Faster R-CNN: what it learns from, its loss, and the boxes it proposes.

Ren et al., Faster R-CNN, NIPS 2015, section 3.1.
"""

import numpy as np

from pycnn import layers, losses, ops
from pycnn.autograd import as_tensor, no_grad
from pycnn.detection.anchors import inside_image
from pycnn.detection.boxes import clip_boxes
from pycnn.detection.coding import decode_boxes, encode_boxes
from pycnn.detection.matching import match, sample
from pycnn.detection.nms import nms
from pycnn.initializers import RandomNormal
from pycnn.models import Model
from pycnn.registration import register_serializable

SIGMA = 3.0
"""Of smooth L1: quadratic up to 1 / SIGMA**2."""


def rpn_model(maps_shape, filters, anchors):
    """Return a Model from maps to what it says of each anchor.

    Parameters
    ----------
    maps_shape : tuple (None, height, width, channels)
    filters : int
        Of the 3 x 3 convolution; 512 in the paper.
    anchors : int
        At each place.

    Returns
    -------
    Model
        Logits (n, height * width * anchors, 2), of nothing and of an object, and changes of the anchors (n, ..., 4).
    """
    maps = layers.Input(maps_shape[1:])
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=_SMALL, name="rpn_conv")(maps)
    logits = layers.Conv2D(2 * anchors, 1, kernel_initializer=_SMALL, name="rpn_logits")(x)
    changes = layers.Conv2D(4 * anchors, 1, kernel_initializer=_SMALL, name="rpn_boxes")(x)
    return Model(maps, [layers.Reshape((-1, 2))(logits), layers.Reshape((-1, 4))(changes)], name="rpn")


_SMALL = RandomNormal(stddev=0.01)


def rpn_targets(truth, anchors, size, count, generator, positive=0.7, negative=0.3):
    """What the network shall say of the anchors of n images.

    Parameters
    ----------
    truth : sequence of GroundTruth
    anchors : (K, 4) array
    size : (height, width)
        Of the images. Anchors that cross their edges are not learnt.
    count : int
        Anchors to learn of each image, up to half of them positive.
    generator : numpy.random.Generator
    positive, negative : float
        Anchors that overlap an object by ``positive`` or more, and the best of each object, are positive; those that
        overlap all by less than ``negative`` are negative.

    Returns
    -------
    (n, K, 5) float32
        1, 0 or -1 (not learnt), and the changes, 0 where there is no object.
    """
    targets = np.zeros((len(truth), len(anchors), 5), np.float32)
    targets[..., 0] = -1
    inside, near, objects = inside_image(anchors, size), [], []
    for told, known in zip(targets, truth, strict=True):
        known = known.ordinary()
        mine = match(known.boxes, anchors, positive, negative, usable=inside)
        rows = sample(mine, count, 0.5, generator).numpy()
        mine = mine.numpy()[rows]
        told[rows, 0] = mine >= 0
        near.append(rows[mine >= 0])
        objects.append(known.boxes[mine[mine >= 0]])
    images, rows = np.repeat(np.arange(len(near)), [len(n) for n in near]), np.concatenate(near)
    targets[images, rows, 1:] = encode_boxes(np.concatenate(objects), anchors[rows]).numpy()
    return targets


@register_serializable("detection")
class AnchorLoss(losses.Loss):
    """Cross-entropy of the sampled anchors: their mean in each image. ``y_true`` (n, K, 5) is of ``rpn_targets``."""

    def call(self, y_true, y_pred):
        """Return the loss of each image, (n,)."""
        labels = y_true[..., 0]
        known = ops.cast(labels >= 0, y_pred.dtype)
        errors = ops.sparse_categorical_crossentropy(ops.maximum(labels, 0.0), y_pred, from_logits=True)
        return ops.sum(errors * known, axis=1) / ops.maximum(ops.sum(known, axis=1), 1.0)


@register_serializable("detection")
class AnchorBoxLoss(losses.Loss):
    """Smooth L1 of the positive anchors' changes, summed, divided by the number of sampled anchors of the image."""

    def call(self, y_true, y_pred):
        """Return the loss of each image, (n,)."""
        labels = y_true[..., 0]
        known = ops.sum(ops.cast(labels >= 0, y_pred.dtype), axis=1)
        errors = 4.0 * ops.smooth_l1(y_true[..., 1:], y_pred, beta=1 / SIGMA**2)
        return ops.sum(errors * ops.cast(labels > 0, y_pred.dtype), axis=1) / ops.maximum(known, 1.0)


class Proposer:
    """Boxes from what the network says of the anchors.

    Parameters
    ----------
    anchors : (K, 4) array
    size : (height, width)
        Of the image, which boxes are clipped to.
    before, after : int
        Boxes of the highest scores that go into NMS, and that are left of what comes out.
    iou_threshold : float
        Of NMS.
    smallest : float
        Least width and height, in pixels.
    """

    def __init__(self, anchors, size, before=6000, after=300, iou_threshold=0.7, smallest=0.0):
        self.anchors, self.size = anchors, size
        self.before, self.after, self.iou_threshold, self.smallest = before, after, iou_threshold, smallest

    def boxes(self, changes):
        """Return the changed anchors of n images, (n * K, 4), clipped: a Tensor, differentiable."""
        count = changes.shape[0]
        anchors = np.tile(self.anchors, (count, 1))
        return clip_boxes(decode_boxes(ops.reshape(changes, (-1, 4)), anchors), self.size)

    def choose(self, logits, boxes):
        """Return for each image which of its boxes are proposed, the best first: a list of arrays of integers."""
        logits, boxes = logits.numpy(), boxes.numpy()
        count = len(self.anchors)
        chosen = []
        for i, scores in enumerate(logits[..., 1] - logits[..., 0]):
            mine = boxes[i * count : (i + 1) * count]
            large = ((mine[:, 2:] - mine[:, :2]) > self.smallest).all(axis=1)
            order = np.argsort(-scores, kind="stable")
            order = order[large[order]][: self.before]
            kept = nms(mine[order], scores[order], self.iou_threshold).numpy()[: self.after]
            chosen.append(order[kept])
        return chosen


def propose(images, backbone, rpn, proposer):
    """Return the maps of a batch of images, and for each image the proposed boxes, NumPy arrays."""
    maps = backbone.predict_on_batch(images)
    logits, changes = map(as_tensor, rpn.predict_on_batch(maps))
    with no_grad():
        boxes = proposer.boxes(changes)
    chosen = proposer.choose(logits, boxes)
    boxes = boxes.numpy().reshape(len(images), -1, 4)
    return maps, [mine[rows] for mine, rows in zip(boxes, chosen, strict=True)]
