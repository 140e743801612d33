"""Real data. Each data set is a module with ``load_data()``, as in Keras.

digits.py          1797 handwritten digits, 8 x 8, that scikit-learn carries: no download
digit_crops.py     those on pieces of photographs, 32 x 32 x 3: no download
mnist.py           70,000 handwritten digits, 28 x 28      fashion_mnist.py  70,000 clothes, 28 x 28
cifar10.py         60,000 photographs, ten classes         cifar100.py       60,000 photographs, 100 classes
cifar.py           what those two share                    download.py       get_file, into a cache
photographs.py     those that come inside of packages      digit_ink.py      digits drawn into pictures
"""

import importlib

__all__ = ["cifar10", "cifar100", "digit_crops", "digits", "fashion_mnist", "mnist", "photographs"]


def __getattr__(name):
    if name in __all__:  # most scripts need one of them, or none
        return importlib.import_module(f"pycnn.datasets.{name}")
    raise AttributeError(f"module 'pycnn.datasets' has no attribute {name!r}; there are: {', '.join(__all__)}")


def __dir__():
    return __all__
