"""Networks in PyTorch, with the names of torchvision and timm: what pycnn is timed against, and tested with."""

import torch
from torch import nn
from torch.nn.functional import local_response_norm, max_pool2d, relu6


def ResNet18(classes=1000):
    """As in torchvision."""
    return ResNet((2, 2, 2, 2), classes, basic=True)


def ResNet50(classes=1000):
    """As in torchvision: stride in the 3 x 3 convolutions."""
    return ResNet((3, 4, 6, 3), classes)


def SEResNet50(classes=1000):
    """As in timm (seresnet50)."""
    return ResNet((3, 4, 6, 3), classes, reduction=16)


def VGG16(classes=1000, size=224):
    """As in torchvision."""
    return VGG((2, 2, 3, 3, 3), classes, size)


def VGG19(classes=1000, size=224):
    """As in torchvision."""
    return VGG((2, 2, 4, 4, 4), classes, size)


class ResNet(nn.Module):
    """He et al. 2016, of blocks of three convolutions or ``basic`` ones of two, with squeeze-and-excitation or not."""

    def __init__(self, blocks, classes, basic=False, reduction=None):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        channels, expansion = 64, 1 if basic else 4
        for stage, count in enumerate(blocks):
            width, layer = 64 * 2**stage, []
            for i in range(count):
                layer.append(Block(channels, width, expansion, 2 if stage and not i else 1, reduction))
                channels = expansion * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = max_pool2d(self.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Block(nn.Module):
    """Convolutions 3 x 3 and 3 x 3, or 1 x 1, 3 x 3 and 1 x 1, beside a shortcut."""

    def __init__(self, channels, width, expansion, stride, reduction):
        super().__init__()
        out = expansion * width
        sizes, strides = ((3, 3), (stride, 1)) if expansion == 1 else ((1, 3, 1), (1, stride, 1))
        widths = (channels, *[width] * (len(sizes) - 1), out)
        for i, (size, step) in enumerate(zip(sizes, strides, strict=True)):
            setattr(self, f"conv{i + 1}", nn.Conv2d(widths[i], widths[i + 1], size, step, size // 2, bias=False))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(widths[i + 1]))
        self.relu = nn.ReLU(inplace=True)
        self.se = SqueezeExcite(out, reduction) if reduction else nn.Identity()
        self.downsample, self.depth = None, len(sizes)
        if stride > 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.depth == 3:
            y = self.bn3(self.conv3(self.relu(y)))
        y = self.se(y)
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class SqueezeExcite(nn.Module):
    """Hu et al. 2018."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return x * self.fc2(self.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class VGG(nn.Module):
    """Simonyan and Zisserman 2015, for images of ``size`` pixels."""

    def __init__(self, convolutions, classes, size):
        super().__init__()
        parts, channels = [], 3
        for width, count in zip((64, 128, 256, 512, 512), convolutions, strict=True):
            for _ in range(count):
                parts += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(
            nn.Linear(512 * (size // 32) ** 2, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class MobileNet(nn.Module):
    """Howard et al. 2017, as timm's mobilenetv1_100, of any width, with ``multiplier`` filters for each channel."""

    def __init__(self, classes=1000, width=1, multiplier=1):
        super().__init__()
        stages, channels = [], int(32 * width)
        self.conv_stem, self.bn1 = nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels)
        for stage, (count, filters) in enumerate([(1, 64), (2, 128), (2, 256), (6, 512), (2, 1024)]):
            stack = []
            for i in range(count):
                stack.append(Separable(channels, int(filters * width), multiplier, 2 if stage and i == 0 else 1))
                channels = int(filters * width)
            stages.append(nn.Sequential(*stack))
        self.blocks = nn.Sequential(*stages)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.blocks(relu6(self.bn1(self.conv_stem(x))))
        return self.classifier(x.mean((2, 3)))


class Separable(nn.Module):
    """A convolution of each channel by itself, then one across channels."""

    def __init__(self, channels, filters, multiplier, stride):
        super().__init__()
        middle = channels * multiplier
        self.conv_dw = nn.Conv2d(channels, middle, 3, stride, 1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv_pw = nn.Conv2d(middle, filters, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)

    def forward(self, x):
        return relu6(self.bn2(self.conv_pw(relu6(self.bn1(self.conv_dw(x))))))


class GoogLeNet(nn.Module):
    """Szegedy et al. 2015, table 1, without auxiliary outputs."""

    MODULES = (  # 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool; None: a pooling between
        (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None,
        (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128), None,
        (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
    )  # fmt: skip

    def __init__(self, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
        self.reduce, self.conv2 = nn.Conv2d(64, 64, 1), nn.Conv2d(64, 192, 3, padding=1)
        body, channels = [], 192
        for sizes in self.MODULES:
            if sizes is None:
                body.append(nn.MaxPool2d(3, 2, ceil_mode=True))
                continue
            body.append(Inception(channels, *sizes))
            channels = sizes[0] + sizes[2] + sizes[4] + sizes[5]
        self.body, self.fc = nn.Sequential(*body), nn.Linear(channels, classes)

    def forward(self, x):
        x = max_pool2d(self.conv1(x).relu_(), 3, 2, ceil_mode=True)
        x = self.conv2(self.reduce(local_response_norm(x, 5)).relu_()).relu_()
        x = max_pool2d(local_response_norm(x, 5), 3, 2, ceil_mode=True)
        return self.fc(nn.functional.dropout(self.body(x).mean((2, 3)), 0.4, self.training))


class Inception(nn.Module):
    """Four branches side by side."""

    def __init__(self, channels, one, reduce3, three, reduce5, five, pool):
        super().__init__()
        self.one = nn.Conv2d(channels, one, 1)
        self.reduce3, self.three = nn.Conv2d(channels, reduce3, 1), nn.Conv2d(reduce3, three, 3, padding=1)
        self.reduce5, self.five = nn.Conv2d(channels, reduce5, 1), nn.Conv2d(reduce5, five, 5, padding=2)
        self.pool = nn.Conv2d(channels, pool, 1)

    def forward(self, x):
        branches = (
            self.one(x),
            self.three(self.reduce3(x).relu_()),
            self.five(self.reduce5(x).relu_()),
            self.pool(max_pool2d(x, 3, 1, 1)),
        )
        return torch.cat([branch.relu_() for branch in branches], 1)
