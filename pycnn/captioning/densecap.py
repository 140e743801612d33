"""DenseCap: the regions of an image, and each of them in words, by one network.

Johnson, Karpathy, Fei-Fei, DenseCap: Fully Convolutional Localization Networks for Dense Captioning, CVPR 2016.
"""

import math

import numpy as np

from pycnn import layers, ops
from pycnn.autograd import as_tensor, no_grad
from pycnn.captioning.anchors import ANCHORS, around_a_cell, checked_sides
from pycnn.captioning.captioner import Captioner
from pycnn.captioning.language import CaptionLoss, language_model, teach
from pycnn.captioning.learning import LOSSES, Learning
from pycnn.captioning.metrics import dense_captioning_average_precision, exact_caption_average_precision
from pycnn.captioning.recognition import recognition_model
from pycnn.captioning.records import DescribedRegions, check_described
from pycnn.detection.anchors import anchor_grid
from pycnn.detection.backbones import backbone_model, stride_of
from pycnn.detection.boxes import clip_boxes
from pycnn.detection.coding import decode_boxes
from pycnn.detection.detector import (
    batches,
    check_count,
    check_images,
    check_objects,
    in_batches,
    one_cycle,
    validation_parts,
)
from pycnn.detection.joint import check_box_gradients
from pycnn.detection.nms import nms
from pycnn.detection.records import GroundTruth, check_truth
from pycnn.detection.region_head import (
    WEIGHTS,
    RegionClassLoss,
    padded_objects,
    region_batch,
    with_image_numbers,
)
from pycnn.detection.rpn import Proposer, propose, rpn_model
from pycnn.detection.selection import check_selection
from pycnn.models import Model
from pycnn.registration import register_serializable


@register_serializable("captioning")
class DenseCap(Captioner):
    """DenseCap.

    Parameters
    ----------
    vocabulary : Vocabulary
    input_shape : (height, width, channels)
        Of the images that the network gets; others are scaled as ``Detector`` says.
    backbone : {"vgg16", "small"} or Model
        With ``"vgg16"``, what else is the default, and a vocabulary of 10,497 words, UNK among them, the network is
        the paper's, of 151,635,599 parameters. A model gives maps of images in 0..255, halved some times.
    anchors : sequence of (width, height)
        Boxes around each place of the maps that regions are told by.
    rpn_filters : int
        Of the localization layer's 3 x 3 convolution.
    pool_size : int
        Of each region's maps, in both directions (``ops.roi_warp``).
    units : sequence of int
        Of the recognition network's dense layers; the last of them is the length of a region's vector.
    dropout : float
        Behind each of them, in training.
    language_units : int
        Of the LSTM and of the words' vectors.
    max_words : int
        The longest caption.
    proposals : int
        Regions of an image that the recognition network looks at when it predicts.

    Attributes
    ----------
    backbone_model, localization, recognition, language : Model
    """

    _arguments = (
        "vocabulary",
        "input_shape",
        "backbone",
        "anchors",
        "rpn_filters",
        "pool_size",
        "units",
        "dropout",
        "language_units",
        "max_words",
        "proposals",
    )

    def __init__(
        self,
        vocabulary,
        input_shape=(540, 720, 3),
        backbone="vgg16",
        anchors=ANCHORS,
        rpn_filters=512,
        pool_size=7,
        units=(4096, 4096),
        dropout=0.5,
        language_units=512,
        max_words=15,
        proposals=300,
    ):
        super().__init__(vocabulary, input_shape, language_units, max_words)
        self.backbone, self.rpn_filters, self.pool_size = backbone, rpn_filters, pool_size
        self.anchors = checked_sides(anchors)
        check_count("proposals", proposals)
        self.units, self.dropout, self.proposals = tuple(units), dropout, proposals
        self.backbone_model = backbone_model(backbone, self.input_shape)
        self.stride = stride_of(self.backbone_model, self.input_shape)
        maps = self.backbone_model.output_shape
        self.localization = rpn_model(maps, rpn_filters, len(self.anchors))
        self.recognition = recognition_model(maps, pool_size, self.units, dropout)
        self.language = language_model(self.units[-1], len(vocabulary), language_units)
        places = np.asarray(anchor_grid(around_a_cell(self.anchors, self.stride), maps[1:3], self.stride))
        self.proposer = Proposer(places, self.input_shape[:2], after=proposals, smallest=1.0)

    @property
    def networks(self):
        return {
            "backbone": self.backbone_model,
            "localization": self.localization,
            "recognition": self.recognition,
            "language": self.language,
        }

    def fit(
        self,
        images,
        truth,
        epochs=10,
        batch_size=2,
        regions=256,
        box_gradients=0.1,
        loss_weights=None,
        optimizer=None,
        validation_data=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train all together, by five losses that the logs tell one by one.

        Parameters
        ----------
        images, epochs, callbacks, verbose
            As in ``YOLO.fit``.
        truth : sequence of DescribedRegions
            Words that the vocabulary does not know are learnt as UNK; captions end after ``max_words``.
        batch_size : int
            Images of a batch.
        regions : int
            That each image of a batch is learnt by. At most half of them are of objects: those that overlap one by .7
            or more, and the nearest to each; the others overlap all by less than .3 (section 3.2).
        box_gradients : float
            Which part of the gradient of all that is learnt of a region, its words too, moves its coordinates: 0 none,
            1 all of it, beside which that of the anchors' own loss, a tenth as large, goes under.
        loss_weights : dict of str to float, optional
            Factors of the losses named below, each 1 unless given. (The authors take .1, .05, .1, .1 and 1; their
            means of boxes are over the objects alone, those here, as Fast R-CNN's, over all regions.)
        optimizer : Optimizer, optional
            Adam, whose rate rises to 1e-3 and falls again in the time of the training, unless given.
        validation_data : (images, truth), optional

        Returns
        -------
        History
            Of the ``loss``, the sum of ``anchors`` and ``anchor_boxes`` (of the localization layer), ``objects`` and
            ``boxes`` (of the recognition network) and ``captions``.
        """
        if not set(loss_weights or ()) <= set(LOSSES):
            raise ValueError(f"loss_weights must name {', '.join(LOSSES)}. Received: loss_weights={loss_weights}")
        check_count("regions", regions)
        check_box_gradients(box_gradients)
        parts = [(images, truth), *([] if validation_data is None else [validation_parts(validation_data)])]
        for these, described in parts:
            self._check(these, described)
        tokens, objects = self._numbered([described for _, described in parts])
        data = [
            batches(these, numbered, self.input_shape, batch_size, _encode, shuffle=i == 0)
            for i, ((these, _), numbered) in enumerate(zip(parts, objects, strict=True))
        ]
        network = Learning(self, tokens, regions, box_gradients, loss_weights or {})
        network.compile(optimizer or one_cycle(1e-3, len(truth), batch_size, epochs))
        how = {"epochs": epochs, "callbacks": callbacks, "verbose": verbose}
        return network.fit(data[0], validation_data=data[1] if len(data) > 1 else None, **how)

    def _check(self, images, truth):
        check_images(images, self.input_shape[2])
        check_described(images, truth)
        if not any(map(len, truth)):
            raise ValueError("truth must have regions in some images: there is nothing to learn. Received: none")

    def _numbered(self, parts):
        """The captions of all parts, (captions, words + 2), and truth whose labels are rows of these."""
        captions = [caption for truth in parts for described in truth for caption in described.captions]
        rows, numbered = iter(range(len(captions))), []
        for truth in parts:
            numbered.append([GroundTruth(d.boxes, [next(rows) for _ in d.captions]) for d in truth])
        return self.tokens_of(captions), numbered

    def fit_classes(
        self, images, truth, epochs=5, batch_size=2, regions=32, optimizer=None, callbacks=None, verbose="auto"
    ):
        """Train backbone and recognition network to tell classes, before ``fit``: words are then found sooner.

        They look at the objects' boxes, at the same ones moved and scaled a little, and at some that miss them: as
        Fast R-CNN, but for its boxes. What they read the class from is thrown away.

        Parameters
        ----------
        images, epochs, batch_size, callbacks, verbose
            As in ``fit``.
        truth : sequence of GroundTruth
            Of objects and their classes.
        regions : int
            Of each image in a batch: at most three quarters of them are objects.
        optimizer : Optimizer, optional
            As in ``fit``.

        Returns
        -------
        History
        """
        check_images(images, self.input_shape[2])
        check_truth(images, truth, math.inf)
        check_objects(truth)
        check_count("regions", regions)
        classes = 1 + max(int(objects.labels.max()) for objects in truth if len(objects))

        def encode(images, truth, generator):
            near = [_moved(objects.ordinary().boxes, 8, generator) for objects in truth]
            boxes, labels, _ = region_batch(near, truth, classes, regions, generator, fraction=0.75)
            return (images, boxes), labels

        given, boxes = layers.Input(self.input_shape), layers.Input((None, 5))
        warped = self._warp(self.backbone_model(given), ops.reshape(boxes, (-1, 5)))
        network = Model([given, boxes], layers.Dense(classes + 1)(self.recognition(warped)[0]), name="classes")
        network.compile(optimizer or one_cycle(1e-3, len(truth), batch_size, epochs), RegionClassLoss())
        data = batches(images, truth, self.input_shape, batch_size, encode)
        return network.fit(data, epochs=epochs, callbacks=callbacks, verbose=verbose)

    def fit_words(self, images, truth, epochs=10, batch_size=64, optimizer=None, callbacks=None, verbose="auto"):
        """Train the language model alone, to say what is in the true boxes, before ``fit``.

        What it is told of the boxes stays as it is, so that a language model which knows nothing yet does not spoil
        it: the authors, too, begin to change their convolutions later.

        Parameters
        ----------
        images, truth, epochs, callbacks, verbose
            As in ``fit``.
        batch_size : int
            Boxes of a batch.
        optimizer : Optimizer, optional
            Adam, whose rate rises to 3e-3 and falls again in the time of the training, unless given.

        Returns
        -------
        History
        """
        self._check(images, truth)
        vectors = []
        for rows, batch, factors in in_batches(images, self.input_shape, 32):
            maps = self.backbone_model.predict_on_batch(batch)
            regions = with_image_numbers([truth[i].boxes * f for i, f in zip(rows, factors, strict=True)])
            vectors.append(self.recognition.predict_on_batch(self._warp(maps, regions))[0])
        vectors = np.concatenate(vectors)
        asked, words = teach(self.tokens_of([caption for described in truth for caption in described.captions]))
        self.language.compile(optimizer or one_cycle(3e-3, len(words), batch_size, epochs), CaptionLoss())
        return self.language.fit(
            [vectors, asked], words, batch_size=batch_size, epochs=epochs, callbacks=callbacks, verbose=verbose
        )

    def _warp(self, maps, regions):
        return ops.roi_warp(maps, regions, self.pool_size, 1 / self.stride)

    def predict(
        self,
        images,
        score_threshold=0.05,
        iou_threshold=0.3,
        max_detections=100,
        beam_size=1,
        batch_size=32,
    ):
        """Find regions, and describe them.

        Parameters
        ----------
        images : array (N, height, width, channels), or sequence of arrays (height, width, channels)
            In 0..255. Those of a sequence may differ in size.
        score_threshold : float
            Regions that are less certainly objects are not told.
        iou_threshold : float
            Of two regions that overlap more, only the one with the higher score is told.
        max_detections : int
            Most in an image, those of the highest scores.
        beam_size : int
            See ``Speaker.say``.
        batch_size : int

        Returns
        -------
        list of DescribedRegions
            One for each image, in its own pixels, the highest scores first.
        """
        check_images(images, self.input_shape[2])
        check_count("batch_size", batch_size)
        check_selection(score_threshold, max_detections)
        found = []
        for rows, batch, factors in in_batches(images, self.input_shape, batch_size):
            boxes, scores, vectors, counts = self._look(batch)
            ends, kept = np.cumsum(counts), []
            for first, last in zip(ends - counts, ends, strict=True):
                some = first + np.flatnonzero(scores[first:last] >= score_threshold)
                kept.append(some[nms(boxes[some], scores[some], iou_threshold).numpy()[:max_detections]])
            captions = iter(self.say(ops.take(vectors, np.concatenate(kept), axis=0), beam_size))
            for i, factor, mine in zip(rows, factors, kept, strict=True):
                height, width = images[i].shape[:2]
                inside = np.clip(boxes[mine] / factor, 0, (width, height, width, height))
                found.append(DescribedRegions(inside, [next(captions) for _ in mine], scores[mine]))
        return found

    def evaluate(self, images, truth, **options):
        """Compare what is found and said with what is true.

        Parameters
        ----------
        images : as in ``predict``
        truth : sequence of DescribedRegions
        **options
            Of ``predict``. ``score_threshold`` is .005 unless given, because also uncertain regions add recall.

        Returns
        -------
        dict
            ``"map"``, the paper's mean of average precisions (``dense_captioning_average_precision``), and
            ``"exact"``, the average precision of captions that are right word for word, at an IoU of .5.
        """
        check_described(images, truth)
        found = self.predict(images, **{"score_threshold": 0.005, **options})
        return {
            "map": dense_captioning_average_precision(truth, found).mean,
            "exact": exact_caption_average_precision(truth, found),
        }

    def word_probabilities(self, image, regions):
        """Return how likely each word is in the sentences of regions, given the words before it.

        Parameters
        ----------
        image : (height, width, channels) array
        regions : DescribedRegions
            Such as ``predict`` found in it.

        Returns
        -------
        (regions, t, tokens) array
            What ``visualize.plot_word_scores`` draws.
        """
        check_images([image], self.input_shape[2])
        ((_, batch, factors),) = in_batches([image], self.input_shape, 1)
        warped = self._warp(self.backbone_model.predict_on_batch(batch), with_image_numbers([regions.boxes * factors]))
        return self.likely_words(self.recognition.predict_on_batch(warped)[0], regions.captions)

    def _look(self, images):
        """Boxes (r, 4) and scores (r,) of the regions in images, on the host; their vectors; how many are in each."""
        maps, proposals = propose(images, self.backbone_model, self.localization, self.proposer)
        regions = with_image_numbers(proposals)
        vectors, scores, changes = map(as_tensor, self.recognition.predict_on_batch(self._warp(maps, regions)))
        with no_grad():
            boxes = clip_boxes(decode_boxes(changes, regions[:, 1:], WEIGHTS), self.input_shape[:2])
            scores = ops.sigmoid(scores[:, 0])
        return boxes.numpy(), scores.numpy(), vectors, np.array([len(p) for p in proposals])


def _moved(boxes, copies, generator):
    """``copies`` of each box, moved by up to a sixth of its sides, and scaled by up to a fifth."""
    boxes = np.repeat(boxes, copies, axis=0)
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + sides * (0.5 + generator.uniform(-1 / 6, 1 / 6, sides.shape))
    half = sides / 2 * np.exp(generator.uniform(-0.2, 0.2, sides.shape))
    return np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)


def _encode(images, truth, generator):
    return images, padded_objects(truth)
