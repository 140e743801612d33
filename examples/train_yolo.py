"""YOLO learns to find handwritten digits on photographs: where each is, and which.

The network looks once at a picture and tells, for each of 7 x 7 cells, what digit's centre lies in it, and two boxes
for it. The scenes are made by ``pycnn.detection.datasets.digit_scenes``; test digits and test photographs do not occur
in training.
"""

from common import detector_arguments, report, scenes, train_and_test

from pycnn.detection import YOLO


def make_detector(class_names):
    """About 220,000 parameters, for pictures of 56 x 56 pixels."""
    return YOLO(class_names, (56, 56, 3), backbone="small")


def main():
    """Train, test, and write the detector and its pictures."""
    arguments = detector_arguments(__doc__.splitlines()[0], epochs=16)
    data = scenes(arguments)
    tested = train_and_test(make_detector(data[0].class_names), data, arguments, "yolo")
    report(tested["paths"])


if __name__ == "__main__":
    main()
