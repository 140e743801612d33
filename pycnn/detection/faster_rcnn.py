"""Faster R-CNN: a network that proposes regions, and Fast R-CNN, on the same maps.

Ren et al., Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks, NIPS 2015.
"""

import numpy as np

from pycnn import config, layers, ops
from pycnn.detection.anchors import anchor_grid, generate_anchors
from pycnn.detection.backbones import backbone_model, stride_of
from pycnn.detection.coding import encode_boxes
from pycnn.detection.detector import Detector, batches, check_count, in_batches, one_cycle, validation_parts
from pycnn.detection.joint import JointModel, check_box_gradients, partly_moved
from pycnn.detection.records import GroundTruth
from pycnn.detection.region_head import (
    WEIGHTS,
    RegionBoxLoss,
    RegionClassLoss,
    head_model,
    layer_sizes,
    named,
    padded_objects,
    read_head,
    region_batch,
    region_network,
    sample_regions,
    with_image_numbers,
)
from pycnn.detection.rpn import AnchorBoxLoss, AnchorLoss, Proposer, propose, rpn_model, rpn_targets
from pycnn.models import Model, clone_model
from pycnn.registration import register_serializable

METHODS = ("joint", "exact", "alternating")
_POOLING = {"pool": layers.RoIPooling2D, "align": layers.RoIAlign2D}


@register_serializable("detection")
class FasterRCNN(Detector):
    """Faster R-CNN.

    Parameters
    ----------
    class_names : sequence of str
    input_shape : (height, width, channels)
    backbone : {"vgg16", "small"} or Model
        With ``"vgg16"`` and what else is the default, the network is the paper's, of 137,078,239 parameters for 20
        classes. A model gives maps of images in 0..255, halved some times.
    anchor_base, anchor_ratios, anchor_scales
        Of ``generate_anchors``: sides are ``anchor_base`` times a scale, ratios are height to width.
    rpn_filters : int
        Of the proposing network's 3 x 3 convolution.
    pooling : {"pool", "align"}
        How a region is made maps of one size: by ``ops.roi_pool``, as in the paper, or by ``ops.roi_align``, which is
        differentiable in the boxes: exact joint training needs it.
    pool_size, units, dropout
        As in ``FastRCNN``.
    proposals : int
        Regions of an image that the head looks at when it predicts.
    """

    _arguments = (
        "class_names",
        "input_shape",
        "backbone",
        "anchor_base",
        "anchor_ratios",
        "anchor_scales",
        "rpn_filters",
        "pooling",
        "pool_size",
        "units",
        "dropout",
        "proposals",
    )

    def __init__(
        self,
        class_names,
        input_shape=(600, 1000, 3),
        backbone="vgg16",
        anchor_base=16,
        anchor_ratios=(0.5, 1, 2),
        anchor_scales=(8, 16, 32),
        rpn_filters=512,
        pooling="pool",
        pool_size=7,
        units=(4096, 4096),
        dropout=0.5,
        proposals=300,
    ):
        super().__init__(class_names, input_shape)
        if pooling not in _POOLING:
            raise ValueError(f"pooling must be 'pool' or 'align'. Received: pooling={pooling!r}")
        self.backbone, self.anchor_base = backbone, anchor_base
        anchors = generate_anchors(anchor_base, anchor_ratios, anchor_scales)
        self.anchor_ratios, self.anchor_scales = tuple(anchor_ratios), tuple(anchor_scales)
        self.rpn_filters, self.pooling, self.pool_size = rpn_filters, pooling, pool_size
        check_count("proposals", proposals)
        self.units, self.dropout, self.proposals = layer_sizes(units), dropout, int(proposals)
        self.backbone_model = backbone_model(backbone, self.input_shape)
        self.stride = stride_of(self.backbone_model, self.input_shape)
        self.pooling_layer = _POOLING[pooling](pool_size, 1 / self.stride)
        maps = self.backbone_model.output_shape
        self.anchors = np.asarray(anchor_grid(anchors, maps[1:3], self.stride), np.float32)
        self.rpn = rpn_model(maps, rpn_filters, len(anchors))
        self.head = head_model(maps, pool_size, self.units, len(self.class_names), dropout)

    @property
    def networks(self):
        return {"backbone": self.backbone_model, "rpn": self.rpn, "head": self.head}

    def fit(
        self,
        images,
        truth,
        method="joint",
        epochs=10,
        batch_size=2,
        anchors=256,
        regions=128,
        box_gradients=0.1,
        optimizer=None,
        validation_data=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train.

        Parameters
        ----------
        images, truth, epochs, callbacks, verbose
            As in ``YOLO.fit``.
        method : {"joint", "exact", "alternating"}
            ``"joint"``: all at once; the proposals' coordinates count as given (the paper's approximate joint
            training). ``"exact"``: all at once, and the head's loss changes the proposals' coordinates, too.
            ``"alternating"``: the paper's four steps, ``epochs`` in each: the proposing network; the head with a
            backbone of its own, on those proposals; the proposing network on the head's backbone, which stays as it
            is; and the head once more.
        batch_size : int
            Images of a batch.
        anchors, regions : int
            That each image of a batch is learnt by: see ``rpn_targets`` and ``sample_regions``.
        box_gradients : float
            Of ``method="exact"``: which part of the gradient of the head's loss moves the proposals' coordinates; 1 all
            of it, beside which that of the proposing network's own loss, a tenth as large, goes under.
        optimizer : Optimizer, optional
            Adam, whose rate rises to 1e-3 and falls again in the time of the training, unless given. Alternating
            training needs one for each step, and takes none.
        validation_data : (images, truth), optional

        Returns
        -------
        History, or a list of the four of alternating training
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: method={method!r}")
        if method == "exact" and self.pooling == "pool":
            raise ValueError("method='exact' needs pooling='align'. Received: pooling='pool'")
        if method == "alternating" and optimizer is not None:
            raise ValueError("method='alternating' takes no optimizer: each step has its own. Received: one")
        check_count("regions", regions)
        check_count("anchors", anchors)
        check_box_gradients(box_gradients)
        self._check(images, truth)
        if validation_data is not None:
            self._check(*validation_parts(validation_data))
        how = {"epochs": epochs, "callbacks": callbacks, "verbose": verbose}
        if method == "alternating":
            return self._alternate(images, truth, validation_data, batch_size, anchors, regions, how)
        network = Joint(self, regions, box_gradients if method == "exact" else 0.0)
        network.compile(optimizer or one_cycle(1e-3, len(truth), batch_size, epochs))
        data = self._anchor_data(images, truth, batch_size, anchors, _with_objects)
        if validation_data is not None:
            how["validation_data"] = self._anchor_data(
                *validation_data, batch_size, anchors, _with_objects, shuffle=False
            )
        return network.fit(data, **how)

    def _anchor_data(self, images, truth, batch_size, count, finish, shuffle=True):
        """Batches of images and what the proposing network shall say; ``finish`` makes the second part of these."""

        def encode(images, truth, generator):
            size = self.input_shape[:2]
            targets = rpn_targets(truth, self.anchors, size, count, generator)
            return images, finish(targets, truth)

        return batches(images, truth, self.input_shape, batch_size, encode, shuffle=shuffle)

    def _alternate(self, images, truth, validation, batch_size, anchors, regions, how):
        """The paper's section 3.2, 4-step alternating training."""
        sources = {"data": (images, truth)} | ({} if validation is None else {"validation_data": validation})

        def propose(backbone):
            """Train the proposing network on a backbone."""
            given = layers.Input(self.input_shape)
            logits, changes = self.rpn(backbone(given))
            network = Model(given, named(anchors=logits, anchor_boxes=changes), name="proposals")
            network.compile(one_cycle(1e-3, len(truth), batch_size, how["epochs"]), [AnchorLoss(), AnchorBoxLoss()])
            data = {
                name: self._anchor_data(*source, batch_size, anchors, lambda t, _: (t, t), shuffle=name == "data")
                for name, source in sources.items()
            }
            return network.fit(data.pop("data"), **data, **how)

        def classify(backbone):
            """Train the head, and what is trainable of its backbone, on proposals that came of another one."""
            network = region_network(self.input_shape, self.backbone_model, self.pooling_layer, self.head)
            network.compile(
                one_cycle(1e-3, len(truth), batch_size, how["epochs"]),
                [RegionClassLoss(), RegionBoxLoss()],
            )
            data = {
                name: self._region_data(
                    *source, self._propose_all(backbone, source[0]), batch_size, regions, name == "data"
                )
                for name, source in sources.items()
            }
            return network.fit(data.pop("data"), **data, **how)

        first, own = clone_model(self.backbone_model), self.backbone_model
        first.set_weights(own.get_weights())
        histories = [propose(first), classify(first)]
        was, own.trainable = own.trainable, False
        try:
            return [*histories, propose(own), classify(own)]
        finally:
            own.trainable = was

    def _region_data(self, images, truth, proposals, batch_size, count, shuffle):
        def encode(images, truth, proposals, generator):
            boxes, *targets = region_batch(proposals, truth, len(self.class_names), count, generator)
            return (images, boxes), tuple(targets)

        return batches(images, truth, self.input_shape, batch_size, encode, proposals, shuffle=shuffle)

    def _propose_all(self, backbone, images, after=2000, batch_size=32):
        """Proposals for all images, in the images' own pixels."""
        found, proposer = [], self.proposer(after)
        for _, batch, factors in in_batches(images, self.input_shape, batch_size):
            found += [b / f for b, f in zip(propose(batch, backbone, self.rpn, proposer)[1], factors, strict=True)]
        return found

    def proposer(self, after):
        """Return what makes boxes of the proposing network's outputs, ``after`` of an image at most."""
        return Proposer(self.anchors, self.input_shape[:2], before=max(6000, 6 * after), after=after)

    def _candidates(self, images):
        maps, proposals = propose(images, self.backbone_model, self.rpn, self.proposer(self.proposals))
        regions = with_image_numbers(proposals)
        pooled = self.pooling_layer([maps, regions])
        boxes, scores = read_head(regions, *self.head.predict_on_batch(pooled))
        ends = np.cumsum([len(p) for p in proposals])[:-1]
        return zip(np.split(boxes, ends), np.split(scores, ends), strict=True)


def _with_objects(targets, truth):
    """Targets of the anchors, and the objects of each image."""
    return targets, *padded_objects(truth)


class Joint(JointModel):
    """Backbone, proposing network and head in one step of training, by four losses.

    Parameters
    ----------
    detector : FasterRCNN
    regions : int
        Of each image.
    box_gradients : float
        Which part of the gradients of the head's loss changes the coordinates of the proposals.
    """

    def __init__(self, detector, regions, box_gradients):
        super().__init__(dict.fromkeys(("anchors", "anchor_boxes", "classes", "boxes"), 1.0), name="faster_rcnn")
        self.backbone, self.rpn, self.head = detector.networks.values()
        self.pooling = detector.pooling_layer
        self.proposer, self.classes = detector.proposer(2000), len(detector.class_names)
        self.regions, self.box_gradients = regions, box_gradients

    def losses_of(self, x, y, training):
        """Return the four losses of images ``x``: what of anchors and regions was told wrongly."""
        targets, boxes, labels = y
        maps = self.backbone(x, training=training)
        anchor_logits, anchor_changes = self.rpn(maps, training=training)
        regions, classes, changes = self._choose(anchor_logits, anchor_changes, boxes.numpy(), labels.numpy())
        logits, found = self.head(self.pooling([maps, regions]), training=training)
        return {
            "anchors": AnchorLoss()(targets, anchor_logits),
            "anchor_boxes": AnchorBoxLoss()(targets, anchor_changes),
            "classes": RegionClassLoss()(classes, logits),
            "boxes": RegionBoxLoss()(changes, found),
        }

    def _choose(self, logits, changes, boxes, labels):
        """The regions to learn from, (r, 5), as a Tensor, and what they are."""
        proposed = self.proposer.boxes(changes if self.box_gradients else changes.detach())
        chosen = self.proposer.choose(logits.detach(), proposed.detach())
        count, values = len(self.proposer.anchors), proposed.detach().numpy()
        generator = np.random.default_rng(config.generator().integers(1 << 63))
        parts, sources = [], []
        for i, rows in enumerate(chosen):
            known, rows = labels[i] >= 0, rows + i * count
            truth = GroundTruth(boxes[i][known], labels[i][known])
            *part, source = sample_regions(values[rows], truth, self.classes, self.regions, generator)
            parts.append(part)
            sources.append(np.where(source >= 0, rows[source], -1) if len(rows) else source)
        boxes, classes, objects = zip(*parts, strict=True)
        regions, classes, objects = with_image_numbers(boxes), np.concatenate(classes), np.concatenate(objects)
        if self.box_gradients:
            moving = partly_moved(proposed, self.box_gradients)
            regions = _with_gradients(moving, np.concatenate(sources), regions)
        changes = encode_boxes(objects, regions[:, 1:], WEIGHTS)
        return regions, classes, ops.concatenate([classes[:, None].astype(np.float32), changes], axis=1)


def _with_gradients(proposed, sources, regions):
    """The same regions, those that were proposed as differentiable functions of the proposed boxes."""
    own = ops.take(proposed, np.maximum(sources, 0), axis=0)
    return ops.concatenate([regions[:, :1], ops.where((sources >= 0)[:, None], own, regions[:, 1:])], axis=1)
