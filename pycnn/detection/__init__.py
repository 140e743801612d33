"""Detection: what objects are in an image, and where.

records.py    Detections, GroundTruth, AnnotatedImages: what every detector, metric and reader speaks in
datasets/     pictures with the truth about them

Boxes are x1, y1, x2, y2 in pixels, edges and not centres, without +1; classes count from 0.
"""

from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth

__all__ = ["AnnotatedImages", "Detections", "GroundTruth"]
