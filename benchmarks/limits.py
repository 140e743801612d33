"""What this machine can do at most: multiply-adds a second in registers, bytes a second to memory. Measured."""

from time import perf_counter

import numpy as np

from pycnn.backend import cpu
from pycnn_ext import kernels, threads

WINOGRAD_SAVES = 4  # F(4x4, 3x3) multiplies a quarter as often as the direct form


class Limits:
    """Measured limits for a number of threads; ``at_least`` gives the time that no program can undercut."""

    def __init__(self):
        self.flops = self.bandwidth = 0.0
        self.measure()

    def measure(self):
        """Measure, once more: the highest rates count, for others may have used the machine meanwhile."""
        self.flops = max(self.flops, *(kernels.fma_rate(threads.get_count(), 2_000_000) for _ in range(10)))
        x = np.ones((1 << 18, 64), np.float32)
        y = np.empty_like(x)
        ways = (
            (2, lambda: cpu.activation_forward(x, "linear", out=y)),
            (2, lambda: cpu.activation_forward(x, "relu", out=x)),
            (1, lambda: cpu.sum_rows(x)),
        )
        self.bandwidth = max(self.bandwidth, *(self._rate(n * x.nbytes, way) for n, way in ways for _ in range(5)))

    @staticmethod
    def _rate(nbytes, function):
        start = perf_counter()
        function()
        return nbytes / (perf_counter() - start)

    def at_least(self, flops, nbytes):
        """Seconds that so much arithmetic and traffic take at best."""
        return max(flops / self.flops, nbytes / self.bandwidth)

    def __str__(self):
        return f"{self.flops / 1e9:.0f} GFLOP/s in registers, {self.bandwidth / 1e9:.1f} GB/s to memory"


def conv_flops(geometry, batch=1):
    """Operations of one pass of a convolution, of which Winograd's algorithm, where it is there, saves most."""
    return 2 * geometry.multiply_adds * batch / (WINOGRAD_SAVES if geometry.allows_winograd() else 1)
