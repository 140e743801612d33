"""Memory is returned: what is done often leaves nothing behind."""

import gc
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import pycnn
from pycnn import layers


def make():
    model = pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.RandomRotation(0.1),
            layers.Conv2D(4, 3, activation="relu", activity_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, "softmax", kernel_regularizer="l2"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, np.ones((4, 8, 8, 1), np.float32), np.arange(4) % 3


@pytest.mark.parametrize("use", ["predict", "evaluate", "fit", "train_on_batch", "call"])
def test_memory_stays_flat(backend, use):
    model, x, y = make()
    action = {
        "predict": lambda: model.predict(x, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, verbose=0),
        "fit": lambda: model.fit(x, y, verbose=0),
        "train_on_batch": lambda: model.train_on_batch(x, y),
        "call": lambda: model(x, training=True),
    }[use]
    for _ in range(3):
        action()
    traced = []
    tracemalloc.start()
    try:
        for _ in range(5):
            for _ in range(30):
                action()
            gc.collect()
            traced.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # Small objects of before are traced when they are first replaced, sooner or later; what leaks does so every time.
    grown = np.diff(traced)
    assert grown.min() < 30 * 200, f"bytes in 30 times, again and again: {grown}"


def test_a_step_leaves_no_cycles_for_the_collector(backend):
    """Big arrays go at once, when the last reference goes, and not when the collector happens to run."""
    model, x, y = make()
    model.train_on_batch(x, y)
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            model.train_on_batch(x, y)
        assert gc.collect() == 0
    finally:
        gc.enable()


PREDICT = """
import sys
import numpy as np, pycnn
from pycnn import layers
from pathlib import Path

def peak():  # of this process alone, in KiB
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1])

class Images(pycnn.utils.PyDataset):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((16, 64, 64, 3), index, np.float32)  # 768 KiB

model = pycnn.Sequential([layers.Input((64, 64, 3)), layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(2)])
for workers in (1, 2):
    model.predict(Images(20, workers=workers, max_queue_size=4), verbose=0)
before = peak()
for workers in (1, 2):
    model.predict(Images(200, workers=workers, max_queue_size=4), verbose=0)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_predict_over_many_batches_needs_no_more_memory_than_over_few():
    result = subprocess.run([sys.executable, "-c", PREDICT], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 8 << 10  # of 300 MiB of images
