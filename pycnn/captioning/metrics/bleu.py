"""BLEU of many sentences together, for sequences of one to four words."""

import math
from typing import NamedTuple

import numpy as np

from pycnn.captioning.metrics.sentences import sentence_words, word_sequences

_LONGEST = 4
SMOOTHING = ("exp", "floor", "add-k", "none")


class Bleu(NamedTuple):
    """BLEU-1 to BLEU-4 and what they are made of.

    The attributes are ``scores`` (4,) float64, BLEU-1 to BLEU-4 in 0..1; ``precisions`` (4,), of sequences of 1, 2, 3
    and 4 words, smoothed; ``brevity_penalty``; and ``caption_length`` and ``reference_length`` in words.
    """

    scores: np.ndarray
    precisions: np.ndarray
    brevity_penalty: float
    caption_length: int
    reference_length: int


def bleu(references, captions, smoothing="exp", smoothing_value=None):
    """Return BLEU-1 to BLEU-4 of sentences, counted over all of them.

    Equal to sacrebleu's ``corpus_bleu`` of the same words with the same smoothing, divided by 100.

    Parameters
    ----------
    references : sequence of (str or sequence of str)
        For each caption one or more sentences that are right. The one counts for the length that is nearest to the
        caption's, the shorter one of two.
    captions : sequence of str
    smoothing : {"exp", "floor", "add-k", "none"}
        What a precision is when no sequence of a length agrees: 1/2, 1/4, ... of one match; ``smoothing_value``
        matches, 0.1 unless given; that is added to matches and total from two words on, 1 unless given; 0.
    smoothing_value : float, optional

    Returns
    -------
    Bleu

    References
    ----------
    Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002; Post, "A Call for
    Clarity in Reporting BLEU Scores", WMT 2018; Chen and Cherry, "A Systematic Comparison of Smoothing Techniques for
    Sentence-Level BLEU", WMT 2014.

    Examples
    --------
    >>> bleu([["a small red seven", "a red seven"]], ["a small seven"]).precisions.round(4)
    array([1. , 0.5, 0.5, 0. ])
    """
    if smoothing not in SMOOTHING:
        raise ValueError(f"smoothing must be one of {', '.join(SMOOTHING)}. Received: smoothing={smoothing!r}")
    references, captions = sentence_words(references, captions)
    hits, totals = np.zeros((2, _LONGEST))
    lengths = np.zeros(2, int)
    for group, caption in zip(references, captions, strict=True):
        lengths += len(caption), min((abs(len(words) - len(caption)), len(words)) for words in group)[1]
        allowed = word_sequences(group[0], _LONGEST)
        for words in group[1:]:
            allowed |= word_sequences(words, _LONGEST)  # the larger number of each
        for sequence, count in word_sequences(caption, _LONGEST).items():
            totals[len(sequence) - 1] += count
            hits[len(sequence) - 1] += min(count, allowed[sequence])
    penalty = math.exp(min(0.0, 1 - lengths[1] / lengths[0])) if lengths[0] else 0.0
    precisions = _precisions(hits, totals, smoothing, smoothing_value)
    scores = np.zeros(_LONGEST)
    for n in range(1, _LONGEST + 1):
        if hits[:n].any() and precisions[:n].all():
            scores[n - 1] = penalty * math.exp(np.log(precisions[:n]).mean())
    return Bleu(scores, precisions, penalty, int(lengths[0]), int(lengths[1]))


def _precisions(hits, totals, smoothing, value):
    """Matches over totals, smoothed where there are none; 0 for lengths that no caption has."""
    if smoothing == "add-k":
        more = np.where(np.arange(_LONGEST) > 0, 1.0 if value is None else value, 0.0)
        hits, totals = hits + more, totals + more
    elif smoothing == "floor":
        hits = np.where(hits == 0, 0.1 if value is None else value, hits)
    elif smoothing == "exp":
        hits = np.where(hits == 0, 0.5 ** np.cumsum(hits == 0), hits)
    return np.divide(hits, totals, out=np.zeros(_LONGEST), where=totals > 0)
