"""METEOR as its first paper weighs it, with exact words and Porter's stems, without a dictionary and without Java."""

from collections import Counter
from functools import cache

import numpy as np

from pycnn.captioning.metrics.sentences import sentence_words

_BEAM = 1000
"""Alignments that are followed at once; with less than about eight equal words in a sentence, all there are."""


def meteor(references, captions):
    """Return how well sentences agree with references, by this package's own METEOR: exact words and Porter's stems.

    A word of the caption goes with one of the reference that is the same or has the same stem. Of all alignments of as
    many words as can be, one counts that falls into the fewest chunks: words that are neighbours, in this order, in
    both. With the matches' share P of the caption and R of the reference::

        F = 10 P R / (R + 9 P)        penalty = 0.5 (chunks / matches)^3        score = F (1 - penalty)

    It is not METEOR 1.5, which is a Java program, takes synonyms and paraphrases from dictionaries, and has other
    weights; numbers of the two must not be compared. A sentence of n words that agrees wholly has 1 - 0.5 / n^3.

    Parameters
    ----------
    references : sequence of (str or sequence of str)
        For each caption one or more sentences that are right; the one counts that gives the best score.
    captions : sequence of str

    Returns
    -------
    numpy.ndarray
        (N,) float64, in 0..1: of each caption.

    Raises
    ------
    ImportError
        If snowballstemmer, which has Porter's stems, is missing.
    ValueError
        If there are no references for a caption, or not as many as captions.

    References
    ----------
    Banerjee and Lavie, "METEOR: An Automatic Metric for MT Evaluation", 2005; the alignment over all kinds of matches
    at once, with fewest chunks, is that of Denkowski and Lavie, "Meteor 1.3", 2011, section 2.

    Examples
    --------
    >>> meteor(["a small red seven", ["the dog", "two dogs ran"]], ["a red seven", "dog runs"]).round(4)
    array([0.6553, 0.25  ])
    """
    scores, known = [], {}
    for group, caption in zip(*sentence_words(references, captions), strict=True):
        key = tuple(caption), tuple(map(tuple, group))
        if key not in known:
            known[key] = max(_score(reference, caption) for reference in group)
        scores.append(known[key])
    return np.array(scores, np.float64)


def _score(reference, caption):
    matches, chunks = alignment(stems(reference), stems(caption))
    if not matches:
        return 0.0
    precision, recall = matches / len(caption), matches / len(reference)
    mean = 10 * precision * recall / (recall + 9 * precision)
    return mean * (1 - 0.5 * (chunks / matches) ** 3)


def stems(words):
    """Return Porter's stems of words; two words that are the same have the same stem.

    Examples
    --------
    >>> stems(["running", "runs", "relational"])
    ['run', 'run', 'relat']
    """
    stem = _stemmer()
    return [stem(word) for word in words]


@cache
def _stemmer():
    try:
        import snowballstemmer
    except ImportError as error:
        raise ImportError('METEOR needs snowballstemmer: pip install "pycnn[captioning]".') from error
    return cache(snowballstemmer.stemmer("porter").stemWord)


def alignment(reference, caption):
    """Return how many words of two sentences can go together, and into how few chunks they then fall.

    Examples
    --------
    >>> alignment(["a", "b", "c", "a", "d"], ["a", "d", "b", "c", "e"])  # a d, b c
    (4, 2)
    """
    places = {}
    for place, word in enumerate(reference):
        places.setdefault(word, []).append(place)
    counts = Counter(caption)
    spare = {word: count - len(places.get(word, ())) for word, count in counts.items()}  # as many go with nothing
    matches = sum(min(count, len(places.get(word, ()))) for word, count in counts.items())
    # what is taken of the reference, where the last word went, what went with nothing -> chunks
    states = {(0, None, ()): 0}
    for word in caption:
        following = {}
        for (taken, last, left), chunks in states.items():
            options = []
            if left.count(word) < spare[word]:
                options.append(((taken, None, (*left, word) if word in places else left), chunks))
            for place in places.get(word, ()):
                if not taken >> place & 1:
                    new = last is None or place != last + 1
                    options.append(((taken | 1 << place, place, left), chunks + new))
            for state, number in options:
                if number < following.get(state, number + 1):
                    following[state] = number
        if len(following) > _BEAM:
            following = dict(sorted(following.items(), key=lambda item: item[1])[:_BEAM])
        states = following
    return matches, min(states.values())
