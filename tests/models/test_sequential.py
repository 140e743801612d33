"""Sequential: building, adding, looking, and what it says of wrong inputs."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers


def lenet5(**first):
    return pycnn.Sequential(
        [
            layers.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ],
        **first,
    )


def test_with_input_it_is_built_at_once(backend):
    model = lenet5()
    assert model.built
    assert model.count_params() == 61_706
    assert model.input_shape == (None, 32, 32, 1)
    assert model.output_shape == (None, 10)
    assert [type(layer).__name__ for layer in model.layers][:2] == ["Conv2D", "AveragePooling2D"]
    y = model(np.zeros((3, 32, 32, 1))).numpy()
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)


def test_without_input_it_is_built_by_the_first_data(backend):
    model = pycnn.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    assert not model.built
    assert model.output_shape is None
    with pytest.raises(ValueError, match="has no weights to count yet"):
        model.count_params()
    assert model(np.zeros((2, 5, 5, 3))).shape == (2, 1)
    assert model.built
    assert model.count_params() == 56 + 19


def test_build_by_hand(backend):
    model = pycnn.Sequential([layers.Dense(2)])
    model.build((None, 3))
    assert model.count_params() == 8


def test_the_input_shape_may_be_an_argument_of_the_first_layer(backend):
    model = pycnn.Sequential([layers.Conv2D(2, 3, input_shape=(5, 5, 3)), layers.Flatten()])
    assert model.output_shape == (None, 18)
    model = pycnn.Sequential([layers.Dense(2, input_dim=3)])
    assert model.input_shape == (None, 3)
    again = pycnn.Sequential.from_config(model.get_config())
    assert again.input_shape == (None, 3)


def test_add_and_pop(backend):
    model = pycnn.Sequential(name="m")
    model.add(layers.Input((4,)))
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 3)
    assert len(model.weights) == 2
    assert model(np.zeros((1, 4))).shape == (1, 3)
    model.add(layers.Dense(5))
    assert model(np.zeros((1, 4))).shape == (1, 5)


def test_adding_keeps_weights(backend):
    model = pycnn.Sequential([layers.Input((4,)), layers.Dense(3)])
    kernel = model.layers[0].kernel
    model.add(layers.Dense(2))
    assert model.layers[0].kernel is kernel


def test_nested_models(backend):
    inner = pycnn.Sequential([layers.Dense(3), layers.BatchNormalization()], name="inner")
    model = pycnn.Sequential([layers.Input((4,)), inner, layers.Dense(2)])
    assert model.output_shape == (None, 2)
    assert list(model.named_weights()) == [
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential/batch_normalization/gamma",
        "sequential/batch_normalization/beta",
        "sequential/batch_normalization/moving_mean",
        "sequential/batch_normalization/moving_variance",
        "dense/kernel",
        "dense/bias",
    ]
    assert model.get_layer("inner") is inner


def test_names_of_weights_do_not_depend_on_what_was_made_before(backend):
    assert list(lenet5().named_weights()) == list(lenet5().named_weights())
    assert "conv2d_1/kernel" in lenet5().named_weights()


def test_get_layer(backend):
    model = pycnn.Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
    assert model.get_layer("b").units == 2
    assert model.get_layer(index=0).units == 3
    with pytest.raises(ValueError, match="There is no such layer; there are: a, b. Received: name='c'"):
        model.get_layer("c")
    with pytest.raises(ValueError, match="index must lie below the number of layers, 2. Received: index=2"):
        model.get_layer(index=2)
    with pytest.raises(ValueError, match="either name or index"):
        model.get_layer()


def test_channels_first_model_equals_channels_last(backend):
    """The same weights and the transposed images give the same, through Flatten and Dense."""

    def make(data_format, shape):
        return pycnn.Sequential(
            [
                layers.Input(shape),
                layers.Conv2D(3, 3, padding="same", activation="relu", data_format=data_format),
                layers.BatchNormalization(axis=1 if data_format == "channels_first" else -1),
                layers.MaxPooling2D(data_format=data_format),
                layers.Conv2DTranspose(2, 2, 2, data_format=data_format),
                layers.Flatten(data_format),
                layers.Dense(4),
            ]
        )

    last, first = make("channels_last", (6, 8, 2)), make("channels_first", (2, 6, 8))
    first.set_weights(last.get_weights())
    x = normal((3, 6, 8, 2), np.float32)
    np.testing.assert_array_equal(first(x.transpose(0, 3, 1, 2)).numpy(), last(x).numpy())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 1, 32, 32), r"the shape \(None, 32, 32, 1\).*channels_first \(NCHW\): use x.transpose\(0, 2, 3, 1\)"),
        ((2, 32), r"4 axes, the shape \(None, 32, 32, 1\).*inputs.shape=\(2, 32\)"),
        ((2, 32, 32, 3), r"size 1 on axis 3, the shape \(None, 32, 32, 1\).*inputs.shape=\(2, 32, 32, 3\)"),
        ((2, 28, 28, 1), r"size 32 on axis 1, the shape \(None, 32, 32, 1\)"),
    ],
)
def test_wrong_inputs(backend, shape, message):
    model = lenet5()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.zeros(shape), np.zeros(2, np.int64)
    for use in (lambda: model(x), lambda: model.predict(x), lambda: model.fit(x, y, verbose=0)):
        with pytest.raises(ValueError, match=rf"^Layer 'input_layer\w*' \(InputLayer\): inputs must have .*{message}"):
            use()


def test_a_last_axis_of_one_may_be_missing(backend):
    model = lenet5()
    x = normal((2, 32, 32, 1), np.float32)
    np.testing.assert_array_equal(model(x[..., 0]).numpy(), model(x).numpy())
    np.testing.assert_array_equal(model(x[..., None]).numpy(), model(x).numpy())


def test_wrong_layers():
    with pytest.raises(TypeError, match="A Sequential is made of layers. Received: layer='relu' of type str"):
        pycnn.Sequential([layers.Dense(2), "relu"])
    with pytest.raises(ValueError, match="different names. Received: name='a' twice"):
        pycnn.Sequential([layers.Dense(2, name="a"), layers.Dense(3, name="a")])
    with pytest.raises(ValueError, match="Input must come first"):
        pycnn.Sequential([layers.Dense(2), layers.Input((3,))])
    with pytest.raises(ValueError, match="There is no layer to remove"):
        pycnn.Sequential().pop()
    with pytest.raises(ValueError, match="has no layers to build"):
        pycnn.Sequential().build((None, 3))


def test_layers_that_do_not_fit_each_other_are_found_at_once(backend):
    with pytest.raises(ValueError, match=r"Layer 'second' \(Conv2D\): Computed output size would be zero or negative"):
        pycnn.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 5), layers.Conv2D(2, 5, name="second")])
