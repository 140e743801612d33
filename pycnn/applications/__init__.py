"""The classic networks for images, under the names of ``keras.applications``, with random weights or those of a file.

resnet.py   ResNet18 ... ResNet152, and for small images ResNet20, SEResNet20, CifarResNet
base.py     what all share: arguments, head, weights         preprocess.py     pixels as weights expect them
torch_weights.py   load_torch_weights: weights of PyTorch models
resnet50.py, imagenet_utils.py   Keras's names of modules

No weights are distributed with pycnn: ``weights=None`` is the default, and ``weights=PATH`` reads a file.
"""

from pycnn.applications import imagenet_utils, resnet, resnet50
from pycnn.applications.resnet import (
    CifarResNet,
    ResNet18,
    ResNet20,
    ResNet34,
    ResNet50,
    ResNet101,
    ResNet152,
    SEResNet20,
)
from pycnn.applications.torch_weights import load_torch_weights

__all__ = [
    "CifarResNet",
    "ResNet18",
    "ResNet20",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "SEResNet20",
    "imagenet_utils",
    "load_torch_weights",
    "resnet",
    "resnet50",
]
