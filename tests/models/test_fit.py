"""fit, evaluate, predict and their kin behave as Keras's."""

import itertools

import numpy as np
import pytest
from fit_models import classifier, regression, small_model
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers
from pycnn.callbacks import Callback, LambdaCallback


class Seen(Callback):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train_begin")

    def on_train_end(self, logs=None):
        self.calls.append("train_end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch_begin {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch_end {epoch} {sorted(logs)}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch_begin {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch_end {batch} {sorted(logs)}")

    def on_test_begin(self, logs=None):
        self.calls.append("test_begin")

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(f"test_batch_end {batch}")

    def on_test_end(self, logs=None):
        self.calls.append("test_end")


def test_training_learns(backend):
    x, y = regression()
    model = small_model(optimizer=pycnn.optimizers.SGD(0.1))
    history = model.fit(x, y, batch_size=10, epochs=30, verbose=0)
    assert history.history["loss"][-1] < 1e-5
    assert_close(model.weights[0].numpy(), [[1], [-2], [0.5]], 1e-2)
    assert history.epoch == list(range(30))
    assert model.history is history


def test_one_step_of_sgd_by_hand(backend):
    model = small_model(kernel_initializer="zeros")
    x, y = np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([[1.0], [3.0]])
    assert model.train_on_batch(x, y) == pytest.approx(5.0)  # (1 + 9) / 2
    # d/dw = mean of -2 * y * x, d/db = mean of -2 * y; the rate is 0.01
    assert_close(model.weights[0].numpy(), [[0.01], [0.03], [0.0]], 1e-6)
    assert_close(model.weights[1].numpy(), [0.04], 1e-6)


def test_training_equals_pytorch(backend):
    torch = peer("torch")
    x, y = normal((32, 3)), np.random.default_rng(1).integers(0, 4, 32)
    pycnn.config.set_floatx("float64")
    model = classifier(optimizer=pycnn.optimizers.SGD(0.1, momentum=0.9))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4)).double()
    with torch.no_grad():
        for parameter, weight in zip(theirs.parameters(), model.get_weights(), strict=True):
            parameter.copy_(torch.tensor(weight.T))
    optimizer = torch.optim.SGD(theirs.parameters(), 0.1, momentum=0.9)
    for _ in range(3):
        for start in range(0, 32, 8):
            optimizer.zero_grad()
            outputs = theirs(torch.tensor(x[start : start + 8]))
            torch.nn.functional.cross_entropy(outputs, torch.tensor(y[start : start + 8])).backward()
            optimizer.step()
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    for parameter, weight in zip(theirs.parameters(), model.get_weights(), strict=True):
        assert_close(weight.T, parameter.detach().numpy(), 1e-10)


def test_logs_are_means_over_samples(backend):
    """Five samples in batches of two: the last batch, of one, counts for one."""
    model = small_model(kernel_initializer="zeros", optimizer=pycnn.optimizers.SGD(0.0))
    y = np.array([1.0, 1, 2, 2, 3])[:, None]
    history = model.fit(np.ones((5, 3)), y, batch_size=2, verbose=0)
    assert history.history["loss"] == [pytest.approx((1 + 1 + 4 + 4 + 9) / 5)]
    assert model.evaluate(np.ones((5, 3)), y, batch_size=2, verbose=0) == pytest.approx(19 / 5)


def test_callbacks_are_called_in_keras_order(backend):
    seen = Seen()
    model = small_model(metrics=["mae"])
    model.fit(*regression(4), batch_size=2, epochs=2, verbose=0, callbacks=[seen], validation_data=regression(2))
    logs = ["loss", "mae"]
    batches = [
        *("batch_begin 0", f"batch_end 0 {logs}", "batch_begin 1", f"batch_end 1 {logs}"),
        *("test_begin", "test_batch_end 0", "test_end"),
    ]
    both = [*logs, "val_loss", "val_mae"]
    expected = ["train_begin"]
    for epoch in range(2):
        expected += [f"epoch_begin {epoch}", *batches, f"epoch_end {epoch} {both}"]
    assert seen.calls == [*expected, "train_end"]


def test_the_validation_split_is_the_end_before_shuffling(backend):
    batches = []

    class Spy(pycnn.Sequential):
        def train_step(self, x, y, sample_weight=None):
            batches.append(("train", y.numpy().ravel().tolist()))
            return super().train_step(x, y, sample_weight)

        def test_step(self, x, y, sample_weight=None):
            batches.append(("test", y.numpy().ravel().tolist()))
            return super().test_step(x, y, sample_weight)

    model = Spy([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.arange(10.0)
    model.fit(x[:, None], x, batch_size=4, epochs=2, validation_split=0.3, verbose=0)
    trained = [numbers for kind, numbers in batches if kind == "train"]
    assert [n for kind, numbers in batches if kind == "test" for n in numbers] == [7, 8, 9] * 2
    for epoch in (trained[:2], trained[2:]):
        assert [len(b) for b in epoch] == [4, 3]
        assert sorted(n for b in epoch for n in b) == list(range(7))
    assert trained[:2] != trained[2:]  # shuffled anew


def test_without_shuffling_the_order_stays(backend):
    order = []

    def loss(y_true, y_pred):
        order.extend(y_true.numpy().ravel().tolist())
        return ((y_pred - y_true) ** 2).mean(axis=-1)

    model = small_model(loss=loss)
    x = normal((7, 3))
    model.fit(x, np.arange(7.0)[:, None], batch_size=3, shuffle=False, verbose=0)
    assert order == list(range(7))
    order.clear()
    model.fit(x, np.arange(7.0)[:, None], batch_size=3, shuffle="batch", verbose=0)
    assert sorted(order) == list(range(7))
    assert all(b - a == 1 or b % 3 == 0 for a, b in itertools.pairwise(order))


def test_the_seed_decides_all(backend):
    def weights():
        pycnn.utils.set_random_seed(7)
        model = classifier()
        model.fit(normal((40, 3)), np.arange(40) % 4, batch_size=8, epochs=3, verbose=0)
        return model.get_weights()

    for one, two in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_epochs_and_initial_epoch(backend):
    history = small_model().fit(*regression(), epochs=7, initial_epoch=5, verbose=0)
    assert history.epoch == [5, 6]
    assert len(history.history["loss"]) == 2


def test_steps_per_epoch_go_on_where_the_last_epoch_ended(backend):
    seen = []

    def loss(y_true, y_pred):
        seen.append(y_true.numpy().ravel().tolist())
        return ((y_pred - y_true) ** 2).mean(axis=-1)

    model = small_model(loss=loss)
    y = np.arange(6.0)[:, None]
    model.fit(normal((6, 3)), y, batch_size=2, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0)
    assert seen == [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(("frequency", "epochs"), [(1, [1, 2, 3, 4]), (2, [2, 4]), ([1, 4], [1, 4])])
def test_validation_frequency(backend, frequency, epochs):
    model, done = small_model(), []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: done.append(epoch + 1) if "val_loss" in logs else None)
    history = model.fit(
        *regression(),
        epochs=4,
        validation_data=regression(5),
        validation_freq=frequency,
        callbacks=[keep],
        verbose=0,
    )
    assert done == epochs
    assert len(history.history["val_loss"]) == len(epochs)


def test_frozen_layers_stay_and_can_be_thawed_without_compiling(backend):
    model = classifier()
    x, y = normal((8, 3)), np.arange(8) % 4
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    for i, (old, new) in enumerate(zip(before, model.get_weights(), strict=True)):
        assert (old == new).all() == (i < 2)


def test_layers_may_be_frozen_while_training(backend):
    model = classifier()
    kernels = []

    def freeze(epoch, logs):
        kernels.append(model.layers[0].get_weights()[0])
        model.layers[0].trainable = epoch != 0

    model.fit(normal((8, 3)), np.arange(8) % 4, epochs=3, callbacks=[LambdaCallback(on_epoch_end=freeze)], verbose=0)
    assert (kernels[0] == kernels[1]).all()
    assert (kernels[1] != kernels[2]).any()


def test_dropout_is_active_in_training_only(backend):
    phases = []

    class Spy(layers.Layer):
        def call(self, inputs, training=False):
            phases.append(training)
            return inputs

    model = pycnn.Sequential([layers.Input((3,)), Spy(), layers.Dense(1)])
    model.compile("sgd", "mse")
    phases.clear()
    model.fit(*regression(4), validation_data=regression(2), verbose=0)
    assert phases == [True, False]
    model.evaluate(*regression(2), verbose=0)
    model.predict(regression(2)[0], verbose=0)
    model.predict_on_batch(regression(2)[0])
    model.test_on_batch(*regression(2))
    assert phases[2:] == [False] * 4
    model.train_on_batch(*regression(2))
    assert phases[-1] is True


def test_only_training_records_a_graph(backend):
    recorded = []

    class Spy(pycnn.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            recorded.append((training, y_pred.requires_grad))
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    model = Spy([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(*regression(4), validation_data=regression(2), verbose=0)
    model.evaluate(*regression(2), verbose=0)
    model.test_on_batch(*regression(2))
    assert recorded == [(True, True), (False, False), (False, False), (False, False)]


def test_evaluate_forms(backend):
    x, y = regression()
    assert isinstance(small_model().evaluate(x, y, verbose=0), float)
    model = small_model(metrics=["mae", "mse"])
    values = model.evaluate(x, y, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "mae", "mse"]
    assert values == list(logs.values())
    assert values[0] == pytest.approx(values[2], rel=1e-6)
    assert model.evaluate(x, y, batch_size=7, steps=2, verbose=0)[0] == pytest.approx(
        model.evaluate(x[:14], y[:14], verbose=0)[0], rel=1e-6
    )


def test_a_predict_step_of_the_users_records_no_gradients(backend):
    class Watched(pycnn.Sequential):
        recording = None

        def predict_step(self, x):
            self.recording = pycnn.autograd.is_grad_enabled()
            return super().predict_step(x)

    model = Watched([layers.Input((3,)), layers.Dense(2)])
    for _ in range(3):
        model.predict_on_batch(np.ones((4, 3)))
        assert model.recording is False
    model.recording = None
    model.predict(np.ones((4, 3)), verbose=0)
    assert model.recording is False
    assert pycnn.autograd.is_grad_enabled()


def test_predict(backend):
    model, (x, _) = small_model(), regression()
    y = model.predict(x, batch_size=7, verbose=0)
    assert type(y) is np.ndarray
    assert y.shape == (50, 1)
    np.testing.assert_array_equal(y, np.concatenate([model(x[i : i + 7]).numpy() for i in range(0, 50, 7)]))
    np.testing.assert_array_equal(model.predict_on_batch(x[:7]), y[:7])
    assert model.predict(x, batch_size=7, steps=2, verbose=0).shape == (14, 1)


def test_on_batch_values_are_means_until_reset(backend):
    model = small_model(kernel_initializer="zeros", optimizer=pycnn.optimizers.SGD(0.0))
    x = np.ones((2, 3))
    assert model.test_on_batch(x, np.full(2, 1.0)) == pytest.approx(1)
    assert model.test_on_batch(x, np.full(2, 3.0)) == pytest.approx(5)
    model.reset_metrics()
    assert model.train_on_batch(x, np.full(2, 3.0), return_dict=True) == {"loss": pytest.approx(9)}


def test_integer_and_list_data(backend):
    model = classifier()
    model.fit([[1, 2, 3], [4, 5, 6]], [0, 3], verbose=0)
    model.fit(np.ones((2, 3), np.uint8), np.array([[0], [3]]), verbose=0)
    model.fit(pycnn.Tensor(np.ones((2, 3))), pycnn.Tensor(np.array([0, 3])), verbose=0)


def test_callbacks_may_stop_training(backend):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    history = small_model().fit(*regression(), batch_size=5, epochs=5, callbacks=Stop(), verbose=0)
    assert history.epoch == [0]


def test_an_optimizer_goes_on_over_fits(backend):
    x, y = regression()
    once, twice = small_model(optimizer="adam"), small_model(optimizer="adam")
    twice.set_weights(once.get_weights())
    once.fit(x, y, epochs=2, shuffle=False, verbose=0)
    twice.fit(x, y, epochs=1, shuffle=False, verbose=0)
    twice.fit(x, y, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(once.get_weights()[0], twice.get_weights()[0])
