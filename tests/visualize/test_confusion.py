"""plot_confusion_matrix: counted by hand, and what is said of it."""

import numpy as np
import pytest

from pycnn.visualize import plot_confusion_matrix

TRUTH, GUESS = [0, 0, 0, 1, 2, 2], [0, 0, 1, 1, 0, 2]
COUNTS = [[2, 1, 0], [0, 1, 0], [1, 0, 1]]


def values(figure):
    return np.asarray(figure.axes[0].images[0].get_array()).tolist()


def written(figure):
    return {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in figure.axes[0].texts}


def test_rows_are_the_truth_and_columns_the_guesses():
    figure = plot_confusion_matrix(TRUTH, GUESS, ["cat", "dog", "owl"])
    assert values(figure) == COUNTS
    assert written(figure) == {(0, 0): "2", (0, 1): "1", (1, 1): "1", (2, 0): "1", (2, 2): "1"}
    assert figure.get_suptitle() == "4 of 6 right"
    axis, scale = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel(), scale.get_ylabel()) == ("guess", "truth", "images")
    assert [t.get_text() for t in axis.get_xticklabels()] == ["cat", "dog", "owl"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("normalize", "expected", "words"),
    [
        ("true", [[200 / 3, 100 / 3, 0], [0, 100, 0], [50, 0, 50]], "% of the true class"),
        ("pred", [[200 / 3, 50, 0], [0, 50, 0], [100 / 3, 0, 100]], "% of the guessed class"),
        ("all", [[200 / 6, 100 / 6, 0], [0, 100 / 6, 0], [100 / 6, 0, 100 / 6]], "% of all"),
    ],
)
def test_shares(normalize, expected, words):
    figure = plot_confusion_matrix(TRUTH, GUESS, normalize=normalize)
    np.testing.assert_allclose(values(figure), expected)
    assert figure.axes[1].get_ylabel() == words
    assert figure.get_suptitle() == "4 of 6 right"


def test_numbers_of_shares():
    figure = plot_confusion_matrix(np.array([[9999, 1], [30, 70]]), normalize="true")
    assert list(written(figure).values()) == ["100", "<.1", "30.0", "70.0"]


def test_one_hot_probabilities_and_the_matrix_itself():
    probabilities = np.eye(3)[GUESS] * 0.6 + 0.1
    assert values(plot_confusion_matrix(np.eye(3)[TRUTH], probabilities)) == COUNTS
    assert values(plot_confusion_matrix(COUNTS)) == COUNTS
    assert values(plot_confusion_matrix([0, 1, 1], np.array([[0.2], [0.7], [0.4]]))) == [[1, 0], [1, 1]]
    assert plot_confusion_matrix(np.eye(2) / 2).get_suptitle() == "Confusion matrix"


def test_classes_that_do_not_occur():
    assert len(values(plot_confusion_matrix([0], [1], list("abcd")))) == 4
    assert values(plot_confusion_matrix([0], [1], normalize="true")) == [[0, 100], [0, 0]]
    assert len(values(plot_confusion_matrix([0], np.eye(5)[[1]]))) == 5


def test_rare_mistakes_are_seen():
    """One in a hundred gets a tenth of the scale, and the scale beside the matrix goes the same way."""
    figure = plot_confusion_matrix(np.array([[100, 1], [0, 100]]))
    drawn = figure.axes[0].images[0]
    assert drawn.norm(1.0) == pytest.approx(0.1)
    assert np.ptp(drawn.cmap([0.0, 0.1])[:, 0]) > 0.05


def test_many_classes_have_no_numbers_and_fewer_names():
    figure = plot_confusion_matrix(np.eye(100, dtype=int))
    assert written(figure) == {}
    assert 10 < len(figure.axes[0].get_xticks()) <= 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0]), "equally many, one or more. Received: 2 y_true, 1 y_pred"),
        (([], []), "equally many, one or more. Received: 0 y_true"),
        (([0, -1], [0, 1]), "Classes are numbers from 0. Received: -1"),
        ((np.ones((2, 3)),), r"must be a matrix \(classes, classes\).*Received: y_true.shape=\(2, 3\)"),
        ((-np.ones((2, 2)),), "not negative"),
        ((COUNTS, None, ["a", "b"]), "must name each of 3 classes. Received: 2 class_names"),
        ((COUNTS, None, None, "rows"), "normalize must be None, 'true', 'pred' or 'all'. Received: normalize='rows'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion_matrix(*arguments)
