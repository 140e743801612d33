"""R-CNN: a network looks at each proposed region by itself; SVMs say what it is, ridge regression where exactly.

Girshick et al., Rich feature hierarchies for accurate object detection and semantic segmentation, CVPR 2014; the
numbers of sections are those of the technical report, arXiv:1311.2524v5.
"""

import os
import tempfile

import numpy as np

from pycnn import config, layers, ops
from pycnn.applications import AlexNet
from pycnn.backend.geometry import is_integer
from pycnn.data import Dataset
from pycnn.detection.boxes import box_iou
from pycnn.detection.coding import decode_boxes, encode_boxes
from pycnn.detection.detector import Detector, check_count, check_images, checked_pixels, one_cycle
from pycnn.detection.proposals import selective_search_all
from pycnn.detection.records import Detections, check_proposals
from pycnn.detection.region_head import sample_regions, with_image_numbers
from pycnn.detection.selection import check_selection, select
from pycnn.losses import SparseCategoricalCrossentropy
from pycnn.models import Model
from pycnn.registration import register_serializable

FOREGROUND, BACKGROUND = 32, 96
"""Regions of a batch of fine-tuning (section 2.3)."""
NEGATIVE = 0.3
"""Regions that overlap all objects of a class by less are what its SVM must refuse (section 2.3, appendix B)."""
NEAR = 0.6
"""Regions that overlap an object by more teach where its box is (appendix C)."""
RIDGE = 1000.0
"""Lambda of the regression (appendix C)."""
COST, FIRST = 0.001, 4000
"""C of the SVMs, as in the authors' code, and the regions that each begins with before it has looked for hard ones."""
_NEVER = -100.0  # the margin of classes that no image has shown


@register_serializable("detection")
class RCNN(Detector):
    """R-CNN.

    Parameters
    ----------
    class_names : sequence of str
    input_shape : (height, width, channels)
        Of the warped regions that the network gets; 227 x 227 in the paper.
    backbone : {"alexnet", "small"} or Model
        ``"alexnet"``: the paper's. ``"small"``: as LeNet-5, for small regions. Or a model from warped regions, images
        less ``mean``, to maps.
    context : int
        Pixels of the warped region, on each side, that show what is around it.
    units : int
        Of the last layer before the classes, if the backbone gives maps.

    Attributes
    ----------
    network : Model
        From warped regions to the logits of the classes and the background: used in fine-tuning alone.
    features : Model
        From warped regions to what the regression uses (the last maps), and what the SVMs use (the last layer).

    Notes
    -----
    Needs scikit-learn. Parts of a region outside of the image are the mean colour of the training images.
    """

    _arguments = ("class_names", "input_shape", "backbone", "context", "units")

    def __init__(self, class_names, input_shape=(227, 227, 3), backbone="alexnet", context=16, units=256):
        super().__init__(class_names, input_shape)
        if not is_integer(context) or not 0 <= 2 * context < min(self.input_shape[:2]):
            raise ValueError(
                "context must leave something of the region between both sides. "
                f"Received: context={context!r}, input_shape={self.input_shape}"
            )
        self.backbone, self.context, self.units = backbone, context, units
        self.network, self.features = _networks(backbone, self.input_shape, units, len(self.class_names))
        maps, last = (shape[-1] for shape in self.features.output_shape)
        self._learnt = {
            "mean": np.zeros(self.input_shape[2], np.float32),
            "scale": np.ones(1, np.float32),
            "svm": np.zeros((last + 1, len(self.class_names)), np.float32),
            "ridge": np.zeros((maps + 1, 4 * len(self.class_names)), np.float32),
        }

    @property
    def networks(self):
        return {"network": self.network}

    def _state(self):
        return self._learnt

    def _set_state(self, state):
        self._learnt = {name: state[name] for name in self._learnt}

    def fit(
        self,
        images,
        truth,
        proposals=None,
        epochs=10,
        regions=64,
        optimizer=None,
        cache=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train: fine-tune the network, then the SVMs with one pass of hard-negative mining, then the regression.

        Parameters
        ----------
        images, truth, epochs, callbacks, verbose
            As in ``YOLO.fit``; epochs are those of the fine-tuning, of batches of 32 objects and 96 other regions.
        proposals : sequence of (n, 4) arrays, optional
            One for each image; those of ``selective_search_all`` unless given.
        regions : int
            Of each image, that fine-tuning learns from; a quarter of them objects, if there are as many.
        optimizer : Optimizer, optional
            Of the fine-tuning; Adam, whose rate rises to 1e-3 and falls again, unless given.
        cache : str or path, optional
            Folder for the features of all regions, two files, made where it is missing; a temporary one, which is
            removed, unless given.

        Returns
        -------
        History
            Of the fine-tuning.
        """
        _require_sklearn()
        self._check(images, truth)
        check_count("regions", regions)
        if cache is not None:
            os.makedirs(cache, exist_ok=True)
        proposals = selective_search_all(images) if proposals is None else check_proposals(proposals, len(truth))
        truth = [objects.ordinary() for objects in truth]
        means = [checked_pixels(images[i]).mean(axis=(0, 1)) for i in range(len(images))]
        self._learnt["mean"] = np.mean(means, axis=0).astype(np.float32)
        history = self._fine_tune(images, truth, proposals, regions, epochs, optimizer, callbacks, verbose)
        boxes = [np.concatenate([t.boxes, p]) for t, p in zip(truth, proposals, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            folder = folder if cache is None else os.fspath(cache)
            maps, last = self._cache_features(images, boxes, folder)
            self._fit_svms(last, boxes, truth)
            self._fit_ridge(maps, boxes, truth)
            del maps, last
        return history

    # Regions

    def _warp(self, image, boxes):
        """The regions of one image, warped to the network's size with the context around them, less the mean."""
        boxes = np.asarray(boxes, np.float32)
        centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
        height, width = self.input_shape[:2]
        halves = halves * np.array([width / (width - 2 * self.context), height / (height - 2 * self.context)], "f")
        regions = with_image_numbers([np.concatenate([centres - halves, centres + halves], axis=1)])
        image = checked_pixels(image).astype(np.float32) - self._learnt["mean"]
        return ops.roi_warp(image[None], regions, self.input_shape[:2]).numpy()

    def _fine_tune(self, images, truth, proposals, count, epochs, optimizer, callbacks, verbose):
        """Learn to tell regions of all classes and of none, in batches of 32 and 96."""
        generator, classes = np.random.default_rng(config.generator().integers(1 << 63)), len(self.class_names)
        chosen = [
            sample_regions(p, t, classes, count, generator, background=(0.0, 0.5))[:2]
            for p, t in zip(proposals, truth, strict=True)
        ]
        boxes, labels = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
        image = np.repeat(np.arange(len(images)), [len(part[1]) for part in chosen])
        near, far = np.flatnonzero(labels < classes), np.flatnonzero(labels == classes)
        steps = max(1, -(-len(far) // BACKGROUND))

        def crop(some, others):
            rows = np.concatenate([some, others])
            return np.concatenate([self._warp(images[image[r]], boxes[r : r + 1]) for r in rows]), labels[rows]

        def endless(rows, size):
            return Dataset.from_tensor_slices(rows).shuffle(len(rows)).repeat().batch(size)

        far = far if len(far) else near
        data = Dataset.zip(endless(near, FOREGROUND), endless(far, BACKGROUND)).map(crop, num_parallel_calls=1)
        self.network.compile(
            optimizer or one_cycle(1e-3, steps, 1, epochs),
            SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return self.network.fit(
            data.prefetch(4), epochs=epochs, steps_per_epoch=steps, callbacks=callbacks, verbose=verbose
        )

    def _cache_features(self, images, boxes, folder):
        """Features of all regions in two files of ``folder``, and their scale: the mean norm becomes 20 (as theirs)."""
        count = sum(map(len, boxes))
        files = [
            np.lib.format.open_memmap(os.path.join(folder, f"{name}.npy"), "w+", np.float16, (count, shape[-1]))
            for name, shape in zip(("maps", "last"), self.features.output_shape, strict=True)
        ]
        self._learnt["scale"], start, norms = np.ones(1, np.float32), 0, 0.0
        for i, mine in enumerate(boxes):
            for file, values in zip(files, self._features_of(images[i], mine), strict=True):
                file[start : start + len(mine)] = values
            norms += np.linalg.norm(files[1][start : start + len(mine)].astype("f"), axis=1).sum()
            start += len(mine)
        self._learnt["scale"] = np.array([20 * count / max(norms, 1e-12)], np.float32)
        return files

    def _features_of(self, image, boxes, batch_size=256):
        """What the regression uses and what the SVMs use, of regions of an image."""
        parts = [
            self.features.predict_on_batch(self._warp(image, boxes[i : i + batch_size]))
            for i in range(0, max(len(boxes), 1), batch_size)
        ]
        return [np.concatenate(values) * self._learnt["scale"] for values in zip(*parts, strict=True)]

    # SVMs and regression

    def _fit_svms(self, features, boxes, truth):
        """A linear SVM a class: its objects against regions elsewhere, then against those it took for objects, too."""
        from sklearn.svm import LinearSVC

        generator = np.random.default_rng(config.generator().integers(1 << 63))
        scale, weights = self._learnt["scale"], self._learnt["svm"]
        for c in range(len(self.class_names)):
            overlaps = _gather(_overlaps(b, t.boxes[t.labels == c]) for b, t in zip(boxes, truth, strict=True))
            objects = _gather(
                np.append(t.labels == c, np.zeros(len(b) - len(t), bool)) for b, t in zip(boxes, truth, strict=True)
            )
            positives, others = np.flatnonzero(objects), np.flatnonzero(overlaps < NEGATIVE)
            if not len(positives) or not len(others):
                weights[:, c] = 0
                weights[-1, c] = _NEVER
                continue
            negatives = generator.choice(others, min(len(others), FIRST), replace=False)
            for mining in (True, False):
                rows = np.sort(np.concatenate([positives, negatives]))
                svm = LinearSVC(C=COST, loss="hinge", intercept_scaling=10, class_weight={1: 2}, max_iter=20_000)
                svm.fit(features[rows] * scale, objects[rows])
                weights[:-1, c], weights[-1, c] = svm.coef_[0], svm.intercept_[0]
                if mining:
                    margins = np.concatenate(
                        [features[others[i : i + 8192]] * scale @ weights[:-1, c] for i in range(0, len(others), 8192)]
                    )
                    hard = others[margins + weights[-1, c] > -1]
                    negatives = np.union1d(negatives, hard)

    def _fit_ridge(self, features, boxes, truth):
        """For each class how regions near an object are to be changed."""
        from sklearn.linear_model import Ridge

        scale, weights = self._learnt["scale"], self._learnt["ridge"]
        for c in range(len(self.class_names)):
            rows, targets, start = [np.zeros(0, int)], [np.zeros((0, 4), np.float32)], 0
            for mine, objects in zip(boxes, truth, strict=True):
                own = objects.boxes[objects.labels == c]
                if len(own) and len(mine):
                    overlaps = box_iou(mine, own).numpy()
                    near = np.flatnonzero(overlaps.max(axis=1) > NEAR)
                    if len(near):
                        rows.append(start + near)
                        targets.append(encode_boxes(own[overlaps[near].argmax(axis=1)], mine[near]).numpy())
                start += len(mine)
            rows, targets = np.concatenate(rows), np.concatenate(targets)
            weights[:, 4 * c : 4 * c + 4] = 0
            if len(rows):
                ridge = Ridge(alpha=RIDGE).fit(features[rows] * scale, targets)
                weights[:-1, 4 * c : 4 * c + 4], weights[-1, 4 * c : 4 * c + 4] = ridge.coef_.T, ridge.intercept_

    # Using it

    def predict(
        self,
        images,
        proposals=None,
        score_threshold=0.05,
        iou_threshold=0.3,
        max_detections=100,
        box_regression=True,
    ):
        """Find objects.

        Parameters
        ----------
        images, score_threshold, iou_threshold, max_detections
            As in ``Detector.predict``. Scores are 1 / (1 + exp(-margin)) of the SVMs' margins.
        proposals : sequence of (n, 4) arrays, optional
            One for each image; those of ``selective_search_all`` unless given.
        box_regression : bool
            Whether the regression changes the proposed boxes.

        Returns
        -------
        list of Detections
        """
        check_images(images, self.input_shape[2])
        check_selection(score_threshold, max_detections)
        proposals = selective_search_all(images) if proposals is None else check_proposals(proposals, len(images))
        found = []
        for i, boxes in enumerate(proposals):
            maps, last = self._features_of(images[i], boxes)
            svm, ridge = self._learnt["svm"], self._learnt["ridge"]
            scores = np.exp(-np.logaddexp(0, -(last @ svm[:-1] + svm[-1])))
            if box_regression:
                changes = (maps @ ridge[:-1] + ridge[-1]).reshape(len(boxes), len(self.class_names), 4)
                boxes = decode_boxes(changes, boxes[:, None]).numpy()
            height, width = images[i].shape[:2]
            boxes = np.clip(boxes, 0, (width, height, width, height))
            found.append(Detections(*select(boxes, scores, score_threshold, iou_threshold, max_detections)))
        return found


def _require_sklearn():
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise ImportError("RCNN needs scikit-learn: pip install 'pycnn[detection]'.") from error


def _gather(parts):
    return np.concatenate(list(parts))


def _overlaps(boxes, objects):
    """The largest overlap of each box with any of the objects."""
    if not len(objects):
        return np.zeros(len(boxes), np.float32)
    return box_iou(boxes, objects).numpy().max(axis=1)


def _networks(backbone, input_shape, units, classes):
    """From warped regions to logits; and to the last maps and the last layer before the logits."""
    images = layers.Input(input_shape)
    if backbone == "alexnet":
        model = AlexNet(input_tensor=images, classes=classes + 1, classifier_activation=None)
        maps, last, logits = (model.get_layer(name).output for name in ("flatten", "fc7", "predictions"))
    else:
        if backbone == "small":
            x = layers.Rescaling(1 / 64)(images)
            for filters in (32, 64):
                x = layers.Conv2D(filters, 5, padding="same", activation="relu")(x)
                x = layers.MaxPooling2D(2)(x)
            x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
        elif isinstance(backbone, Model):
            x = backbone(images)
        else:
            raise ValueError(f"backbone must be 'alexnet', 'small' or a Model. Received: backbone={backbone!r}")
        maps = layers.Flatten()(x)
        last = layers.Dense(units, "relu", name="features")(maps)
        logits = layers.Dense(classes + 1, name="logits")(layers.Dropout(0.5)(last))
    return Model(images, logits, name="rcnn"), Model(images, [maps, last], name="rcnn_features")
