"""Keras's name of a module for VGG16."""

from pycnn.applications.vgg import VGG16, preprocess_input

__all__ = ["VGG16", "preprocess_input"]
