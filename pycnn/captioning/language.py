"""The language model: what is in a vector, in words.

A recurrent net reads the vector as its first step, then START, then word by word what it has said so far (Vinyals et
al., Show and Tell, CVPR 2015; Johnson et al., DenseCap, CVPR 2016, section 3.1).

Tokens are those of a ``Vocabulary``: PAD, START, END, UNK, then the words. Two of them the net never reads, PAD and
END; two it never says, PAD and START. Its tables leave out what they can.
"""

import numpy as np

from pycnn import layers, losses, ops
from pycnn.autograd import Tensor, as_tensor, no_grad
from pycnn.backend import get_backend
from pycnn.captioning.vocabulary import END, PAD, START
from pycnn.detection.detector import check_count
from pycnn.initializers import RandomNormal
from pycnn.models import Model
from pycnn.registration import register_serializable


def language_model(vector_size, tokens, units):
    """Return a Model from vectors and the words so far to the words that follow.

    Parameters
    ----------
    vector_size : int
    tokens : int
        Of the vocabulary, the four special ones among them.
    units : int
        Of the LSTM, and of the vectors that stand for words.

    Returns
    -------
    Model
        Of vectors (n, vector_size) and tokens (n, t), START first; gives logits (n, t, tokens - 2), those of what
        comes after each of the tokens: END, UNK and the words.
    """
    vectors, said = layers.Input((vector_size,)), layers.Input((None,), dtype="int64")
    first = layers.Dense(units, "relu", name="vector")(vectors)
    words = layers.Embedding(tokens - 1, units, RandomNormal(stddev=1.0), name="embedding")(read_as(said))
    steps = ops.concatenate([first[:, None], words], axis=1)
    states, *_ = layers.LSTM(units, return_sequences=True, return_state=True, name="lstm")(steps)
    return Model([vectors, said], layers.Dense(tokens - 2, name="next")(states[:, 1:]), name="language")


def read_as(tokens):
    """Rows of the embedding: PAD, which is never looked at, has none of its own."""
    return ops.maximum(tokens - START, 0)


def teach(tokens):
    """Split captions (n, t), START first and padded, into what is read and what shall be said, both (n, t - 1)."""
    return tokens[:, :-1], tokens[:, 1:]


@register_serializable("captioning")
class CaptionLoss(losses.Loss):
    """Cross-entropy of the words (n, t) and the logits of ``language_model``: the mean over all words but PAD."""

    def call(self, y_true, y_pred):
        """Return the loss of each caption, (n,), so divided that their mean is that over words."""
        y_true = as_tensor(y_true)
        known = ops.cast(y_true != PAD, y_pred.dtype)
        errors = ops.sparse_categorical_crossentropy(ops.maximum(y_true - END, 0), y_pred, from_logits=True)
        share = known.shape[0] / ops.maximum(ops.sum(known), 1.0)
        return ops.sum(errors * known, axis=1) * share


class Speaker:
    """Says in words what a trained language model knows of vectors.

    Parameters
    ----------
    model : Model
        Of ``language_model``.
    max_words : int
        The longest caption.
    """

    def __init__(self, model, max_words):
        self.vector, self.embedding, self.lstm, self.next = map(
            model.get_layer, ("vector", "embedding", "lstm", "next")
        )
        self.max_words = max_words

    def say(self, vectors, beam_size=1):
        """Find the most likely caption of each vector, all of them word by word together.

        Parameters
        ----------
        vectors : (n, vector_size)
        beam_size : int
            How many beginnings of a caption are kept at each word, those of the highest probability; with 1 the most
            likely word is taken at each place (greedy).

        Returns
        -------
        tokens : (n, at most max_words) int64
            PAD behind the last word; without START and END.
        log_probabilities : (n,)
            Of the whole caption, its END included unless it was cut.
        """
        vectors = as_tensor(vectors)
        check_count("beam_size", beam_size)
        if not vectors.shape[0]:
            return np.zeros((0, 0), np.int64), np.zeros(0, np.float32)
        with no_grad():
            said, scores = self._search(vectors, beam_size)
        tokens = Tensor.wrap(said[:, 0, 1:]).numpy()
        return np.where(tokens == END, PAD, tokens), Tensor.wrap(scores[:, 0]).numpy()

    def _search(self, vectors, beams):
        """Tokens (n, beams, START and t more) and their logarithms, the best first; who has said END says it again."""
        xp = get_backend().xp
        count, words = vectors.shape[0], self.next.units
        no_more = xp.where(xp.arange(words) == 0, 0.0, -np.inf).astype(vectors.dtype)
        said, scores = xp.full((count, 1, 1), START), xp.zeros((count, 1), vectors.dtype)
        _, *state = self.lstm(self.vector(vectors)[:, None])
        for _ in range(self.max_words):
            last = Tensor.wrap(said[..., -1].reshape(-1))
            states, *state = self.lstm(self.embedding(read_as(last))[:, None], initial_state=state)
            likely = ops.log_softmax(self.next(states[:, -1])).data.reshape(*scores.shape, words)
            likely = xp.where(said[..., -1:] == END, no_more, likely)
            totals = (scores[..., None] + likely).reshape(count, -1)
            chosen = _largest(xp, totals, beams)
            scores, beam = xp.take_along_axis(totals, chosen, axis=1), chosen // words
            word = chosen % words + END
            rows = beam + xp.arange(count)[:, None] * said.shape[1]
            said = xp.concatenate([xp.take_along_axis(said, beam[..., None], axis=1), word[..., None]], axis=2)
            if (word == END).all():
                break
            state = [ops.take(s, rows.reshape(-1), axis=0) for s in state]
        return said, scores


def _largest(xp, values, count):
    """Places of the ``count`` largest values of each row, or of all where there are less, in falling order."""
    if count == 1:
        return values.argmax(axis=1)[:, None]
    count = min(count, values.shape[1])
    places = xp.argpartition(-values, count - 1, axis=1)[:, :count]
    order = xp.argsort(-xp.take_along_axis(values, places, axis=1), axis=1, kind="stable")
    return xp.take_along_axis(places, order, axis=1)
