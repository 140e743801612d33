"""Multiply-adds and memory of the classic networks, as ``summary(expand=True)`` shows them, worked by hand."""

import math
import re

import numpy as np
import pytest

from pycnn import applications, layers


def totals(model):
    """Multiply-adds, and the text of the memory of outputs."""
    texts = []
    model.summary(print_fn=texts.append, expand=True)
    counted = re.search(r"Multiply-adds for one input: ([\d,]+) \(([\d.]+) ([GM])\)$", texts[0], re.MULTILINE)
    memory = re.search(r"Memory of all outputs for one input: (.*)", texts[0]).group(1)
    number = int(counted.group(1).replace(",", ""))
    assert float(counted.group(2)) == round(number / {"G": 1e9, "M": 1e6}[counted.group(3)], 2)
    return number, memory


def normalized(model):
    """Numbers that go through batch normalisation: one multiply-add each."""
    return sum(math.prod(la.output.shape[1:]) for la in model.layers if isinstance(la, layers.BatchNormalization))


@pytest.mark.usefixtures("without_numbers")
def test_vgg16():
    size, channels, convs, outputs = 224, 3, 0, 0
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            convs += size * size * filters * 9 * channels
            outputs += size * size * filters
            channels = filters
        size //= 2
        outputs += size * size * filters
    dense = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert (convs, dense) == (15_346_630_656, 123_633_664)
    number, memory = totals(applications.VGG16())
    assert number == convs + dense == 15_470_264_320
    outputs += 7 * 7 * 512 + 4096 + 4096 + 1000  # flat, and the dense layers
    assert memory == f"{outputs * 4 / 2**20:.2f} MB"


@pytest.mark.usefixtures("without_numbers")
def test_alexnet():
    """Of the three convolutions in two groups each filter sees half of the channels."""
    expected = 55**2 * 96 * 11**2 * 3 + 27**2 * 256 * 5**2 * 48
    expected += 13**2 * (384 * 9 * 256 + 384 * 9 * 192 + 256 * 9 * 192)
    expected += 6 * 6 * 256 * 4096 + 4096 * 4096 + 4096 * 1000
    assert totals(applications.AlexNet())[0] == expected


def resnet50_by_hand(stride_in_1x1):
    """Convolutions and the dense layer; and SqueezeExcite: two dense layers, and each number of a block scaled."""
    total, squeezing, size, channels = 112 * 112 * 64 * 7 * 7 * 3, 0, 56, 64
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512))):
        for block in range(blocks):
            out = size // 2 if stage and not block else size
            first = out if stride_in_1x1 else size
            total += first**2 * channels * width + out**2 * 9 * width * width + out**2 * width * 4 * width
            total += out**2 * channels * 4 * width if not block else 0  # the shortcut
            size, channels = out, 4 * width
            squeezing += 2 * channels * (channels // 16) + out**2 * channels
    return total + 2048 * 1000, squeezing


@pytest.mark.usefixtures("without_numbers")
def test_resnet50():
    expected, _ = resnet50_by_hand(False)
    assert expected == 4_089_184_256  # 4.09, the figure for the stride in the 3 x 3
    model = applications.ResNet50()
    assert totals(model)[0] == expected + normalized(model)
    assert normalized(model) == 11_113_984  # 0.3 % more


@pytest.mark.usefixtures("without_numbers")
def test_se_resnet50():
    """Hu, Shen and Sun: 3.86 without, 3.87 with SqueezeExcite, where the stride is in the first 1 x 1."""
    expected, squeezing = resnet50_by_hand(True)
    assert round(expected / 1e9, 2) == 3.86
    assert round((expected + squeezing) / 1e9, 2) == 3.87
    model = applications.SEResNet50(stride_in_1x1=True)
    assert totals(model)[0] == expected + squeezing + normalized(model)


@pytest.mark.usefixtures("without_numbers")
def test_googlenet():
    """The table of the paper: for each module its maps, its input, and its filters."""
    modules = """
        28 192   64  96 128 16  32  32    28 256  128 128 192 32  96  64    14 480  192  96 208 16  48  64
        14 512  160 112 224 24  64  64    14 512  128 128 256 24  64  64    14 512  112 144 288 32  64  64
        14 528  256 160 320 32 128 128     7 832  256 160 320 32 128 128     7 832  384 192 384 48 128 128
    """
    modules = np.reshape([int(number) for number in modules.split()], (9, 8)).tolist()
    expected = 112**2 * 64 * 49 * 3 + 56**2 * 64 * 64 + 56**2 * 192 * 9 * 64 + 1024 * 1000
    for size, channels, one, reduce3, three, reduce5, five, project in modules:
        expected += size**2 * (
            channels * (one + reduce3 + reduce5 + project) + 9 * reduce3 * three + 25 * reduce5 * five
        )
    assert expected == 1_582_671_872  # 1.583
    assert totals(applications.GoogLeNet())[0] == expected
    assert totals(applications.GoogLeNet(auxiliary=True))[0] == expected  # the auxiliary outputs are those of training
