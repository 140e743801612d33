"""Conv2D and Conv2DTranspose."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

import pycnn
from pycnn import layers
from pycnn.backend.geometry import TotalPadding

CONV = [
    ({"kernel_size": 3}, (4, 3)),
    ({"kernel_size": (2, 3), "strides": (2, 1), "padding": "same"}, (3, 5)),
    ({"kernel_size": 2, "padding": ((1, 0), (0, 2)), "activation": "tanh"}, (6, 6)),
    ({"kernel_size": 2, "dilation_rate": 2, "strides": 2, "use_bias": False}, (2, 2)),
    ({"kernel_size": 3, "groups": 2, "padding": TotalPadding(1, 2), "activation": "sigmoid"}, (5, 5)),
    ({"kernel_size": 3, "padding": 1, "activation": "elu"}, (6, 5)),
    ({"kernel_size": 2, "padding": "same_lower", "data_format": "channels_first"}, (6, 5)),
]


def image(data_format=None, batch=2, height=6, width=5, channels=2):
    x = normal((batch, height, width, channels))
    return x.transpose(0, 3, 1, 2) if data_format == "channels_first" else x


@pytest.mark.parametrize(("arguments", "size"), CONV)
def test_conv2d(backend, arguments, size, tmp_path):
    first = arguments.get("data_format") == "channels_first"
    shape = (2, 4, *size) if first else (2, *size, 4)
    run_layer_test(
        functools.partial(layers.Conv2D, 4, **arguments), image(arguments.get("data_format")), shape, tmp_path
    )


TRANSPOSE = [
    ({"kernel_size": 2, "strides": 2}, (12, 10)),
    ({"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}, (12, 10)),
    ({"kernel_size": 3, "strides": 2, "padding": 1, "output_padding": 1}, (12, 10)),
    ({"kernel_size": 2, "dilation_rate": 2, "use_bias": False}, (8, 7)),
    ({"kernel_size": 2, "groups": 2, "data_format": "channels_first"}, (7, 6)),
]


@pytest.mark.parametrize(("arguments", "size"), TRANSPOSE)
def test_conv2d_transpose(backend, arguments, size, tmp_path):
    first = arguments.get("data_format") == "channels_first"
    shape = (2, 4, *size) if first else (2, *size, 4)
    x = image(arguments.get("data_format")) / 3
    run_layer_test(functools.partial(layers.Conv2DTranspose, 4, **arguments), x, shape, tmp_path)


@pytest.mark.parametrize("strides", [1, 2, (3, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv2d_against_pytorch(backend, strides, dilation, groups):
    torch = peer("torch")
    x = image(height=9, width=8, channels=4)
    theirs = torch.nn.Conv2d(4, 6, (3, 2), strides, (2, 1), dilation, groups, dtype=torch.float64)
    ours = layers.Conv2D(6, (3, 2), strides, (2, 1), dilation_rate=dilation, groups=groups, dtype="float64")
    ours.build((None, 9, 8, 4))
    ours.set_weights([theirs.weight.detach().numpy().transpose(2, 3, 1, 0), theirs.bias.detach().numpy()])
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy()
    assert_close(ours(x).numpy(), expected.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(("strides", "output_padding"), [(1, 0), (2, 1), ((3, 2), (2, 0))])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv2d_transpose_against_pytorch(backend, strides, output_padding, groups):
    torch = peer("torch")
    x = image(height=5, width=4, channels=4)
    theirs = torch.nn.ConvTranspose2d(4, 6, 3, strides, 1, output_padding, groups, dtype=torch.float64)
    ours = layers.Conv2DTranspose(6, 3, strides, 1, output_padding, groups=groups, dtype="float64")
    ours.build((None, 5, 4, 4))
    kernel = theirs.weight.detach().numpy()  # (in, out/groups, h, w)
    ours.set_weights([kernel.transpose(2, 3, 1, 0), theirs.bias.detach().numpy()])
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy()
    assert_close(ours(x).numpy(), expected.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("make", [layers.Conv2D, layers.Conv2DTranspose])
def test_channels_first_gives_the_same(backend, make):
    last, first = make(3, 3, 2, "same"), make(3, 3, 2, "same", data_format="channels_first")
    x = image()
    y = last(x)
    first.build((None, 2, 6, 5))
    first.set_weights(last.get_weights())
    np.testing.assert_array_equal(first(x.transpose(0, 3, 1, 2)).numpy(), y.numpy().transpose(0, 3, 1, 2))


def test_the_layout_of_the_configuration_is_the_default():
    pycnn.config.set_image_data_format("channels_first")
    assert layers.Conv2D(3, 3).compute_output_shape((None, 1, 8, 8)) == (None, 3, 6, 6)


@pytest.mark.parametrize("make", [layers.Conv2D, layers.Conv2DTranspose])
def test_sizes_that_are_not_known_stay_so(make):
    assert make(3, 3, padding="same").compute_output_shape((None, None, 8, 2)) == (None, None, 8, 3)


def test_parameters_of_lenet5():
    layer = layers.Conv2D(16, 5)
    layer.build((None, 14, 14, 6))
    assert layer.count_params() == 5 * 5 * 6 * 16 + 16
    assert list(layer.named_weights()) == ["kernel", "bias"]


def test_total_padding_survives_a_file():
    layer = layers.Conv2D(1, 4, padding=TotalPadding(3, 3))
    assert layer.get_config()["padding"] == {"total": [3, 3]}
    assert isinstance(layers.Conv2D.from_config(layer.get_config()).padding, TotalPadding)


def test_an_activation_of_ones_own(backend):
    layer = layers.Conv2D(1, 1, kernel_initializer="ones", activation=lambda x: x * 3)
    assert layer(np.ones((1, 1, 1, 2))).item() == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0, "kernel_size": 3}, "filters must be an integer >= 1. Received: filters=0"),
        ({"filters": 4, "kernel_size": 0}, "kernel_size must be an integer >= 1 or a pair.*kernel_size=0"),
        ({"filters": 4, "kernel_size": (3, 3, 3)}, "kernel_size must be an integer"),
        ({"filters": 4, "kernel_size": 3, "strides": 0}, "strides must be an integer"),
        ({"filters": 4, "kernel_size": 3, "groups": 3}, "groups must divide the number of filters.*groups=3"),
        ({"filters": 4, "kernel_size": 3, "data_format": "NCHW"}, "data_format must be.*'NCHW'"),
        ({"filters": 4, "kernel_size": 3, "activation": 3}, "activation must be"),
    ],
)
@pytest.mark.parametrize("make", [layers.Conv2D, layers.Conv2DTranspose])
def test_wrong_arguments(make, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(**arguments)


def test_groups_that_do_not_divide_the_channels():
    with pytest.raises(ValueError, match=r"Layer 'c' \(Conv2D\): groups must divide the input channels.*groups=2"):
        layers.Conv2D(4, 3, groups=2, name="c").build((None, 8, 8, 3))


def test_a_window_that_does_not_fit(backend):
    message = r"Layer 'c' \(Conv2D\): Computed output size would be zero or negative.*input size i=\(4, 9\).*f=\(5, 5\)"
    with pytest.raises(ValueError, match=message):
        layers.Conv2D(4, 5, name="c")(np.zeros((1, 4, 9, 1)))
    with pytest.raises(ValueError, match=message):
        pycnn.Sequential([pycnn.Input((4, 9, 1)), layers.Conv2D(4, 5, name="c")])


def test_unknown_padding(backend):
    with pytest.raises(ValueError, match=r"Layer 'c' \(Conv2D\): padding must be 'valid', 'same'.*padding='smae'"):
        layers.Conv2D(4, 3, padding="smae", name="c")(np.zeros((1, 8, 8, 1)))


def test_unknown_channels():
    with pytest.raises(ValueError, match="The number of channels must be known"):
        layers.Conv2D(4, 3).build((None, 8, 8, None))
