"""What all captioners have in common: a vocabulary, and the language model that speaks."""

import numpy as np

from pycnn import ops
from pycnn.captioning.language import Speaker, teach
from pycnn.captioning.vocabulary import END, UNK, Vocabulary
from pycnn.detection.detector import check_count
from pycnn.detection.system import System


class Captioner(System):
    """Base of what describes images in words. A subclass has the networks, one of them ``language``.

    Parameters
    ----------
    vocabulary : Vocabulary
    input_shape : (height, width, channels)
    language_units : int
    max_words : int
    """

    kind = "captioner"

    def __init__(self, vocabulary, input_shape, language_units, max_words):
        super().__init__(input_shape)
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"vocabulary must be a Vocabulary. Received: vocabulary of {type(vocabulary).__name__}")
        check_count("language_units", language_units)
        check_count("max_words", max_words)
        self.vocabulary, self.language_units, self.max_words = vocabulary, language_units, max_words

    def get_config(self):
        """Return the arguments that make the same captioner; of the vocabulary its words."""
        return {**super().get_config(), "vocabulary": list(self.vocabulary.tokens[UNK + 1 :])}

    @classmethod
    def from_config(cls, config):
        """Make a captioner, not trained, from what ``get_config`` returned."""
        return super().from_config({**config, "vocabulary": Vocabulary(config["vocabulary"])})

    def tokens_of(self, captions):
        """Return captions as tokens (n, at most max_words + 2): START, the words, END, and PAD behind it."""
        return self.vocabulary.encode(captions, self.max_words)

    def likely_words(self, vectors, captions):
        """Return how likely each word is after those before it: (n, words + 1, tokens), of all of the vocabulary."""
        asked, _ = teach(self.tokens_of(captions))
        said = ops.softmax(self.language([vectors, asked])).numpy()
        return np.pad(said, ((0, 0), (0, 0), (END, 0)))

    def say(self, vectors, beam_size=1):
        """Return the captions, str, of what the language model reads."""
        return self.vocabulary.decode(Speaker(self.language, self.max_words).say(vectors, beam_size)[0])


def check_captions(images, captions):
    """Require one sentence for each image."""
    if len(captions) != len(images):
        raise ValueError(
            f"captions must have one sentence for each image. Received: {len(images)} images, {len(captions)} captions"
        )
    for i, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise TypeError(f"captions must be sentences. Received: captions[{i}]={caption!r}")
