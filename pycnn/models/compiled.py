"""What ``compile`` was given, made into losses and metrics when the first batch shows the shapes."""

import numpy as np

from pycnn import losses, metrics

_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")


def _kind(y_true, y_pred):
    """Whether targets and predictions are those of a binary, sparse or categorical problem: Keras's rule."""
    t, p = y_true.shape, y_pred.shape
    if not p or p[-1] == 1:
        return "binary"
    return "sparse_categorical" if len(t) < len(p) or (t[-1] == 1 and p[-1] > 1) else "categorical"


def resolve_loss(identifier, y_true, y_pred):
    """Return the loss that ``identifier`` names; ``"crossentropy"`` becomes the one that fits."""
    if isinstance(identifier, str) and identifier.lower() in _CROSSENTROPY:
        identifier = f"{_kind(y_true, y_pred)}_crossentropy"
    return losses.get(identifier)


def resolve_metric(identifier, y_true, y_pred):
    """Return the metric that ``identifier`` names; ``"accuracy"`` becomes the one that fits."""
    name = identifier.lower() if isinstance(identifier, str) else None
    if name in _ACCURACY:
        metric = metrics.get(f"{_kind(y_true, y_pred)}_accuracy")
    elif name in _CROSSENTROPY:
        metric = metrics.get(f"{_kind(y_true, y_pred)}_crossentropy")
    else:
        metric = metrics.get(identifier)
    if not isinstance(metric, metrics.Metric):
        metric = metrics.MeanMetricWrapper(metric, name=getattr(metric, "__name__", type(metric).__name__))
    if name is not None:
        metric.name = identifier
    return metric


class Metrics:
    """The metrics of a model, as one.

    Parameters
    ----------
    plain, weighted : list of str, callable or Metric
        ``weighted`` ones see the sample weights.
    """

    def __init__(self, plain=None, weighted=None):
        self._given = [(identifier, False) for identifier in _listed("metrics", plain)]
        self._given += [(identifier, True) for identifier in _listed("weighted_metrics", weighted)]
        self.plain, self.weighted = [], []
        self.built = not self._given

    @property
    def all(self):
        """The metrics, in the order in which they were given."""
        return self.plain + self.weighted

    def _build(self, y_true, y_pred):
        names = {"loss"}
        for identifier, weighted in self._given:
            metric = resolve_metric(identifier, y_true, y_pred)
            if weighted and metric.name in names:
                metric.name = f"weighted_{metric.name}"
            name, count = metric.name, 0
            while metric.name in names:
                count += 1
                metric.name = f"{name}_{count}"
            names.add(metric.name)
            (self.weighted if weighted else self.plain).append(metric)
        self.built = True

    def update(self, y_true, y_pred, sample_weight):
        """Take a batch into account."""
        if not self.built:
            self._build(y_true, y_pred)
        for metric in self.plain:
            metric.update_state(y_true, y_pred)
        for metric in self.weighted:
            metric.update_state(y_true, y_pred, sample_weight)

    def reset(self):
        """Forget all batches."""
        for metric in self.plain + self.weighted:
            metric.reset_state()

    def results(self):
        """Return a dict name -> number."""
        values = {}
        for metric in self.plain + self.weighted:
            value = metric.result()
            named = value if isinstance(value, dict) else {metric.name: value}
            values |= {name: _plain(v) for name, v in named.items()}
        return values


def _plain(value):
    """A number, or a list of them where a metric has one for each class."""
    return np.asarray(value, float).tolist()


def _listed(argument, given):
    if given is None:
        return []
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"{argument} must be a list. Received: {argument}={given!r}")
    return [identifier for identifier in given if identifier is not None]
