"""Sentences and what they should be, as words; and the short sequences in them."""

from collections import Counter

from pycnn.captioning.vocabulary import tokenize


def sentence_words(references, captions):
    """Check references and captions, and part them into words.

    Parameters
    ----------
    references : sequence of (str or sequence of str)
        For each caption one or more sentences that are right.
    captions : sequence of str

    Returns
    -------
    references : list of lists of lists of str
    captions : list of lists of str

    Raises
    ------
    ValueError
        If there are no references for a caption, or not as many as captions.
    """
    for name, sentences in (("references", references), ("captions", captions)):
        if isinstance(sentences, str):
            raise TypeError(f"{name} must be a sequence of sentences. Received: {name}={sentences!r}")
    references = [[group] if isinstance(group, str) else list(group) for group in references]
    captions = list(captions)
    if len(references) != len(captions):
        raise ValueError(
            "references must have one or more sentences for each caption. "
            f"Received: {len(references)} references, {len(captions)} captions"
        )
    for i, group in enumerate(references):
        if not group:
            raise ValueError(f"Each caption must have a reference. Received: references[{i}]=[]")
    return [[tokenize(sentence) for sentence in group] for group in references], list(map(tokenize, captions))


def word_sequences(words, longest=4):
    """Return how often each sequence of 1 to ``longest`` words occurs, a Counter of tuples.

    Examples
    --------
    >>> word_sequences(["a", "red", "a"], 2)
    Counter({('a',): 2, ('red',): 1, ('a', 'red'): 1, ('red', 'a'): 1})
    """
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(words) - length + 1)
    )
