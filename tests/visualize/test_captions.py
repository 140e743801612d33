"""Pictures of sentences: what is written beside the boxes, in which colours, and which words were the best."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pycnn.captioning import DescribedRegions, Vocabulary
from pycnn.visualize import canvas, plot_captions, plot_word_scores
from pycnn.visualize.labelled import ALARM

IMAGE = np.zeros((40, 60, 3), np.uint8)
A, B, C = [0, 0, 10, 10], [20, 0, 30, 10], [40, 20, 50, 30]
VIOLET = canvas.CURVES[3]


def drawn(axis):
    """(x1, y1, x2, y2), colour and style of each box, in its order; without what lies beneath its line."""
    found = []
    for patch in axis.patches:
        colour = to_hex(patch.get_edgecolor())
        if patch.get_linewidth() and colour != "#ffffff":
            x, y = patch.get_xy()
            box = [x + 0.5, y + 0.5, x + 0.5 + patch.get_width(), y + 0.5 + patch.get_height()]
            found.append((np.round(box, 4).tolist(), colour, patch.get_linestyle()))
    return found


def written(axis):
    return [(text.get_text(), text.get_color()) for text in axis.texts]


def test_sentences_stand_beside_the_image_the_most_certain_first():
    found = DescribedRegions([A, B, C], ["a hat", "a dog", "a cat"], [0.25, 0.9, 0.1])
    figure = plot_captions(IMAGE, found, score_threshold=0.2)
    assert figure.get_suptitle() == "2 regions"
    image, sentences = figure.axes
    first, second = canvas.class_colour(0), canvas.class_colour(1)
    assert drawn(image) == [(A, second, "-"), (B, first, "-")]  # the most certain one on top
    assert written(image) == [("1", "white"), ("2", "white")]
    ink, grey = canvas.INK, canvas.GREY
    assert written(sentences) == [
        ("1", "white"), ("a dog", ink), ("0.90", grey), ("2", "white"), ("a hat", ink), ("0.25", grey)
    ]  # fmt: skip
    assert [to_hex(patch.get_facecolor()) for patch in sentences.patches] == [first, second]


def test_truth_alone_and_several_images():
    truth = [DescribedRegions([A, B], ["a hat", "a dog"]), DescribedRegions([], []), DescribedRegions([A], ["hat"])]
    figure = plot_captions(np.stack([IMAGE] * 3), truth, max_images=2)
    assert figure.get_suptitle() == "3 regions in 3 images, 2 shown"
    assert [len(drawn(axis)) for axis in figure.axes] == [2, 0, 0, 0]
    assert [words for words, _ in written(figure.axes[1])] == ["1", "a hat", "2", "a dog"]
    assert written(figure.axes[3]) == [("nothing", canvas.GREY)]


def test_many_regions_and_long_sentences():
    found = DescribedRegions([A] * 9, ["a very long sentence that says what nobody wanted to know"] * 9)
    _, sentences = plot_captions(IMAGE, found, max_regions=2).axes
    words = [text for text, _ in written(sentences)]
    assert words[-1] == "and 7 more"
    assert words[0] == "1"
    assert "3" not in words
    assert " ".join(words[1 : words.index("2")]) == found.captions[0]


def test_comparison_with_the_truth():
    truth = DescribedRegions([A, B, C], ["a red hat", "a dog", "a cat"])
    found = DescribedRegions(
        [[0, 0, 10, 9], B, A, [50, 0, 60, 5]],
        ["A red hat.", "a small dog", "a red hat", "two cats"],
        [0.9, 0.8, 0.7, 0.6],
    )
    figure = plot_captions(IMAGE, found, truth)
    assert figure.get_suptitle() == "1 right, 1 in other words, 1 missed, 2 false alarms"
    image, sentences = figure.axes
    green, red, grey = canvas.GREEN, canvas.RED, canvas.GREY
    assert drawn(image)[::-1] == [
        ([0, 0, 10, 9], green, "-"), (B, VIOLET, "-"), (A, ALARM, "-"), ([50, 0, 60, 5], ALARM, "-"), (C, red, "--")
    ]  # fmt: skip
    assert [pair for pair in written(sentences) if pair[1] != "white" and not pair[0].startswith("0.")] == [
        ("A red hat.", green), ("a small dog", VIOLET), ("is: a dog", grey), ("a red hat", ALARM), ("two cats", ALARM),
        ("a cat", red),
    ]  # fmt: skip
    near = plot_captions(IMAGE, found, truth, iou_threshold=0.95)
    assert near.get_suptitle() == "1 right, 1 in other words, 1 missed, 2 false alarms"  # the third one has the hat
    nothing = DescribedRegions([], [], [])
    assert plot_captions(IMAGE, nothing, truth).get_suptitle() == "0 right, 0 in other words, 3 missed, 0 false alarms"
    only = plot_captions(IMAGE, found[:1], DescribedRegions([], []))
    assert only.get_suptitle() == "0 right, 0 in other words, 0 missed, 1 false alarm"


def bars(axis):
    """Length of each bar, and whether it is blue."""
    return [(patch.get_width(), to_hex(patch.get_facecolor()) == canvas.BLUE) for patch in axis.patches]


def test_best_words_of_each_step():
    probabilities = [[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]
    figure = plot_word_scores(probabilities, ["a", "red", "hat"], best=2)
    assert figure.get_suptitle() == "The 2 best words at each step"
    assert [text.get_text() for text in figure.texts if text.get_text() != figure.get_suptitle()] == ["red a"]
    first, second = figure.axes
    assert [words for words, _ in written(first)] == ["red", "60 %", "hat", "30 %"]
    assert [words for words, _ in written(second)] == ["a", "50 %", "hat", "30 %"]
    (long, blue), (short, other) = bars(first)
    assert (blue, other) == (True, False)
    assert long == pytest.approx(2 * short)


def test_words_that_were_said_are_shown_though_others_are_better():
    figure = plot_word_scores([[0.1, 0.6, 0.3]], ["a", "red", "hat"], chosen=[0], best=2)
    (axis,) = figure.axes
    assert [words for words, _ in written(axis)] == ["red", "60 %", "a", "10 %"]
    assert [blue for _, blue in bars(axis)] == [False, True]


def test_regions_with_sentences_that_end():
    vocabulary = Vocabulary(["cat", "red"])
    chosen = vocabulary.encode(["red cat", "cat"])[:, 1:]  # without START: red cat END, cat END PAD
    image = np.arange(40 * 60, dtype=np.uint8).reshape(40, 60)
    figure = plot_word_scores(
        np.full((2, 3, 6), 1 / 6), vocabulary, chosen, image=image, boxes=[[0.5, 2, 4, 7.5], [59, 39, 60, 40]]
    )
    crops, steps = ([axis for axis in figure.axes if bool(axis.images) == with_image] for with_image in (True, False))
    assert len(steps) == 3 + 2
    np.testing.assert_array_equal(crops[0].images[0].get_array(), image[2:8, :4])
    assert crops[1].images[0].get_array().shape == (1, 1)
    headings = [text.get_text() for text in figure.texts]
    assert {"red cat <end>", "cat <end>"} <= set(headings)


def test_errors():
    found = DescribedRegions([A], ["a hat"])
    with pytest.raises(ValueError, match="images and regions must be equally many, one or more. Received: 2 images"):
        plot_captions([IMAGE, IMAGE], found)
    with pytest.raises(ValueError, match="images and truth must be equally many"):
        plot_captions([IMAGE], [found], [])
    with pytest.raises(ValueError, match=r"\(steps, 2\) .* Received: probabilities.shape=\(1, 3\)"):
        plot_word_scores([[0.1, 0.6, 0.3]], ["a", "b"])
    with pytest.raises(ValueError, match="probabilities must lie in 0..1. Received: -1.0 to 2.0"):
        plot_word_scores([[-1, 2]], ["a", "b"])
    with pytest.raises(ValueError, match=r"chosen must be a word's number, 0 to 1, .* from 2 to 2"):
        plot_word_scores([[0.5, 0.5]], ["a", "b"], chosen=[2])
    for boxes, count in (([A, A], 2), (None, 0)):
        with pytest.raises(ValueError, match=f"boxes must be one for each of the 1 regions. Received: {count} boxes"):
            plot_word_scores([[0.5, 0.5]], ["a", "b"], image=IMAGE, boxes=boxes)
