"""Data sets for detection; each is an ``AnnotatedImages``.

digit_scenes.py  one to three handwritten digits on a piece of a photograph, 56 x 56 x 3: no download
"""

from pycnn.detection.datasets import digit_scenes

__all__ = ["digit_scenes"]
