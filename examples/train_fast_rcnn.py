"""Fast R-CNN learns to find handwritten digits on photographs, among regions that selective search proposes.

The network makes maps of the whole picture once, and looks at each proposed region of these. The test is made once
more with dense layers of fewer weights: of their matrices only the largest singular values remain.
"""

from common import detector_arguments, propose, report, scenes, train_and_test

from pycnn.detection import FastRCNN


def make_detector(class_names):
    """About 260,000 parameters, for pictures of 56 x 56 pixels."""
    return FastRCNN(class_names, (56, 56, 3), backbone="small", pool_size=5, units=(96,), dropout=0.0)


FIT = {"batch_size": 16, "regions": 32}


def main():
    """Train, test, and write the detector and its pictures."""
    arguments = detector_arguments(__doc__.splitlines()[0], epochs=8)
    data = scenes(arguments)
    proposals = propose(data, arguments)
    detector = make_detector(data[0].class_names)
    tested = train_and_test(detector, data, arguments, "fast_rcnn", proposals, **FIT)
    report(tested["paths"])
    detector.truncate_svd((24,))
    test = data[1]
    result = detector.evaluate(test.images, test.truth, proposals=proposals[1])
    print(f"mAP@.5 with 24 of 96 singular values: {result['map']:.4f}, {detector.count_params():,} parameters")


if __name__ == "__main__":
    main()
