"""YOLO: one network that tells, for each cell of a grid, what object's centre lies in it, and its box.

Redmon et al., You Only Look Once: Unified, Real-Time Object Detection, CVPR 2016: section 2.1 (network), 2.2 (loss).
"""

import numpy as np

from pycnn import layers, losses, ops
from pycnn.applications import ResNet18
from pycnn.backend.geometry import is_integer
from pycnn.detection.backbones import convolutions
from pycnn.detection.detector import Detector, batches, one_cycle, validation_parts
from pycnn.initializers import Constant
from pycnn.models import Model
from pycnn.registration import register_serializable

_PAPER = (
    *("64x7/2", "pool", "192x3", "pool", "128x1", "256x3", "256x1", "512x3", "pool"),
    *(("256x1", "512x3") * 4),
    *("512x1", "1024x3", "pool"),
    *(("512x1", "1024x3") * 2),
    *("1024x3", "1024x3/2", "1024x3", "1024x3"),
)
"""Figure 3: filters, size and stride of each convolution."""
_TINY = (
    *("16x3", "pool", "32x3", "pool", "64x3", "pool", "128x3", "pool", "256x3", "pool", "512x3", "pool"),
    *("1024x3", "256x3"),
)
_SMALL = ("16x3", "pool", "32x3", "pool", "64x3", "64x3", "pool", "128x3", "64x1", "128x3")


@register_serializable("detection")
class YOLO(Detector):
    """You Only Look Once, version 1.

    Parameters
    ----------
    class_names : sequence of str
    input_shape : (height, width, channels)
        448 x 448 in the paper.
    backbone : {"paper", "tiny", "small", "residual"} or Model
        ``"paper"``: 24 convolutions and two dense layers, 271,703,550 parameters of 20 classes. ``"tiny"``: 8
        convolutions with batch normalization and one dense layer, 27,095,374 trainable ones. ``"small"``: 8
        convolutions with batch normalization, for small images whose grid is an eighth of their size. ``"residual"``:
        ResNet-18. Or any model from images (in 0..255) to maps, such as those of ``pycnn.applications`` with
        ``include_top=False``; maps and grid must have one size, or the maps twice that of the grid.
    grid_size : int
        S: the image is cut into S x S cells.
    boxes : int
        B: boxes that each cell tells.

    Attributes
    ----------
    network : Model
        From images (n, *input_shape) to (n, S, S, 5 B + classes): of each box x and y of its centre in the cell, the
        square roots of width and height as parts of the image's, and the confidence; then probabilities of the classes.

    Notes
    -----
    One object a cell: of several whose centres lie in one, training takes the first.

    Examples
    --------
    >>> detector = YOLO(["a", "b"], (56, 56, 3), backbone="small")
    >>> detector.network.output_shape
    (None, 7, 7, 12)
    """

    _arguments = ("class_names", "input_shape", "backbone", "grid_size", "boxes")

    def __init__(self, class_names, input_shape=(448, 448, 3), backbone="paper", grid_size=7, boxes=2):
        super().__init__(class_names, input_shape)
        for name, value in (("grid_size", grid_size), ("boxes", boxes)):
            if not is_integer(value) or value < 1:
                raise ValueError(f"{name} must be an integer >= 1. Received: {name}={value!r}")
        self.backbone, self.grid_size, self.boxes = backbone, int(grid_size), int(boxes)
        self.network = _network(self)

    @property
    def networks(self):
        return {"network": self.network}

    def fit(
        self,
        images,
        truth,
        epochs=16,
        batch_size=32,
        optimizer=None,
        transform=None,
        validation_data=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train.

        Parameters
        ----------
        images : as in ``predict``
            In 0..255.
        truth : sequence of GroundTruth
            One for each image; an image may have no objects.
        epochs, batch_size, callbacks, verbose
            As in ``Model.fit``.
        optimizer : Optimizer, optional
            Unless given, Adam, whose rate rises to 1e-2 (1e-4 for the paper's network, which has no batch
            normalization) and falls again in the time of the training.
        transform : callable, optional
            Changes the images and the truth of each batch: see ``pycnn.detection.transforms``.
        validation_data : (images, truth), optional

        Returns
        -------
        History
        """
        data = self._data(images, truth, batch_size, transform=transform)
        validation = (
            None
            if validation_data is None
            else self._data(*validation_parts(validation_data), batch_size, shuffle=False)
        )
        rate = 1e-4 if self.backbone == "paper" else 1e-2
        self.network.compile(
            optimizer or one_cycle(rate, len(truth), batch_size, epochs), YOLOLoss(len(self.class_names), self.boxes)
        )
        return self.network.fit(data, epochs=epochs, validation_data=validation, callbacks=callbacks, verbose=verbose)

    def _data(self, images, truth, batch_size, **how):
        self._check(images, truth)
        return batches(images, truth, self.input_shape, batch_size, self._encode, **how)

    def _encode(self, images, truth, generator=None):
        """The batch (x, y): y is (n, S, S, 5 + classes), see ``YOLOLoss``."""
        s, (height, width) = self.grid_size, self.input_shape[:2]
        truth = [objects.ordinary() for objects in truth]
        y = np.zeros((len(truth), s, s, 5 + len(self.class_names)), np.float32)
        counts = [len(objects) for objects in truth]
        image = np.repeat(np.arange(len(truth)), counts)
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *[objects.boxes for objects in truth]])
        labels = np.concatenate([np.zeros(0, np.int64), *[objects.labels for objects in truth]])
        boxes = boxes / np.array([width, height, width, height], np.float32)
        centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        cells = np.clip((centres * s).astype(int), 0, s - 1)
        places = (image[::-1], cells[::-1, 1], cells[::-1, 0])  # of several in one cell the first is written last
        y[places] = np.concatenate(
            [np.ones((len(boxes), 1)), centres * s - cells, sizes, np.eye(len(self.class_names))[labels]], axis=1
        )[::-1]
        return images, y

    def _candidates(self, images):
        outputs = self.network.predict_on_batch(images)
        boxes, confidence, classes = _boxes_of(outputs, self.boxes)
        height, width = self.input_shape[:2]
        n, b = len(outputs), self.boxes
        corners = np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], axis=-1)
        corners = corners * np.array([width, height, width, height], np.float32)
        scores = np.clip(confidence, 0, 1) * np.clip(classes, 0, 1)[..., None, :]
        return zip(corners.reshape(n, -1, 4), scores.reshape(n, self.grid_size**2 * b, -1), strict=True)


def _boxes_of(outputs, boxes):
    """The network's outputs, NumPy: (n, S, S, B, 4) centres and sizes as parts of the image, confidences, classes."""
    n, s = outputs.shape[:2]
    told = outputs[..., : 5 * boxes].reshape(n, s, s, boxes, 5)
    rows, columns = np.mgrid[:s, :s].astype(outputs.dtype)
    corner = np.stack([columns, rows], axis=-1)[:, :, None]
    centres, sizes = (told[..., :2] + corner) / s, np.square(told[..., 2:4])
    return np.concatenate([centres, sizes], axis=-1), told[..., 4:], outputs[..., 5 * boxes :]


@register_serializable("detection")
class YOLOLoss(losses.Loss):
    """The loss of YOLO: squared errors of box, confidence and classes (section 2.2, equation 3).

    ``y_true`` (n, S, S, 5 + classes) holds for each cell 1 if there is an object, else 0; x and y of its centre within
    the cell; width and height as parts of the image's; and its class, one-hot. ``y_pred`` is what ``YOLO.network``
    gives. Of a cell with an object that box is responsible which overlaps it most; where none does, the nearest one.

    Parameters
    ----------
    classes, boxes : int
        Numbers of classes, and of boxes a cell.
    coordinates : float
        Factor of the errors of boxes.
    nothing : float
        Factor of the errors of confidence where there is nothing.
    """

    _arguments = ("classes", "boxes", "coordinates", "nothing", "name", "reduction", "dtype")

    def __init__(
        self, classes, boxes, coordinates=5.0, nothing=0.5, name=None, reduction="sum_over_batch_size", dtype=None
    ):
        super().__init__(name, reduction, dtype)
        self.classes, self.boxes, self.coordinates, self.nothing = classes, boxes, coordinates, nothing

    def call(self, y_true, y_pred):
        """Return the sum of the squared errors of each image, (n,)."""
        n, s = y_pred.shape[:2]
        b = self.boxes
        some = y_true[..., :1]
        told = ops.reshape(y_pred[..., : 5 * b], (n, s, s, b, 5))
        centres, roots, confidence = told[..., :2], told[..., 2:4], told[..., 4]
        truth = ops.reshape(y_true[..., 1:5], (n, s, s, 1, 4))
        true_centres, true_sizes = truth[..., :2], truth[..., 2:]
        still = ops.stop_gradient(told)
        overlap = _overlap(still[..., :2] / s, ops.square(still[..., 2:4]), true_centres / s, true_sizes)
        distance = ops.sum(ops.square(still[..., :2] / s - true_centres / s), axis=-1) + ops.sum(
            ops.square(ops.square(still[..., 2:4]) - true_sizes), axis=-1
        )
        best = ops.argmax(ops.where(overlap > 0, overlap, -distance), axis=-1)
        mine = ops.one_hot(best, b, dtype=y_pred.dtype) * some
        coordinates = ops.sum(ops.square(centres - true_centres), axis=-1) + ops.sum(
            ops.square(roots - ops.sqrt(true_sizes)), axis=-1
        )
        terms = (
            self.coordinates * ops.sum(mine * coordinates, axis=(1, 2, 3)),
            ops.sum(mine * ops.square(confidence - overlap), axis=(1, 2, 3)),
            self.nothing * ops.sum((1 - mine) * ops.square(confidence), axis=(1, 2, 3)),
            ops.sum(some * ops.square(y_pred[..., 5 * b :] - y_true[..., 5:]), axis=(1, 2, 3)),
        )
        return terms[0] + terms[1] + terms[2] + terms[3]


def _overlap(centres, sizes, true_centres, true_sizes):
    """IoU of boxes by centres and sizes, along the last axis."""
    low = ops.maximum(centres - sizes / 2, true_centres - true_sizes / 2)
    high = ops.minimum(centres + sizes / 2, true_centres + true_sizes / 2)
    sides = ops.maximum(high - low, 0.0)
    common = sides[..., 0] * sides[..., 1]
    union = sizes[..., 0] * sizes[..., 1] + true_sizes[..., 0] * true_sizes[..., 1] - common
    return common / ops.maximum(union, 1e-12)


# Networks


def _leaky(x):
    return layers.LeakyReLU(0.1)(x)


def _network(detector):
    images = layers.Input(detector.input_shape)
    s, numbers = detector.grid_size, 5 * detector.boxes + len(detector.class_names)
    backbone = detector.backbone
    if backbone == "paper":
        maps = convolutions(layers.Rescaling(1 / 255)(images), _PAPER, False, _leaky)
        x = _leaky(layers.Dense(4096)(layers.Flatten()(maps)))
        x = layers.Dense(s * s * numbers, bias_initializer=_first_guess(detector, s * s))(layers.Dropout(0.5)(x))
        return Model(images, layers.Reshape((s, s, numbers))(x), name="yolo")
    if backbone == "tiny":
        maps = convolutions(layers.Rescaling(1 / 255)(images), _TINY, True, _leaky)
        x = layers.Dense(s * s * numbers, bias_initializer=_first_guess(detector, s * s))(layers.Flatten()(maps))
        return Model(images, layers.Reshape((s, s, numbers))(x), name="tiny_yolo")
    if backbone == "small":
        maps = convolutions(layers.Rescaling(1 / 127.5, -1)(images), _SMALL, True, _leaky)
        _check_grid(maps, s, (1,))
    elif backbone == "residual":
        maps = ResNet18(include_top=False, input_tensor=layers.Rescaling(1 / 127.5, -1)(images)).output
        maps = _head(maps, s)
    elif isinstance(backbone, Model):
        maps = _head(backbone(images), s)
    else:
        raise ValueError(
            f"backbone must be 'paper', 'tiny', 'small', 'residual' or a Model. Received: backbone={backbone!r}"
        )
    cells = layers.Conv2D(numbers, 1, bias_initializer=_first_guess(detector), name="cells")(maps)
    return Model(images, cells, name="yolo")


def _first_guess(detector, cells=1):
    """What each cell tells before it has learnt: boxes in its middle, a quarter of the image wide, and no class."""
    classes = len(detector.class_names)
    return Constant(([0.5, 0.5, 0.5, 0.5, 0.0] * detector.boxes + [1 / classes] * classes) * cells)


def _head(maps, grid_size):
    stride = _check_grid(maps, grid_size, (1, 2))
    return convolutions(maps, (f"256x3/{stride}", "256x3"), True, _leaky)


def _check_grid(maps, grid_size, factors):
    """How many times the grid's size the maps have, which must be one of ``factors``."""
    found = maps.shape[1:3]
    for factor in factors:
        if found == (grid_size * factor, grid_size * factor):
            return factor
    expected = " or ".join(f"{grid_size * f} x {grid_size * f}" for f in factors)
    raise ValueError(
        f"The backbone's maps must have {expected} cells for this grid: change input_shape or grid_size. "
        f"Received: maps of {found[0]} x {found[1]}, grid_size={grid_size}"
    )
