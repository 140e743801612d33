"""The peers of ``nets``: the networks in PyTorch, with torchvision's and timm's names of the weights."""

import torch
from torch import nn


def ResNet50(classes=1000):
    """ResNet-50 as in torchvision: stride in the 3 x 3 convolutions."""
    return ResNet((3, 4, 6, 3), classes)


def SEResNet50(classes=1000):
    """SE-ResNet-50 as in timm (seresnet50)."""
    return ResNet((3, 4, 6, 3), classes, reduction=16)


def VGG16(classes=1000):
    """VGG-16 as in torchvision."""
    return VGG((2, 2, 3, 3, 3), classes)


class ResNet(nn.Module):
    """He et al. 2016, with a squeeze-and-excitation in each block if there is a ``reduction``."""

    def __init__(self, blocks, classes, reduction=None):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, count in enumerate(blocks):
            width, layer = 64 * 2**stage, []
            for i in range(count):
                layer.append(Bottleneck(channels, width, 2 if stage and not i else 1, reduction))
                channels = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut."""

    def __init__(self, channels, width, stride, reduction):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.se = SqueezeExcite(4 * width, reduction) if reduction else nn.Identity()
        self.downsample = None
        if stride > 1 or channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.se(self.bn3(self.conv3(y)))
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
    """Simonyan and Zisserman 2015."""

    def __init__(self, convolutions, classes):
        super().__init__()
        parts, channels = [], 3
        for width, count in zip((64, 128, 256, 512, 512), convolutions, strict=True):
            for _ in range(count):
                parts += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
