"""Dataset: what each method gives, order and random numbers under any number of threads, ends and errors."""

import itertools
import threading
import time
import traceback

import numpy as np
import pytest
from fit_models import regression, small_model

import pycnn
from pycnn import layers, ops
from pycnn.callbacks import BackupAndRestore, Callback
from pycnn.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset


def count_to(n):
    return Dataset.from_tensor_slices(np.arange(n))


def numbers(dataset):
    return [np.asarray(element).tolist() for element in dataset]


def prefetching():
    return [thread for thread in threading.enumerate() if thread.name.startswith("pycnn-prefetch")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not prefetching()


@pytest.mark.parametrize("slices", [True, False])
def test_what_each_method_gives(slices):
    """Samples of arrays take another way than elements of a generator, with the same results."""

    def source(n):
        return count_to(n) if slices else Dataset.from_generator(lambda: iter(range(n)))

    assert numbers(source(3)) == [0, 1, 2]
    assert numbers(source(5).batch(2)) == [[0, 1], [2, 3], [4]]
    assert numbers(source(5).batch(2, drop_remainder=True)) == [[0, 1], [2, 3]]
    assert numbers(source(5).skip(1).take(3).batch(2)) == [[1, 2], [3]]
    assert numbers(source(5).take(-1).batch(3).unbatch()) == [0, 1, 2, 3, 4]
    assert numbers(source(3).repeat(2).batch(2)) == [[0, 1], [2, 0], [1, 2]]
    assert numbers(source(3).repeat().take(7)) == [0, 1, 2, 0, 1, 2, 0]
    assert numbers(source(0).repeat()) == []
    assert numbers(source(5).map(lambda x: x * 10, num_parallel_calls=2).skip(1)) == [10, 20, 30, 40]
    assert numbers(source(6).filter(lambda x: x % 2)) == [1, 3, 5]
    assert numbers(source(4).prefetch(2).prefetch(AUTOTUNE)) == [0, 1, 2, 3]
    assert [(int(a), int(b)) for a, b in Dataset.zip(source(3), source(9).skip(5))] == [(0, 5), (1, 6), (2, 7)]
    for shuffled in (source(50).shuffle(50), source(50).shuffle(8)):
        order = numbers(shuffled)
        assert order != sorted(order)
        assert sorted(order) == list(range(50))


def test_a_small_buffer_moves_elements_by_little():
    elements = Dataset.from_generator(lambda: iter(range(100))).shuffle(4)
    assert all(element <= place + 3 for place, element in enumerate(numbers(elements)))


def test_structures_and_dtypes():
    data = Dataset.from_tensor_slices(({"a": np.zeros((4, 2)), "b": np.arange(4)}, np.ones(4, np.uint8)))
    ((x, y),) = data.batch(4)
    assert (x["a"].dtype, x["b"].dtype.kind, y.dtype) == (np.float32, "i", np.uint8)
    ((x, y),) = Dataset.from_generator(lambda: iter([({"a": [1, 2]}, 3.0)] * 2)).batch(2)
    assert x["a"].tolist() == [[1, 2], [1, 2]]
    assert y.tolist() == [3, 3]
    ((x, y),) = data.batch(4).map(lambda x, y: (ops.relu(x["a"] - 1), y))
    assert type(x) is np.ndarray
    paths = Dataset.from_tensor_slices((["a.png", "b.png"], [0, 1])).map(lambda path, y: (path.replace(".png", ""), y))
    assert [(str(path), int(y)) for path, y in paths] == [("a", 0), ("b", 1)]
    ((_, right),) = Dataset.from_generator([[np.zeros(2), np.ones(2)]])
    assert right.tolist() == [1, 1]


def test_lengths():
    data = count_to(10)
    chain = data.shuffle(3).batch(4).map(abs).prefetch(1).cache()
    assert (len(chain), chain.cardinality(), len(data.repeat(3)), len(data.skip(12)), len(data.take(4))) == (
        (3, 3, 30, 0, 4)
    )
    assert len(data.batch(4, drop_remainder=True)) == 2
    assert len(Dataset.zip(data, data.repeat())) == 10
    assert data.repeat().cardinality() == INFINITE_CARDINALITY
    assert data.filter(bool).cardinality() == data.batch(2).unbatch().cardinality() == UNKNOWN_CARDINALITY
    with pytest.raises(TypeError, match="an infinite length"):
        len(data.repeat())
    with pytest.raises(TypeError, match="no known length"):
        len(data.filter(bool))


def test_cache_reads_once():
    read = []

    def elements():
        read.append(1)
        yield from range(4)

    data = Dataset.from_generator(elements).cache()
    assert numbers(data.take(2)) == [0, 1]  # not read to the end: nothing is kept
    assert [numbers(data) for _ in range(3)] == [[0, 1, 2, 3]] * 3
    assert len(read) == 2
    assert numbers(data.skip(3)) == [3]


def augmented(workers, slices=True):
    """Two epochs of shuffled batches, changed by layers with and without seeds of their own."""
    pycnn.utils.set_random_seed(3)
    noise, own = layers.GaussianNoise(0.5), layers.GaussianNoise(0.5, seed=4)
    x = np.zeros((50, 2), np.float32)
    y = np.arange(50)
    source = Dataset.from_tensor_slices((x, y)) if slices else Dataset.from_generator(lambda: zip(x, y, strict=True))

    def change(x, y):
        time.sleep(0.001 * (y[0] % 3))  # so that threads end in another order
        return own(noise(x, training=True), training=True), y

    data = source.shuffle(20).batch(8).map(change, num_parallel_calls=workers).prefetch(2)
    return [list(data) for _ in range(2)]


@pytest.mark.parametrize("slices", [True, False])
def test_the_same_bits_for_any_number_of_threads(backend, slices):
    expected = augmented(None, slices)
    (first, _), (second, _) = expected[0][:2]
    assert not np.array_equal(first, second)
    assert not np.array_equal(expected[0][0][1], expected[1][0][1])
    for workers in (1, 2, 5):
        for epoch, epoch_expected in zip(augmented(workers, slices), expected, strict=True):
            for batch, batch_expected in zip(epoch, epoch_expected, strict=True):
                np.testing.assert_array_equal(batch[0], batch_expected[0])
                np.testing.assert_array_equal(batch[1], batch_expected[1])


def test_py_datasets_draw_the_same_numbers_in_any_thread():
    class Noise(pycnn.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            time.sleep(0.001 * (index % 3))
            return pycnn.random.normal((2,)).numpy()

    def epochs(**arguments):
        pycnn.utils.set_random_seed(1)
        data = Noise(**arguments)
        return [numbers(data), numbers(data), pycnn.random.normal((2,)).tolist()]

    expected = epochs()
    assert expected[0] != expected[1]
    assert epochs(workers=3) == epochs(workers=1, use_multiprocessing=True) == expected
    pipeline = numbers(Dataset.from_generator(Noise(workers=3)).prefetch(2))
    assert len(pipeline) == 6


def test_orders_with_a_seed():
    one, two = (count_to(30).shuffle(30, seed=2) for _ in range(2))
    epochs = [numbers(one) for _ in range(3)]
    assert epochs == [numbers(two) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    fixed = count_to(30).shuffle(30, seed=2, reshuffle_each_iteration=False)
    assert numbers(fixed) == numbers(fixed)
    repeated = numbers(count_to(30).shuffle(30).repeat(2).batch(30))
    assert repeated[0] != repeated[1]


def test_kernels_of_threads_run_on_one_thread_in_the_backend_of_who_reads(backend):
    before = pycnn.get_num_threads()
    pycnn.set_num_threads(3)
    seen = []
    try:
        data = count_to(2).map(lambda x: seen.append((pycnn.get_num_threads(), pycnn.get_backend().name)) or x, 1)
        list(data)
        assert seen == [(1, backend.name)] * 2
        assert pycnn.get_num_threads() == 3
    finally:
        pycnn.set_num_threads(before)


def test_a_slow_generator_keeps_its_order_and_the_queue_its_bound():
    made = []

    def slow():
        for i in range(30):
            made.append(i)
            time.sleep(0.0005 * (i % 4))
            yield i

    elements = iter(Dataset.from_generator(slow).map(lambda x: x, num_parallel_calls=3).prefetch(4))
    for i in range(12):
        assert next(elements) == i
        assert len(made) <= i + 1 + 4
    elements.close()
    assert len(made) < 20


def test_training_with_a_pipeline(backend):
    x, y = regression()

    def fit(workers):
        pycnn.utils.set_random_seed(0)
        model = small_model()
        noise = layers.GaussianNoise(0.1)
        data = Dataset.from_tensor_slices((x, y)).shuffle(50).batch(8)
        data = data.map(lambda x, y: (noise(x, training=True), y), num_parallel_calls=workers).prefetch(2)
        valid = Dataset.from_tensor_slices((x, y)).batch(25)
        history = model.fit(data, epochs=3, validation_data=valid, verbose=0)
        assert model.predict(valid, verbose=0).shape == (50, 1)
        return history.history, model.evaluate(valid, verbose=0), [w.tolist() for w in model.get_weights()]

    history, loss, weights = fit(None)
    assert history["val_loss"][-1] == loss < history["val_loss"][0]
    assert fit(1) == fit(3) == (history, loss, weights)


def test_endless_data_needs_steps():
    x, y = regression(8)
    data = Dataset.from_tensor_slices((x, y)).repeat().batch(4).prefetch(1)
    with pytest.raises(ValueError, match="never ends: say how many batches"):
        small_model().fit(data, verbose=0)
    history = small_model().fit(data, steps_per_epoch=3, epochs=2, validation_data=data, validation_steps=1, verbose=0)
    assert len(history.history["val_loss"]) == 2


class Stop(Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            if self.error is None:
                self.model.stop_training = True
            else:
                raise self.error("stop")


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("make", [iter, itertools.cycle])
def test_no_thread_outlives_a_training_that_ends_early(error, make):
    data = Dataset.from_generator(lambda: make([(np.ones(3), np.ones(1))] * 40)).batch(2)
    data = data.map(lambda x, y: (x, y), num_parallel_calls=2).prefetch(3)
    model = small_model()
    if error is None:
        model.fit(data, epochs=3, steps_per_epoch=10, callbacks=[Stop(error)], verbose=0)
    else:
        with pytest.raises(error):
            model.fit(data, epochs=3, steps_per_epoch=10, callbacks=[Stop(error)], verbose=0)
    assert not prefetching()


@pytest.mark.parametrize("where", ["generator", "function", "nested"])
@pytest.mark.parametrize("error", [KeyError, StopIteration])
def test_what_threads_raise_comes_out_of_fit_with_its_traceback(where, error):
    def broken(x, y):
        if where != "generator" and x[0, 0] == 6:
            raise error("no such picture")
        return x, y

    def elements():
        for i in range(20):
            if where == "generator" and i == 6:
                raise error("no such picture")
            yield np.full(3, i), np.ones(1)

    data = Dataset.from_generator(elements).batch(2).map(broken, num_parallel_calls=2)
    if where == "nested":
        data = data.map(lambda x, y: (x, y)).prefetch(1).map(lambda x, y: (x, y), num_parallel_calls=2)
    expected = RuntimeError if error is StopIteration else KeyError
    with pytest.raises(expected) as caught:
        small_model().fit(data, verbose=0)
    assert not prefetching()
    raised = caught.value.__cause__ if error is StopIteration else caught.value
    frames = [frame.name for frame in traceback.extract_tb(raised.__traceback__)]
    assert frames[-1] == ("elements" if where == "generator" else "broken")
    if error is KeyError:
        assert "fit" in frames


def test_a_forgotten_iterator_ends_its_threads():
    elements = iter(count_to(100).map(lambda x: x, num_parallel_calls=2).prefetch(2))
    next(elements)
    assert prefetching()
    del elements
    assert not prefetching()


@pytest.mark.parametrize("workers", [None, 2])
@pytest.mark.parametrize("stop_at", [3, 10])
def test_an_interrupted_training_goes_on_with_the_same_bits(tmp_path, workers, stop_at):
    x, y = regression(40)

    def fit(*callbacks):
        pycnn.utils.set_random_seed(0)
        model = small_model()
        noise = layers.GaussianNoise(0.1)
        data = Dataset.from_tensor_slices((x, y)).shuffle(40, seed=1).batch(8)
        data = data.map(lambda x, y: (noise(x, training=True), y), num_parallel_calls=workers)
        history = model.fit(data, epochs=4, callbacks=list(callbacks), verbose=0)
        return history.history, model.get_weights()

    class Kill(Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.steps == stop_at:
                raise KeyboardInterrupt

    history, weights = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(BackupAndRestore(tmp_path / "backup", save_freq=1), Kill())
    resumed, resumed_weights = fit(BackupAndRestore(tmp_path / "backup", save_freq=1))
    assert resumed == history
    for a, b in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fit_says_how_long_it_waited_for_data():
    class Slow(pycnn.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            time.sleep(0.01)
            return np.ones((2, 3)), np.ones((2, 1))

    history = small_model().fit(Slow(), epochs=2, verbose=0)
    assert len(history.seconds) == len(history.data_seconds) == 2
    assert all(0.05 <= data < whole for data, whole in zip(history.data_seconds, history.seconds, strict=True))
    assert history.data_share == pytest.approx(sum(history.data_seconds) / sum(history.seconds))
    assert history.history.keys() == {"loss"}


def test_errors():
    data = count_to(4)
    with pytest.raises(ValueError, match=r"batch_size must be an integer >= 1. Received: batch_size=0"):
        data.batch(0)
    with pytest.raises(ValueError, match=r"num_parallel_calls must be an integer >= 1. Received: .*=-3"):
        data.map(abs, num_parallel_calls=-3)
    with pytest.raises(TypeError, match=r"map_func must be callable. Received: map_func=3"):
        data.map(3)
    with pytest.raises(TypeError, match="generator must be a function or an iterable"):
        Dataset.from_generator(3)
    with pytest.raises(ValueError, match="One order for all epochs needs a seed"):
        data.shuffle(3, reshuffle_each_iteration=False)
    with pytest.raises(ValueError, match=r"as many samples each. Received: tensors of lengths \[4, 5\]"):
        Dataset.from_tensor_slices((np.zeros(4), np.zeros(5)))


def test_what_threads_draw_while_a_step_is_recorded_is_not_part_of_it():
    model = small_model()
    plan_made = threading.Event()
    x, y = regression(32)

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if any("calls" in plan for plan in self.model.plans):
                plan_made.set()

    def busy(x, y):
        deadline = time.monotonic() + 5
        while not plan_made.is_set() and x[0, 0] == 9 and time.monotonic() < deadline:
            layers.GaussianNoise(0.1)(x, training=True)
        return x, y

    x[24:] = 9
    data = Dataset.from_tensor_slices((x, y)).batch(8).map(busy, num_parallel_calls=4).prefetch(8)
    model.fit(data, callbacks=[Watch()], verbose=0)
    assert plan_made.is_set()
    assert [plan["step"] for plan in model.plans if "calls" in plan] == ["training"]
