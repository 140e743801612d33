"""Fast R-CNN: the network looks once at the image, and at each proposed region of its maps.

Girshick, Fast R-CNN, ICCV 2015.
"""

import numpy as np

from pycnn import layers, ops
from pycnn.backend.geometry import is_integer
from pycnn.detection.backbones import backbone_model, stride_of
from pycnn.detection.detector import Detector, batches, check_count, check_images, one_cycle, validation_parts
from pycnn.detection.proposals import selective_search_all
from pycnn.detection.records import check_proposals
from pycnn.detection.region_head import (
    RegionBoxLoss,
    RegionClassLoss,
    dense_names,
    head_model,
    layer_sizes,
    read_head,
    region_batch,
    region_network,
    with_image_numbers,
)
from pycnn.registration import register_serializable


@register_serializable("detection")
class FastRCNN(Detector):
    """Fast R-CNN.

    Parameters
    ----------
    class_names : sequence of str
    input_shape : (height, width, channels)
    backbone : {"vgg16", "small"} or Model
        With ``"vgg16"``, ``pool_size=7`` and ``units=(4096, 4096)`` the network is the paper's, of 134,690,729
        parameters for 20 classes. A model gives maps of images in 0..255, halved some times.
    pool_size : int
        Bins of each region, in both directions (``RoIPooling2D``).
    units : sequence of int
        Of the dense layers.
    dropout : float
        Behind each of them, in training.
    ranks : sequence of int, optional
        Of the dense layers, each of which is then two of this many numbers between them: see ``truncate_svd``.

    Attributes
    ----------
    backbone_model, head : Model

    Notes
    -----
    Proposals are ``selective_search``'s unless given. Regions from several images of the head's batch are told apart
    by the number of their image.
    """

    _arguments = ("class_names", "input_shape", "backbone", "pool_size", "units", "dropout", "ranks")

    def __init__(
        self,
        class_names,
        input_shape=(600, 1000, 3),
        backbone="vgg16",
        pool_size=7,
        units=(4096, 4096),
        dropout=0.5,
        ranks=None,
    ):
        super().__init__(class_names, input_shape)
        self.backbone, self.pool_size, self.units, self.dropout = backbone, pool_size, layer_sizes(units), dropout
        self.backbone_model = backbone_model(backbone, self.input_shape)
        self.stride = stride_of(self.backbone_model, self.input_shape)
        self.ranks = ranks if ranks is None else layer_sizes(ranks, "ranks", len(self.units))
        self.head = self._make_head()

    @property
    def networks(self):
        return {"backbone": self.backbone_model, "head": self.head}

    def fit(
        self,
        images,
        truth,
        proposals=None,
        epochs=10,
        batch_size=2,
        regions=64,
        optimizer=None,
        validation_data=None,
        callbacks=None,
        verbose="auto",
    ):
        """Train backbone and head together.

        Parameters
        ----------
        images, truth, epochs, callbacks, verbose
            As in ``YOLO.fit``.
        proposals : sequence of (n, 4) arrays, optional
            One for each image; those of ``selective_search_all`` unless given.
        batch_size : int
            Images of a batch.
        regions : int
            Of each image in a batch: a quarter of them objects, if there are as many (see ``sample_regions``).
        optimizer : Optimizer, optional
            Adam, whose rate rises to 1e-3 and falls again in the time of the training, unless given.
        validation_data : (images, truth) or (images, truth, proposals), optional

        Returns
        -------
        History
        """
        check_count("regions", regions)
        data = self._data(images, truth, proposals, batch_size, regions)
        validation = None
        if validation_data is not None:
            parts = (*validation_parts(validation_data, most=3), None)[:3]
            validation = self._data(*parts, batch_size, regions, shuffle=False)
        pooling = layers.RoIPooling2D(self.pool_size, 1 / self.stride)
        network = region_network(self.input_shape, self.backbone_model, pooling, self.head)
        network.compile(
            optimizer or one_cycle(1e-3, len(truth), batch_size, epochs),
            [RegionClassLoss(), RegionBoxLoss()],
        )
        return network.fit(data, epochs=epochs, validation_data=validation, callbacks=callbacks, verbose=verbose)

    def _data(self, images, truth, proposals, batch_size, count, shuffle=True):
        self._check(images, truth)
        proposals = selective_search_all(images) if proposals is None else check_proposals(proposals, len(truth))

        def encode(images, truth, proposals, generator):
            regions, *targets = region_batch(proposals, truth, len(self.class_names), count, generator)
            return (images, regions), tuple(targets)

        return batches(images, truth, self.input_shape, batch_size, encode, proposals, shuffle=shuffle)

    def predict(self, images, proposals=None, **options):
        """Find objects; ``proposals``, one (n, 4) array for each image, and what ``Detector.predict`` explains."""
        check_images(images, self.input_shape[2])
        proposals = selective_search_all(images) if proposals is None else check_proposals(proposals, len(images))
        return super().predict(images, proposals=proposals, **options)

    def _candidates(self, images, proposals):
        regions = with_image_numbers(proposals)
        if not len(regions):
            return [(np.zeros((0, 4)), np.zeros((0, len(self.class_names)))) for _ in images]
        maps = self.backbone_model.predict_on_batch(images)
        pooled = ops.roi_pool(maps, regions, self.pool_size, 1 / self.stride)
        boxes, scores = read_head(regions, *self.head.predict_on_batch(pooled))
        ends = np.cumsum([len(p) for p in proposals])[:-1]
        return zip(np.split(boxes, ends), np.split(scores, ends), strict=True)

    def truncate_svd(self, ranks):
        """Make each dense layer two, of fewer weights: of its matrix the largest singular values remain (section 3.1).

        Parameters
        ----------
        ranks : sequence of int
            How many values, for each of ``units``; 1024 and 256 in the paper.
        """
        if self.ranks is not None:
            raise ValueError(f"The head was truncated before, to {self.ranks}. Received: ranks={ranks!r}")
        whole = self.head
        self.ranks = _check_ranks(ranks, [whole.get_layer(name).kernel.shape for name in dense_names(self.units)])
        self.head = self._make_head()
        for name, rank in zip(dense_names(self.units), self.ranks, strict=True):
            left, values, right = np.linalg.svd(whole.get_layer(name).kernel.numpy(), full_matrices=False)
            self.head.get_layer(f"{name}_values").set_weights([left[:, :rank] * values[:rank]])
            self.head.get_layer(name).set_weights([right[:rank], whole.get_layer(name).bias.numpy()])
        for name in ("logits", "boxes"):
            self.head.get_layer(name).set_weights(whole.get_layer(name).get_weights())

    def _make_head(self):
        maps = self.backbone_model.output_shape
        return head_model(maps, self.pool_size, self.units, len(self.class_names), self.dropout, ranks=self.ranks)


def _check_ranks(ranks, shapes):
    ranks = tuple(ranks) if isinstance(ranks, (list, tuple)) else ()
    if len(ranks) != len(shapes) or not all(
        is_integer(r) and 1 <= r <= min(shape) for r, shape in zip(ranks, shapes, strict=True)
    ):
        raise ValueError(
            "ranks must be an integer for each dense layer, at most the smaller size of its matrix. "
            f"Received: ranks={ranks!r}, matrices of {shapes}"
        )
    return ranks
