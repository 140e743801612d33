"""Layers: Keras's names, arguments and defaults. Where pycnn differs, the layer's docstring says so.

base.py     Layer: building, calling, configuration   weights.py     weights and sublayers of a layer
connected.py  its calls in a graph                     masks.py       masks that layers hand on
spec.py     what an input must look like              image.py       channels_first at the edge of image layers
symbolic.py shapes that go through without data       structure.py, naming.py, random.py   helpers of base and others

input.py      Input                      dense.py          Dense        conv.py         Conv2D, Conv2DTranspose
pool.py       pooling                    reshape.py        Flatten ...  depthwise.py    DepthwiseConv2D, SeparableConv2D
norm.py       BatchNormalization         samplenorm.py     LayerNormalization and others of each sample
datanorm.py   Normalization              dropout.py        Dropout      noise.py        GaussianNoise and others
activation.py Activation, ReLU, ...      embedding.py      Embedding    wrapper.py      TimeDistributed
recurrent.py  RNN, LSTM, GRU ...         cells.py          a step, with its weights     bidirectional.py
merge.py      Add, Concatenate, Dot ...  local.py          LocallyConnected2D
plain.py      Identity, Masking, ...     squeeze_excite.py SqueezeExcite
roi.py        RoIPooling2D, RoIAlign2D
sparse_conv.py SparseConv2D, by a table  subsampling.py   Subsampling2D  radial.py    RadialBasis
pad.py        ZeroPadding2D, Cropping2D  resize.py         Resizing, UpSampling2D, Rescaling
sequence.py   MaxPooling1D and others    sequence_conv.py, sequence_depthwise.py  Conv1D ...
augment.py    RandomRotation and other affine maps
augment_place.py CenterCrop, RandomCrop, RandomFlip     augment_colour.py RandomContrast, RandomBrightness, ...
"""

from pycnn import registration as _registration
from pycnn.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from pycnn.layers.augment import RandomRotation, RandomShear, RandomTranslation, RandomZoom
from pycnn.layers.augment_colour import RandomBrightness, RandomContrast, RandomErasing, RandomGrayscale, RandomInvert
from pycnn.layers.augment_place import CenterCrop, RandomCrop, RandomFlip
from pycnn.layers.base import Layer
from pycnn.layers.base import serialize_layer as serialize
from pycnn.layers.bidirectional import Bidirectional
from pycnn.layers.cells import GRUCell, LSTMCell, SimpleRNNCell
from pycnn.layers.conv import Conv2D, Conv2DTranspose
from pycnn.layers.datanorm import Normalization
from pycnn.layers.dense import Dense
from pycnn.layers.depthwise import DepthwiseConv2D, SeparableConv2D
from pycnn.layers.dropout import Dropout
from pycnn.layers.embedding import Embedding
from pycnn.layers.input import Input, InputLayer
from pycnn.layers.local import LocallyConnected2D
from pycnn.layers.merge import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from pycnn.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D
from pycnn.layers.norm import BatchNormalization
from pycnn.layers.pad import Cropping2D, ZeroPadding2D
from pycnn.layers.plain import ActivityRegularization, CategoryEncoding, Identity, Lambda, Masking, RepeatVector
from pycnn.layers.pool import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    GlobalMinPooling2D,
    MaxPooling2D,
    MinPooling2D,
)
from pycnn.layers.radial import RadialBasis
from pycnn.layers.recurrent import GRU, LSTM, RNN, SimpleRNN
from pycnn.layers.reshape import Flatten, Permute, Reshape
from pycnn.layers.resize import Rescaling, Resizing, UpSampling2D
from pycnn.layers.roi import RoIAlign2D, RoIPooling2D
from pycnn.layers.samplenorm import (
    GroupNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pycnn.layers.sequence import (
    AveragePooling1D,
    Cropping1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    UpSampling1D,
    ZeroPadding1D,
)
from pycnn.layers.sequence_conv import Conv1D, Conv1DTranspose
from pycnn.layers.sequence_depthwise import DepthwiseConv1D, SeparableConv1D
from pycnn.layers.sparse_conv import SparseConv2D
from pycnn.layers.spec import InputSpec
from pycnn.layers.squeeze_excite import SqueezeExcite
from pycnn.layers.subsampling import Subsampling2D
from pycnn.layers.wrapper import TimeDistributed, Wrapper
from pycnn.registration import deserialize

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMinPool2D = GlobalMinPooling2D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MinPool2D = MinPooling2D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMinPool2D",
    "GlobalMinPooling2D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "MinPool2D",
    "MinPooling2D",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RadialBasis",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGrayscale",
    "RandomInvert",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "RoIAlign2D",
    "RoIPooling2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SparseConv2D",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SqueezeExcite",
    "Subsampling2D",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

__getattr__ = _registration.hint_names(__name__, __all__)
