"""LeNet-5 learns handwritten digits: 1797 real ones, of 8 x 8 pixels, from scikit-learn.

The network is LeCun's of 1998 in its modern form (dense second convolution, max pooling, softmax), or with
``--variant original`` as it was: sparse connections, subsampling with weights, and outputs that compare what the
network drew with a small picture of each digit. Digits are enlarged to 28 x 28, padded to 32 x 32, and in training
turned, scaled, slanted and shifted a little, anew in each epoch, by a thread that works ahead of the training. The test
digits take no part in any choice: the curves show them as validation, but nothing is stopped or selected by them, and
what was chosen (pooling, loss, how far digits are turned) was chosen by cross-validation on the training digits.
"""

from math import pi

from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.applications import LeNet5
from pycnn.data import Dataset
from pycnn.datasets import digits


def enlarge(x):
    """From 8 x 8 digits to the network's 32 x 32 inputs, once for all epochs."""
    return pycnn.Sequential([layers.Resizing(28, 28), layers.ZeroPadding2D(2)]).predict(x, verbose=0)


def training_data(x, y, batch_size):
    """Batches of digits in random order, each changed a little."""
    around = {"fill_mode": "constant"}
    change = pycnn.Sequential(
        [
            layers.RandomRotation(0.3 / (2 * pi), **around),
            layers.RandomZoom(0.2, **around),
            layers.RandomShear(x_factor=0.3, **around),
            layers.RandomTranslation(0.1, 0.1, **around),
        ]
    )
    batches = Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(batch_size)
    return batches.map(lambda x, y: (change(x), y), num_parallel_calls=1).prefetch(4)


def lenet5(variant):
    """The network's layers; the original's input is the paper's, where ink is 1.175 and the background -0.1."""
    first = [layers.Rescaling(1.275, -0.1)] if variant == "original" else []
    return pycnn.Sequential([layers.Input((32, 32, 1)), *first, *LeNet5(variant).layers[1:]], name="lenet5")


def main():
    """Train, test, and write the model and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        variant={"choices": ("modern", "original"), "default": "modern", "help": "the network of today, or of 1998"},
        split={
            "choices": digits.SPLITS,
            "default": "stratified",
            "help": "test on a random quarter, or on writers that the model has not seen",
        },
        epochs={"type": int, "default": 80, "metavar": "N", "help": "passes over the training digits"},
    )
    (x_train, y_train), (x_test, y_test) = digits.load_data(arguments.split)
    epochs = arguments.epochs
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:128], y_train[:128], x_test[:32], y_test[:32], 1
    x_train, x_test, batch_size = enlarge(x_train), enlarge(x_test), 64

    model = lenet5(arguments.variant)
    model.summary()
    steps = -(-len(x_train) // batch_size) * epochs
    model.compile(
        pycnn.optimizers.Adam(pycnn.optimizers.schedules.OneCycle(4e-3, steps)),
        "sparse_categorical_crossentropy" if arguments.variant == "modern" else pycnn.losses.RubbishCrossentropy(1.0),
        metrics=["accuracy"],
    )
    history = model.fit(
        training_data(x_train, y_train, batch_size),
        epochs=epochs,
        validation_data=(x_test, y_test),
        validation_batch_size=len(x_test),
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)

    predictions = model.predict(x_test, verbose=0)
    if arguments.variant == "original":
        predictions = pycnn.ops.softmax(predictions).numpy()  # of minus distances: probabilities, for the picture
    path = arguments.output / "lenet5.pycnn"
    model.save(path)
    c3 = model.get_layer("c3")
    filters = (c3.kernel if arguments.variant == "modern" else c3.dense_kernel()).numpy()
    pictures = {
        "lenet5_curves.png": visualize.plot_history(history),
        "lenet5_filters_c1.png": visualize.plot_filters(model, "c1"),
        "lenet5_filters_c3.png": visualize.plot_filters(filters, title="c3: 16 filters 5 x 5 x 6"),
        "lenet5_feature_maps.png": visualize.plot_feature_maps(model, x_test[0], ["c1", "s2", "c3", "s4"]),
        "lenet5_mistakes.png": visualize.plot_predictions(x_test, predictions, y_test, only_wrong=True),
    }
    report([path, *write(pictures, arguments.output)])
    print(f"waited for data: {history.data_share:.1%} of the training time")
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
