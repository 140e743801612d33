"""Which backend is in use. Siblings are imported when they are first asked for, never before."""

import importlib
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar

from pycnn.backend.availability import missing_for_cuda
from pycnn.backend.errors import BackendUnavailableError

BACKENDS = ("cpu", "cuda", "reference")
_CHOICES = ("auto", *BACKENDS)

_installed = {}  # beside those: backends by name, given as objects
_default = None
_scoped = ContextVar("pycnn_backend", default=None)


def install(name, backend):
    """Let ``set_backend(name)`` take a backend given as an object: tests do, for a device that they emulate."""
    _installed[name] = backend


def _load(name):
    if name in _installed:
        return _installed[name]
    if name not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(_CHOICES)}. Received: name={name!r}")
    reason = missing_for_cuda() if name == "cuda" else None
    if reason is not None:
        raise BackendUnavailableError(f"The cuda backend is not available: {reason}")
    try:
        return importlib.import_module(f"pycnn.backend.{name}")
    except ImportError as error:
        raise BackendUnavailableError(f"The {name} backend is not available: {error}") from error


def why_unavailable(name):
    """Say why backend ``name`` cannot be used here, or return None if it can."""
    if name == "cuda":
        return missing_for_cuda()
    try:
        _load(name)
    except BackendUnavailableError as error:
        return str(error)
    return None


def _choose():
    """The best backend that works here, announced in one line."""
    reason = why_unavailable("cuda")
    if reason is None:
        print("pycnn: backend 'auto' chose 'cuda'", file=sys.stderr)
        return _load("cuda")
    print(f"pycnn: backend 'auto' chose 'cpu' ({reason})", file=sys.stderr)
    return _load("cpu")


def set_backend(name):
    """Use backend ``name`` from now on.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "reference"}
        ``"auto"`` takes the GPU if there is one, else the CPU, and says which; every other name means
        exactly that backend.

    Raises
    ------
    BackendUnavailableError
        If that backend cannot work here; the message says what is missing.
    """
    global _default
    _default = _choose() if name == "auto" else _load(name)


def get_backend():
    """Return the backend in use: a module with the members of ``pycnn.backend.protocol``.

    Examples
    --------
    >>> import pycnn
    >>> with pycnn.backend_scope("reference"):
    ...     pycnn.get_backend().name
    'reference'
    """
    backend = _scoped.get()
    if backend is not None:
        return backend
    if _default is None:
        set_backend(os.environ.get("PYCNN_BACKEND", "cpu"))
    return _default


@contextmanager
def backend_scope(name):
    """Use backend ``name`` inside a ``with`` block, in this thread only."""
    with use(_choose() if name == "auto" else _load(name)) as backend:
        yield backend


@contextmanager
def use(backend):
    """Use a backend, given as an object, inside a ``with`` block, in this thread only."""
    token = _scoped.set(backend)
    try:
        yield backend
    finally:
        _scoped.reset(token)
