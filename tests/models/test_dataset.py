"""PyDataset: worker threads, order, errors, ends."""

import threading
import time
import traceback

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.callbacks import Callback
from pycnn.models.batches import make_source


def model():
    made = pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def batch(index):
    return np.full((2, 3), index, np.float32), np.full((2, 1), index, np.float32)


class Slow(pycnn.utils.PyDataset):
    """The first batches take longest, so that threads finish in another order."""

    def __init__(self, count=12, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.calls = []
        self.threads = set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.threads.add(threading.current_thread().name)
        time.sleep(0.002 * (index % 3 == 0))
        return batch(index)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


class Endless(Slow):
    num_batches = None

    def __getitem__(self, index):
        return batch(index)


def prefetching():
    return [thread for thread in threading.enumerate() if thread.name.startswith("pycnn-prefetch")]


@pytest.mark.parametrize(
    ("arguments", "threads"),
    [({}, 0), ({"workers": 0}, 0), ({"workers": 3}, 3), ({"workers": 1, "use_multiprocessing": True}, 1)],
)
def test_batches_keep_their_order_and_threads_end(arguments, threads):
    together = threading.Barrier(max(threads, 1))

    class Meeting(Slow):
        """Its first batches wait for each other, so that no thread can make them all."""

        def __getitem__(self, index):
            if index < together.parties:
                together.wait(10)
            return super().__getitem__(index)

    data = Meeting(**arguments)
    assert [int(x[0, 0]) for x, _ in data] == list(range(12))
    assert len([name for name in data.threads if name.startswith("pycnn-prefetch")]) == threads
    assert not prefetching()


def test_threads_work_ahead_but_not_further_than_the_queue():
    class Counting(Slow):
        made = 0

        def __getitem__(self, index):
            self.made += 1
            return batch(index)

    data = Counting(count=100, workers=2, max_queue_size=4)
    batches = iter(data)
    next(batches)
    deadline = time.monotonic() + 5
    while data.made < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert data.made == 5  # the one that was fetched, and four that wait
    batches.close()
    assert not prefetching()


def test_fit_evaluate_and_predict_with_threads(backend):
    data = Slow(workers=2, max_queue_size=3)
    plain = Slow()
    pycnn.utils.set_random_seed(0)
    one = model()
    expected = one.fit(plain, epochs=2, validation_data=plain, verbose=0).history
    pycnn.utils.set_random_seed(0)
    two = model()
    assert two.fit(data, epochs=2, validation_data=data, verbose=0).history == expected
    assert data.calls == ["begin", "end"] * 4
    assert two.evaluate(data, verbose=0) == one.evaluate(plain, verbose=0)
    np.testing.assert_array_equal(two.predict(data, verbose=0), one.predict(plain, verbose=0))
    assert not prefetching()


@pytest.mark.parametrize("task", ["fit", "evaluate", "predict"])
def test_what_a_worker_raises_comes_out_with_its_traceback(task):
    class Broken(Slow):
        def __getitem__(self, index):
            if index == 5:
                raise KeyError("no such picture")
            return super().__getitem__(index)

    made = model()
    arguments = {"shuffle": False} if task == "fit" else {}
    with pytest.raises(KeyError, match="no such picture") as caught:
        getattr(made, task)(Broken(workers=3), verbose=0, **arguments)
    assert not prefetching()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "__getitem__"
    assert task in names


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("steps", [None, 5])
def test_no_thread_outlives_an_interrupted_training(error, steps):
    class Interrupt(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise error("stop")

    with pytest.raises(error):
        model().fit(Slow(workers=2), steps_per_epoch=steps, callbacks=[Interrupt()], verbose=0)
    assert not prefetching()


def test_an_epoch_that_is_cut_short_leaves_no_thread():
    model().fit(Slow(workers=2), steps_per_epoch=5, epochs=3, verbose=0)
    assert not prefetching()


def test_data_without_length(backend):
    seen = []

    class See(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(batch)

    for workers in (1, 2):
        seen.clear()
        model().fit(Endless(workers=workers), steps_per_epoch=3, epochs=2, callbacks=[See()], verbose=0)
        assert seen == [0, 1, 2, 0, 1, 2]
        assert model().predict(Endless(workers=workers), steps=4, verbose=0).shape == (8, 1)
    assert not prefetching()
    with pytest.raises(ValueError, match=r"never ends: say how many batches .* steps_per_epoch"):
        model().fit(Endless(), verbose=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_hooks_where_an_epoch_is_not_a_pass(workers):
    data = Slow(count=4, workers=workers)
    model().fit(data, steps_per_epoch=3, epochs=3, verbose=0)  # nine batches: two passes, and a batch of the third
    assert data.calls == ["begin", "end", "begin", "end", "begin"]
    data = Endless(workers=workers)
    model().fit(data, steps_per_epoch=3, epochs=2, verbose=0)
    assert data.calls == ["begin", "end", "begin", "end"]


def test_shuffled_batches_are_all_there():
    pycnn.utils.set_random_seed(1)
    order = [int(x[0, 0]) for x, _, _ in make_source(Slow(workers=2), shuffle=True)]
    assert order != sorted(order)
    assert sorted(order) == list(range(12))
    pycnn.utils.set_random_seed(1)
    assert order == [int(x[0, 0]) for x, _, _ in make_source(Slow(), shuffle=True)]


def test_class_weights():
    source = make_source(Slow(count=3), class_weight={1: 5.0})
    assert [weight.tolist() for _, _, weight in source] == [[1, 1], [5, 5], [1, 1]]


def test_subclasses_need_not_call_init():
    class Bare(pycnn.utils.PyDataset):
        def __init__(self):
            self.n = 2

        def __len__(self):
            return self.n

        def __getitem__(self, index):
            return batch(index)

    assert len(model().fit(Bare(), verbose=0).history["loss"]) == 1


def test_errors():
    with pytest.raises(ValueError, match=r"workers must be an integer >= 0. Received: workers=-1"):
        Slow(workers=-1)
    with pytest.raises(ValueError, match=r"max_queue_size must be an integer >= 1. Received: max_queue_size=0"):
        Slow(max_queue_size=0)

    class Nothing(pycnn.utils.PyDataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing must define __len__\(self\)"):
        model().fit(Nothing(), verbose=0)
    with pytest.raises(NotImplementedError, match=r"Nothing must define __getitem__\(self, index\)"):
        Nothing()[0]
