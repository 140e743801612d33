"""R-CNN, Fast R-CNN, Faster R-CNN and YOLO on the same scenes: how well they find digits, how fast, how large.

Times an image are those of the network, as the papers give them, and those with the search for the proposals that
R-CNN and Fast R-CNN need. R-CNN, which learns slowest, sees fewer scenes.
"""

from time import perf_counter

import train_fast_rcnn
import train_faster_rcnn
import train_rcnn
import train_yolo
from common import detector_arguments, propose, report, scenes, train_and_test, write

from pycnn import visualize
from pycnn.detection import proposal_recall


def main():
    """Train and test all four, print the table, and write one picture of all."""
    arguments = detector_arguments(__doc__.splitlines()[0], epochs=8)
    train, test = scenes(arguments)
    names = train.class_names
    began = perf_counter()
    proposals = propose((train, test), arguments)
    searching = (perf_counter() - began) / (len(train) + len(test)) * 1000
    few = len(train) // 6

    def epochs(count):
        arguments.epochs = count
        return arguments

    rows = {
        "R-CNN": train_and_test(
            train_rcnn.make_detector(names), (train[:few], test), epochs(2), "rcnn", (proposals[0][:few], proposals[1])
        ),
        "Fast R-CNN": train_and_test(
            train_fast_rcnn.make_detector(names),
            (train, test),
            epochs(8),
            "fast_rcnn",
            proposals,
            **train_fast_rcnn.FIT,
        ),
        "Faster R-CNN": train_and_test(
            train_faster_rcnn.make_detector(names), (train, test), epochs(8), "faster_rcnn", **train_faster_rcnn.FIT
        ),
        "YOLO": train_and_test(train_yolo.make_detector(names), (train, test), epochs(16), "yolo"),
    }
    print("\n| detector | mAP@.5 | ms an image | with proposals | training | parameters |\n|---|---|---|---|---|---|")
    for name, row in rows.items():
        whole = row["milliseconds"] + (searching if name in ("R-CNN", "Fast R-CNN") else 0.0)
        line = "| {} | {map:.3f} | {milliseconds:.2f} | {:.2f} | {seconds:.0f} s | {parameters:,} |"
        print(line.format(name, whole, **row))
    recall, count = proposal_recall(test.truth, proposals[1]), sum(map(len, proposals[1])) / len(test)
    print(f"Selective search: {count:.0f} boxes an image, recall@.5 {recall:.3f}.")

    shown = min(4, len(test))
    images = [image for image in test.images[:shown] for _ in rows]
    truth = [objects for objects in test.truth[:shown] for _ in rows]
    found = [row["found"][i] for i in range(shown) for row in rows.values()]
    figure = visualize.plot_comparison(
        images,
        truth,
        found,
        names,
        max_images=len(images),
        columns=len(rows),
        title=", ".join(rows),
        score_threshold=0.0,
    )
    paths = [path for row in rows.values() for path in row["paths"]]
    report([*paths, *write({"detectors.png": figure}, arguments.output)])


if __name__ == "__main__":
    main()
