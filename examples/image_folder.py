"""From a folder of pictures to a classifier: image_dataset_from_directory, threads that decode, augmentation.

The folder is made here, of scikit-learn's digits, as a person has it: one subfolder a class, PNG files in it.
"""

from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.datasets import digits
from pycnn.utils import image_dataset_from_directory, save_img

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def write_pictures(folder, images, labels):
    """Write each image as ``folder/class/number.png``."""
    for name in NAMES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        save_img(folder / NAMES[label] / f"{number:04d}.png", image * 255, scale=False)


def build(classes):
    """A network that takes pixels of 0..255, as they come from files."""
    return pycnn.Sequential(
        [
            layers.Input((16, 16, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.RandomRotation(0.03, fill_mode="constant"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def main():
    """Write the folder, read it, train, test."""
    arguments = parse_arguments(__doc__.splitlines()[0])
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs = 15
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:120], y_train[:120], x_test[:40], y_test[:40], 1
    folder = arguments.output / "digits"
    write_pictures(folder / "train", x_train, y_train)
    write_pictures(folder / "test", x_test, y_test)

    reading = {"class_names": NAMES, "color_mode": "grayscale", "image_size": (16, 16), "batch_size": 32}
    train, validation = image_dataset_from_directory(
        folder / "train", validation_split=0.15, subset="both", seed=arguments.seed, **reading
    )
    test = image_dataset_from_directory(folder / "test", seed=arguments.seed, **reading)

    model = build(len(train.class_names))
    model.compile(pycnn.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=validation, epochs=epochs)
    _, accuracy = model.evaluate(test, verbose=0)

    images, labels = next(iter(test))
    pictures = {
        "folder_curves.png": visualize.plot_history(history),
        "folder_predictions.png": visualize.plot_predictions(
            images, model.predict(images, verbose=0), labels, class_names=test.class_names
        ),
    }
    report([folder, *write(pictures, arguments.output)])
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
