"""R-CNN learns to find handwritten digits on photographs: a network looks at each proposed region by itself.

The regions are warped to 32 x 32 pixels; a network learns to tell them apart, then linear SVMs on its features, and
ridge regression says where exactly the digit is. The test is made once more without that regression.
"""

from common import detector_arguments, propose, report, scenes, train_and_test

from pycnn.detection import RCNN


def make_detector(class_names):
    """Regions of 32 x 32 pixels, 4 of them context on each side."""
    return RCNN(class_names, (32, 32, 3), backbone="small", context=4, units=128)


def main():
    """Train, test, and write the detector and its pictures."""
    arguments = detector_arguments(__doc__.splitlines()[0], epochs=2, images=1000)
    data = scenes(arguments)
    proposals = propose(data, arguments)
    detector = make_detector(data[0].class_names)
    tested = train_and_test(detector, data, arguments, "rcnn", proposals)
    report(tested["paths"])
    test = data[1]
    for threshold in (0.5, 0.7):
        maps = [
            detector.evaluate(
                test.images, test.truth, iou_threshold=threshold, proposals=proposals[1], box_regression=regression
            )["map"]
            for regression in (False, True)
        ]
        print(f"mAP@{threshold}: {maps[0]:.4f} as proposed, {maps[1]:.4f} after the regression")


if __name__ == "__main__":
    main()
