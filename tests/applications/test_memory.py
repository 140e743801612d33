"""The large networks predict an image of full size where memory is small."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from pycnn import applications
for name in ("VGG16", "GoogLeNet", "SEResNet50"):
    y = getattr(applications, name)().predict(np.ones((1, 224, 224, 3), "float32"), verbose=0)
    assert y.shape == (1, 1000) and abs(y.sum() - 1) < 1e-4, name
print("all three")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_full_size_in_four_gibibytes():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all three\n"
