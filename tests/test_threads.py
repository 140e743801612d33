"""Thread count: how it is set, its default inside containers, and forked children."""

import os
import signal
import subprocess
import sys
import time

import pytest

import pycnn
from pycnn import threads


@pytest.fixture(autouse=True)
def same_count():
    before = pycnn.get_num_threads()
    yield
    pycnn.set_num_threads(before)


def test_set_and_get():
    pycnn.set_num_threads(3)
    assert pycnn.get_num_threads() == 3


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "2", None])
def test_bad_counts(bad):
    with pytest.raises(ValueError, match=r"n must be an integer >= 1. Received: n="):
        pycnn.set_num_threads(bad)


def test_environment_rules(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    monkeypatch.delenv("PYCNN_NUM_THREADS", raising=False)
    assert threads.default_num_threads() == 5
    monkeypatch.setenv("PYCNN_NUM_THREADS", "3")
    assert threads.default_num_threads() == 3
    monkeypatch.setenv("PYCNN_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="PYCNN_NUM_THREADS must be an integer"):
        threads.default_num_threads()


def test_default_is_at_most_the_affinity(monkeypatch):
    monkeypatch.delenv("PYCNN_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= threads.default_num_threads() <= len(os.sched_getaffinity(0))


def test_bound_threads_count_all_the_same(monkeypatch):
    """OpenMP binds the first thread to one processor as soon as it is loaded."""
    for variable in ("PYCNN_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    show = [sys.executable, "-c", "import pycnn; print(pycnn.get_num_threads())"]
    counts = [
        subprocess.run(show, env=os.environ | bound, capture_output=True, check=True, text=True).stdout
        for bound in ({}, {"OMP_PROC_BIND": "true"})
    ]
    assert counts[0] == counts[1]


def test_quota_of_control_groups_version_2(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("0::/pod/box\n")
    (tmp_path / "pod" / "box").mkdir(parents=True)
    (tmp_path / "pod" / "box" / "cpu.max").write_text("max 100000\n")
    assert threads.cgroup_quota(tmp_path, membership) is None
    (tmp_path / "pod" / "cpu.max").write_text("150000 100000\n")
    assert threads.cgroup_quota(tmp_path, membership) == 1.5
    (tmp_path / "pod" / "box" / "cpu.max").write_text("50000 100000\n")
    assert threads.cgroup_quota(tmp_path, membership) == 0.5


def test_quota_of_control_groups_version_1(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/x\n3:cpu,cpuacct:/box\n")
    folder = tmp_path / "cpu" / "box"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("200000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert threads.cgroup_quota(tmp_path, membership) == 2
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    assert threads.cgroup_quota(tmp_path, membership) is None


def test_default_follows_the_quota(monkeypatch):
    monkeypatch.delenv("PYCNN_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "cgroup_quota", lambda: 0.5)
    assert threads.default_num_threads() == 1


TRAIN_IN_A_CHILD = """
import os, sys
import numpy as np, pycnn
from pycnn import layers
pycnn.set_num_threads(2)

def train():
    rng = np.random.default_rng(0)
    model = pycnn.Sequential([layers.Input((16, 16, 3)), layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(rng.normal(size=(64, 16, 16, 3)), rng.normal(size=(64, 2)), epochs=2, verbose=0)

train()                      # the parent has used its threads
child = os.fork()
if not child:
    train()
    os._exit(0)
_, status = os.waitpid(child, 0)
train()                      # and can use them again
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_trains():
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", TRAIN_IN_A_CHILD], start_new_session=True)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        pytest.fail("the forked child or its parent hangs")
    assert process.returncode == 0
