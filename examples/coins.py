"""A detector of coins: trained on the left half of one photograph, tested on the right half.

scikit-image's picture shows 24 coins of Pompeii. Pieces of the left half, cut out at random places, mirrored and lit
differently, are all that YOLO learns from. The right half is looked at in windows that overlap. What is true was found
by thresholds, and looked at.
"""

import numpy as np
from common import parse_arguments, report, write
from scipy import ndimage
from skimage import data

from pycnn import visualize
from pycnn.detection import YOLO, Detections, GroundTruth, batched_nms, voc_average_precision
from pycnn.detection.transforms import ColourJitter, Compose, RandomCrop, RandomFlip, RandomScale

SIZE = 112
"""Height and width of the pieces that the network sees, in pixels."""
STEP = 28
"""From one window of the right half to the next."""


def coins():
    """The photograph, in three equal channels, and the boxes of its coins."""
    grey = data.coins()
    smooth = ndimage.gaussian_filter(grey.astype(float), 2)
    light = smooth > ndimage.gaussian_filter(smooth, 40) + 8  # the ground is lit unevenly
    regions, _ = ndimage.label(ndimage.binary_opening(ndimage.binary_fill_holes(light), iterations=4))
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(regions)]
    return np.repeat(grey[..., None], 3, axis=2), np.array(boxes, np.float32)


def halves(image, boxes):
    """The left and the right part, each with the truth about the coins that lie wholly in it."""
    middle = image.shape[1] // 2
    whole = (boxes[:, 0] >= middle, boxes[:, 2] <= middle)
    left = GroundTruth(boxes[whole[1]], np.zeros(whole[1].sum(), int))
    right = GroundTruth(boxes[whole[0]] - [middle, 0, middle, 0], np.zeros(whole[0].sum(), int))
    return (image[:, :middle], left), (image[:, middle:], right)


def search(detector, image, step=STEP):
    """Look at overlapping windows; what touches a window's edge is seen better in another one."""
    height, width = image.shape[:2]
    rows, columns = (sorted({*range(0, n - SIZE, step), n - SIZE}) for n in (height, width))
    corners = [(left, top) for top in rows for left in columns]
    found = detector.predict([image[top : top + SIZE, left : left + SIZE] for left, top in corners])
    boxes, scores = [], []
    for (left, top), each in zip(corners, found, strict=True):
        ends = np.array([left > 0, top > 0, left + SIZE < width, top + SIZE < height])
        touches = ((each.boxes < 2) * [1, 1, 0, 0] + (each.boxes > SIZE - 2) * [0, 0, 1, 1]) * ends
        inside = ~touches.any(axis=1)
        boxes.append(each.boxes[inside] + [left, top, left, top])
        scores.append(each.scores[inside])
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    kept = batched_nms(boxes, scores, np.zeros(len(scores), int), 0.3).numpy()
    return Detections(boxes[kept], np.zeros(len(kept), int), scores[kept])


def main():
    """Train, test, and write the detector and a picture."""
    arguments = parse_arguments(
        __doc__.splitlines()[0], epochs={"type": int, "default": 20, "metavar": "N", "help": "passes over the pieces"}
    )
    epochs, pieces, step = (1, 8, SIZE) if arguments.smoke else (arguments.epochs, 800, STEP)
    (image, truth), (other, other_truth) = halves(*coins())
    change = Compose(
        [RandomCrop(SIZE, 0.5), RandomScale((0.8, 1.25), 0.0, 0.5), RandomFlip(0.5, 0.5), ColourJitter()],
        seed=arguments.seed,
    )
    images, truths = change(np.stack([image] * pieces), [truth] * pieces)

    detector = YOLO(["coin"], (SIZE, SIZE, 3), backbone="small", grid_size=SIZE // 8)
    detector.fit(images, truths, epochs=epochs)
    found = search(detector, other, step)
    precision = voc_average_precision([other_truth], [found], ["coin"], year=2010).mean

    path = arguments.output / "coins.pycnn"
    detector.save(path)
    figure = visualize.plot_comparison([other], [other_truth], [found], ["coin"])
    report([path, *write({"coins.png": figure}, arguments.output)])
    print(f"{len(truth)} coins in training, {len(other_truth)} in the test: average precision {precision:.4f}")


if __name__ == "__main__":
    main()
