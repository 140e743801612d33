"""One step of training of DenseCap: which regions it learns from, and the five losses."""

import numpy as np

from pycnn import config, ops
from pycnn.captioning.language import CaptionLoss, teach
from pycnn.detection.coding import encode_boxes
from pycnn.detection.joint import JointModel, partly_moved
from pycnn.detection.matching import match, sample
from pycnn.detection.region_head import WEIGHTS
from pycnn.detection.rpn import SIGMA

LOSSES = ("anchors", "anchor_boxes", "objects", "boxes", "captions")


class Learning(JointModel):
    """The four networks in one step of training, by five losses.

    Parameters
    ----------
    captioner : DenseCap
    tokens : (captions, t) integers
        Of all captions: the labels of objects are rows of these.
    regions : int
        Of each image.
    box_gradients : float
        Which part of their gradients moves the regions' coordinates.
    loss_weights : dict of str to float
        Factors of some of the ``LOSSES``; those of the others are 1.
    """

    def __init__(self, captioner, tokens, regions, box_gradients=1.0, loss_weights=()):
        super().__init__(dict.fromkeys(LOSSES, 1.0) | dict(loss_weights), name="densecap")
        self.backbone, self.localization, self.recognition, self.language = captioner.networks.values()
        self.warp, self.proposer = captioner._warp, captioner.proposer
        self.tokens, self.regions, self.box_gradients = tokens, regions, box_gradients

    def losses_of(self, x, y, training):
        """Return the five losses of images ``x`` with objects ``y``, their boxes and captions."""
        maps = self.backbone(x, training=training)
        logits, changes = self.localization(maps, training=training)
        proposed = self.proposer.boxes(changes)
        rows, images, objects, captions = self._choose(proposed.detach().numpy(), *(part.numpy() for part in y))
        near = np.flatnonzero(captions >= 0)
        is_object, objects = (captions >= 0).astype(np.float32), objects[near]

        own = partly_moved(ops.take(proposed, rows, axis=0), self.box_gradients)
        regions = ops.concatenate([images[:, None].astype(np.float32), own], axis=1)
        vectors, found, boxes = self.recognition(self.warp(maps, regions), training=training)
        places = self.proposer.anchors[rows[near] % len(self.proposer.anchors)]
        targets = encode_boxes(objects, places), encode_boxes(objects, ops.take(own, near, axis=0), WEIGHTS)
        anchors = ops.take(ops.reshape(changes, (-1, 4)), rows[near], axis=0)
        return {
            "anchors": ops.mean(
                ops.sparse_categorical_crossentropy(
                    is_object, ops.take(ops.reshape(logits, (-1, 2)), rows, axis=0), from_logits=True
                )
            ),
            "anchor_boxes": _box_loss(targets[0], anchors, len(rows), 1 / SIGMA**2),
            "objects": ops.mean(ops.binary_crossentropy(is_object[:, None], found, from_logits=True)),
            "boxes": _box_loss(targets[1], ops.take(boxes, near, axis=0), len(rows), 1.0),
            "captions": self._spoken(ops.take(vectors, near, axis=0), captions[near], training),
        }

    def _spoken(self, vectors, captions, training):
        """The loss of what is said of the objects' vectors, if there are any."""
        if not len(captions):
            return ops.zeros((), vectors.dtype)
        asked, words = teach(self.tokens[captions])
        return CaptionLoss()(words, self.language([vectors, asked], training=training))

    def _choose(self, proposed, boxes, labels):
        """The regions to learn from: rows of what is proposed, their images, their objects' boxes and captions."""
        count = len(self.proposer.anchors)
        generator = np.random.default_rng(config.generator().integers(1 << 63))
        parts = []
        for i, (known, captions) in enumerate(zip(boxes, labels, strict=True)):
            mine = proposed[i * count : (i + 1) * count]
            usable = ((mine[:, 2:] - mine[:, :2]) >= self.proposer.smallest).all(axis=1)
            matches = match(known[captions >= 0], mine, usable=usable)
            rows = sample(matches, self.regions, 0.5, generator).numpy()
            matches = matches.numpy()[rows]
            nearest = np.maximum(matches, 0)
            parts.append(
                (rows + i * count, np.full(len(rows), i), known[nearest], np.where(matches < 0, -1, captions[nearest]))
            )
        return map(np.concatenate, zip(*parts, strict=True))


def _box_loss(targets, told, count, beta):
    """Smooth L1 of boxes, summed, by how many regions there are."""
    return ops.sum(4.0 * ops.smooth_l1(targets, told, beta=beta)) / count
