"""Faster R-CNN learns to find handwritten digits on photographs, in one of three ways.

One network proposes regions, another one looks at them, both on the same maps. ``--method joint`` trains them together,
``exact`` lets the second one's loss move the proposals, too, and ``alternating`` is the paper's, in four steps.
"""

from common import detector_arguments, report, scenes, train_and_test

from pycnn.detection import FasterRCNN
from pycnn.detection.faster_rcnn import METHODS


def make_detector(class_names):
    """About 300,000 parameters, six anchors at each place, for pictures of 56 x 56 pixels."""
    return FasterRCNN(
        class_names,
        (56, 56, 3),
        backbone="small",
        anchor_ratios=(1.2, 2.0),
        anchor_scales=(0.75, 1.0, 1.3),
        rpn_filters=64,
        pooling="align",
        pool_size=5,
        units=(96,),
        dropout=0.0,
        proposals=50,
    )


FIT = {"batch_size": 16, "anchors": 64, "regions": 32}


def main():
    """Train, test, and write the detector and its pictures."""
    arguments = detector_arguments(
        __doc__.splitlines()[0],
        epochs=8,
        method={"choices": METHODS, "default": "joint", "help": "how to train"},
    )
    data = scenes(arguments)
    detector = make_detector(data[0].class_names)
    tested = train_and_test(detector, data, arguments, "faster_rcnn", method=arguments.method, **FIT)
    report(tested["paths"])


if __name__ == "__main__":
    main()
