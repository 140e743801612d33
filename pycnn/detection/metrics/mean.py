"""Mean average precision as a metric that gathers images over batches."""

from pycnn.detection.metrics.gather import gather
from pycnn.detection.metrics.voc import YEARS, check_threshold, voc_average_precision
from pycnn.metrics import Metric
from pycnn.registration import register_serializable


@register_serializable("metrics")
class MeanAveragePrecision(Metric):
    """Mean over the classes of VOC's average precision.

    Parameters
    ----------
    iou_threshold : float
        How much a detection must overlap an object to be a hit, in (0, 1].
    year : {2007, 2010}
        See ``voc_average_precision``.
    name, dtype
        See ``Metric``.
    class_names : sequence of str, optional
        Without them there are as many classes as the labels tell.

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth
    >>> metric = MeanAveragePrecision()
    >>> metric.update_state([GroundTruth([[0, 0, 9, 9]], [0])], [Detections([[0, 0, 9, 8]], [0], [0.9])])
    >>> metric.update_state([GroundTruth([[0, 0, 9, 9]], [1])], [Detections([], [], [])])
    >>> metric.result(), metric.per_class()
    (0.5, array([1., 0.]))
    """

    direction = "up"
    _arguments = ("iou_threshold", "year", "class_names")

    def __init__(self, iou_threshold=0.5, year=2007, name="mean_average_precision", dtype=None, class_names=None):
        super().__init__(dtype, name)
        check_threshold("iou_threshold", iou_threshold)
        if year not in YEARS:
            raise ValueError(f"year must be 2007 or 2010. Received: year={year!r}")
        self.iou_threshold, self.year = iou_threshold, year
        self.class_names = None if class_names is None else list(class_names)
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take images into account.

        Parameters
        ----------
        y_true : sequence of GroundTruth, or AnnotatedImages
        y_pred : sequence of Detections
            One for each image.
        sample_weight : None
            Images have no weights.
        """
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__} takes no weights. Received: sample_weight={sample_weight!r}")
        y_true, y_pred = list(getattr(y_true, "truth", y_true)), list(y_pred)
        gather(y_true, y_pred, self.class_names)  # for its errors
        self._truth += y_true
        self._found += y_pred

    def table(self):
        """Return the ``VocAveragePrecision`` over all images since the last reset, which prints as a table."""
        return voc_average_precision(self._truth, self._found, self.class_names, self.iou_threshold, self.year)

    def per_class(self):
        """Return the average precision of each class, (classes,); NaN for classes that have had no objects."""
        return self.table().per_class

    def result(self):
        """Return the mean over the classes that have had objects, a float; NaN without any object."""
        return self.table().mean

    def reset_state(self):
        """Forget all images."""
        self._truth, self._found = [], []
