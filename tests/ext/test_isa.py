"""The instruction sets: each can be chosen, all agree, and one that is not there is refused."""

import os
import subprocess
import sys

import numpy as np
import pytest

from pycnn_ext import kernels

PROGRAM = """
import sys
import numpy as np
from pycnn.backend import cpu
from pycnn.backend.geometry import conv_geometry
rng = np.random.default_rng(0)
x, w = rng.standard_normal((2, 9, 11, 5)), rng.standard_normal((3, 3, 5, 70))
np.save(sys.argv[1], cpu.conv2d_forward(x, w, conv_geometry(x.shape, w.shape, 1, 1)))
"""


def run(isa, *arguments):
    return subprocess.run(
        [sys.executable, "-c", *arguments], env={**os.environ, "PYCNN_ISA": isa}, capture_output=True, text=True
    )


def test_all_instruction_sets_agree(tmp_path):
    results = []
    for isa in ("base", "avx2", "avx512"):
        result = run(isa, PROGRAM, str(tmp_path / f"{isa}.npy"))
        if result.returncode == 0:
            results.append(np.load(tmp_path / f"{isa}.npy"))
        else:
            assert "that this processor has" in result.stderr
    assert len(results) >= 1
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-12, atol=1e-12)


def test_unknown_instruction_set_is_refused():
    result = run("mmx", "import pycnn; pycnn.get_backend()")
    assert result.returncode != 0
    assert "PYCNN_ISA must be an instruction set that this processor has" in result.stderr
    assert "Received: 'mmx'" in result.stderr


def test_the_one_in_use_has_a_name():
    assert kernels.get_isa() in ("base", "avx2", "avx512")


@pytest.mark.parametrize("bad", [np.zeros(3, np.int32), np.zeros(3, np.float16)])
def test_other_dtypes_are_refused(bad):
    from pycnn_ext import activation

    with pytest.raises(TypeError, match="float32 and float64"):
        activation.activation_forward(bad, 1, 0.0, bad.copy())


def test_mixed_dtypes_are_refused():
    from pycnn_ext import activation

    with pytest.raises(TypeError, match="another dtype"):
        activation.activation_forward(np.zeros(3, np.float32), 1, 0.0, np.zeros(3))
