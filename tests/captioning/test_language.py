"""The language model by hand: what it counts, its loss, greedy and beam search on a model whose words are known."""

import itertools

import numpy as np
import pytest

import pycnn
from pycnn import ops
from pycnn.captioning.language import CaptionLoss, Speaker, language_model, read_as, teach
from pycnn.captioning.vocabulary import END, PAD, START, UNK

TOKENS = 8  # PAD, START, END, UNK and four words


def make(units=6):
    pycnn.utils.set_random_seed(3)
    model = language_model(5, TOKENS, units)
    model.set_weights([w * 4 for w in model.get_weights()])  # so that words differ in probability
    return model


def log_probabilities(model, vector, tokens):
    """Of each of the tokens after START, step by step through the whole model: END, UNK and the words."""
    said = np.array([[START, *tokens]])
    return ops.log_softmax(model([vector[None], said])).numpy()[0]


def test_the_special_tokens_come_first():
    assert (PAD, START, END, UNK) == (0, 1, 2, 3)


def test_sizes(backend):
    model = make()
    assert model([np.ones((2, 5)), np.full((2, 3), START)]).shape == (2, 3, TOKENS - 2)
    assert model.get_layer("embedding").embeddings.shape == (TOKENS - 1, 6)
    assert read_as(np.array([PAD, START, UNK])).tolist() == [0, 0, 2]


def test_loss_by_hand(backend):
    logits = np.log(np.array([[[0.5, 0.2, 0.3], [0.1, 0.1, 0.8]], [[0.25, 0.5, 0.25], [1.0, 1.0, 1.0]]]))
    words = np.array([[END + 2, END], [END + 1, PAD]])
    loss = CaptionLoss()(words, backend.asarray(logits))
    assert float(loss) == pytest.approx(-np.log([0.3, 0.1, 0.5]).mean(), rel=1e-12)
    asked, words = teach(np.array([[START, 4, END], [START, END, PAD]]))
    assert (asked.tolist(), words.tolist()) == ([[START, 4], [START, END]], [[4, END], [END, PAD]])


def test_greedy_takes_the_likeliest_word_each_time(backend):
    model, vectors = make(), np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    tokens, scores = Speaker(model, max_words=5).say(vectors)
    for vector, found, score in zip(vectors, tokens, scores, strict=True):
        said, total = [], 0.0
        while len(said) < 5 and END not in said:
            likely = log_probabilities(model, vector, said)[-1]
            said.append(int(likely.argmax()) + END)
            total += likely.max()
        expected = [t for t in said if t != END]
        assert found.tolist() == expected + [PAD] * (tokens.shape[1] - len(expected))
        assert score == pytest.approx(total, rel=1e-4)


def test_a_wide_beam_finds_the_best_of_all_captions(backend):
    model, vectors = make(), np.random.default_rng(1).standard_normal((2, 5)).astype(np.float32)
    tokens, scores = Speaker(model, max_words=3).say(vectors, beam_size=36)
    words = range(UNK, TOKENS)
    for vector, found, score in zip(vectors, tokens, scores, strict=True):
        best = (-np.inf, None)
        for length in range(4):
            for said in itertools.product(words, repeat=length):
                ends = [*said, END][:3]
                likely = log_probabilities(model, vector, ends[:-1])
                total = sum(likely[i, t - END] for i, t in enumerate(ends))
                best = max(best, (total, said))
        assert tuple(t for t in found.tolist() if t != PAD) == best[1]
        assert score == pytest.approx(best[0], rel=1e-4)


def test_nothing_to_say():
    tokens, scores = Speaker(make(), 3).say(np.zeros((0, 5), np.float32))
    assert len(tokens) == len(scores) == 0
    with pytest.raises(ValueError, match="beam_size"):
        Speaker(make(), 3).say(np.zeros((1, 5), np.float32), beam_size=0)
