"""Which dtypes layers keep weights and compute in, by Keras's names. The policy of all new layers is in ``config``."""

import numpy as np

from pycnn import config
from pycnn.config import DTypePolicy
from pycnn.registration import deserialize, register_serializable, serialize

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]

register_serializable("dtype_policies")(DTypePolicy)


def get(identifier):
    """Return the policy that a name, dtype, dict or DTypePolicy stands for; None is ``config.dtype_policy()``.

    Examples
    --------
    >>> from pycnn import dtype_policies
    >>> dtype_policies.get("mixed_bfloat16")
    <DTypePolicy "mixed_bfloat16">
    """
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(**identifier["config"])
    return DTypePolicy(identifier if isinstance(identifier, str) else np.dtype(identifier).name)
