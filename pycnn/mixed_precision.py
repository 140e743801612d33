"""Half-wide computation by the names that Keras has for it here: policies are in ``config`` and ``dtype_policies``."""

from pycnn.config import DTypePolicy, dtype_policy, set_dtype_policy
from pycnn.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy, set_global_policy = dtype_policy, set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
