"""How good sentences are, and where they stand. On the host, whatever the backend.

meteor.py   meteor: words and stems in the same order          bleu.py      bleu: short sequences of words
cider.py    cider: sequences of words that say much            sentences.py  what these have in common
dense.py    average precision of boxes with sentences

Sentences are compared by their words, as ``pycnn.captioning.tokenize`` gives them.
"""

from pycnn.captioning.metrics.bleu import Bleu, bleu
from pycnn.captioning.metrics.cider import cider
from pycnn.captioning.metrics.dense import (
    DenseCaptioningAveragePrecision,
    dense_captioning_average_precision,
    exact_caption_average_precision,
)
from pycnn.captioning.metrics.meteor import meteor

__all__ = [
    "Bleu",
    "DenseCaptioningAveragePrecision",
    "bleu",
    "cider",
    "dense_captioning_average_precision",
    "exact_caption_average_precision",
    "meteor",
]
