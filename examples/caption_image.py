"""A whole image in words: convolutions make a vector of it, and an LSTM says it, "a small red seven".

The images are windows of scenes, of 32 x 32 pixels around each digit. Captions of photographs and digits that were not
trained on are made word by word, by the likeliest word each time and by a beam of three; the picture shows how likely
the words were.
"""

from time import perf_counter

import numpy as np
from common import parse_arguments, report, write

from pycnn import visualize
from pycnn.captioning import ImageCaptioner, Vocabulary
from pycnn.captioning.datasets import described_scenes

SIZE = 32


def windows(part):
    """Images around one digit each, and its caption."""
    images, captions = [], []
    for image, regions in part:
        corners = np.rint((regions.boxes[:, :2] + regions.boxes[:, 2:] - SIZE) / 2).astype(int)
        for x, y in np.clip(corners, 0, np.subtract(image.shape[1::-1], SIZE)):
            images.append(image[y : y + SIZE, x : x + SIZE])
        captions += regions.captions
    return np.stack(images), captions


def main():
    """Train, test, and write the captioner and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 12, "metavar": "N", "help": "passes over the training images"},
        images={"type": int, "default": 6000, "metavar": "N", "help": "scenes, of two digits on average"},
    )
    sizes, epochs = ((12, 4), 1) if arguments.smoke else ((arguments.images, 400), arguments.epochs)
    train, test = map(windows, described_scenes.load_data(arguments.seed, *sizes))
    captioner = ImageCaptioner(
        Vocabulary.build(train[1]), (SIZE, SIZE, 3), backbone="small", pool_size=2, language_units=96, max_words=6
    )
    print(f"{len(train[1])} images to learn from, {captioner.count_params():,} parameters")
    began = perf_counter()
    history = captioner.fit(*train, epochs=epochs, batch_size=32)
    print(f"trained in {perf_counter() - began:.0f} s")
    for beam_size in (1, 3):
        result = captioner.evaluate(*test, beam_size=beam_size)
        told = "  ".join(f"{name}: {value:.4f}" for name, value in result.items())
        print(f"{len(test[1])} test images, beam of {beam_size}: {told}")

    path = arguments.output / "captioner.pycnn"
    captioner.save(path)
    image = test[0][:1]
    scores = captioner.word_probabilities(image, captioner.predict(image))
    pictures = {
        "captioner_curves.png": visualize.plot_history(history),
        "captioner_words.png": visualize.plot_word_scores(
            scores, captioner.vocabulary, image=image[0], boxes=[[0, 0, SIZE, SIZE]]
        ),
    }
    report([path, *write(pictures, arguments.output)])


if __name__ == "__main__":
    main()
