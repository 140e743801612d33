"""Keras's name of a module for ResNet50."""

from pycnn.applications.resnet import ResNet50, preprocess_input

__all__ = ["ResNet50", "preprocess_input"]
