"""Described digit scenes: the sentences say what the scenes are made of."""

import numpy as np
import pytest

from pycnn.captioning import Vocabulary
from pycnn.captioning.datasets import described_scenes
from pycnn.captioning.records import DescribedImages, DescribedRegions
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


def test_crops_are_what_lies_in_the_boxes():
    image = np.zeros((20, 30, 3), np.uint8)
    image[4:12, 10:18] = 90, 160, 230
    truth = [DescribedRegions([[11, 5, 17, 11], [22, 14, 30, 20]], ["a", "b"]), DescribedRegions([], [])]
    data = DescribedImages(np.stack([image] * 2), truth, [[6, 2], []])
    crops, labels = described_scenes.classified_crops(data, size=5, context=0.0)
    assert (crops.shape, crops.dtype, labels.tolist()) == ((2, 5, 5, 3), np.uint8, [6, 2])
    assert np.all(crops[0] == [90, 160, 230])
    assert np.all(crops[1] == 0)
    wider, _ = described_scenes.classified_crops(data, size=5, context=0.5)
    assert np.all(wider[0, [0, -1]] == 0)  # three pixels beyond the box on each side
    assert np.all(wider[0, 2, 2] == [90, 160, 230])
    assert described_scenes.classified_crops(data[1:])[0].shape == (0, 24, 24, 3)
    with pytest.raises(ValueError, match="data must have labels"):
        described_scenes.classified_crops(DescribedImages(data.images, truth))
    with pytest.raises(ValueError, match="size must be an integer >= 1"):
        described_scenes.classified_crops(data, size=0)
    with pytest.raises(ValueError, match="context must be >= 0"):
        described_scenes.classified_crops(data, context=-1)
