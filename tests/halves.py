"""float16 and bfloat16, for tests of what takes both."""

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest

ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
"""How far from a number the nearest one of the dtype is at most, as a part of it."""

halves = pytest.mark.parametrize("half", [np.dtype(name) for name in ROUNDING], ids=str)
