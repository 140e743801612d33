"""Detection: what objects are in an image, and where.

records.py    Detections, GroundTruth, AnnotatedImages: what every detector, metric and reader speaks in
boxes.py      areas, formats, IoU and its kin, which are losses, too
coding.py     boxes as differences from anchors           anchors.py   the anchors of a map
matching.py   which anchors stand for which objects       nms.py       non-maximum suppression, hard and soft; fusion
proposals.py  selective search, boxes in a grid, and what part of the objects they cover
regions.py    regions of an image, and their merging     colour_spaces.py  images as these see them
datasets/     pictures with the truth about them
metrics/      average precision of VOC and COCO, curves, kinds of errors
transforms.py flip, resize, letterbox, crop, scale, colours: of images and boxes together
detector.py   Detector: what all of them do               selection.py   what is told of all candidates
system.py     networks, arguments and the file            joint.py       networks that learn in one step
yolo.py       YOLO                                        backbones.py   the convolutions before
rcnn.py       RCNN           fast_rcnn.py   FastRCNN      faster_rcnn.py   FasterRCNN
rpn.py        the network that proposes regions           region_head.py   the one that looks at them

Boxes are x1, y1, x2, y2 in pixels, edges and not centres, without +1; classes count from 0.
"""

from pycnn.detection.anchors import anchor_grid, generate_anchors, inside_image
from pycnn.detection.boxes import (
    box_area,
    box_convert,
    box_iou,
    clip_boxes,
    complete_box_iou,
    distance_box_iou,
    generalized_box_iou,
    iou_rating,
    remove_small_boxes,
)
from pycnn.detection.coding import decode_boxes, encode_boxes
from pycnn.detection.detector import Detector
from pycnn.detection.fast_rcnn import FastRCNN
from pycnn.detection.faster_rcnn import FasterRCNN
from pycnn.detection.matching import match, sample
from pycnn.detection.metrics import (
    MeanAveragePrecision,
    coco_average_precision,
    error_types,
    precision_recall_curves,
    voc_average_precision,
)
from pycnn.detection.nms import batched_nms, nms, soft_nms, weighted_boxes
from pycnn.detection.proposals import grid_proposals, proposal_recall, selective_search, selective_search_all
from pycnn.detection.rcnn import RCNN
from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth
from pycnn.detection.yolo import YOLO, YOLOLoss

__all__ = [
    "RCNN",
    "YOLO",
    "AnnotatedImages",
    "Detections",
    "Detector",
    "FastRCNN",
    "FasterRCNN",
    "GroundTruth",
    "MeanAveragePrecision",
    "YOLOLoss",
    "anchor_grid",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iou",
    "clip_boxes",
    "coco_average_precision",
    "complete_box_iou",
    "decode_boxes",
    "distance_box_iou",
    "encode_boxes",
    "error_types",
    "generalized_box_iou",
    "generate_anchors",
    "grid_proposals",
    "inside_image",
    "iou_rating",
    "match",
    "nms",
    "precision_recall_curves",
    "proposal_recall",
    "remove_small_boxes",
    "sample",
    "selective_search",
    "selective_search_all",
    "soft_nms",
    "voc_average_precision",
    "weighted_boxes",
]
