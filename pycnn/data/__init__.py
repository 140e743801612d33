"""Input pipelines: data that threads read, batch and augment while the model trains, under ``tf.data``'s names.

dataset.py  Dataset: from_tensor_slices, from_generator, map, batch, shuffle, prefetch and the others
sources.py  where elements come from, and what all stages of a data set have in common
stages.py   map, batch, unbatch, prefetch, cache
order.py    shuffle, repeat, take, skip, filter, zip
"""

from pycnn.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]
