"""Receptive fields: published figures, and what an impulse, or a gradient, in each row really reaches."""

from fractions import Fraction

import numpy as np
import pytest

import pycnn
from pycnn import applications, layers, ops
from pycnn.analysis import reach, receptive_field
from pycnn.analysis.receptive_field import LayerField


def stack(shape, *parts):
    return pycnn.Sequential([layers.Input(shape), *parts])


def conv(size, stride=1, padding=0, **options):
    return layers.Conv2D(2, size, strides=stride, padding=padding, **options)


def pool(size, stride, padding=0):
    return layers.MaxPooling2D(size, stride, padding)


# Published figures


def sizes(fields):
    return [field.size[0] for field in fields]


@pytest.mark.usefixtures("without_numbers")
def test_alexnet():
    fields = receptive_field(applications.AlexNet(include_top=False, input_shape=(227, 227, 3)))
    found = [(fields[name].size[0], fields[name].jump[0]) for name in ("conv1", "pool1", "conv2", "pool2", "pool5")]
    assert found == [(11, 4), (19, 8), (51, 8), (67, 16), (195, 32)]


def test_zf_rpn():
    """Zeiler and Fergus's net to conv5, and the 3 x 3 convolution of the region proposal network."""
    model = stack(
        (224, 224, 3), conv(7, 2, 3), pool(3, 2, 1), conv(5, 2, 2), pool(3, 2, 1), conv(3, 1, 1), conv(3, 1, 1),
        conv(3, 1, 1), conv(3, 1, 1),
    )  # fmt: skip
    fields = receptive_field(model)
    assert fields[-1].size == (171, 171)
    assert fields[-1].jump == (16, 16)


@pytest.mark.parametrize("variant", ["original", "modern"])
def test_lenet5(variant):
    lenet = applications.LeNet5(variant, include_top=False)
    model = pycnn.Model(lenet.input, conv(5)(lenet.output))  # C5, which is dense in the modern variant
    fields = receptive_field(model)
    assert sizes(fields) == [5, 6, 14, 16, 32]
    assert [field.jump for field in fields] == [(1, 1), (2, 2), (2, 2), (4, 4), (4, 4)]
    assert [field.centre for field in fields] == [(2, 2), (2.5, 2.5), (6.5, 6.5), (7.5, 7.5), (15.5, 15.5)]
    assert fields[4].box(0, 0) == (0, 0, 32, 32)
    fields = receptive_field(applications.LeNet5(variant))
    assert [(field.size, field.whole) for field in fields][-3:] == [((32, 32), True)] * 3
    if variant == "original":
        assert (fields["c5"].size, fields["c5"].whole) == ((32, 32), False)


@pytest.mark.usefixtures("without_numbers")
def test_vgg16_and_its_rpn():
    vgg = applications.VGG16(weights=None, include_top=False, input_shape=(None, None, 3))
    fields = receptive_field(vgg, (224, 224, 3))
    assert sizes(fields)[-18:] == [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]
    conv5 = vgg.get_layer("block5_conv3").output
    rpn = pycnn.Model(vgg.input, layers.Conv2D(8, 3, padding="same", name="rpn")(conv5))
    fields = receptive_field(rpn, (600, 1000, 3))
    assert (fields["block5_conv3"].size, fields["block5_conv3"].jump) == ((196, 196), (16, 16))
    assert (fields["rpn"].size, fields["rpn"].jump) == ((228, 228), (16, 16))


@pytest.mark.usefixtures("without_numbers")
def test_resnet50():
    """Its blocks have one window each, 3 x 3, behind the stride; Araujo, Norris and Sim give 483 pixels."""
    size, jump = 7 + 2 * 2, 4
    for blocks, stride in ((3, 1), (4, 2), (6, 2), (3, 2)):
        jump *= stride
        size += blocks * 2 * jump
    assert (size, jump) == (483, 32)
    model = applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3), stride_in_1x1=True)
    field = receptive_field(model)[-1]
    assert (field.size, field.jump) == ((483, 483), (32, 32))


@pytest.mark.usefixtures("without_numbers")
def test_googlenet():
    """907 behind the average pooling: the largest of the paths, those through the 5 x 5 convolutions."""
    model = applications.GoogLeNet(include_top=False, input_shape=(224, 224, 3))
    pool = layers.AveragePooling2D(7, 1, name="pool")(model.output)
    fields = receptive_field(pycnn.Model(model.input, pool))
    assert (fields["pool"].size, fields["pool"].jump) == ((907, 907), (32, 32))
    assert fields["pool"].output_shape == (1, 1, 1024)
    names = [field.name for field in receptive_field(applications.GoogLeNet(auxiliary=True))]
    assert names == [field.name for field in receptive_field(applications.GoogLeNet())]


def test_small_resnet():
    """By hand: 1 + 2 * (1 and 6 windows at jump 1, then one at 1 and five at 2, then one at 2 and five at 4)."""
    field = receptive_field(applications.ResNet20())["conv4_block3_out"]
    assert (field.size, field.jump) == ((81, 81), (4, 4))
    assert 1 + 2 * (1 + 6 + 1 + 5 * 2 + 2 + 5 * 4) == 81


# What an impulse reaches


def lit(model, shape, axis):
    """(places, pixels) -> whether a place of the output along ``axis`` changes with a pixel of the input.

    All weights are 1 and no number is negative, so no two influences cancel. The reference backend is exact: where
    nothing reaches there is 0, which fast algorithms of convolution round.
    """
    for weight in model.weights:
        weight.assign(np.full(weight.shape, weight.name not in ("bias", "moving_mean")))
    images = np.zeros((shape[axis], *shape), np.float32)
    for pixel, image in enumerate(np.moveaxis(images, axis + 1, 1)):
        image[pixel] = 1
    with pycnn.backend_scope("reference"):
        outputs = model.predict(images, verbose=0)
    others = tuple(i for i in range(1, outputs.ndim) if i != axis + 1)
    return (outputs != 0).any(axis=others).T


def assert_reaches(model, shape, channels_first=False):
    """The last layer's field is what impulses reach; where padding takes part, no impulse reaches beyond it."""
    field = receptive_field(model, shape)[-1]
    assert not field.whole
    for number, axis in enumerate(field.axes):
        reached = lit(model, shape, number + channels_first)
        assert len(reached) == axis.count
        assert len(axis.clean), "the test needs a larger input"
        for place, row in enumerate(reached):
            seen, window = np.flatnonzero(row), axis.at(place)
            if place in axis.clean:
                assert (window is None) == (not seen.size)
                assert window is None or (seen.min(), seen.max()) == window, f"place {place} of axis {number}"
            else:
                assert not seen.size or window[0] <= seen.min() <= seen.max() <= window[1]
        widest = max(row.nonzero()[0].max() - row.argmax() + 1 for row in reached if row.any())
        assert widest == field.size[number]


SHAPE = (30, 33, 2)
STACKS = [
    [conv(3)],
    [conv((3, 4), (2, 1), ((1, 0), (2, 3)))],
    [conv(3, dilation_rate=3), conv(2, 2, dilation_rate=2, padding="same")],
    [conv(4, 3, "same"), conv(3, 2, "same_lower"), conv(2, padding="full")],
    [conv(5, 2, "same", groups=2), pool(3, 2), conv(3)],
    [layers.MaxPooling2D(2, 3, padding=1, ceil_mode=True), conv(2)],
    [layers.AveragePooling2D(3, 2, "same"), layers.DepthwiseConv2D(3), layers.SeparableConv2D(3, (2, 3))],
    [layers.LocallyConnected2D(2, 3, strides=2, padding="same"), conv(2)],
    [layers.ZeroPadding2D(((1, 2), (0, 3))), conv(3), layers.Cropping2D(((2, 0), (1, 3))), conv(3, 2)],
    [layers.Conv2DTranspose(2, 3, strides=2)],
    [conv(3, 2), layers.Conv2DTranspose(2, 3, strides=2, padding="same"), conv(2)],
    [conv(3, 3), layers.Conv2DTranspose(2, 2, strides=3), layers.Conv2DTranspose(2, 4, strides=2, padding=1)],
    [layers.Conv2DTranspose(2, 3, strides=3, dilation_rate=2, padding=1, output_padding=1)],
    [pool(2, 2), layers.UpSampling2D((2, 3)), conv(3)],
    [pool(3, 3), layers.UpSampling2D(2), conv(3, 3)],
    [layers.CenterCrop(20, 21), conv(3)],
    [layers.SparseConv2D([[0, 1], [1]], 3, strides=2), layers.Subsampling2D((2, 3)), conv(2)],
    [layers.BatchNormalization(center=False), layers.ReLU(), layers.Dropout(0.5), layers.Dense(3), conv(2)],
    [conv(2, 2), layers.Permute((2, 1, 3)), conv((3, 2))],
]


@pytest.mark.parametrize("parts", STACKS, ids=lambda parts: "-".join(type(part).__name__ for part in parts))
def test_impulses_reach_the_field(parts):
    if any(isinstance(part, layers.Permute) for part in parts):
        fields = receptive_field(stack(SHAPE, *parts))
        assert (fields[-1].size, fields[-1].jump) == ((2 + 2 * 2, 2 + 2), (2, 2))
        return
    assert_reaches(stack(SHAPE, *[type(part).from_config(part.get_config()) for part in parts]), SHAPE)


def test_operations():
    inputs = pycnn.Input(SHAPE)
    x = conv(3, 2)(inputs)
    x = ops.max_pool2d(ops.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0))), (3, 2), 1)
    x = ops.conv2d(x, np.ones((2, 3, 2, 2)), strides=(1, 2), dilation_rate=2, padding="same")
    y = ops.concatenate([x, ops.sqrt(ops.avg_pool2d(x, 3, 1, 1) * 2)], -1)[:, 1:-1:2, 2:]
    model = pycnn.Model(inputs, y + ops.sum(y, -1, keepdims=True))
    assert_reaches(model, SHAPE)
    assert receptive_field(model)[-1].jump == (4, 4)
    for whole in (
        ops.mean(y, (1, 2), keepdims=True),
        ops.reshape(y, (-1, *y.shape[:0:-1])),
        y * ops.global_avg_pool2d(y, True),
    ):
        assert receptive_field(pycnn.Model(inputs, whole))[-1].whole
    for unknown in (ops.flip(y, 1), y[:, ::-1], y[:, 3]):
        with pytest.raises(ValueError, match=r"What the operation (flip|getitem) sees .* Received: operation '"):
            receptive_field(pycnn.Model(inputs, unknown))


def test_channels_first():
    first = {"data_format": "channels_first"}
    model = stack((2, 30, 33), conv((3, 4), 2, **first), layers.MaxPooling2D(2, **first))
    assert_reaches(model, (2, 30, 33), channels_first=True)


SEQUENCES = [
    [layers.Conv1D(3, 3, strides=2, padding="causal", dilation_rate=2), layers.MaxPooling1D(3, 2)],
    [layers.ZeroPadding1D((2, 1)), layers.SeparableConv1D(3, 3), layers.Cropping1D((1, 2))],
    [layers.AveragePooling1D(2), layers.Conv1DTranspose(3, 4, strides=3, padding="same", output_padding=1)],
    [layers.DepthwiseConv1D(3, strides=2), layers.UpSampling1D(3), layers.Conv1D(2, 2, padding="same")],
]


@pytest.mark.parametrize("parts", SEQUENCES)
def test_sequences(parts):
    assert_reaches(stack((40, 2), *parts), (40, 2))


def test_branches():
    """An inception block on strided maps: the union of its paths, of which one sees to one side only."""
    inputs = pycnn.Input(SHAPE)
    x = conv(3, 2)(inputs)
    shifted = layers.ZeroPadding2D(((4, 0), (0, 4)))(conv(5)(x))
    wide = conv(3, padding="same", dilation_rate=2)(x)
    y = layers.Concatenate()([x, wide, pool(3, 1, "same")(x)])
    model = pycnn.Model(inputs, layers.Add()([y, layers.Concatenate()([shifted] * 3)]) + y)
    field = receptive_field(model)[-1]
    assert_reaches(model, SHAPE)
    assert field.size == (3 + 2 * (4 + 2), 3 + 2 * (2 + 4))  # from 4 rows before to 2 behind
    assert field.jump == (2, 2)


def test_gradients_reach_the_field():
    """Of a linear network with random weights: every pixel of the field has a gradient, and none outside."""
    shape = (25, 27, 2)
    model = stack(
        shape, conv(3, 2), layers.AveragePooling2D(2, 1), layers.Conv2DTranspose(2, 4, strides=2), conv(2, padding=1)
    )
    field = receptive_field(model)[-1]
    for row, column in ((7, 8), (8, 8), (9, 11)):
        x = pycnn.Tensor(np.random.default_rng(0).normal(size=shape)[None], requires_grad=True)
        with pycnn.backend_scope("reference"):  # exact zeros outside
            model(x)[0, row, column].sum().backward()
        rows, columns = (np.flatnonzero(x.grad.numpy()[0].any(axis=(a, 2))) for a in (1, 0))
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert field.box(row, column) == found


# Fractions, wholes, and what is not known


def test_fractional_jumps():
    fields = receptive_field(stack((9, 9, 1), layers.UpSampling2D((2, 3)), conv(3, (3, 1))))
    assert fields[0].jump == (Fraction(1, 2), Fraction(1, 3))
    assert fields[1].jump == (Fraction(3, 2), Fraction(1, 3))
    assert fields[0].size == (1, 1)
    assert fields[1].size == (2, 2)
    assert "   3/2 x 1/3   " in str(fields)


@pytest.mark.parametrize(("interpolation", "size"), [("nearest", 1), ("bilinear", 2)])
def test_resizing(interpolation, size):
    fields = receptive_field(stack((12, 9, 1), layers.Resizing(8, 6, interpolation), conv(2)))
    assert fields[0].jump == (Fraction(3, 2), Fraction(3, 2))
    assert fields[0].size == (size, size)
    assert_reaches(stack((12, 9, 1), layers.Resizing(8, 6, interpolation), conv(2)), (12, 9, 1))
    padded = stack((12, 8, 1), layers.Resizing(6, 6, "nearest", pad_to_aspect_ratio=True))
    assert receptive_field(padded)[-1].box(3, 1) == (1, 7, 2, 8)  # column 1 is 3 of the padded, 3 - 2 of the input
    cropped = stack((12, 8, 1), layers.Resizing(4, 4, "nearest", crop_to_aspect_ratio=True))
    assert receptive_field(cropped)[-1].box(0, 0) == (1, 3, 2, 4)


@pytest.mark.parametrize(
    "part",
    [
        layers.Flatten(),
        layers.GlobalAveragePooling2D(),
        layers.GlobalMaxPooling2D(keepdims=True),
        layers.SqueezeExcite(1),
        layers.LayerNormalization(axis=(1, 2, 3)),
        layers.GroupNormalization(1),
        layers.Reshape((64, 2)),
        layers.Softmax(axis=1),
    ],
)
def test_the_whole_input(part):
    fields = receptive_field(stack((10, 10, 2), conv(3), part, layers.Dense(3)))
    assert fields[-2].whole
    assert fields[-1].whole
    assert fields[-1].size == (10, 10)
    assert fields[-1].centre is None
    assert "whole input" in str(fields).splitlines()[-1]
    with pytest.raises(ValueError, match="not whole have a box"):
        fields[-1].box(0, 0)


def test_squeeze_and_excitation_by_hand_keeps_the_jump():
    inputs = pycnn.Input((16, 16, 4))
    x = conv(3, 2)(inputs)
    weights = layers.Dense(2, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    field = receptive_field(pycnn.Model(inputs, conv(3)(layers.Multiply()([x, weights]))))[-1]
    assert field.whole
    assert field.jump == (2, 2)
    assert not receptive_field(stack((10, 10, 2), layers.LayerNormalization(), layers.Softmax()))[-1].whole


def test_one_place_that_is_added_everywhere():
    """A crop of one pixel, added to each pixel: there is no window that moves along any more."""
    inputs = pycnn.Input((9, 9, 2))
    x = conv(3, padding="same")(inputs)
    middle = layers.Cropping2D(4)(x)
    assert not receptive_field(pycnn.Model(inputs, middle))[-1].whole
    assert receptive_field(pycnn.Model(inputs, layers.Add()([x, middle])))[-1].whole


def test_branches_of_different_strides_are_refused():
    inputs = pycnn.Input((9, 9, 2))
    branches = [conv(3, 2)(inputs), layers.Cropping2D(((2, 3), (2, 3)))(inputs)]
    with pytest.raises(ValueError, match=r"same stride.*Received: jumps of 2 x 2 and 1 x 1 pixels at layer 'add"):
        receptive_field(pycnn.Model(inputs, layers.Add()(branches)))


def test_layers_of_ones_own():
    class Twice(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    class Thrice(Twice):
        pass

    model = stack((9, 9, 2), conv(3), Thrice(name="own"))
    with pytest.raises(ValueError, match=r"not known.*Received: layer 'own' of type Thrice"):
        receptive_field(model)
    reach.register(Twice, lambda layer, places: places.field)
    assert receptive_field(model)["own"].size == (3, 3)


def test_every_layer_of_images_is_known():
    """Whoever adds a layer says what it sees."""
    kinds = [kind for kind in vars(layers).values() if isinstance(kind, type) and issubclass(kind, layers.Layer)]
    unknown = {kind.__name__ for kind in kinds if reach.dispatch(kind) is reach.dispatch(layers.Layer)}
    abstract, no_images = {"Layer", "Wrapper"}, {"CategoryEncoding", "Dot", "Embedding", "TimeDistributed"}
    sequences = {"Bidirectional", "GRU", "GRUCell", "LSTM", "LSTMCell", "Masking", "RNN", "SimpleRNN", "SimpleRNNCell"}
    regions = {"RoIAlign2D", "RoIPooling2D"}  # which see what boxes say
    assert unknown == abstract | no_images | sequences | regions | {"Lambda"}


def test_several_inputs_nested_models_and_layers_used_twice():
    a, b = pycnn.Input((9, 9, 2), name="a"), pycnn.Input((9, 9, 2), name="b")
    shared = layers.Conv2D(2, 3, padding="same", name="shared")
    inner = pycnn.Sequential([conv(3, padding="same"), layers.ReLU(name="last")], name="inner")
    model = pycnn.Model([a, b], layers.Add(name="sum")([shared(shared(a)), inner(b)]))
    fields = receptive_field(model, input_name="a")
    assert [(field.name, field.size) for field in fields] == [
        ("shared", (3, 3)), ("shared[1]", (5, 5)), ("sum", (5, 5))
    ]  # fmt: skip
    assert receptive_field(model, input_name="b")["last"].size == (3, 3)
    with pytest.raises(ValueError, match="input_name must be one of a, b. Received: input_name=None"):
        receptive_field(model)


def test_nothing_is_built_or_run():
    class Own(layers.Conv2D):
        def call(self, inputs):
            raise AssertionError("it was run")

    model = pycnn.Sequential([Own(3, 3), Own(3, 3)])
    fields = receptive_field(model, (9, 9, 1))
    assert sizes(fields) == [3, 5]
    assert not model.built
    assert isinstance(fields[0], LayerField)
    assert (
        repr(fields)
        == f"<ReceptiveFields of 2 layers; the last: <LayerField of {model.layers[1].name}: 5 x 5, jump 1>>"
    )


def test_bad_arguments():
    with pytest.raises(TypeError, match="model must be a layer or a model. Received: model='net'"):
        receptive_field("net")
    with pytest.raises(ValueError, match="input_shape is needed"):
        receptive_field(pycnn.Sequential([conv(3)]))
    with pytest.raises(ValueError, match="must be images or sequences"):
        receptive_field(layers.Dense(3), (5,))
    first = layers.Conv2D(2, 3, data_format="channels_first", name="other")
    with pytest.raises(
        ValueError, match=r"same data_format. Received: 'channels_last' at .*'channels_first' at 'other'"
    ):
        receptive_field(pycnn.Sequential([pool(1, 1), first]), (9, 9, 9))
    with pytest.raises(KeyError, match="no such layer; there are: "):
        receptive_field(conv(3), (9, 9, 9))["c"]
