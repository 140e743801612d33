"""METEOR, BLEU and CIDEr: by hand, by trying all alignments, and against sacrebleu."""

import itertools
import sys

import numpy as np
import pytest
from helpers import peer

from pycnn.captioning.metrics import bleu, cider, meteor
from pycnn.captioning.metrics.meteor import _stemmer, alignment, stems

METRICS = {"meteor": meteor, "bleu": bleu, "cider": cider}


def f_mean(precision, recall):
    return 10 * precision * recall / (recall + 9 * precision)


@pytest.mark.parametrize(
    ("reference", "caption", "score"),
    [
        ("a small red seven", "A small, red seven.", 1 - 0.5 / 64),
        ("seven", "seven", 0.5),
        ("a small red seven", "a large red seven", 0.75 * (1 - 0.5 * (2 / 3) ** 3)),
        ("a small red seven", "seven red", f_mean(1, 0.5) * 0.5),
        ("the cats are running", "a cat runs", f_mean(2 / 3, 0.5) * 0.5),  # by their stems, in two chunks
        ("a b a b", "a b", f_mean(1, 0.5) * (1 - 0.5 / 8)),  # the second a with the second b, or first with first
        ("a dog", "cats", 0.0),
        ("a dog", "", 0.0),
        ("", "a dog", 0.0),
        ("", "", 0.0),
    ],
)
def test_meteor_by_hand(reference, caption, score):
    assert meteor([reference], [caption]) == pytest.approx([score], abs=1e-12)


def test_the_best_reference_counts():
    (score,) = meteor([["a dog", "the big cat", "a big red cat"]], ["a big cat"])
    assert score == pytest.approx(f_mean(1, 3 / 4) * (1 - 0.5 * (2 / 3) ** 3))
    assert meteor([], []).shape == (0,)
    same = meteor([["a red cat"], ["a dog", "a red cat"], ["two dogs"], ["a red cat"]], ["a red cat"] * 4)
    assert same.tolist() == [same[0], same[0], 0.0, same[0]]


def test_stems_are_porters():
    words = ["caresses", "ponies", "hopping", "agreed", "conditional", "electricity", "running", "seven"]
    assert stems(words) == ["caress", "poni", "hop", "agre", "condit", "electr", "run", "seven"]


def all_alignments(reference, caption):
    """The largest number of words that go together, and the fewest chunks among all ways to do so."""
    best = (0, 0)
    for choice in itertools.product([None, *range(len(reference))], repeat=len(caption)):
        places = [place for place in choice if place is not None]
        if len(set(places)) < len(places):
            continue
        if all(place is None or reference[place] == word for place, word in zip(choice, caption, strict=True)):
            follows = [a is not None and b == a + 1 for a, b in itertools.pairwise(choice)]
            best = max(best, (len(places), sum(follows) - len(places)))
    return best[0], -best[1]


def test_alignments_have_the_most_matches_in_the_fewest_chunks():
    random = np.random.default_rng(0)
    for _ in range(60):
        reference, caption = (list(random.choice(list("abc"), random.integers(0, 6))) for _ in range(2))
        assert alignment(reference, caption) == all_alignments(reference, caption), (reference, caption)
    assert alignment(["a"] * 30, ["a"] * 20) == (20, 1)
    assert alignment(list("abcdefgh"), list("efghabcd")) == (8, 2)


def test_missing_stemmer_is_named(monkeypatch):
    _stemmer.cache_clear()
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    with pytest.raises(ImportError, match=r'METEOR needs snowballstemmer: pip install "pycnn\[captioning\]"'):
        meteor(["a"], ["a"])
    _stemmer.cache_clear()


def test_bleu_by_hand():
    result = bleu([["the cat sat on the mat", "a cat on a mat"]], ["the the cat on mat"], smoothing="none")
    assert result.precisions.tolist() == [1.0, 0.5, 0.0, 0.0]  # "the cat" and "cat on"
    assert (result.caption_length, result.reference_length, result.brevity_penalty) == (5, 5, 1.0)
    assert result.scores == pytest.approx([1.0, np.sqrt(0.5), 0.0, 0.0])
    short = bleu(["a b c d", "a b c d"], ["a b c d", "a b"])
    assert short.brevity_penalty == pytest.approx(np.exp(1 - 8 / 6))
    assert short.scores == pytest.approx([np.exp(1 - 8 / 6)] * 4)
    clipped = bleu(["a cat", "a a cat"], ["a a a", "a"])
    assert clipped.precisions[0] == 2 / 4


def sentences(count, longest=9, seed=0):
    random = np.random.default_rng(seed)
    words = ["a", "the", "red", "cat", "on", "mat", "sat", "two"]
    return [" ".join(random.choice(words, random.integers(1, longest))) for _ in range(count)]


@pytest.mark.parametrize(
    ("smoothing", "value"),
    [("exp", None), ("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 2)],
)
def test_bleu_is_sacrebleus(smoothing, value):
    metric = peer("sacrebleu.metrics.bleu").BLEU
    several = sentences(40), list(zip(sentences(40, seed=1), sentences(40, seed=2), strict=True))
    poor = ["cat on the mat now", "it"], [("a cat", "mats on the"), ("dog", "is it so")]
    nothing = ["x y", "z"], [("a cat", "b"), ("dog", "is")]
    short = ["red cat", "a"], [("red cat", "a red cat"), ("a", "a")]
    for captions, groups in (several, poor, nothing, short):
        result = bleu(groups, captions, smoothing, value)
        columns = [list(column) for column in zip(*groups, strict=True)]
        for n in range(1, 5):
            expected = metric(
                max_ngram_order=n, tokenize="none", force=True, smooth_method=smoothing, smooth_value=value
            ).corpus_score(captions, columns)
            assert result.scores[n - 1] == pytest.approx(expected.score / 100, abs=1e-12)
        assert (result.caption_length, result.reference_length) == (expected.sys_len, expected.ref_len)
        assert result.brevity_penalty == pytest.approx(expected.bp)


def test_bleu_of_nothing():
    for references, captions in (([], []), (["a cat"], [""])):
        result = bleu(references, captions)
        assert result.scores.tolist() == [0, 0, 0, 0]
        assert result.brevity_penalty == 0


def test_cider_by_hand():
    # "a" is said of both images and counts nothing; all else is said of one of them, with log(2)
    same, longer, unlike = 0.75, (2 / np.sqrt(6) + 1 / 2) / 4, 0.0
    references = [["a red bus", "the red bus"], ["a black cat"]]
    np.testing.assert_allclose(cider(references, ["A red bus!", "a black cat"]), [10 * (same + longer) / 2, 10 * same])
    assert cider(references, ["a black cat", "a red bus"]).tolist() == [unlike, unlike]
    # "red red": the second one is more than the reference has; a word longer, or shorter, is exp(-1 / 72)
    (score, _) = cider([["red bus"], ["cat"]], ["red red bus", "cat"])
    one, two = 2 / (np.sqrt(5) * np.sqrt(2)), 1 / np.sqrt(2)
    assert score == pytest.approx(10 * np.exp(-1 / 72) * (one + two) / 4)
    # 3 images: "red" is said of two, "bus" of one
    common, rare = np.log(3 / 2), np.log(3)
    (score, *_) = cider([["red bus"], ["red cat"], ["dog"]], ["red", "", "dogs"])
    cosine = common / np.hypot(common, rare)
    assert score == pytest.approx(10 * np.exp(-1 / 72) * cosine / 4)
    assert cider(["a cat"], ["a cat"]).tolist() == [0.0]  # what all images have says nothing
    assert cider([], []).shape == (0,)


@pytest.mark.parametrize("name", METRICS)
def test_wrong_arguments(name):
    metric = METRICS[name]
    with pytest.raises(ValueError, match="Received: 2 references, 1 captions"):
        metric(["a", "b"], ["a"])
    with pytest.raises(ValueError, match=r"must have a reference. Received: references\[1\]=\[\]"):
        metric([["a"], []], ["a", "b"])
    with pytest.raises(TypeError, match="captions must be a sequence of sentences. Received: captions='a'"):
        metric(["a"], "a")
    with pytest.raises(TypeError, match="references must be a sequence"):
        metric("a", ["a"])


def test_unknown_smoothing():
    with pytest.raises(
        ValueError, match="smoothing must be one of exp, floor, add-k, none. Received: smoothing='epsilon'"
    ):
        bleu(["a"], ["a"], smoothing="epsilon")
