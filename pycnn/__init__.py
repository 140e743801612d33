"""pycnn: convolutional networks on a plain machine. ``model.fit()`` on hand-written kernels, CPU or GPU."""

import importlib

from pycnn import (
    activations,
    autograd,
    backend,
    callbacks,
    config,
    constraints,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    utils,
)
from pycnn.autograd import Tensor, Variable, grad, no_grad, value_and_grad
from pycnn.backend import backend_scope, get_backend, set_backend
from pycnn.explain import explain
from pycnn.initializers import Initializer
from pycnn.layers import Input, InputSpec, Layer
from pycnn.layers.symbolic import SymbolicTensor
from pycnn.losses import Loss
from pycnn.metrics import Metric
from pycnn.models import Model, Sequential
from pycnn.optimizers import Optimizer
from pycnn.regularizers import Regularizer
from pycnn.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

KerasTensor = SymbolicTensor  # Keras's name
backend.clear_session, backend.is_keras_tensor = utils.clear_session, utils.is_keras_tensor  # Keras has them there

__all__ = [
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "SymbolicTensor",
    "Tensor",
    "Variable",
    "activations",
    "analysis",
    "applications",
    "autograd",
    "backend",
    "backend_scope",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "detection",
    "dtype_policies",
    "explain",
    "filters",
    "get_backend",
    "get_num_threads",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "no_grad",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "set_backend",
    "set_num_threads",
    "show_config",
    "utils",
    "value_and_grad",
    "visualize",
]


_LATER = (
    "analysis",
    "applications",
    "data",
    "datasets",
    "detection",
    "filters",
    "preprocessing",
    "visualize",
)  # imported where they are first named


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'pycnn' has no attribute {name!r}")
    return importlib.import_module(f"pycnn.{name}")


def show_config(file=None):
    """Print version, backends (and why one is unavailable), instruction set, OpenMP runtime and threads."""
    from pycnn.installation import show_config  # a module of the function's own name would hide it

    show_config(__version__, file)
