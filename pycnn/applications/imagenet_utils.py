"""Keras's name of a module for preprocess_input with a choice of ``mode``."""

from pycnn.applications.preprocess import preprocess_input

__all__ = ["preprocess_input"]
