"""CIDEr-D: how much of what is said by many about an image, and of few others, a sentence says."""

import math
from collections import Counter

import numpy as np

from pycnn.captioning.metrics.sentences import sentence_words, word_sequences

_LONGEST, _SIGMA = 4, 6.0


def cider(references, captions):
    """Return the CIDEr-D of each sentence; their mean is the number that papers give.

    Sequences of one to four words count by how often they occur in a sentence and by how few images' references have
    them (tf-idf); the score is the cosine between caption and reference, in which a sequence counts no more than the
    reference has it, times exp(-(difference of lengths)^2 / 72), mean over the references and the four lengths, times
    10. Words are not stemmed. It rests on all references that are given: with those of one image alone it is 0.

    Parameters
    ----------
    references : sequence of sequences of str
        For each caption the sentences of people about this image; a single one may be a str.
    captions : sequence of str
        One for each image.

    Returns
    -------
    numpy.ndarray
        (N,) float64, in 0..10.

    References
    ----------
    Vedantam, Zitnick and Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015, sections 3 and 7;
    equal to COCO's evaluation server, which counts the images given as the collection, too.

    Examples
    --------
    >>> references = [["a red bus", "the red bus"], ["a black cat"]]
    >>> cider(references, ["a red bus", "a black cat"]).round(3)
    array([5.396, 7.5  ])
    """
    references, captions = sentence_words(references, captions)
    counts = [[word_sequences(words, _LONGEST) for words in group] for group in references]
    images = Counter(sequence for group in counts for sequence in set().union(*group))
    rarity = {sequence: math.log(len(counts) / number) for sequence, number in images.items()}
    unseen = math.log(max(len(counts), 1))
    scores = []
    for group, words in zip(counts, captions, strict=True):
        own = _weighted(word_sequences(words, _LONGEST), rarity, unseen)
        total = 0.0
        for reference in group:
            length = sum(count for sequence, count in reference.items() if len(sequence) == 1)
            distance = math.exp(-((len(words) - length) ** 2) / (2 * _SIGMA**2))
            total += distance * _cosine(own, _weighted(reference, rarity, unseen))
        scores.append(10 * total / len(group))
    return np.array(scores, np.float64)


def _weighted(counts, rarity, unseen):
    """The weight of each sequence, and the norm of those of each length."""
    weights = {sequence: count * rarity.get(sequence, unseen) for sequence, count in counts.items()}
    squares = [0.0] * _LONGEST
    for sequence, weight in weights.items():
        squares[len(sequence) - 1] += weight * weight
    return weights, [math.sqrt(square) for square in squares]


def _cosine(own, other):
    """The mean over the lengths of sequences of the cosine, in which ``own`` is at most ``other``; 0 where one is 0."""
    (weights, norms), (there, lengths) = own, other
    products = [0.0] * _LONGEST
    for sequence in (sequence for sequence in weights if sequence in there):
        products[len(sequence) - 1] += min(weights[sequence], there[sequence]) * there[sequence]
    scales = [a * b for a, b in zip(norms, lengths, strict=True)]
    return sum(p / scale for p, scale in zip(products, scales, strict=True) if scale) / _LONGEST
