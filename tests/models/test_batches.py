"""Where batches come from: arrays, data sets, loaders, generators."""

import numpy as np
import pytest
from helpers import normal, peer

import pycnn
from pycnn import layers
from pycnn.models.batches import ArrayBatches, IterableBatches, make_source
from pycnn.models.feed import Feed


def numbers(epoch):
    return [y.ravel().tolist() for _, y, _ in epoch]


def model():
    made = pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


class Squares(pycnn.utils.PyDataset):
    def __init__(self):
        self.epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.full((2, 3), index), np.full((2, 1), index**2)

    def on_epoch_end(self):
        self.epochs += 1


def test_arrays_become_floatx_once_and_integers_stay():
    source = ArrayBatches(np.zeros((4, 3)), np.zeros(4, np.int32), batch_size=3)
    assert source.x.dtype == np.float32
    assert source.y.dtype == np.int32
    assert (source.steps, source.samples) == (2, 4)
    assert ArrayBatches(np.zeros((4, 3), np.uint8)).x.dtype == np.uint8
    x = np.zeros((4, 3), np.float32)
    assert ArrayBatches(x).x is x


def test_shuffled_batches_hold_each_sample_once_and_x_and_y_belong_together():
    x = np.arange(10)
    epoch = list(ArrayBatches(x, x * 2, x * 3, 4, shuffle=True))
    assert [len(a) for a, _, _ in epoch] == [4, 4, 2]
    assert sorted(np.concatenate([a for a, _, _ in epoch])) == list(range(10))
    for a, b, c in epoch:
        np.testing.assert_array_equal(a * 2, b)
        np.testing.assert_array_equal(a * 3, c)


def test_several_inputs(backend):
    source = make_source([np.zeros((4, 2)), np.ones((4, 3))], {"out": np.arange(4)}, batch_size=3)
    x, y, weight = next(iter(source))
    assert [a.shape for a in x] == [(3, 2), (3, 3)]
    assert y["out"].tolist() == [0, 1, 2]
    assert weight is None
    with pytest.raises(ValueError, match=r"'x' sizes: 4, 5"):
        make_source([np.zeros((4, 2)), np.ones((5, 3))])


def test_models_of_several_inputs(backend):
    class Sum(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs["a"] + inputs["b"])

    summing = Sum()
    summing.compile("sgd", "mse")
    x = {"a": normal((9, 3)), "b": normal((9, 3), seed=1)}
    history = summing.fit(x, (x["a"] + x["b"]).sum(1), batch_size=4, epochs=20, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert summing.predict(x, batch_size=4, verbose=0).shape == (9, 1)


def test_py_datasets(backend):
    data = Squares()
    made = model()
    history = made.fit(data, epochs=2, verbose=0)
    assert data.epochs == 2
    assert len(history.history["loss"]) == 2
    assert made.predict(data, verbose=0).shape == (6, 1)
    assert made.evaluate(data, verbose=0) > 0
    assert sorted(numbers(IterableBatches(data, shuffle=True))) == [[0, 0], [1, 1], [4, 4]]


def test_generators(backend):
    def batches(n):
        for i in range(n):
            yield np.full((2, 3), i), np.zeros((2, 1))

    history = model().fit(batches(6), steps_per_epoch=2, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3
    with pytest.warns(UserWarning, match="The data ran out after 1 of 2 batches; training stops"):
        history = model().fit(batches(5), steps_per_epoch=2, epochs=4, verbose=0)
    assert len(history.history["loss"]) == 3
    with pytest.raises(ValueError, match="The data ran out: this epoch got no batch"):
        model().fit(batches(2), epochs=2, verbose=0)


def test_validation_from_generators_and_weights_in_batches(backend):
    def batches():
        while True:
            yield np.ones((2, 3)), np.zeros((2, 1)), np.array([1.0, 0.0])

    history = model().fit(batches(), steps_per_epoch=2, validation_data=batches(), validation_steps=3, verbose=0)
    assert set(history.history) == {"loss", "val_loss"}


def test_a_generator_validates_once(backend):
    data = ((np.ones((2, 3)), np.zeros((2, 1))) for _ in range(2))
    with pytest.raises(ValueError, match="The data ran out: this epoch got no batch"):
        model().fit(normal((4, 3)), np.zeros(4), epochs=2, validation_data=data, verbose=0)


def test_pytorch_loaders(backend):
    torch = peer("torch")
    data = torch.utils.data.TensorDataset(torch.ones(10, 3), torch.zeros(10, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    assert Feed(make_source(loader)).steps == 3
    assert len(model().fit(loader, epochs=2, verbose=0).history["loss"]) == 2


def test_a_limited_feed_of_arrays_is_endless():
    feed = Feed(ArrayBatches(np.arange(4), np.arange(4), batch_size=3), steps=3)
    assert numbers(feed.epoch()) == [[0, 1, 2], [3], [0, 1, 2]]
    assert numbers(feed.epoch()) == [[3], [0, 1, 2], [3]]


def test_class_weights_of_one_hot_targets():
    y = np.eye(3)[[2, 0, 1, 2]]
    source = ArrayBatches(np.zeros((4, 1)), y, class_weight={2: 5.0})
    assert source.sample_weight.tolist() == [5, 1, 1, 5]
    source = ArrayBatches(np.zeros((4, 1)), y, np.full(4, 2.0), class_weight={0: 3.0})
    assert source.sample_weight.tolist() == [2, 6, 2, 2]


def test_errors():
    data = Squares()
    with pytest.raises(ValueError, match="y must not be given where x gives the batches"):
        make_source(data, np.zeros(3))
    with pytest.raises(ValueError, match=r"must give \(x, y\) or \(x, y, sample_weight\)"):
        next(iter(make_source(iter([(1, 2, 3, 4)]))))
    with pytest.raises(ValueError, match="validation_split needs x to be arrays"):
        model().fit(data, validation_split=0.5, verbose=0)
    with pytest.raises(ValueError, match="x is no array"):
        make_source([[1, 2], [3]])
    with pytest.raises(TypeError, match="x must be arrays or something that gives batches"):
        make_source(object())
    with pytest.raises(ValueError, match="class_weight needs y"):
        ArrayBatches(np.zeros((4, 1)), class_weight={0: 1.0})
