"""Data sets for detection; each is an ``AnnotatedImages``.

digit_scenes.py  one to three handwritten digits on a piece of a photograph, 56 x 56 x 3: no download
voc.py           folders of VOC's form, read and written; VOC 2007
coco.py          instances and results in COCO's JSON, read and written
image_files.py   images that are read when they are asked for
"""

from pycnn.detection.datasets import coco, digit_scenes, voc
from pycnn.detection.datasets.image_files import ImageFiles

__all__ = ["ImageFiles", "coco", "digit_scenes", "voc"]
