"""The networks: parameters, maps of every stage, multiply-adds; their arguments; that they learn and are saved."""

import math

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import applications, config, layers, models
from pycnn.applications import torch_weights

COUNTS = {
    "ResNet18": 11_689_512,
    "ResNet34": 21_797_672,
    "ResNet50": 25_557_032,
    "ResNet101": 44_549_160,
    "ResNet152": 60_192_808,
    "SEResNet50": 25_557_032 + 2_530_992,
    "SEResNet101": 49_326_872,
    "SEResNet152": 66_821_848,
    # GoogLeNet, and of each module's C channels C*(C/16) + C/16 + (C/16)*C + C: 256 480 512 512 512 528 832 832 1024
    "SEInception": 6_998_552 + 8_464 + 29_310 + 3 * 33_312 + 35_409 + 2 * 87_412 + 132_160,
    "VGG16": 138_357_544,
    "VGG19": 143_667_240,
    "MobileNet": 4_231_976,
    # 3*16*9 | 6 * 16*16*9 | 16*32*9 + 5 * 32*32*9 | 32*64*9 + 5 * 64*64*9 | gammas and betas | 64*10 + 10
    "ResNet20": 432 + 13_824 + 50_688 + 202_752 + 2 * (7 * 16 + 6 * 32 + 6 * 64) + 650,
    # and 3 blocks a stage with C*(C/16) + C/16 + (C/16)*C + C
    "SEResNet20": 269_722 + 3 * (49 + 162 + 580),
}
MULTIPLY_ADDS = {  # He et al., table 1; Howard et al., table 4; VGG: 9 * sum of h*w*in*out, and 7*7*512*4096 + ...
    "ResNet18": (1.8e9, 0.02),
    "ResNet34": (3.6e9, 0.02),
    "ResNet101": (7.6e9, 0.04),  # the paper's have the stride in the first 1 x 1 convolution
    "ResNet152": (11.3e9, 0.03),
    "MobileNet": (569e6, 0.001),
    "VGG16": (15_470_264_320, 0),
    "SEInception": (1.583e9, 0.0005),  # GoogLeNet's, of which the dense layers of SqueezeExcite take half a million
}
RESNET_STAGES = {
    "conv1_conv": 112,
    "conv1_relu": 112,
    "pool1_pool": 56,
    "conv2_block1_out": 56,
    "conv2_block{}_out": 56,
    "conv3_block{}_out": 28,
    "conv4_block{}_out": 14,
    "conv5_block{}_out": 7,
}


def trainable(model):
    return sum(w.size for w in model.trainable_weights)


def multiply_adds(model):
    """Of all convolutions and dense layers: each number of the output takes one for each number of its window."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            total += math.prod(layer.output.shape[1:]) * math.prod(layer.kernel.shape[:-1])
        elif isinstance(layer, layers.DepthwiseConv2D):
            total += math.prod(layer.output.shape[1:]) * math.prod(layer.kernel.shape[:2])
    return total


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.parametrize("name", COUNTS)
def test_parameters_and_multiply_adds(name):
    model = getattr(applications, name)()
    assert trainable(model) == COUNTS[name]
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    assert model.count_params() == COUNTS[name] + sum(2 * norm.gamma.size for norm in norms)
    assert model.output_shape == (None, 10 if name.endswith("20") else 1000)
    assert model.get_layer("predictions").activation == "softmax"
    assert {norm.epsilon for norm in norms} <= {1e-5}
    assert {norm.momentum for norm in norms} <= {0.9}
    if name in MULTIPLY_ADDS:
        expected, tolerance = MULTIPLY_ADDS[name]
        assert multiply_adds(model) == pytest.approx(expected, rel=tolerance, abs=0)


@pytest.mark.usefixtures("without_numbers")
def test_where_the_stride_is():
    """He's net with the stride in the first 1 x 1 has 3.86 billion multiply-adds, that of PyTorch 4.09."""
    later, paper = applications.ResNet50(), applications.ResNet50(stride_in_1x1=True)
    assert round(multiply_adds(later) / 1e9, 2) == 4.09
    assert round(multiply_adds(paper) / 1e9, 2) == 3.86
    assert trainable(later) == trainable(paper)
    for model, strides in ((later, [(1, 1), (2, 2), (1, 1)]), (paper, [(2, 2), (1, 1), (1, 1)])):
        assert [model.get_layer(f"conv4_block1_{i}_conv").strides for i in (1, 2, 3)] == strides
        assert model.get_layer("conv4_block1_0_conv").strides == (2, 2)
        assert model.get_layer("conv4_block2_2_conv").strides == (1, 1)


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.parametrize(
    ("name", "blocks", "widening"),
    [
        ("ResNet18", (2, 2, 2, 2), 1),
        ("ResNet34", (3, 4, 6, 3), 1),
        ("ResNet50", (3, 4, 6, 3), 4),
        ("SEResNet50", (3, 4, 6, 3), 4),
        ("ResNet101", (3, 4, 23, 3), 4),
        ("ResNet152", (3, 8, 36, 3), 4),
    ],
)
def test_stages_of_resnets(name, blocks, widening):
    model = getattr(applications, name)()
    for layer, size in RESNET_STAGES.items():
        stage = int(layer[4]) if layer.startswith("conv") else 1
        channels = 64 if stage == 1 else 64 * 2 ** (stage - 2) * widening
        layer = layer.format(blocks[stage - 2])
        assert model.get_layer(layer).output.shape == (None, size, size, channels), layer
    last = [la.name for la in model.layers if la.name.endswith("_out")]
    assert len(last) == sum(blocks)
    assert len([la for la in model.layers if isinstance(la, layers.SqueezeExcite)]) == name.startswith("SE") * 16
    projected = [la.name for la in model.layers if la.name.endswith("_0_conv")]
    assert projected == [f"conv{i}_block1_0_conv" for i in (range(2, 6) if widening == 4 else range(3, 6))]


@pytest.mark.usefixtures("without_numbers")
def test_stages_of_the_others():
    sizes = {
        "VGG16": {f"block{i + 1}_pool": (112 >> i, min(64 << i, 512)) for i in range(5)},
        "VGG19": {"block5_conv4": (14, 512), "block5_pool": (7, 512)},
        "MobileNet": {
            "conv1_relu": (112, 32),
            "conv_pw_1_relu": (112, 64),
            "conv_dw_2_relu": (56, 64),
            "conv_pw_3_relu": (56, 128),
            "conv_pw_5_relu": (28, 256),
            "conv_pw_6_relu": (14, 512),
            "conv_pw_11_relu": (14, 512),
            "conv_pw_13_relu": (7, 1024),
        },
        "SEInception": {
            "conv1": (112, 64),
            "pool1": (56, 64),
            "norm2": (56, 192),
            "pool2": (28, 192),
            "inception_3a_se": (28, 256),
            "inception_3b_output": (28, 480),
            "inception_4a_output": (14, 512),
            "inception_4b_se": (14, 512),
            "inception_4c_se": (14, 512),
            "inception_4d_se": (14, 528),
            "inception_4e_se": (14, 832),
            "pool4": (7, 832),
            "inception_5a_se": (7, 832),
            "inception_5b_se": (7, 1024),
        },
        "ResNet20": {"conv1_relu": (32, 16), "conv2_block3_out": (32, 16), "conv3_block1_out": (16, 32)}
        | {"conv4_block3_out": (8, 64)},
    }
    for name, stages in sizes.items():
        model = getattr(applications, name)()
        for layer, (size, channels) in stages.items():
            assert model.get_layer(layer).output.shape == (None, size, size, channels), (name, layer)
    vgg = applications.VGG16(dropout=0.5)
    assert [la.name for la in vgg.layers[-6:]] == ["flatten", "fc1", "dropout1", "fc2", "dropout2", "predictions"]
    assert vgg.get_layer("fc1").kernel.shape == (7 * 7 * 512, 4096)


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.parametrize(("name", "channels"), [("ResNet18", 512), ("VGG16", 512), ("MobileNet", 1024)])
def test_without_top(name, channels):
    make = getattr(applications, name)
    maps = make(include_top=False)
    assert maps.input_shape == (None, None, None, 3)
    assert maps.output_shape == (None, None, None, channels)
    assert "predictions" not in [layer.name for layer in maps.layers]
    assert make(include_top=False, input_shape=(96, 64, 1)).output_shape == (None, 3, 2, channels)
    assert make(include_top=False, pooling="avg").output_shape == (None, channels)
    x = np.abs(normal((1, 64, 64, 3), np.float32))
    wide = make(include_top=False, pooling="max", input_shape=(64, 64, 3), name="net")
    assert wide.name == "net"
    wide.set_weights([np.abs(normal(w.shape, np.float32)) * 0.05 for w in wide.weights])
    same = make(include_top=False)
    same.set_weights(wide.get_weights())
    assert_close(wide.predict(x, verbose=0), same.predict(x, verbose=0).max(axis=(1, 2)))


@pytest.mark.usefixtures("without_numbers")
def test_sizes_and_classes():
    model = applications.MobileNet(input_shape=(128, 96, 1), classes=7, classifier_activation=None)
    assert (model.name, model.output_shape) == ("mobilenet_1.00_128", (None, 7))
    assert model.get_layer("predictions").activation is None
    assert model.get_layer("conv_pw_13").output.shape == (None, 4, 3, 1024)
    assert applications.MobileNet(include_top=False, alpha=0.5).name == "mobilenet_0.50"
    assert applications.VGG16(input_shape=(64, 32, 3), classes=2).get_layer("fc1").kernel.shape == (1024, 4096)
    assert applications.ResNet18(input_shape=(None, None, 3)).output_shape == (None, 1000)  # Keras wants a size here
    assert applications.CifarResNet(110).name == "resnet110"
    assert trainable(applications.CifarResNet(110)) == 1_727_962
    assert applications.CifarResNet(32, reduction=8).name == "seresnet32"


def test_input_tensor():
    images = pycnn.Input((64, 64, 3))
    model = applications.ResNet18(include_top=False, input_tensor=layers.Rescaling(1 / 255)(images))
    assert model.input is images
    assert [type(layer) for layer in model.layers[:2]] == [layers.InputLayer, layers.Rescaling]
    assert model.output_shape == (None, 2, 2, 512)
    one, other = pycnn.Input((64, 64, 3)), pycnn.Input((64, 64, 3))
    both = applications.ResNet18(include_top=False, input_tensor=one + other)
    assert both.inputs == [one, other]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ResNet18", {}),
        ("SEResNet50", {}),
        ("VGG16", {"dropout": 0.5}),
        ("MobileNet", {"alpha": 0.5, "depth_multiplier": 2}),
        ("SEResNet20", {}),
        ("SEInception", {}),
    ],
)
def test_training_step(name, arguments):
    model = getattr(applications, name)(input_shape=(32, 32, 3), classes=3, **arguments)
    model.compile(pycnn.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = [np.array(w.numpy()) for w in model.weights]
    loss = model.train_on_batch(normal((4, 32, 32, 3), np.float32), np.array([0, 1, 2, 1]))
    assert np.isfinite(loss)
    for old, new in zip(before, model.weights, strict=True):
        assert (old != new.numpy()).any(), new.name
    scores = model.predict(normal((2, 32, 32, 3), np.float32), verbose=0)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_small_resnet_shortcut_is_every_other_pixel_and_zeros():
    model = applications.ResNet20(include_top=False)
    inputs, outputs = (model.get_layer(f"conv3_block1_{end}").input for end in ("0_pool", "add"))
    x = normal((1, 32, 32, 16), np.float32)
    shortcut = pycnn.Model(inputs, outputs[0])(x).numpy()
    np.testing.assert_array_equal(shortcut[..., :16], x[:, ::2, ::2])
    np.testing.assert_array_equal(shortcut[..., 16:], 0)


def test_saving(tmp_path):
    x = normal((2, 32, 32, 3), np.float32)
    model = applications.SEResNet20()
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.pycnn")
    np.testing.assert_array_equal(models.load_model(tmp_path / "model.pycnn").predict(x, verbose=0), expected)
    for name in ("net.pycnn", "net.safetensors"):
        model.save_weights(tmp_path / name)
        again = applications.SEResNet20(weights=tmp_path / name)
        np.testing.assert_array_equal(again.predict(x, verbose=0), expected)
    with pytest.raises(ValueError, match="has other layers or weights"):
        applications.ResNet20(weights=tmp_path / "net.pycnn")


def test_weights_in_keras_format(tmp_path):
    peer("h5py")
    x = normal((2, 32, 32, 3), np.float32)
    model = applications.ResNet20()
    model.save_weights(tmp_path / "net.weights.h5")
    again = applications.ResNet20(weights=tmp_path / "net.weights.h5")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "imagenet"}, "pycnn distributes no weights.*Received: weights='imagenet'"),
        ({"weights": 3}, "weights must be None or the name of a file. Received: weights=3"),
        ({"include_top": 1}, "include_top must be True or False. Received: include_top=1"),
        ({"pooling": "mean"}, "pooling must be None, 'avg' or 'max'. Received: pooling='mean'"),
        ({"classes": 0}, "classes must be an integer >= 1. Received: classes=0"),
        ({"input_shape": (224, 224)}, r"must be \(height, width, channels\), without.*input_shape=\(224, 224\)"),
        ({"input_shape": (None, None, None)}, r"channels known. Received: input_shape=\(None, None, None\)"),
        ({"input_shape": (224, 31, 3)}, r"at least 32 x 32 pixels. Received: input_shape=\(224, 31, 3\)"),
        ({"input_shape": (None, None, 3)}, "must be known for the fully connected.*input_shape="),
        ({"input_tensor": np.zeros((1, 224, 224, 3))}, "input_tensor must be symbolic.*Received: input_tensor="),
        ({"input_tensor": pycnn.Input((64, 64, 3)), "input_shape": (32, 32, 3)}, "input_shape must be that of"),
        ({"input_tensor": pycnn.Input((64,))}, r"Images must be \(height, width, channels\).*input_shape=\(64,\)"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        applications.VGG16(**arguments)


def test_other_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no such file. Received: filepath='missing'"):
        applications.ResNet50(weights="missing")
    (tmp_path / "net.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ValueError, match="not of safetensors.*state_dict.*Received: filepath="):
        applications.MobileNet(alpha=0.25, weights=tmp_path / "net.pth")
    with pytest.raises(ValueError, match="depth must be 6n . 2.*Received: depth=18"):
        applications.CifarResNet(18)
    with pytest.raises(ValueError, match="alpha must be a positive number. Received: alpha=0"):
        applications.MobileNet(alpha=0)
    config.set_image_data_format("channels_first")
    with pytest.raises(ValueError, match=r"\(height, width, channels\).*Received: image_data_format='channels_first'"):
        applications.ResNet50()


def test_names_of_modules():
    assert applications.vgg16.VGG16 is applications.VGG16
    assert applications.vgg19.VGG19 is applications.VGG19
    assert applications.resnet50.ResNet50 is applications.ResNet50
    assert applications.load_torch_weights is torch_weights.load_torch_weights
    assert all(hasattr(applications, name) for name in applications.__all__)
    with pytest.raises(AttributeError, match="has no 'ResNet51'. Did you mean .*ResNet50"):
        _ = applications.ResNet51
