"""DenseCap learns to find digits on photographs and to describe them: "a small red seven".

First the convolutions learn to tell digits and sizes (``fit_classes``), and the LSTM learns to say what they tell it of
true boxes (``fit_words``); then all networks learn together. Described are digits and photographs that were not trained
on. Two figures say how well: the paper's, which a caption like "a small red one" in the place of "a small red seven"
hardly lowers; and the average precision of captions without any mistake.
"""

from time import perf_counter

import numpy as np
from common import parse_arguments, report, write

from pycnn import visualize
from pycnn.captioning import DenseCap, Vocabulary
from pycnn.captioning.datasets import described_scenes
from pycnn.detection import GroundTruth


def make_captioner(vocabulary):
    """About 450,000 parameters, for pictures of 56 x 56 pixels."""
    return DenseCap(
        vocabulary,
        (56, 56, 3),
        backbone="small",
        anchors=[(11, 13), (15, 17), (19, 23), (8, 17), (11, 23), (15, 29)],
        rpn_filters=64,
        pool_size=5,
        units=(128,),
        dropout=0.3,
        language_units=96,
        max_words=6,
        proposals=50,
    )


def kinds(described):
    """What each caption says but for the colour, as a class: 0 to 9 are small digits, 10 to 19 large ones."""
    for truth, digits in zip(described.truth, described.labels, strict=True):
        large = np.array([caption.split()[1] == "large" for caption in truth.captions], int)
        yield GroundTruth(truth.boxes, digits + 10 * large)


FIT_CLASSES = {"batch_size": 16, "regions": 16}
FIT = {"batch_size": 16, "regions": 64}


def main():
    """Train in three stages, test, and write the captioner and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 5, "metavar": "N", "help": "passes over the training scenes"},
        classes={"type": int, "default": 3, "metavar": "N", "help": "passes of the first stage"},
        images={"type": int, "default": 12000, "metavar": "N", "help": "training scenes"},
    )
    sizes = (12, 2) if arguments.smoke else (arguments.images, 400)
    train, test = described_scenes.load_data(seed=arguments.seed, train_size=sizes[0], test_size=sizes[1])
    captioner = make_captioner(Vocabulary.build(train.captions))
    print(f"{captioner.count_params():,} parameters")

    began = perf_counter()
    if arguments.classes:
        epochs = 1 if arguments.smoke else arguments.classes
        captioner.fit_classes(train.images, list(kinds(train)), epochs=epochs, **FIT_CLASSES)
        captioner.fit_words(train.images, train.truth, epochs=1 if arguments.smoke else 4)
    epochs = 1 if arguments.smoke else arguments.epochs
    history = captioner.fit(train.images, train.truth, epochs=epochs, **FIT)
    seconds = perf_counter() - began
    result = captioner.evaluate(test.images, test.truth)
    began = perf_counter()
    found = captioner.predict(test.images, score_threshold=0.5)
    milliseconds = (perf_counter() - began) / len(test.images) * 1000

    path = arguments.output / "densecap.pycnn"
    captioner.save(path)
    shown = range(min(6, len(test.images)))
    pictures = {
        "densecap_curves.png": visualize.plot_history(history),
        "densecap_found.png": visualize.plot_captions(
            [test.images[i] for i in shown], [found[i] for i in shown], [test.truth[i] for i in shown]
        ),
    }
    if len(found[0]):
        scores, best = captioner.word_probabilities(test.images[0], found[0]), found[0]
        pictures["densecap_words.png"] = visualize.plot_word_scores(
            scores, captioner.vocabulary, image=test.images[0], boxes=best.boxes
        )
    report([path, *write(pictures, arguments.output)])
    for image in shown:
        print(f"image {image}: {', '.join(found[image].captions)}; true: {', '.join(test.truth[image].captions)}")
    print(f"trained in {seconds:.0f} s, {milliseconds:.1f} ms an image")
    print(f"dense captioning mAP: {result['map']:.4f}, exact captions AP@.5: {result['exact']:.4f}")


if __name__ == "__main__":
    main()
