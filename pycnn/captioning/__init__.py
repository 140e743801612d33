"""Captioning: what is in an image, or in each of its regions, in words.

records.py     DescribedRegions, DescribedImages: what every model, metric and reader here speaks in
vocabulary.py  sentences as numbers and back
datasets/      pictures with sentences about their regions
metrics/       METEOR, BLEU, CIDEr, and average precision of boxes with sentences

Boxes are those of ``pycnn.detection``: x1, y1, x2, y2 in pixels, edges and not centres.
"""

from pycnn.captioning.metrics import (
    bleu,
    cider,
    dense_captioning_average_precision,
    exact_caption_average_precision,
    meteor,
)
from pycnn.captioning.records import DescribedImages, DescribedRegions
from pycnn.captioning.vocabulary import Vocabulary, tokenize

__all__ = [
    "DescribedImages",
    "DescribedRegions",
    "Vocabulary",
    "bleu",
    "cider",
    "dense_captioning_average_precision",
    "exact_caption_average_precision",
    "meteor",
    "tokenize",
]
