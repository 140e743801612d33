"""COCO's average precision of data sets of 5,000 images: pycnn against pycocotools, on one thread.

Both begin with what they have in memory, pycocotools with its own indexed objects, and end with the twelve numbers.
"""

import contextlib
import io
from time import perf_counter

import numpy as np

from benchmarks.contest import OURS, make_row, show
from pycnn.detection import AnnotatedImages, Detections, GroundTruth, coco_average_precision
from pycnn.detection.datasets import coco

SETS = {  # name -> images, classes, objects and detections an image, most
    "80 classes, 100 detections": (5000, 80, 14, 100),
    "10 classes, 10 detections": (5000, 10, 3, 10),
    "1 class, 40 detections": (5000, 1, 10, 40),
}
SIDE = 640
GATE = 10.0


def run(torch, args):
    """A row for each data set; each side runs once, for one run of pycocotools takes up to a minute."""
    try:
        import pycocotools  # noqa: F401
    except ImportError:
        raise SystemExit("the peer is missing: pip install pycocotools") from None
    rows = []
    for name, sizes in SETS.items():
        truth, found = data(*sizes)
        ours, theirs = contestants(truth, found, sizes[1])
        seconds = {}
        for side, function in ((OURS, ours), ("pycocotools", theirs)):
            start = perf_counter()
            function()
            seconds[side] = perf_counter() - start
        rows.append(show(make_row("Detection metrics", f"{name}, {sizes[0]} images", "COCO AP", seconds, gate=GATE)))
    return rows


def contestants(truth, found, classes):
    """Both functions; each returns the twelve numbers."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    data = AnnotatedImages(np.zeros((len(truth), 1, 1, 3), np.uint8), truth, [str(i) for i in range(classes)])
    instances = coco.to_json(data)
    known = COCO()
    known.dataset = instances
    with contextlib.redirect_stdout(io.StringIO()):
        known.createIndex()
        results = known.loadRes(coco.results_to_json(found, instances))

    def theirs():
        with contextlib.redirect_stdout(io.StringIO()):
            judge = COCOeval(known, results, "bbox")
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        return judge.stats

    return lambda: list(coco_average_precision(truth, found, classes).summary.values()), theirs


def data(images, classes, objects, detections, seed=0):
    """Random objects; of the detections some lie near an object, the others anywhere."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(images):
        real = _boxes(rng, rng.integers(0, objects + 1))
        labels = rng.integers(0, classes, len(real))
        truth.append(GroundTruth(real, labels, crowd=rng.random(len(real)) < 0.01))
        guesses = _boxes(rng, rng.integers(0, detections + 1))
        guessed = rng.integers(0, classes, len(guesses))
        if len(real):
            near = np.flatnonzero(rng.random(len(guesses)) < 0.5)
            source = rng.integers(0, len(real), len(near))
            corners = real[source] + rng.normal(0, 4, (len(near), 4))
            guesses[near] = np.sort(corners.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
            guessed[near] = labels[source]
        found.append(Detections(guesses, guessed, rng.random(len(guesses))))
    return truth, found


def _boxes(rng, count):
    corners = rng.uniform(0, SIDE, (count, 2))
    return np.concatenate([corners, corners + np.exp(rng.uniform(2, np.log(SIDE / 2), (count, 2)))], axis=1)
