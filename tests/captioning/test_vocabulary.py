"""Sentences as numbers, numbers as sentences, and the file of the words."""

import json

import numpy as np
import pytest

from pycnn.captioning import Vocabulary, tokenize
from pycnn.captioning.vocabulary import END, PAD, START, UNK


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A small red seven", ["a", "small", "red", "seven"]),
        ("  The man's T-shirt:\n(half) red!  ", ["the", "mans", "tshirt", "half", "red"]),
        ("café, 30° — €5…", ["café", "30", "5"]),
        ("cafe\u0301", ["café"]),  # one letter or two, the word is the same
        ("कुत्ता लाल है।", ["कुत्ता", "लाल", "है"]),  # marks belong to their letters
        ("?!", []),
        ("", []),
    ],
)
def test_words(text, words):
    assert tokenize(text) == words


def test_frequent_words_come_first_and_rare_ones_are_unknown():
    captions = ["b a", "b c", "b a!", "d"]
    assert Vocabulary.build(captions).tokens[4:] == ("b", "a", "c", "d")
    assert Vocabulary.build(captions, min_count=2).tokens[4:] == ("b", "a")
    assert Vocabulary.build(captions, max_size=7).tokens[4:] == ("b", "a", "c")
    assert Vocabulary.build(reversed(captions)) == Vocabulary.build(captions)
    assert len(Vocabulary.build([])) == 4
    assert "a" in Vocabulary(["a"])
    assert "<unk>" not in Vocabulary(["a"])


def test_rows_start_end_and_are_padded():
    assert (PAD, START, END, UNK) == (0, 1, 2, 3)
    vocabulary = Vocabulary(["red", "cat"])
    tokens = vocabulary.encode(["A red cat", "cat", ""])
    assert tokens.dtype == np.int64
    assert tokens.tolist() == [[1, 3, 4, 5, 2], [1, 5, 2, 0, 0], [1, 2, 0, 0, 0]]
    assert vocabulary.encode(["A red cat", "cat"], max_length=2).tolist() == [[1, 3, 4, 2], [1, 5, 2, 0]]
    assert vocabulary.encode(["cat"], max_length=3).tolist() == [[1, 5, 2, 0, 0]]
    assert vocabulary.encode([]).shape == (0, 2)


def test_decoding_stops_at_the_end():
    vocabulary = Vocabulary(["red", "cat"])
    assert vocabulary.decode([[1, 4, 5, 2, 4], [4, 3, 5, 0, 0], [2, 5, 5, 5, 5], [0] * 5]) == [
        "red cat", "red <unk> cat", "", ""
    ]  # fmt: skip
    assert vocabulary.decode(np.zeros((0, 3), int)) == []
    assert vocabulary.decode([]) == []
    captions = ["red cat", "cat", "", "cat cat red"]
    assert vocabulary.decode(vocabulary.encode(captions)) == captions


def test_file(tmp_path):
    vocabulary = Vocabulary.build(["ein roter Löwe", "a red cat", "红 狮子"])
    vocabulary.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json") == vocabulary
    assert Vocabulary.from_config(vocabulary.get_config()) == vocabulary
    content = json.loads((tmp_path / "words.json").read_text(encoding="utf-8"))
    assert content == {"format": "pycnn vocabulary", "version": 1, "words": list(vocabulary.tokens[4:])}
    for wrong, message in [
        ("no json", "is no JSON file"),
        ("[1]", "must hold a vocabulary"),
        (json.dumps(content | {"version": 2}), "another version than 1. Received: version=2"),
        (json.dumps({**content, "words": None}), "must hold a list of words"),
        (json.dumps({**content, "words": ["a", 4]}), "words must be as tokenize gives them. Received: 4"),
    ]:
        (tmp_path / "words.json").write_text(wrong)
        with pytest.raises(ValueError, match=message):
            Vocabulary.load(tmp_path / "words.json")


def test_errors():
    with pytest.raises(ValueError, match="words must occur once. Received: 'b' twice"):
        Vocabulary(["a", "b", "c", "b"])
    with pytest.raises(ValueError, match="as tokenize gives them. Received: 'Red'"):
        Vocabulary(["Red"])
    with pytest.raises(ValueError, match="Received: '<pad>'"):
        Vocabulary(["<pad>"])
    for call in (Vocabulary, Vocabulary.build, Vocabulary([]).encode):
        with pytest.raises(TypeError, match="must be a sequence of"):
            call("a red cat")
    with pytest.raises(ValueError, match="min_count must be an integer >= 1. Received: min_count=0"):
        Vocabulary.build([], min_count=0)
    with pytest.raises(ValueError, match="max_size must be an integer >= 4"):
        Vocabulary.build([], max_size=3)
    with pytest.raises(ValueError, match="max_length must be an integer >= 0"):
        Vocabulary([]).encode([], max_length=-1)
    with pytest.raises(ValueError, match="tokens must lie in 0..4. Received: 1 as the lowest, 5 as the highest"):
        Vocabulary(["a"]).decode([[1, 5]])
    with pytest.raises(ValueError, match=r"tokens must be integers \(N, T\). Received: tokens.shape=\(2,\)"):
        Vocabulary(["a"]).decode([1, 4])
