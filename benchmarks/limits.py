"""What this machine can do at most: multiply-adds a second in registers, bytes a second to memory. Measured."""

from time import perf_counter

import numpy as np

from pycnn.backend import cpu
from pycnn_ext import kernels, threads


class Limits:
    """Measured limits for a number of threads; ``at_least`` gives the time that no program can undercut."""

    def __init__(self):
        self.flops = max(kernels.fma_rate(threads.get_count(), 2_000_000) for _ in range(10))
        x = np.ones(1 << 24, np.float32)
        y = np.empty_like(x)
        self.bandwidth = max(self._copy_rate(x, y) for _ in range(5))

    @staticmethod
    def _copy_rate(x, y):
        start = perf_counter()
        cpu.activation_forward(x, "linear", out=y)
        return 2 * x.nbytes / (perf_counter() - start)

    def at_least(self, flops, nbytes):
        """Seconds that so much arithmetic and traffic take at best."""
        return max(flops / self.flops, nbytes / self.bandwidth)

    def __str__(self):
        return f"{self.flops / 1e9:.0f} GFLOP/s in registers, {self.bandwidth / 1e9:.1f} GB/s to memory"
