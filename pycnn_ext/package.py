"""Compiled CPU kernels. They know nothing of pycnn: the caller passes arrays and integers, they fill arrays.

(Installed as ``__init__.py``: under that name here, a checkout would hide the compiled package.)

kernels.pyx   the table of serial C kernels (microkernels/) and the instruction set in use
threads.pyx   thread count and fork hooks, the only user of omp.h
gemm.pyx conv.pyx winograd.pyx pool.pyx activation.pyx arithmetic.pyx norm.pyx resample.pyx roi.pyx optimizer.pyx
              one family each, parallel over tiles
"""

import os


def _load_openmp():
    """Load libgomp with threads that spin for tens of microseconds, not tens of milliseconds, before they sleep.

    With its own default, a thread whose core another program takes makes every parallel loop wait for the
    scheduler: fifteen times slower, measured with one busy neighbour on two cores. ``GOMP_SPINCOUNT`` and
    ``OMP_WAIT_POLICY`` are read when the library is loaded, and the user's own setting is left alone.
    """
    if "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ:
        return
    os.environ["GOMP_SPINCOUNT"] = "2000"
    try:
        import pycnn_ext.threads  # noqa: F401
    finally:
        del os.environ["GOMP_SPINCOUNT"]


_load_openmp()
