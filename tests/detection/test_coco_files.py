"""COCO's JSON: read, written, and equal to what pycocotools makes of it."""

import contextlib
import io
import json

import numpy as np
import pytest
from helpers import peer

from pycnn.detection import AnnotatedImages, Detections, GroundTruth, coco_average_precision
from pycnn.detection.datasets import coco
from pycnn.utils import save_img

INSTANCES = {
    "images": [{"id": 900, "file_name": "b.png"}, {"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "none.png"}],
    "categories": [{"id": 90, "name": "owl"}, {"id": 3, "name": "cat", "supercategory": "animal"}],
    "annotations": [
        {"id": 1, "image_id": 900, "category_id": 90, "bbox": [1.5, 2, 4, 3], "iscrowd": 1, "area": 5.5},
        {"id": 5, "image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 3]},
        {"id": 6, "image_id": 900, "category_id": 3, "bbox": [1, 1, 1, 1], "iscrowd": 0, "area": 0.75},
    ],
}
RESULTS = [
    {"image_id": 900, "category_id": 90, "bbox": [1, 2, 4, 3], "score": 0.5},
    {"image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2.5], "score": 0.75},
    {"image_id": 900, "category_id": 3, "bbox": [1, 1, 1, 1], "score": 0.25},
]


def test_reading(tmp_path):
    (tmp_path / "instances.json").write_text(json.dumps(INSTANCES))
    save_img(tmp_path / "a.png", np.full((4, 6, 3), 9), scale=False)
    data = coco.read(tmp_path / "instances.json", tmp_path)
    assert data.class_names == ("cat", "owl")
    assert [path.name for path in data.images.paths] == ["a.png", "none.png", "b.png"]
    assert data.truth == [
        GroundTruth([[0, 0, 2, 3]], [0]),
        GroundTruth([], []),
        GroundTruth([[1.5, 2, 5.5, 5], [1, 1, 2, 2]], [1, 0], crowd=[1, 0], areas=[5.5, 0.75]),
    ]
    assert data[0][0].shape == (4, 6, 3)


def test_results_are_read_and_written(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    found = coco.read_results(tmp_path / "results.json", INSTANCES)
    assert found == [
        Detections([[0, 0, 2, 2.5]], [0], [0.75]),
        Detections([], [], []),
        Detections([[1, 2, 5, 5], [1, 1, 2, 2]], [1, 0], [0.5, 0.25]),
    ]
    written = coco.write_results(found, tmp_path / "again.json", INSTANCES)
    assert json.loads((tmp_path / "again.json").read_text()) == written == [RESULTS[1], RESULTS[0], RESULTS[2]]
    assert coco.read_results(written, INSTANCES) == found


def test_what_was_written_is_read(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((12, 9), (8, 8))]
    truth = [GroundTruth([[0, 1, 9, 12], [2.5, 3, 4, 4]], [1, 0], crowd=[0, 1], areas=[50, 1]), GroundTruth([], [])]
    data = AnnotatedImages(images, truth, ["cat", "owl"])
    coco.write(data, tmp_path / "own.json", tmp_path / "images")
    again = coco.read(tmp_path / "own.json", tmp_path / "images")
    assert (again.truth, again.class_names) == (truth, data.class_names)
    for image, expected in zip(again.images, images, strict=True):
        np.testing.assert_array_equal(image, expected)


def test_pycocotools_finds_the_same(tmp_path):
    peer("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    known = COCO()
    known.dataset = json.loads(json.dumps(INSTANCES))
    for row in known.dataset["annotations"]:
        row.setdefault("iscrowd", 0)
        row.setdefault("area", row["bbox"][2] * row["bbox"][3])
    with contextlib.redirect_stdout(io.StringIO()):
        known.createIndex()
        judge = COCOeval(known, known.loadRes(json.loads(json.dumps(RESULTS))), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = coco_average_precision(coco.read(INSTANCES), coco.read_results(RESULTS, INSTANCES)).summary
    np.testing.assert_allclose(np.nan_to_num(list(ours.values()), nan=-1), judge.stats, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotations": [{"image_id": 1, "category_id": 3}]}, "image_id must be an id .*Received: image_id=1"),
        ({"annotations": [{"image_id": 7, "category_id": 4}]}, "category_id must be an id .*Received: category_id=4"),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [0, 0, -1, 1]}]}, r"of image 7 .*x1 <= x2"),
        ({"images": [{"id": 7}, {"id": 7}]}, "images must have ids of their own. Received: 2 with 1 ids"),
        ({"categories": [{"id": 7}, {"id": 7}]}, "categories must have ids of their own"),
    ],
)
def test_broken_instances(change, message):
    with pytest.raises(ValueError, match=message):
        coco.read({**INSTANCES, **change})


def test_other_errors():
    with pytest.raises(ValueError, match="dict with images and categories. Received: list"):
        coco.read([])
    with pytest.raises(ValueError, match=r"dict with images and categories. Received: \['images'\]"):
        coco.read({"images": []})
    with pytest.raises(ValueError, match="Received: 1 detections, 3 images"):
        coco.results_to_json([Detections([], [], [])], INSTANCES)
    with pytest.raises(ValueError, match="categories, 2. Received: a label 2"):
        coco.results_to_json([Detections([[0, 0, 1, 1]], [2], [0.5])] * 3, INSTANCES)
    with pytest.raises(ValueError, match="image_id must be an id"):
        coco.read_results([{"image_id": 1}], INSTANCES)
