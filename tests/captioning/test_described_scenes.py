"""Described digit scenes: the sentences say what the scenes are made of."""

import numpy as np
import pytest

from pycnn.captioning import Vocabulary
from pycnn.captioning.datasets import described_scenes
from pycnn.detection.datasets import digit_scenes


@pytest.fixture(scope="module")
def data():
    return described_scenes.load_data(train_size=400, test_size=100)


def test_sentences_name_size_colour_and_digit(data):
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for part, scenes in zip(data, digit_scenes.make_scenes(train_size=400, test_size=100), strict=True):
        np.testing.assert_array_equal(part.images, scenes.images)
        assert [len(regions) for regions in part.truth] == scenes.counts.tolist()
        np.testing.assert_array_equal(np.concatenate([regions.boxes for regions in part.truth]), scenes.boxes)
        np.testing.assert_array_equal(np.concatenate(part.labels), scenes.labels)
        words = [caption.split() for caption in part.captions]
        assert {first for first, *_ in words} == {"a"}
        assert [size == "small" for _, size, *_ in words] == (scenes.heights < 20).tolist()
        assert [colour for *_, colour, _ in words] == [digit_scenes.COLOUR_NAMES[i] for i in scenes.colours]
        assert [digits.index(digit) for *_, digit in words] == scenes.labels.tolist()
    small = np.mean([" small " in caption for caption in data[0].captions])
    assert 0.4 < small < 0.6


def test_nineteen_words(data):
    vocabulary = Vocabulary.build(data[0].captions)
    assert len(vocabulary) == 4 + 19
    assert vocabulary.encode(data[1].captions).shape[1] == 4 + 2
    assert 3 not in vocabulary.encode(data[1].captions)


def test_seed_decides_everything(data):
    again, other = (described_scenes.load_data(seed, train_size=400, test_size=100) for seed in (0, 1))
    for part, same, different in zip(data, again, other, strict=True):
        assert part.truth == same.truth
        np.testing.assert_array_equal(part.images, same.images)
        assert part.captions != different.captions
