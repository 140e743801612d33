"""What all pictures have in common: they are figures with a title and ink, outside pyplot, and come without fuss."""

import io
import itertools
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import normal
from matplotlib.figure import Figure

import pycnn
from pycnn import layers, visualize
from pycnn.captioning import DescribedRegions
from pycnn.detection import Detections, GroundTruth


def small_model():
    return pycnn.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="tanh", name="first"),
            layers.Dropout(0.5, name="drop"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(6, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


RANDOM = np.random.default_rng(0)
LONG = ["Chesapeake Bay retriever", "curly-coated retriever", "Bedlington_terrier_with_an_exceedingly_long_name"]
HISTORY = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 1.9], "top_k_categorical_accuracy": [0.1, 0.2, 0.3]}


def colour_model():
    x = pycnn.Input((16, 16, 3))
    y = layers.Conv2D(8, 3, strides=2, activation="relu", name="conv")(x)
    y = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(y))
    return pycnn.Model(x, y)


def vgg16():
    """Its stages, with a hundredth of its weights."""
    parts = [layers.Input((224, 224, 3))]
    for times, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        parts += [layers.Conv2D(filters, 1) for _ in range(times)] + [layers.MaxPooling2D(2)]
    return pycnn.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(1000)], name="vgg16")


def many_boxes(count, size=56, seed=1):
    """Detections of long names that overlap each other, at any place of an image."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, size - 12, (count, 2))
    boxes = np.hstack([corners, corners + random.uniform(6, 12, (count, 2))])
    return Detections(boxes, random.integers(0, 3, count), random.uniform(0.5, 1, count))


def true_boxes():
    found = many_boxes(6)
    return GroundTruth(found.boxes[::2] + 1, found.labels[::2])


def described(count, seed=1):
    """Regions that overlap each other, with short sentences and long ones."""
    found = many_boxes(count, seed=seed)
    sentences = ["a small red seven", "a woman in an orange suit who smiles, in front of a flag", LONG[2], "hat"]
    return DescribedRegions(found.boxes, [sentences[i % 4] for i in range(count)], found.scores)


def true_regions(count, seed=1):
    regions = described(count, seed)
    return DescribedRegions(regions.boxes + 1, regions.captions[::-1])


def word_scores(*shape):
    probabilities = np.random.default_rng(0).random(shape) ** 9
    return probabilities / probabilities.sum(axis=-1, keepdims=True)


WORDS = ["a", "the", *LONG]
PICTURES = {
    "sentences": lambda: visualize.plot_captions(RANDOM.random((3, 56, 56, 3)), [described(n) for n in (2, 0, 30)]),
    "sentences of one": lambda: visualize.plot_captions(RANDOM.random((30, 90)), described(4)),
    "sentences and the truth": lambda: visualize.plot_captions(
        RANDOM.random((2, 56, 56, 3)), [described(6), described(9)], [true_regions(7), true_regions(3)]
    ),
    "tall image with sentences": lambda: visualize.plot_captions(np.eye(90)[:, :20], described(3), true_regions(9)),
    "best words": lambda: visualize.plot_word_scores(word_scores(3, 9, 5), WORDS),
    "best words of one step": lambda: visualize.plot_word_scores(word_scores(1, 5), WORDS, best=3),
    "best words of regions": lambda: visualize.plot_word_scores(
        word_scores(2, 4, 5), WORDS, image=RANDOM.random((56, 56, 3)), boxes=many_boxes(2).boxes, best=2
    ),
    "detections": lambda: visualize.plot_detections(RANDOM.random((3, 56, 56, 3)), [many_boxes(n) for n in (0, 3, 30)]),
    "detections, long names": lambda: visualize.plot_detections(
        [np.zeros((30, 90)), np.ones((90, 30))], [many_boxes(9, 30), many_boxes(9, 30, 2)], LONG
    ),
    "comparison": lambda: visualize.plot_comparison(
        RANDOM.random((56, 56, 3)), true_boxes(), many_boxes(6), ["one", "two", "three"]
    ),
    "steps of NMS": lambda: visualize.plot_nms(np.eye(56), many_boxes(40).boxes, many_boxes(40).scores, 0.3),
    "NMS of nothing": lambda: visualize.plot_nms(np.eye(56), [], []),
    "proposals": lambda: visualize.plot_proposals(np.eye(56), many_boxes(200).boxes, true_boxes(), class_names=LONG),
    "anchors": lambda: visualize.plot_anchors(pycnn.detection.generate_anchors(16)),
    "anchors over an image": lambda: visualize.plot_anchors(
        pycnn.detection.generate_anchors(8, scales=(1, 2)), np.eye(56)
    ),
    "regions of interest": lambda: visualize.plot_rois(
        RANDOM.random((56, 56, 3)), normal((14, 14, 8)), many_boxes(9).boxes, output_size=3
    ),
    "one filter": lambda: visualize.plot_filters(np.ones((3, 3, 1, 1)), title="The only filter of the first layer"),
    "64 filters": lambda: visualize.plot_filters(normal((5, 5, 1, 64))),
    "colour filters": lambda: visualize.plot_filters(colour_model()),
    "one colour filter": lambda: visualize.plot_filters(normal((7, 7, 3, 1))),
    "tall filters": lambda: visualize.plot_filters(normal((7, 1, 1, 5))),
    "filters on many channels": lambda: visualize.plot_filters(normal((3, 3, 70, 70))),
    "filters on two channels": lambda: visualize.plot_filters(normal((3, 3, 2, 1))),
    "filters with NaN": lambda: visualize.plot_filters(np.where(normal((3, 3, 5, 4)) > 1, np.nan, 1.0)),
    "512 feature maps": lambda: visualize.plot_feature_maps(
        layers.Conv2D(512, 1), normal((6, 6, 1), np.float32), max_maps=60, columns=15
    ),
    "one feature map": lambda: visualize.plot_feature_maps(layers.Conv2D(1, 1), normal((6, 6, 1), np.float32)),
    "one epoch": lambda: visualize.plot_history({"loss": [3.0], "accuracy": [0.1]}),
    "two hundred epochs": lambda: visualize.plot_history({"loss": [*np.geomspace(2, 1e-3, 199), np.nan]}),
    "compared": lambda: visualize.plot_history({"a long name": [HISTORY] * 3, "other": HISTORY}),
    "confusion, 2": lambda: visualize.plot_confusion_matrix(np.array([[90000, 2], [1, 80000]])),
    "confusion, long names": lambda: visualize.plot_confusion_matrix([0, 1, 2], [0, 1, 1], LONG, normalize="true"),
    "confusion, 25": lambda: visualize.plot_confusion_matrix(RANDOM.random((25, 25)), normalize="all"),
    "confusion, 100": lambda: visualize.plot_confusion_matrix(
        np.eye(100), None, [f"class number {i}" for i in range(100)]
    ),
    "confusion, 1000": lambda: visualize.plot_confusion_matrix(np.eye(1000)),
    "long names": lambda: visualize.plot_predictions(
        RANDOM.random((9, 8, 8)), np.eye(3)[[0, 1, 2] * 3], labels=[2] * 9, class_names=LONG
    ),
    "one prediction": lambda: visualize.plot_predictions(np.zeros((1, 8, 8)), [2], [0], class_names=LONG),
    "segmentation": lambda: visualize.plot_segmentation(
        RANDOM.random((9, 16, 16, 3)), RANDOM.random((9, 16, 16, 12)), RANDOM.integers(0, 12, (9, 16, 16)), LONG * 4
    ),
    "segmentation of one": lambda: visualize.plot_segmentation(np.eye(16), np.eye(16, dtype=int), class_names=LONG),
    "tall images": lambda: visualize.plot_predictions(np.ones((5, 60, 10)), np.eye(5), labels=[4, 3, 2, 1, 0]),
    "wide images": lambda: visualize.plot_predictions(np.ones((5, 10, 90)), np.eye(5), class_names=[*LONG, *LONG]),
    "wide edges": lambda: visualize.plot_edges(RANDOM.random((10, 60)), ["sobel", "vertical_edges"]),
    "tall edges": lambda: visualize.plot_edges(RANDOM.random((60, 10, 3)), ["sobel"]),
    "LeNet-5": lambda: visualize.plot_architecture(pycnn.applications.LeNet5()),
    "VGG-16": lambda: visualize.plot_architecture(vgg16()),
    "SE-ResNet": lambda: visualize.plot_architecture(pycnn.applications.SEResNet20(weights=None)),
    "two layers": lambda: visualize.plot_architecture(pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])),
    "plot_model": lambda: visualize.plot_model(colour_model(), None, show_shapes=True, show_layer_names=True),
    "Grad-CAM": lambda: visualize.plot_grad_cam(colour_model(), RANDOM.random((2, 16, 16, 3)), class_names=LONG),
    "saliency of one": lambda: visualize.plot_saliency(colour_model(), RANDOM.random((1, 16, 16, 3))),
    "many saliencies": lambda: visualize.plot_saliency(colour_model(), RANDOM.random((9, 16, 16, 3)), class_names=LONG),
    "filters": lambda: visualize.plot_filters(small_model()),
    "feature maps": lambda: visualize.plot_feature_maps(small_model(), normal((12, 12, 1), np.float32)),
    "history": lambda: visualize.plot_history({"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 1.9]}),
    "edges": lambda: visualize.plot_edges(np.eye(20)),
    "predictions": lambda: visualize.plot_predictions(np.ones((3, 8, 8)), np.eye(3), labels=[0, 1, 1]),
    "no predictions": lambda: visualize.plot_predictions(np.ones((1, 8, 8)), [1], labels=[1], only_wrong=True),
}


def visible_texts(figure):
    """All that is written: titles, labels, legends, and the ticks that lie on their axis."""
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [axes.title, *axes.texts]
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                low, high = min(low, high), max(low, high)
                ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                texts += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
        if axes.get_legend():
            texts += axes.get_legend().get_texts()
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("name", PICTURES)
def test_a_titled_figure_with_ink_and_legible_text(name):
    """Nothing is written over the figure's edge, nor on what else is written."""
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert figure.get_suptitle()
    image = pixels(figure)
    assert min(image.shape[:2]) > 100
    assert max(image.shape[:2]) < 3000
    assert image[..., :3].std() > 0.02
    boxes = [(text.get_text(), text.get_window_extent()) for text in visible_texts(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert -0.5 <= box.x0 <= box.x1 <= width + 0.5, text
        assert -0.5 <= box.y0 <= box.y1 <= height + 0.5, text
    for (text, box), (other, beside) in itertools.combinations(boxes, 2):
        apart = box.x1 < beside.x0 + 1 or beside.x1 < box.x0 + 1 or box.y1 < beside.y0 + 1 or beside.y1 < box.y0 + 1
        assert apart, (text, other)
    assert plt.get_fignums() == []  # pyplot knows nothing of it


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    return plt.imread(buffer)


def test_notebooks_show_them():
    assert PICTURES["history"]()._repr_png_().startswith(b"\x89PNG")


def test_missing_matplotlib_is_named(monkeypatch):
    from pycnn.visualize import canvas

    canvas._picture_class.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "pycnn\[viz\]"'):
        visualize.plot_history({"loss": [1.0]})
    canvas._picture_class.cache_clear()
