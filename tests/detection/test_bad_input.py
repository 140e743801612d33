"""What a newcomer gets wrong: each public function of detection names the argument, and what it was."""

import numpy as np
import pytest

import pycnn
from pycnn import detection as d
from pycnn import layers
from pycnn.detection import Detections, GroundTruth

BOXES = [[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 5.0, 5.0]]
TRUTH, FOUND = [GroundTruth(BOXES, [0, 1])], [Detections(BOXES, [0, 1], [0.5, 0.6])]
IMAGE = np.zeros((16, 16, 3), np.uint8)

TAKE_BOXES = {
    "box_area": ("boxes", d.box_area),
    "box_convert": ("boxes", lambda b: d.box_convert(b, "xyxy", "xywh")),
    "box_iou": ("a", lambda b: d.box_iou(b, BOXES)),
    "box_iou, second": ("b", lambda b: d.box_iou(BOXES, b)),
    "generalized_box_iou": ("b", lambda b: d.generalized_box_iou(BOXES, b)),
    "distance_box_iou": ("a", lambda b: d.distance_box_iou(b, BOXES)),
    "complete_box_iou": ("a", lambda b: d.complete_box_iou(b, BOXES)),
    "clip_boxes": ("boxes", lambda b: d.clip_boxes(b, (4, 4))),
    "inside_image": ("boxes", lambda b: d.inside_image(b, (4, 4))),
    "remove_small_boxes": ("boxes", lambda b: d.remove_small_boxes(b, 1)),
    "nms": ("boxes", lambda b: d.nms(b, [0.5, 0.6], 0.5)),
    "soft_nms": ("boxes", lambda b: d.soft_nms(b, [0.5, 0.6])),
    "weighted_boxes": ("boxes", lambda b: d.weighted_boxes(b, [0.5, 0.6])),
    "encode_boxes": ("boxes", lambda b: d.encode_boxes(b, BOXES)),
    "decode_boxes": ("deltas", lambda b: d.decode_boxes(b, BOXES)),
    "decode_boxes, anchors": ("anchors", lambda b: d.decode_boxes(BOXES, b)),
    "match": ("truth", lambda b: d.match(b, BOXES)),
    "match, anchors": ("anchors", lambda b: d.match(BOXES, b)),
    "anchor_grid": ("anchors", lambda b: d.anchor_grid(b, (2, 2), 4)),
    "GroundTruth": ("boxes", lambda b: GroundTruth(b, [0, 0])),
    "Detections": ("boxes", lambda b: Detections(b, [0, 0], [1, 1])),
    "proposal_recall": ("proposals", lambda b: d.proposal_recall(TRUTH, [b])),
}
NO_BOXES = {
    "rows of several lengths": [[0, 0, 1, 1], [0, 0, 1]],
    "words": [["a"] * 4] * 2,
    "None": None,
    "complex": np.array(BOXES, complex),
    "Detections": FOUND,
    "three numbers": [[0, 0, 1]],
}


@pytest.mark.parametrize("kind", NO_BOXES)
@pytest.mark.parametrize("function", TAKE_BOXES)
def test_what_are_no_boxes(function, kind):
    argument, call = TAKE_BOXES[function]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^{argument} must .*Received: {argument}"):
        call(NO_BOXES[kind])


NOT = [
    (lambda v: d.nms(BOXES, [0.5, 0.6], v), "iou_threshold", (None, "a", [0.5, 0.5], -1, 2, float("nan"))),
    (lambda v: d.nms(BOXES, v, 0.5), "scores", (None, ["a", "b"], [0.5], [[0.5], [0.6, 0.7]])),
    (lambda v: d.batched_nms(BOXES, [0.5, 0.6], v, 0.5), "labels", (["a", "b"], [0], [0.0, 1.0], 1)),
    (lambda v: d.soft_nms(BOXES, v), "scores", ([-0.1, 0.5], [0.5, float("inf")])),
    (lambda v: d.weighted_boxes(BOXES, v), "scores", ([-0.1, 0.5], [float("inf"), 1])),
    (lambda v: d.soft_nms(BOXES, [0.5, 0.6], sigma=v), "sigma", (None, "a", 0, float("nan"))),
    (lambda v: d.soft_nms(BOXES, [0.5, 0.6], score_threshold=v), "score_threshold", (None, "a", float("nan"))),
    (lambda v: d.clip_boxes(BOXES, v), "size", (4, (4,), (4, 4, 3), None, "ab", (-1, 4), (float("nan"), 4))),
    (lambda v: d.inside_image(BOXES, v), "size", (4, (4, 4, 3), None)),
    (lambda v: d.remove_small_boxes(BOXES, v), "min_size", (None, "a", [1, 2], float("nan"))),
    (lambda v: d.box_convert(BOXES, v, "xyxy"), "in_fmt", (["xyxy"], None, "x")),
    (lambda v: d.generate_anchors(v), "base_size", ("a", None, 0, float("nan"))),
    (lambda v: d.generate_anchors(ratios=v), "ratios", (1, ["a"], [], [0], [[1, 2]])),
    (lambda v: d.generate_anchors(scales=v), "scales", (8, None, [float("nan")])),
    (lambda v: d.anchor_grid(BOXES, v, 4), "map_size", (2, None, (2,), (2.5, 2))),
    (lambda v: d.anchor_grid(BOXES, (2, 2), v), "stride", ("a", None, (1, 2, 3), 0, -3)),
    (lambda v: d.encode_boxes(BOXES, BOXES, v), "weights", (1, (1, 2), (1, 2, 3, "a"), (0, 1, 1, 1))),
    (lambda v: d.decode_boxes(BOXES, BOXES, deviations=v), "deviations", (5, (0, 1, 1, 1), (0.1, 0.1, 0.2))),
    (lambda v: d.sample([0, -1], v, 0.5), "count", ("a", None, 2.5, -1)),
    (lambda v: d.sample([0, -1], 4, v), "positive_fraction", ("a", None, 2, float("nan"))),
    (lambda v: d.sample([0, -1], 4, 0.5, v), "generator", (7, "a")),
    (lambda v: GroundTruth(BOXES, v), "labels", (["a", "b"], [0, -1], [0.0, 1.0], [0], None)),
    (lambda v: GroundTruth(BOXES, [0, 0], areas=v), "areas", (["a", 1], [-1, 1], [1, float("nan")])),
    (lambda v: GroundTruth(BOXES, [0, 0], difficult=v), "difficult", (["a", "b"], [True])),
    (lambda v: Detections(BOXES, [0, 0], v), "scores", (["a", "b"], [0.5], [0.5, float("nan")], None)),
    (lambda v: d.voc_average_precision(TRUTH, FOUND, iou_threshold=v), "iou_threshold", (None, "a", [0.5], 0, 2)),
    (lambda v: d.error_types(TRUTH, FOUND, iou_threshold=v), "iou_threshold", ("a",)),
    (lambda v: d.voc_average_precision(v, FOUND), "truth", (None, TRUTH[0], [BOXES], FOUND)),
    (lambda v: d.coco_average_precision(TRUTH, v), "detections", (None, FOUND[0], [BOXES], TRUTH)),
    (lambda v: d.AnnotatedImages(IMAGE[None], v, ["a", "b"]), "truth", (None, TRUTH[0], [BOXES], TRUTH * 2)),
    (lambda v: d.AnnotatedImages(v, TRUTH, ["a", "b"]), "images", (None,)),
    (lambda v: d.AnnotatedImages(IMAGE[None], TRUTH, v), "class_names", (None,)),
    (lambda v: d.selective_search(IMAGE, mode=v), "mode", (["fast"], None)),
    (lambda v: d.selective_search(IMAGE, scale=v), "scale", ("a", None, 0)),
    (lambda v: d.selective_search(IMAGE, sigma=v), "sigma", ("a", -1)),
    (lambda v: d.selective_search_all(v), "images", (None, IMAGE)),
    (lambda v: d.grid_proposals(16, v), "scales", (8, ["a"], [])),
    (lambda v: d.grid_proposals(16, [8], v), "aspect_ratios", (1.0, [0])),
    (lambda v: d.grid_proposals(16, [8], stride=v), "stride", ("a", 0)),
    (lambda v: d.proposal_recall(v, [BOXES]), "truth", (None, [BOXES], FOUND)),
    (lambda v: d.proposal_recall(TRUTH, v), "proposals", (None,)),
    (lambda v: d.proposal_recall(TRUTH, [BOXES], v), "iou_threshold", ("a", None, 2)),
]


@pytest.mark.parametrize(
    ("call", "argument", "value"), [(call, name, value) for call, name, values in NOT for value in values]
)
def test_other_arguments(call, argument, value):
    with pytest.raises((TypeError, ValueError), match=rf"(?s)\b{argument}\b.* Received: "):
        call(value)


def test_thresholds_of_match():
    for options in ({"positive": "a"}, {"positive": None}, {"negative": (0.1,)}, {"negative": (0.1, 0.2, 0.3)}):
        with pytest.raises(ValueError, match="thresholds must be 0 <= negative <= positive <= 1"):
            d.match(BOXES, BOXES, **options)


@pytest.mark.parametrize(
    ("names", "call"),
    [
        ("a and b", lambda more: d.box_iou(BOXES, more, pairwise=False)),
        ("a and b", lambda more: d.complete_box_iou(BOXES, more, pairwise=False)),
        ("boxes and anchors", lambda more: d.encode_boxes(BOXES, more)),
        ("deltas and anchors", lambda more: d.decode_boxes(BOXES, more)),
    ],
)
def test_boxes_that_meet_one_by_one_are_equally_many(names, call):
    for more in ([*BOXES, BOXES[0]], []):
        with pytest.raises(ValueError, match=rf"{names} must be equally many.* Received: .*shape=\(2, 4\)"):
            call(more)


# Detectors


def maps():
    return pycnn.Sequential([layers.Input((16, 16, 3)), layers.Conv2D(2, 3, 4, padding="same")])


REGIONS = {"backbone": maps, "units": (4,), "pool_size": 2}
DETECTORS = {
    "YOLO": (d.YOLO, {"backbone": maps, "grid_size": 4}),
    "RCNN": (d.RCNN, {"backbone": maps, "units": 4, "context": 2}),
    "FastRCNN": (d.FastRCNN, REGIONS),
    "FasterRCNN": (d.FasterRCNN, {**REGIONS, "anchor_base": 8, "anchor_scales": (1,), "rpn_filters": 4}),
}
IMAGES, OBJECTS = np.stack([IMAGE, IMAGE]), [GroundTruth([[2, 2, 9, 9]], [0])] * 2


def make(name, **options):
    cls, arguments = DETECTORS[name]
    made = {key: value() if callable(value) else value for key, value in {**arguments, **options}.items()}
    return cls(["a"], (16, 16, 3), **made)


def proposals(name, count=2):
    return {"proposals": [[[1, 1, 8, 8], [5, 5, 16, 16]]] * count} if name in ("RCNN", "FastRCNN") else {}


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(
    ("argument", "images", "truth"),
    [
        ("images", None, OBJECTS),
        ("images", "a picture", OBJECTS),
        ("images", ["a", "b"], OBJECTS),
        ("images", IMAGE, OBJECTS),
        ("images", IMAGES[..., :1], OBJECTS),
        ("images", IMAGES.tolist(), OBJECTS),
        ("images", d.AnnotatedImages(IMAGES, OBJECTS, ["a"]), OBJECTS),
        ("images", np.full(IMAGES.shape, np.nan), OBJECTS),
        ("images", [IMAGE, np.full((20, 9, 3), np.inf, np.float32)], OBJECTS),
        ("truth", IMAGES, None),
        ("truth", IMAGES, OBJECTS[0]),
        ("truth", IMAGES, OBJECTS[:1]),
        ("truth", IMAGES, [{"boxes": BOXES}] * 2),
        ("truth", IMAGES, FOUND * 2),
        ("truth", IMAGES, [GroundTruth([], [])] * 2),
        ("labels", IMAGES, [GroundTruth([[2, 2, 9, 9]], [1])] * 2),
    ],
)
def test_images_and_truth_of_detectors(name, argument, images, truth):
    detector = make(name)
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b.* Received: "):
        detector.fit(images, truth, epochs=1, verbose=0, **proposals(name))
    if argument == "images":
        with pytest.raises((TypeError, ValueError), match=r"\bimages\b.* Received: "):
            detector.predict(images, **proposals(name))


@pytest.mark.parametrize("name", DETECTORS)
def test_options_of_predict(name):
    detector = make(name)
    wrong = {
        "score_threshold": (None, "a", float("nan")),
        "iou_threshold": (None, "a", 2),
        "max_detections": (None, "a", -1, 2.5),
        "batch_size": (None, 0, -1, 2.5) if name != "RCNN" else (),
        "nonsense": (1,) if name != "RCNN" else (),
        "proposals": (5, [BOXES], [[[4, 4, 0, 0]]] * 2) if name in ("RCNN", "FastRCNN") else ([BOXES] * 2,),
    }
    for argument, values in wrong.items():
        for value in values:
            with pytest.raises((TypeError, ValueError), match=r"Received: "):
                detector.predict(IMAGES, **{**proposals(name), argument: value})


@pytest.mark.parametrize("name", DETECTORS)
def test_options_of_fit(name):
    detector = make(name)
    wrong = {"epochs": ("a", -1, 2.5), "batch_size": ("a", 0, None), "regions": ("a", 0), "anchors": ("a", 0)}
    wrong |= {"validation_data": (IMAGES, (IMAGES,), (IMAGES, OBJECTS[:1])), "transform": (5,)}
    for argument, values in wrong.items():
        if argument in detector.fit.__code__.co_varnames:
            for value in values:
                with pytest.raises((TypeError, ValueError), match=r"Received: "):
                    detector.fit(IMAGES, OBJECTS, **{"epochs": 1, "verbose": 0, **proposals(name), argument: value})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("FasterRCNN", {"proposals": 0}),
        ("FasterRCNN", {"proposals": "a"}),
        ("FasterRCNN", {"units": 4}),
        ("FasterRCNN", {"anchor_scales": 8}),
        ("FastRCNN", {"units": (0,)}),
        ("FastRCNN", {"ranks": 5}),
        ("FastRCNN", {"ranks": (2, 2)}),
        ("RCNN", {"context": "a"}),
        ("RCNN", {"context": 8}),
        ("YOLO", {"boxes": 0}),
    ],
)
def test_arguments_of_detectors(name, options):
    (argument,) = options
    with pytest.raises(ValueError, match=rf"\b{argument.removeprefix('anchor_')}\b.* Received: "):
        make(name, **options)


@pytest.mark.parametrize("name", DETECTORS)
def test_images_without_objects_or_proposals(name):
    """Neither is an error where others have some: nothing is learnt of them, and nothing is found."""
    pycnn.utils.set_random_seed(0)
    detector, some = make(name), proposals(name)
    if some:
        some["proposals"] = [np.zeros((0, 4)), some["proposals"][0]]
    detector.fit(IMAGES, [GroundTruth([], []), OBJECTS[0]], epochs=1, verbose=0, **some)
    found = detector.predict(IMAGES, score_threshold=0.0, **some)
    assert len(found) == 2
    if some:
        assert len(found[0]) == 0
        nothing = detector.predict(IMAGES, proposals=[[], []])
        assert [len(f) for f in nothing] == [0, 0]
    assert detector.predict(IMAGES[:0], **({"proposals": []} if some else {})) == []
    assert np.isnan(detector.evaluate(IMAGES, [GroundTruth([], [])] * 2, **some)["map"])


def test_features_go_to_a_new_folder(tmp_path):
    make("RCNN").fit(IMAGES, OBJECTS, epochs=1, verbose=0, cache=tmp_path / "a" / "b", **proposals("RCNN"))
    assert len(list((tmp_path / "a" / "b").iterdir())) == 2


def test_validation_of_fast_rcnn_needs_no_proposals():
    images = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)
    history = make("FastRCNN").fit(
        images, OBJECTS, epochs=1, verbose=0, validation_data=(images, OBJECTS), **proposals("FastRCNN")
    )
    assert np.isfinite(history.history["val_loss"]).all()
