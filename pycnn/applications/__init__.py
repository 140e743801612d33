"""The classic networks for images, under the names of ``keras.applications``, with random weights or those of a file.

lenet.py       LeNet5: the original, the modern and Caffe's
alexnet.py     AlexNet
googlenet.py   GoogLeNet, MiniGoogLeNet
vgg.py         VGG16, VGG19
resnet.py      ResNet18 ... ResNet152, and for small images ResNet20, SEResNet20, CifarResNet
senet.py       SEResNet50, SEResNet101, SEResNet152, SEInception
mobilenet.py   MobileNet, the first version

base.py        what all share: arguments, head, weights     preprocess.py   pixels as weights expect them
torch_weights.py   load_torch_weights: weights of PyTorch models
vgg16.py, vgg19.py, resnet50.py, imagenet_utils.py   Keras's names of modules

No weights are distributed with pycnn: ``weights=None`` is the default, and ``weights=PATH`` reads a file.
"""

from pycnn import registration as _registration
from pycnn.applications import (
    alexnet,
    googlenet,
    imagenet_utils,
    lenet,
    mobilenet,
    resnet,
    resnet50,
    senet,
    vgg,
    vgg16,
    vgg19,
)
from pycnn.applications.alexnet import AlexNet
from pycnn.applications.googlenet import GoogLeNet, MiniGoogLeNet
from pycnn.applications.lenet import LeNet5
from pycnn.applications.mobilenet import MobileNet
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
from pycnn.applications.senet import SEInception, SEResNet50, SEResNet101, SEResNet152
from pycnn.applications.torch_weights import load_torch_weights
from pycnn.applications.vgg import VGG16, VGG19

__all__ = [
    "VGG16",
    "VGG19",
    "AlexNet",
    "CifarResNet",
    "GoogLeNet",
    "LeNet5",
    "MiniGoogLeNet",
    "MobileNet",
    "ResNet18",
    "ResNet20",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "SEInception",
    "SEResNet20",
    "SEResNet50",
    "SEResNet101",
    "SEResNet152",
    "alexnet",
    "googlenet",
    "imagenet_utils",
    "lenet",
    "load_torch_weights",
    "mobilenet",
    "resnet",
    "resnet50",
    "senet",
    "vgg",
    "vgg16",
    "vgg19",
]

__getattr__ = _registration.hint_names(__name__, __all__)
