"""Sentences as numbers and back: the words that a model knows, and their file."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from pycnn.backend.geometry import is_integer

PAD, START, END, UNK = range(4)
"""Tokens that are no words: what fills a row up, where a sentence starts and ends, and a word that is not known."""
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
_FORMAT, _VERSION = "pycnn vocabulary", 1


def tokenize(text):
    """Return the words of a sentence: in lower case, without punctuation, parted where there is space.

    Punctuation and symbols are dropped and not replaced, as in DenseCap's preparation of its data: "T-shirt" becomes
    "tshirt", and "man's" "mans". Letters and digits of all scripts stay.

    Examples
    --------
    >>> tokenize("The man's T-shirt, half red.")
    ['the', 'mans', 'tshirt', 'half', 'red']
    """
    text = unicodedata.normalize("NFC", text).lower()
    if not text.isascii() or not text.replace(" ", "").isalnum():
        text = "".join(letter for letter in text if unicodedata.category(letter)[0] not in "PS")
    return text.split()


class Vocabulary:
    """The words that a model knows, each with a number; and how sentences become numbers, and numbers sentences.

    The first four numbers are no words: ``PAD`` 0, ``START`` 1, ``END`` 2 and ``UNK`` 3.

    Parameters
    ----------
    words : sequence of str
        From number 4 on; each as ``tokenize`` gives it, and once.

    Attributes
    ----------
    tokens : tuple of str
        What each number stands for; ``len(vocabulary)`` is how many there are.

    Examples
    --------
    >>> vocabulary = Vocabulary.build(["A red hat.", "a blue hat", "a cat"], min_count=2)
    >>> vocabulary.tokens
    ('<pad>', '<start>', '<end>', '<unk>', 'a', 'hat')
    >>> numbers = vocabulary.encode(["a red hat", "A hat!"])
    >>> numbers
    array([[1, 4, 3, 5, 2],
           [1, 4, 5, 2, 0]])
    >>> vocabulary.decode(numbers)
    ['a <unk> hat', 'a hat']
    """

    def __init__(self, words):
        if isinstance(words, (str, bytes)):
            raise TypeError(f"words must be a sequence of words. Received: words={words!r}")
        self.tokens = (*SPECIAL, *words)
        for word in self.tokens[len(SPECIAL) :]:
            if not isinstance(word, str) or tokenize(word) != [word]:
                raise ValueError(f"words must be as tokenize gives them. Received: {word!r}")
        self._numbers = {word: number for number, word in enumerate(self.tokens)}
        if len(self._numbers) < len(self.tokens):
            ((word, _),) = Counter(self.tokens).most_common(1)
            raise ValueError(f"words must occur once. Received: {word!r} twice or more")

    @classmethod
    def build(cls, captions, min_count=1, max_size=None):
        """Make the vocabulary of sentences; their most frequent words come first, equally frequent ones by alphabet.

        Parameters
        ----------
        captions : iterable of str
        min_count : int
            Words that occur less often are left out, and become ``UNK``.
        max_size : int, optional
            The most tokens, the four special ones included.
        """
        if isinstance(captions, str):
            raise TypeError(f"captions must be a sequence of sentences. Received: captions={captions!r}")
        if not is_integer(min_count) or min_count < 1:
            raise ValueError(f"min_count must be an integer >= 1. Received: min_count={min_count!r}")
        if max_size is not None and (not is_integer(max_size) or max_size < len(SPECIAL)):
            raise ValueError(f"max_size must be an integer >= {len(SPECIAL)}. Received: max_size={max_size!r}")
        counts = Counter(word for caption in captions for word in tokenize(caption))
        words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
        return cls(words if max_size is None else words[: max_size - len(SPECIAL)])

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, word):
        return self._numbers.get(word, 0) >= len(SPECIAL)

    def __eq__(self, other):
        return self.tokens == other.tokens if isinstance(other, Vocabulary) else NotImplemented

    def __hash__(self):
        return hash(self.tokens)

    def __repr__(self):
        return f"Vocabulary({len(self)} tokens)"

    def encode(self, captions, max_length=None):
        """Return sentences as rows of numbers: START, the words, END, and PAD up to the longest.

        Teacher forcing takes ``tokens[:, :-1]`` for what a model reads and ``tokens[:, 1:]`` for what it shall say.

        Parameters
        ----------
        captions : sequence of str
        max_length : int, optional
            The most words of a sentence; longer ones are cut. All rows have room for so many; without it, for the
            longest sentence.

        Returns
        -------
        numpy.ndarray
            (N, T) int64, where T is the number of words and 2.
        """
        if isinstance(captions, str):
            raise TypeError(f"captions must be a sequence of sentences. Received: captions={captions!r}")
        if max_length is not None and (not is_integer(max_length) or max_length < 0):
            raise ValueError(f"max_length must be an integer >= 0. Received: max_length={max_length!r}")
        rows = [[self._numbers.get(word, UNK) for word in tokenize(caption)][:max_length] for caption in captions]
        longest = max(map(len, rows), default=0) if max_length is None else max_length
        tokens = np.full((len(rows), longest + 2), PAD, np.int64)
        for row, words in zip(tokens, rows, strict=True):
            row[: len(words) + 2] = [START, *words, END]
        return tokens

    def decode(self, tokens):
        """Return the sentences of rows of numbers, each up to its first END, without START and PAD.

        Parameters
        ----------
        tokens : (N, T) integers

        Returns
        -------
        list of str

        Raises
        ------
        ValueError
            If a number belongs to no token.
        """
        tokens = np.asarray(tokens)
        if tokens.size == 0:
            tokens = tokens.reshape(len(tokens), 0).astype(np.int64)
        if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
            raise ValueError(
                f"tokens must be integers (N, T). Received: tokens.shape={tokens.shape}, tokens.dtype={tokens.dtype}"
            )
        if tokens.size and not 0 <= tokens.min() <= tokens.max() < len(self):
            raise ValueError(
                f"tokens must lie in 0..{len(self) - 1}. Received: {tokens.min()} as the lowest, {tokens.max()} as the "
                "highest"
            )
        sentences = []
        for row in tokens.tolist():
            row = row[: row.index(END)] if END in row else row
            sentences.append(" ".join(self.tokens[number] for number in row if number not in (PAD, START)))
        return sentences

    # Files

    def get_config(self):
        """Return what makes the same vocabulary again."""
        return {"words": list(self.tokens[len(SPECIAL) :])}

    @classmethod
    def from_config(cls, config):
        """Make a vocabulary from what ``get_config`` returned."""
        return cls(**config)

    def save(self, path):
        """Write the words to a JSON file, which ``load`` reads."""
        content = {"format": _FORMAT, "version": _VERSION, **self.get_config()}
        Path(path).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path):
        """Read what ``save`` wrote.

        Raises
        ------
        ValueError
            If the file is of another kind, or of a version that is not known.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is no JSON file: {error}") from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError(f'{path} must hold a vocabulary: a dict with "format": "{_FORMAT}".')
        if content.get("version") != _VERSION:
            raise ValueError(
                f"{path} has another version than {_VERSION}. Received: version={content.get('version')!r}"
            )
        if not isinstance(content.get("words"), list):
            raise ValueError(f"{path} must hold a list of words. Received: words={content.get('words')!r}")
        return cls(content["words"])
