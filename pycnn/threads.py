"""How many threads the CPU kernels use."""

import math
import os
from contextlib import contextmanager
from pathlib import Path

from pycnn_ext import threads as ext


def set_num_threads(n):
    """Use ``n`` threads in CPU kernels from now on. Results are the same bits for any number.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.set_num_threads(2)
    >>> pycnn.get_num_threads()
    2
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
        raise ValueError(f"n must be an integer >= 1. Received: n={n!r}")
    ext.set_count(int(n))


def get_num_threads():
    """Return how many threads CPU kernels use when this thread calls them."""
    return ext.get_count()


@contextmanager
def one_thread():
    """Inside a ``with`` block, kernels that this Python thread calls run on it alone.

    Examples
    --------
    >>> from pycnn.threads import get_num_threads, one_thread
    >>> with one_thread():
    ...     get_num_threads()
    1
    """
    before = ext.set_alone(True)
    try:
        yield
    finally:
        ext.set_alone(before)


def default_num_threads():
    """``PYCNN_NUM_THREADS``, else ``OMP_NUM_THREADS``, else the processors that this process may use.

    That is the smaller of its affinity mask and its control group's CPU quota, so that a container with two
    CPUs on a large machine gets two threads.
    """
    for variable in ("PYCNN_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(variable, "").split(",")[0].strip()
        if value:
            if not value.isdecimal() or int(value) < 1:
                raise ValueError(f"{variable} must be an integer >= 1. Received: {variable}={value!r}")
            return int(value)
    allowed, quota = processors(), cgroup_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def processors():
    """Return how many processors this process may use.

    Asked of OpenMP first, which with ``OMP_PROC_BIND=true`` binds the first thread to one of them.
    """
    if ext.processors():
        return ext.processors()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cgroup_quota(root=Path("/sys/fs/cgroup"), membership=Path("/proc/self/cgroup")):
    """CPUs that the control groups of this process may use, or None where nothing limits them.

    Reads ``cpu.max`` (version 2) and ``cpu.cfs_quota_us`` (version 1) of the process's group and its parents.
    """
    quotas = []
    for controllers, group in _groups(membership):
        base = root / "cpu" if "cpu" in controllers else root
        folder = base / group.strip("/")
        for place in (folder, *folder.parents):
            quotas.append(_quota_in(place))
            if place == base:
                break
    return min((q for q in quotas if q is not None), default=None)


def _groups(membership):
    """Pairs of (controllers, path) for the cpu controller and the unified hierarchy."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    return [(names.split(","), path) for _, names, path in parts if not names or "cpu" in names.split(",")]


def _quota_in(folder):
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return int(quota) / int(period) if quota.isdecimal() else None


set_num_threads(default_num_threads())
