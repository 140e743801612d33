"""Boxes before there are detections: anchors, proposals, and regions of interest on feature maps."""

import numpy as np

from pycnn.autograd import as_tensor
from pycnn.detection import GroundTruth, box_iou, proposal_recall
from pycnn.detection.records import checked_boxes
from pycnn.visualize.canvas import CURVES, GREEN, GREY, RED
from pycnn.visualize.grid import as_image
from pycnn.visualize.labelled import Overlay, named, panels

_MARGIN = 0.02  # around an image with anchors, of its sides


def plot_anchors(anchors, image=None, image_size=None, max_anchors=50, title=None):
    """Draw anchors over an image, or over an empty one: each with its width and height.

    Parameters
    ----------
    anchors : (A, 4)
        As of ``pycnn.detection.generate_anchors`` or ``anchor_grid``; they may go over the edges of the image.
    image : image, optional
    image_size : (height, width), optional
        Of an empty image, if there is no ``image``; without either the picture is as large as the anchors.
    max_anchors : int
        Draw no more than so many, evenly taken from all.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_anchors([[-4, 0, 12, 8], [0, -4, 8, 12]], image_size=(24, 24))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['16 x 8', '8 x 16']
    """
    anchors = checked_boxes("anchors", _host(anchors))
    if image is None:
        if image_size is None:
            low = anchors[:, :2].min(axis=0, initial=np.inf) if len(anchors) else np.zeros(2)
            anchors = anchors - np.tile(low, 2)
            image_size = np.ceil(anchors[:, 3:1:-1].max(axis=0, initial=1)).astype(int)
        image = np.ones((*image_size, 3), np.float32)
    height, width = np.shape(image)[:2]
    chosen = anchors[np.unique(np.linspace(0, len(anchors) - 1, min(len(anchors), max_anchors)).astype(int))]
    outside = max(
        0.0, *(chosen[:, 2:].max(axis=0, initial=0) / (width, height) - 1), *(-chosen[:, :2] / (width, height)).ravel()
    )
    words = f"{len(anchors)} anchors" + (f", {len(chosen)} shown" if len(chosen) < len(anchors) else "")
    figure = panels([image], title or words, cell=4.2)
    overlay = Overlay(figure.axes[0], image, over=min(outside, 1.5) + _MARGIN)
    overlay.box((0, 0, width, height), GREY, 0.8)
    colours = _colours_of_shapes(chosen)
    for box, colour in zip(chosen, colours, strict=True):
        overlay.box(box, colour, 1.1)
    written = set()
    for box, colour in zip(chosen, colours, strict=True):
        words = f"{box[2] - box[0]:.4g} x {box[3] - box[1]:.4g}"
        if words not in written:  # of each shape once
            overlay.label(box, words, colour)
        written.add(words)
    return figure


def _colours_of_shapes(boxes):
    """A colour for each ratio of height to width."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    _, kinds = np.unique(np.round(np.log2(sides[:, 1] / sides[:, 0]), 1), return_inverse=True)
    return [CURVES[kind % len(CURVES)] for kind in kinds]


def plot_proposals(image, proposals, truth=None, max_proposals=60, class_names=None, title=None):
    """Draw the first proposals over an image, and the best one of each object.

    Parameters
    ----------
    image : image
    proposals : (N, 4)
        In the order of their priority, as of ``pycnn.detection.selective_search``.
    truth : GroundTruth, optional
        Then there is a second picture: objects dotted, and of each the proposal that overlaps it most, among all,
        green from an IoU of .5, else red.
    max_proposals : int
        Of the first picture.
    class_names : sequence of str, optional
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> truth = GroundTruth([[2, 2, 12, 12]], labels=[3])
    >>> figure = plot_proposals(np.zeros((24, 24, 3)), [[0, 0, 24, 24], [2, 2, 12, 10]], truth)
    >>> figure.get_suptitle(), [text.get_text() for text in figure.axes[1].texts]
    ('2 proposals, recall 1.00 at IoU 0.5', ['3: IoU 0.80'])
    """
    proposals = checked_boxes("proposals", _host(proposals))
    shown = proposals[:max_proposals]
    words = f"{len(proposals)} proposals"
    titles = [f"the first {len(shown)}" if len(shown) < len(proposals) else "all of them"]
    if truth is not None:
        if not isinstance(truth, GroundTruth):
            raise TypeError(f"truth must be a GroundTruth. Received: {type(truth).__name__}")
        recall = proposal_recall([truth], [proposals])
        words += f", recall {recall:.2f} at IoU 0.5" if len(truth) else ", no objects"
        titles.append("the best one of each object")
    figure = panels([image] * len(titles), title or words, titles, cell=3.2)
    overlay = Overlay(figure.axes[0], image)
    for i, box in reversed(list(enumerate(shown))):
        overlay.box(box, CURVES[i % len(CURVES)], 0.9)
    if truth is not None and len(truth):
        overlay = Overlay(figure.axes[1], image)
        shares = box_iou(truth.boxes, proposals).numpy() if len(proposals) else np.zeros((len(truth), 1))
        for i, box in enumerate(truth.boxes):
            overlay.box(box, GREY, 1.4, ":")
            share = shares[i].max()
            colour = GREEN if share >= 0.5 else RED
            if share:
                overlay.box(proposals[shares[i].argmax()], colour, 1.3)
            overlay.label(box, f"{named(truth.labels[i], class_names)}: IoU {share:.2f}", colour)
    return figure


def plot_rois(image, feature_map, rois, spatial_scale=None, output_size=None, max_rois=6, title=None):
    """Draw regions of interest over an image, and where they lie on a feature map, over its cells.

    Parameters
    ----------
    image : image
    feature_map : (h, w) or (h, w, channels)
        Of this image; of channels the mean of their magnitudes is drawn.
    rois : (R, 4) or (R, 5)
        Boxes of the image; of five columns the first, the number of the image, is left out.
    spatial_scale : float, optional
        Cells of the map for a pixel of the image; the map's height over the image's unless given.
    output_size : int or (height, width), optional
        Of RoI pooling: the bins are drawn, too.
    max_rois : int
        Draw the first so many.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_rois(np.zeros((32, 32, 3)), np.eye(8), [[4, 4, 20, 28]], output_size=2)
    >>> [axis.get_title() for axis in figure.axes]
    ['image, 32 x 32', 'feature map, 8 x 8']
    """
    rois = np.asarray(_host(rois), np.float32)
    rois = checked_boxes("rois", rois[:, 1:] if rois.ndim == 2 and rois.shape[1] == 5 else rois)
    values = np.abs(np.asarray(_host(feature_map), np.float32))
    if values.ndim not in (2, 3) or not values.size:
        raise ValueError(f"feature_map must be (h, w) or (h, w, channels). Received: feature_map.shape={values.shape}")
    values = values.mean(axis=2) if values.ndim == 3 else values
    image = as_image("image", _host(image))
    scale = values.shape[0] / image.shape[0] if spatial_scale is None else spatial_scale
    sizes = ["{} x {}".format(*part.shape[:2]) for part in (image, values)]
    titles = [f"image, {sizes[0]}", f"feature map, {sizes[1]}"]
    words = f"{len(rois)} regions of interest, {scale:g} cells a pixel"
    figure = panels([image, values], title or words, titles, cell=3.4)
    over_image, over_map = (Overlay(axis, part) for axis, part in zip(figure.axes, (image, values), strict=True))
    cells = (output_size, output_size) if np.ndim(output_size) == 0 else output_size
    for i, box in list(enumerate(rois))[:max_rois]:
        colour = CURVES[i % len(CURVES)]
        over_image.box(box, colour)
        over_map.box(box * scale, colour, 1.5)
        if output_size is not None:
            for x1, y1, x2, y2 in _bins(box * scale, *cells):
                over_map.box((x1, y1, x2, y2), colour, 0.5)
    for i, box in list(enumerate(rois))[:max_rois]:
        over_image.label(box, str(i), CURVES[i % len(CURVES)])
        over_map.label(box * scale, str(i), CURVES[i % len(CURVES)])
    return figure


def _bins(box, rows, columns):
    x1, y1, x2, y2 = box
    xs, ys = np.linspace(x1, x2, columns + 1), np.linspace(y1, y2, rows + 1)
    return [(xs[j], ys[i], xs[j + 1], ys[i + 1]) for i in range(rows) for j in range(columns)]


def _host(values):
    return as_tensor(values).numpy() if hasattr(values, "numpy") else np.asarray(values)
