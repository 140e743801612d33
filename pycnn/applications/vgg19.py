"""Keras's name of a module for VGG19."""

from pycnn.applications.vgg import VGG19, preprocess_input

__all__ = ["VGG19", "preprocess_input"]
