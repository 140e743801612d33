"""Training on a GPU, emulated where there is none: the losses are the CPU's, and nothing waits in between."""

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from cuda_emulator import stand_in
from cuda_emulator.backend import on_gpus
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.applications import LeNet5
from pycnn.backend.late import LateChecks, check_nan

emulated = pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)


def classes(count):
    return np.arange(count) % 3


def small():
    model = pycnn.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Reads(pycnn.callbacks.Callback):
    """How often values had come to the host after each step, and after the epoch."""

    takes_lazy_logs = True

    def on_train_begin(self, logs=None):
        self.before, self.of_epochs = stand_in.synchronisations, []

    def on_epoch_begin(self, epoch, logs=None):
        self.of_epochs.append([])

    def on_train_batch_end(self, batch, logs=None):
        self.of_epochs[-1].append(stand_in.synchronisations - self.before)

    on_epoch_end = on_train_batch_end


def lenet_losses():
    pycnn.utils.set_random_seed(0)
    model = LeNet5()
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = normal((12, *model.input_shape[1:]), "float32"), np.arange(12) % 10
    return [model.train_on_batch(x[i : i + 4], y[i : i + 4], return_dict=True)["loss"] for i in (0, 4, 8, 0)]


@on_gpus
def test_lenet_has_the_losses_of_the_cpu(backend):
    losses = lenet_losses()
    pycnn.set_backend("cpu")
    np.testing.assert_allclose(losses, lenet_losses(), rtol=0, atol=1e-4)


@emulated
@pytest.mark.parametrize("steps", [2, 5])
def test_values_are_read_at_the_end_of_an_epoch_alone(backend, steps):
    reads = Reads()
    small().fit(normal((4 * steps, 6, 6, 1), "float32"), classes(4 * steps), 4, 3, verbose=0, callbacks=[reads])
    first = [0, 1] + [1] * (steps - 2)  # the labels of the step that is recorded
    assert reads.of_epochs[0] == [*first, 3]  # and then the loss and the accuracy
    assert reads.of_epochs[1:] == [[3] * steps + [5], [5] * steps + [7]]


@emulated
def test_wrong_labels_are_said_when_the_loss_is_read(backend):
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    x, y = (pycnn.Tensor.wrap(backend.asarray(a)) for a in (normal((3, 6, 6, 1), "float32"), classes(3)))
    before = stand_in.synchronisations
    for _ in range(3):
        model.train_step(x, y)
        model.test_step(x, y)
    assert stand_in.synchronisations == before
    assert np.isfinite(model.get_metrics_result()["loss"])
    model.train_step(x, y + 1)
    with pytest.raises(ValueError, match="class indices from 0 to 2, .* Received: y_true from 1 to 3"):
        model.get_metrics_result()
    model.reset_metrics()
    assert np.isnan(model.get_metrics_result()["loss"])


@emulated
def test_checks_that_wait_are_not_many(backend):
    late, seen = LateChecks(), []
    with late:
        for i in range(150):
            check_nan(backend.asarray(np.array([np.nan if i == 70 else 1.0])), seen.append, i)
    assert seen == list(range(64, 128))
    late.settle(wrong=True)
    assert seen == list(range(64, 150))


@emulated
@pytest.mark.parametrize("clipping", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_waits_for_nothing(backend, clipping):
    optimizer = pycnn.optimizers.SGD(1.0, **{clipping: 0.5})
    weight = pycnn.Variable(np.zeros(2, "float32"))
    before = stand_in.synchronisations
    optimizer.apply([backend.asarray(np.array([3, 0.25], "float32"))], [weight])
    assert stand_in.synchronisations == before
    assert weight.numpy()[0] == pytest.approx(-0.5, abs=0.01)


@emulated
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, {}) for name in ("Precision", "Recall", "TrueNegatives", "F1Score", "Hinge", "CategoricalAccuracy")),
        *(("AUC", {"from_logits": True, **more}) for more in ({}, {"multi_label": True}, {"label_weights": [1, 2, 3]})),
        ("PrecisionAtRecall", {"recall": 0.5}),
        ("OneHotMeanIoU", {"num_classes": 3, "ignore_class": 1}),
        ("BinaryIoU", {}),
    ],
)
def test_metrics_stay_on_the_device(backend, name, arguments):
    metric, on_host = (getattr(pycnn.metrics, name)(**arguments) for _ in range(2))
    each = name != "BinaryIoU"
    arrays = np.eye(3, dtype="float32"), normal((3, 3), "float32"), np.array([1, 2, 3] if each else range(9), "float32")
    before = stand_in.synchronisations
    for _ in range(2):
        metric.update_state(*(pycnn.Tensor.wrap(backend.asarray(a)) for a in arrays))
    assert stand_in.synchronisations == before
    result = metric.result()
    pycnn.set_backend("cpu")
    for _ in range(2):
        on_host.update_state(*arrays)
    np.testing.assert_allclose(result, on_host.result(), rtol=1e-6)


@emulated
@pytest.mark.parametrize(
    ("name", "arguments", "wrong", "message"),
    [
        ("AUC", {}, [[0.5], [1.5]], r"y_pred must lie in \[0, 1\]. Received: y_pred from 0.25 to 1.5"),
        ("MeanIoU", {"num_classes": 2}, [[1], [2]], "y_pred must hold class indices from 0 to 1. .* from 0 to 2"),
    ],
)
def test_metrics_say_what_was_wrong_when_they_are_read(backend, name, arguments, wrong, message):
    metric = getattr(pycnn.metrics, name)(**arguments)
    for p in (wrong, [[0.25], [0.75]]):
        metric.update_state([[0], [1]], p)
    with pytest.raises(ValueError, match=message):
        metric.result()
    metric.reset_state()
    metric.update_state([[0], [1]], [[0.25], [1]])
    metric.result()


@emulated
def test_what_no_graph_can_hold_is_said_once(backend, capsys):
    model = pycnn.Sequential([layers.Input((2, 2, 1)), layers.Dense(3), layers.RandomFlip(), layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=True)
    x, y = normal((10, 2, 2, 1), "float32"), normal((10, 2, 2, 1), "float32", 1)
    model.fit(x, y, 4, 3, verbose=0)  # batches of 4, 4 and 2
    said = capsys.readouterr().out
    assert said == f"pycnn: {model.name} runs its training step eagerly: random numbers are drawn on the host\n"


@pytest.mark.parametrize("backend", ["cpu", cuda_emulated.NAME], indirect=True)
def test_warmup_changes_nothing(backend):
    x, y = normal((8, 6, 6, 1), "float32"), classes(8)

    def trained(warm):
        pycnn.utils.set_random_seed(1)
        model = small()
        model.fit(x, y, 4, 1, verbose=0)
        if warm:
            before = model.get_metrics_result()
            assert model.warmup(x[:4], y[:4]) is None
            assert model.get_metrics_result() == before
        return model.fit(x, y, 4, 1, verbose=0).history, model.get_weights()

    (mine, weights), (others, expected) = trained(True), trained(False)
    assert mine == others
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_warmup_takes_each_step_twice():
    class Counting(pycnn.Model):
        calls = []

        def train_step(self, x, y=None, sample_weight=None):
            self.calls.append("training")
            return super().train_step(x, y, sample_weight)

        def predict_step(self, x):
            self.calls.append("predict")
            return super().predict_step(x)

    x = pycnn.Input((2,))
    model = Counting(x, layers.Dense(1)(x))
    model.warmup(np.ones((3, 2)))
    assert model.calls == ["predict"] * 2
    model.compile("sgd", "mse")
    model.warmup(np.ones((3, 2)), np.ones((3, 1)))
    assert sorted(model.calls[2:]) == ["predict"] * 2 + ["training"] * 2


@emulated
def test_batches_arrive_before_they_are_used(backend):
    batches = [[normal((3, 2), "float32", seed), classes(3) + seed] for seed in range(5)]
    brought = [backend.upload(batch) for batch in batches]
    for arrays, batch in zip(brought, batches, strict=True):  # none is overwritten by a later one
        for array, expected in zip(arrays, batch, strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(backend.to_numpy(array), expected)


@emulated
def test_a_batch_that_is_not_waited_for_is_noticed(backend, monkeypatch):
    monkeypatch.setattr(stand_in.Stream, "wait_event", lambda stream, event: None)
    (array,) = backend.upload([np.ones(3, "float32")])
    assert np.isnan(backend.to_numpy(array)).all()
