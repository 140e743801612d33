"""Intersection over union, its ratings, and non-maximum suppression: in numbers, and step by step in a picture.

No network is needed: boxes are those that selective search proposes in scenes with digits, and the score of each is
how well it overlaps a digit, with noise. So every digit is found many times over, as by a detector; what suppression
is worth is seen by the average precision (VOC 2007) with it and without it.
"""

import numpy as np
from common import parse_arguments, report, write

from pycnn import detection, visualize
from pycnn.detection import Detections
from pycnn.detection.datasets import digit_scenes

OBJECT = [12.0, 12.0, 36.0, 44.0]
GUESSES = {
    "the same": OBJECT,
    "a pixel beside it": [13.0, 12.0, 37.0, 44.0],
    "two pixels lower": [12.0, 14.0, 36.0, 46.0],
    "four and four": [16.0, 16.0, 40.0, 48.0],
    "its upper half": [12.0, 12.0, 36.0, 28.0],
    "all around it": [4.0, 4.0, 52.0, 52.0],
    "beside it": [36.0, 12.0, 54.0, 44.0],
}
"""Boxes for one object, from good to bad."""

WAYS = {
    "no suppression": lambda found: found,
    "nms, .7": lambda found: suppressed(found, 0.7),
    "nms, .5": lambda found: suppressed(found, 0.5),
    "nms, .3": lambda found: suppressed(found, 0.3),
    "soft, linear": lambda found: softened(found, "linear"),
    "soft, Gaussian": lambda found: softened(found, "gaussian"),
    "weighted boxes, .5": lambda found: joined(found, 0.5),
}


def suppressed(found, iou_threshold):
    """Each class by itself; its best boxes stay as they are."""
    return found[detection.batched_nms(found.boxes, found.scores, found.labels, iou_threshold).numpy()]


def softened(found, method):
    """Scores go down with the overlap with better boxes; the classes are moved apart, so that they do not meet."""
    apart = found.boxes + 1000 * found.labels[:, None].astype(np.float32)
    indices, scores = detection.soft_nms(apart, found.scores, method=method)
    indices = indices.numpy()
    return Detections(found.boxes[indices], found.labels[indices], scores.numpy())


def joined(found, iou_threshold):
    """What would be suppressed is averaged instead."""
    boxes, _, indices = detection.weighted_boxes(found.boxes, found.scores, iou_threshold, found.labels)
    indices = indices.numpy()
    return Detections(boxes.numpy(), found.labels[indices], found.scores[indices])


def print_overlaps():
    """IoU of each guess with the object, in words, and the variants that also say how far away a bad guess is."""
    print(f"{'guess':<20}{'IoU':>7}  {'rating':<10}{'generalized':>12}{'distance':>10}{'complete':>10}")
    truth, guesses = [OBJECT], list(GUESSES.values())
    kinds = ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou")
    columns = [getattr(detection, kind)(truth, guesses).numpy()[0] for kind in kinds]
    for name, plain, *others in zip(GUESSES, *columns, strict=True):
        print(f"{name:<20}{plain:>7.3f}  {detection.iou_rating(plain):<10}{others[0]:>12.3f}", end="")
        print(f"{others[1]:>10.3f}{others[2]:>10.3f}")


def draw_overlaps():
    """The object and each guess, with what both have in common."""
    shares = detection.box_iou([OBJECT], list(GUESSES.values())).numpy()[0]
    titles = [
        f"{name}\nIoU {share:.2f}: {detection.iou_rating(share)}" for name, share in zip(GUESSES, shares, strict=True)
    ]
    legend = [("object", visualize.canvas.GREEN), ("guess", visualize.canvas.BLUE), ("both", visualize.canvas.GREY)]
    blank = np.ones((56, 56, 3), np.float32)
    figure = visualize.labelled.panels(
        [blank] * len(titles), "Intersection over union", titles, legend, columns=4, cell=1.8
    )
    for axis, guess in zip(figure.axes, GUESSES.values(), strict=True):
        overlay = visualize.labelled.Overlay(axis, blank)
        low, high = np.maximum(OBJECT[:2], guess[:2]), np.minimum(OBJECT[2:], guess[2:])
        if (low < high).all():
            overlay.box([*low, *high], visualize.canvas.FRAME, 0.5, fill=0.6)
        overlay.box(OBJECT, visualize.canvas.GREEN, 1.6)
        overlay.box(guess, visualize.canvas.BLUE, 1.6)
    return figure


def find(image, truth, generator, noise=0.08):
    """Boxes of selective search that touch a digit; their scores are their overlaps with it, with noise."""
    boxes = detection.selective_search(image)
    shares = detection.box_iou(boxes, truth.boxes).numpy()
    near, best = shares.argmax(axis=1), shares.max(axis=1)
    scores = np.clip(best + noise * generator.standard_normal(len(best)), 0.01, 1)
    return Detections(boxes, truth.labels[near], scores)[best > 0.2]


def main():
    """Print both tables, and write the pictures."""
    arguments = parse_arguments(__doc__.splitlines()[0])
    print_overlaps()
    count = 5 if arguments.smoke else 200
    _, scenes = digit_scenes.load_data(arguments.seed, train_size=1, test_size=count)
    generator = np.random.default_rng(arguments.seed)
    found = [find(image, truth, generator) for image, truth in scenes]
    print(f"\n{'suppression':<20}{'boxes':>7}{'mAP at IoU .5':>15}{'at .7':>8}")
    for name, way in WAYS.items():
        left = [way(each) for each in found]
        precision = [detection.voc_average_precision(scenes, left, iou_threshold=t).mean for t in (0.5, 0.7)]
        print(f"{name:<20}{sum(map(len, left)):>7}{precision[0]:>15.3f}{precision[1]:>8.3f}")
    image, shown = scenes.images[0], found[0][np.argsort(-found[0].scores)[:16]]
    figures = {
        "iou.png": draw_overlaps(),
        "nms_steps.png": visualize.plot_nms(image, shown.boxes, shown.scores, iou_threshold=0.3),
        "nms_before_and_after.png": visualize.plot_detections(
            [image, image], [shown, suppressed(shown, 0.3)], columns=2, title="Before and after"
        ),
    }
    report(write(figures, arguments.output))


if __name__ == "__main__":
    main()
