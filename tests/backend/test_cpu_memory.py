"""Memory of large results on the CPU: kept, aligned, given back."""

import os
import threading

import numpy as np
import pytest

import pycnn
from pycnn.backend import cpu
from pycnn.backend.cpu import memory

SIDE = 1 << 10  # of a float32 matrix of 4 MiB


@pytest.fixture(autouse=True)
def _nothing_kept():
    memory.release()
    yield
    memory.release()


def test_a_result_takes_the_place_of_one_that_is_gone():
    first = cpu.activation_forward(np.ones((SIDE, SIDE), np.float32), "relu")
    address = first.ctypes.data
    assert address % 64 == 0
    view = first[1:]
    del first
    second = cpu.activation_forward(np.full((SIDE, SIDE), 2, np.float32), "relu")
    assert not np.shares_memory(second, view)
    assert (view == 1).all()
    del view
    third = cpu.activation_forward(np.full((SIDE, SIDE), 3, np.float32), "relu")
    assert third.ctypes.data == address
    assert (second == 2).all()


def test_what_is_kept_is_told_and_given_back():
    x = np.ones((SIDE, SIDE), np.float32)
    kept = cpu.activation_forward(x, "relu")
    cpu.activation_forward(x, "relu")
    held = pycnn.backend.memory_info()["held"]
    assert held >= x.nbytes
    pycnn.backend.free_pool()
    assert pycnn.backend.memory_info()["held"] == 0
    assert (kept == 1).all()


def test_no_room_is_a_memory_error():
    with pytest.raises(MemoryError, match=r"no room for .* bytes more"):
        memory.empty((1 << 50,), np.float32)
    with pytest.raises(MemoryError, match=r"no room for .* bytes more"):
        memory.empty((1 << 62,), np.float32)
    assert memory.held() == 0


def test_threads_do_not_share_results():
    def work(value):
        x = np.full((SIDE // 2, SIDE), value, np.float32)
        for _ in range(50):
            y = cpu.activation_forward(x, "relu")
            wrong.extend(y[(y != value).any(axis=1)][:1])

    wrong = []
    threads = [threading.Thread(target=work, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_has_memory_of_its_own():
    x = np.ones((SIDE, SIDE), np.float32)
    y = cpu.activation_forward(x, "relu")
    memory._arena._lock.acquire()  # as another thread may have
    child = os.fork()
    if not child:
        cpu.activation_forward(2 * x, "relu")
        os._exit(0 if (y == 1).all() else 1)
    memory._arena._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
