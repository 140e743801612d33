"""Captioning: what is in an image, or in each of its regions, in words.

records.py     DescribedRegions, DescribedImages: what every model, metric and reader here speaks in
vocabulary.py  sentences as numbers and back
datasets/      pictures with sentences about their regions
metrics/       METEOR, BLEU, CIDEr, and average precision of boxes with sentences
language.py    the net that says a vector in words, greedily or by beam search
captioner.py   Captioner: what both systems have in common; image_captioner.py   ImageCaptioner, of whole images
densecap.py    DenseCap, of regions that it finds itself
anchors.py     its boxes     recognition.py   its head     learning.py   a step of its training

Boxes are those of ``pycnn.detection``: x1, y1, x2, y2 in pixels, edges and not centres.
"""

from pycnn.captioning.captioner import Captioner
from pycnn.captioning.densecap import DenseCap
from pycnn.captioning.image_captioner import ImageCaptioner
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
    "Captioner",
    "DenseCap",
    "DescribedImages",
    "DescribedRegions",
    "ImageCaptioner",
    "Vocabulary",
    "bleu",
    "cider",
    "dense_captioning_average_precision",
    "exact_caption_average_precision",
    "meteor",
    "tokenize",
]
