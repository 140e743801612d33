"""plot_model: which boxes, which arrows, and where."""

import itertools

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.visualize import plot_model
from pycnn.visualize.layered import Layout


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def arrows(figure):
    return [patch for patch in figure.axes[0].patches if type(patch).__name__ == "FancyArrowPatch"]


def residual():
    x = pycnn.Input((8, 8, 4), name="image")
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    inner = pycnn.Sequential([layers.Flatten(name="flat"), layers.Dense(2, name="dense")], name="head")
    inner.trainable = False
    return pycnn.Model(x, inner(layers.Add(name="sum")([x, y])), name="residual")


def test_boxes_and_arrows(tmp_path):
    figure = plot_model(residual(), tmp_path / "model.png", dpi=50)
    assert texts(figure) == ["InputLayer", "Conv2D", "Add", "Sequential"]
    assert len(arrows(figure)) == 4
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


def test_what_the_boxes_say():
    figure = pycnn.utils.plot_model(
        residual(), None, show_shapes=True, show_dtype=True, show_layer_names=True, show_layer_activations=True,
        show_trainable=True, expand_nested=True, rankdir="LR",
    )  # fmt: skip
    lines = texts(figure)
    for line in ("head", "Dense", "flat", "(None, 8, 8, 4)", "float32", "activation: relu", "trainable", "frozen"):
        assert line in lines
    assert len(arrows(figure)) == 5


def test_sequential_shared_and_subclassed():
    chain = pycnn.Sequential([pycnn.Input((3,)), layers.Dense(2), layers.Dense(2)])
    assert len(arrows(plot_model(chain, None))) == 2
    x, shared = pycnn.Input((2,)), layers.Dense(2)
    assert texts(plot_model(pycnn.Model(x, shared(shared(x))), None)) == ["InputLayer", "Dense", "Dense"]

    class Own(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = layers.Dense(2), layers.Dense(1)

        def call(self, inputs):
            return self.two(self.one(inputs))

    model = Own()
    with pytest.raises(ValueError, match="was not built yet.*Received: model="):
        plot_model(model, None)
    model(np.ones((1, 2)))
    figure = plot_model(model, None)
    assert (texts(figure), len(arrows(figure))) == (["Dense", "Dense"], 0)
    with pytest.raises(ValueError, match="rankdir must be 'TB' or 'LR'. Received: rankdir='BT'"):
        plot_model(model, None, rankdir="BT")


def test_rows_are_the_longest_ways_and_boxes_do_not_overlap():
    edges = [(0, 1), (0, 2), (0, 3), (2, 4), (1, 5), (4, 5), (3, 5), (6, 5)]
    layout = Layout([1.0] * 7, edges, 0.5)
    assert layout.rows == [0, 1, 1, 1, 2, 3, 2]
    for row in range(4):
        centres = sorted(c for c, r in zip(layout.centres, layout.rows, strict=True) if r == row)
        assert all(b - a >= 1.5 - 1e-9 for a, b in itertools.pairwise(centres))
    assert [len(path) for path in layout.paths] == [2, 2, 2, 2, 3, 2, 3, 2]
    assert min(layout.centres) >= 0.5 - 1e-9


def test_edges_that_need_not_cross_do_not():
    layout = Layout([1.0] * 4, [(0, 3), (1, 2)], 0.5)
    assert (layout.centres[0] < layout.centres[1]) == (layout.centres[3] < layout.centres[2])
