"""TensorBoard: what its files hold."""

import importlib
import struct
import sys

import numpy as np
import pytest
from helpers import normal, peer

import pycnn
from pycnn import layers
from pycnn.callbacks import TensorBoard


def events(folder):
    """Dict (tag, step) -> value, or for histograms their number of values, of a folder of event files.

    Such a file is a row of records: length as 8 bytes, 4 bytes of checksum, the event, 4 bytes of checksum.
    """
    event_class = importlib.import_module("tensorboardX.proto.event_pb2").Event
    found = {}
    for path in folder.glob("events*"):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = event_class.FromString(content[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                one = value.histo.num if value.HasField("histo") else value.simple_value
                found[value.tag, event.step] = one
    return found


def fit(folder, epochs=2, **arguments):
    model = pycnn.Sequential([pycnn.Input((2,)), layers.Dense(3, name="first"), layers.Dense(1)])
    model.compile(pycnn.optimizers.SGD(0.25), "mse", metrics=["mae"])
    board = TensorBoard(folder, **arguments)
    data = normal((6, 2)), normal(6)
    history = model.fit(*data, batch_size=2, epochs=epochs, validation_data=data, callbacks=[board], verbose=0)
    return model, history.history


def test_epochs(backend, tmp_path):
    peer("tensorboardX")
    _, history = fit(tmp_path)
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    for epoch in range(2):
        for name in ("loss", "mae"):
            assert train[f"epoch_{name}", epoch] == np.float32(history[name][epoch])
            assert validation[f"epoch_{name}", epoch] == np.float32(history[f"val_{name}"][epoch])
            named = f"evaluation_{name}_vs_iterations"
            assert validation[named, 3 * epoch + 3] == np.float32(history[f"val_{name}"][epoch])
        assert train["epoch_learning_rate", epoch] == 0.25
    assert len(train) == 6
    assert len(validation) == 8


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", range(6)), (1, range(6)), (2, (0, 2, 4))])
def test_batches(tmp_path, update_freq, steps):
    peer("tensorboardX")
    _, history = fit(tmp_path, update_freq=update_freq)
    train = events(tmp_path / "train")
    assert [step for tag, step in train if tag == "batch_loss"] == list(steps)
    if 5 in steps:
        assert train["batch_loss", 5] == np.float32(history["loss"][1])  # the mean over the epoch so far


def test_histograms_and_speed(tmp_path):
    peer("tensorboardX")
    model, _ = fit(tmp_path, epochs=3, histogram_freq=2, write_steps_per_second=True)
    train = events(tmp_path / "train")
    sizes = {f"{name}/histogram": weight.numpy().size for name, weight in model.named_weights().items()}
    assert len(sizes) == 4
    for tag, size in sizes.items():
        assert {step: n for (t, step), n in train.items() if t == tag} == {0: size, 2: size}
    assert all(train["epoch_steps_per_second", epoch] > 0 for epoch in range(3))


def test_an_evaluation_alone(tmp_path):
    peer("tensorboardX")
    model, _ = fit(tmp_path / "fit")
    board = TensorBoard(tmp_path)
    loss, _ = model.evaluate(normal((6, 2)), normal(6), callbacks=[board], verbose=0)
    board.on_train_end()
    assert events(tmp_path / "validation")["evaluation_loss_vs_iterations", 6] == np.float32(loss)


def test_no_writer(tmp_path, monkeypatch):
    for name in ("tensorboardX", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        fit(tmp_path)


def test_errors():
    for arguments in ({"write_images": True}, {"profile_batch": (1, 2)}, {"embeddings_freq": 1}):
        with pytest.raises(ValueError, match="writes neither images, profiles nor embeddings. Received: "):
            TensorBoard(**arguments)
    with pytest.raises(ValueError, match="update_freq must be 'epoch', 'batch' or an integer >= 1"):
        TensorBoard(update_freq=0)
