"""What all pictures have in common: they are figures with a title and ink, outside pyplot, and come without fuss."""

import io
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import normal
from matplotlib.figure import Figure

import pycnn
from pycnn import layers, visualize


def small_model():
    return pycnn.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="tanh", name="first"),
            layers.Dropout(0.5, name="drop"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(6, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


PICTURES = {
    "filters": lambda: visualize.plot_filters(small_model()),
    "feature maps": lambda: visualize.plot_feature_maps(small_model(), normal((12, 12, 1), np.float32)),
    "history": lambda: visualize.plot_history({"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 1.9]}),
    "edges": lambda: visualize.plot_edges(np.eye(20)),
    "predictions": lambda: visualize.plot_predictions(np.ones((3, 8, 8)), np.eye(3), labels=[0, 1, 1]),
    "no predictions": lambda: visualize.plot_predictions(np.ones((1, 8, 8)), [1], labels=[1], only_wrong=True),
}


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    return plt.imread(buffer)


@pytest.mark.parametrize("name", PICTURES)
def test_a_titled_figure_with_ink(name):
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert figure.get_suptitle()
    image = pixels(figure)
    assert min(image.shape[:2]) > 100
    assert image[..., :3].std() > 0.02


@pytest.mark.parametrize("name", PICTURES)
def test_pyplot_knows_nothing_of_them(name):
    PICTURES[name]()
    assert plt.get_fignums() == []


def test_notebooks_show_them():
    assert PICTURES["history"]()._repr_png_().startswith(b"\x89PNG")


def test_missing_matplotlib_is_named(monkeypatch):
    from pycnn.visualize import canvas

    canvas._picture_class.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "pycnn\[viz\]"'):
        visualize.plot_history({"loss": [1.0]})
    canvas._picture_class.cache_clear()
