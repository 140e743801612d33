"""Pictures, with matplotlib. Every function returns the figure and shows nothing: ``figure.savefig("name.png")``.

filters.py       plot_filters: the weights of a layer       feature_maps.py  plot_feature_maps: what each layer sees
attribution.py   plot_grad_cam, plot_saliency               edges.py         plot_edges: an image under many filters
predictions.py   plot_predictions: images and guesses       confusion.py     plot_confusion_matrix: what for what
segmentation.py  plot_segmentation: the class of each pixel
history.py       plot_history: learning curves              grid.py          grids of images, colour scales
precision_recall.py  plot_precision_recall: precision over recall
captions.py      plot_captions: boxes with their sentences; plot_word_scores: the best words of each step
boxes.py         plot_detections, plot_comparison (with the truth), plot_nms (step by step)
proposals.py     plot_proposals, plot_anchors, plot_rois: boxes before there are detections
labelled.py      boxes over images, and their labels
model.py         plot_model: every layer, with arrows       layered.py       where the boxes of a graph stand
architecture.py  plot_architecture: stages as volumes       stages.py        which stages a model has
calls.py         the calls of layers in a model             canvas.py        figures, text, colours, boxes, arrows

The figures belong to no window and to no global state of pyplot: they go when the last reference goes.
``grad_cam`` and ``saliency``, the maps as arrays, are those of ``pycnn.analysis``.
"""

from pycnn.analysis.attribution import grad_cam, saliency
from pycnn.visualize.architecture import plot_architecture
from pycnn.visualize.attribution import plot_grad_cam, plot_saliency
from pycnn.visualize.boxes import plot_comparison, plot_detections, plot_nms
from pycnn.visualize.captions import plot_captions, plot_word_scores
from pycnn.visualize.confusion import plot_confusion_matrix
from pycnn.visualize.edges import plot_edges
from pycnn.visualize.feature_maps import plot_feature_maps
from pycnn.visualize.filters import plot_filters
from pycnn.visualize.history import plot_history
from pycnn.visualize.model import plot_model
from pycnn.visualize.precision_recall import plot_precision_recall
from pycnn.visualize.predictions import plot_predictions
from pycnn.visualize.proposals import plot_anchors, plot_proposals, plot_rois
from pycnn.visualize.segmentation import plot_segmentation

__all__ = [
    "grad_cam",
    "plot_anchors",
    "plot_architecture",
    "plot_captions",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_detections",
    "plot_edges",
    "plot_feature_maps",
    "plot_filters",
    "plot_grad_cam",
    "plot_history",
    "plot_model",
    "plot_nms",
    "plot_precision_recall",
    "plot_predictions",
    "plot_proposals",
    "plot_rois",
    "plot_saliency",
    "plot_segmentation",
    "plot_word_scores",
    "saliency",
]
