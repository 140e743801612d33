"""What ``compile`` was given, made into losses and metrics when the first batch shows the outputs and their shapes."""

import functools

import numpy as np

from pycnn import losses, metrics
from pycnn.autograd import Tensor
from pycnn.backend.dtypes import is_half
from pycnn.layers.structure import flatten_structure
from pycnn.metrics import Metric
from pycnn.models.outputs import Outputs

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


class Losses:
    """The losses of a model, as one: the sum over its outputs.

    Parameters
    ----------
    loss : str, Loss, callable, or a list or dict of them, one for each output
    weights : float, or a list or dict of them, optional
    """

    def __init__(self, loss, weights=None):
        self._given, self._weights = loss, weights
        self.outputs = None
        self._is_nested = isinstance(loss, (list, tuple, dict))
        for identifier in flatten_structure(loss):
            if not wants_shapes(identifier):
                losses.get(identifier)  # a wrong name is better reported by compile
        for weight in flatten_structure(weights):
            if weight is not None and (isinstance(weight, bool) or not isinstance(weight, (int, float))):
                raise ValueError(f"loss_weights must be numbers. Received: loss_weights={weights!r}")
        self.built = False
        self._checked, self._checks = None, ()  # symbolic outputs, and what their targets are checked by
        self.entries = ()  # (number of the output, loss, weight) of the outputs that have a loss

    def _assign(self, y_pred, layer_names):
        """Decide which loss and weight belong to each output."""
        self.outputs = Outputs(y_pred, layer_names)
        self._each = self.outputs.spread("loss", self._given, same_for_all=True)
        self._weight_each = self.outputs.spread("loss_weights", self._weights, same_for_all=True)
        self._with_loss = [i for i, identifier in enumerate(self._each) if identifier is not None]

    def check(self, y, outputs, layer_names):
        """Raise if targets cannot be right; ``outputs`` are the model's symbolic ones, or None."""
        if outputs is None:
            if isinstance(y, np.ndarray) and not self._is_nested and not wants_shapes(self._given):
                losses.Loss.check_targets(losses.get(self._given), y, None)  # what needs no shape: NaN
            return
        if self._checked is not outputs:
            self._assign(outputs, layer_names)
            self._checks = self._checks_for([output.shape for output in flatten_structure(outputs)])
            self._checked = outputs
        targets = (y,) if self.outputs.count == 1 and isinstance(y, np.ndarray) else self.targets(y)
        for check, target in zip(self._checks, targets, strict=True):
            if check is not None and target is not None:
                check(target)

    def _checks_for(self, shapes):
        """For each output a function that raises if its targets cannot be right, or None."""
        checks = [None] * len(shapes)
        for i in self._with_loss:
            if not wants_shapes(self._each[i]):
                argument = "y" if len(shapes) == 1 else f"y of the output {self.outputs.names[i]!r}"
                check = losses.get(self._each[i]).check_targets
                checks[i] = functools.partial(check, output_shape=shapes[i], argument=argument)
        return checks

    def build(self, y, y_pred, layer_names):
        """Make the losses, now that the first batch shows what there is."""
        self._assign(y_pred, layer_names)
        targets, predictions = self.targets(y), flatten_structure(y_pred)
        entries = []
        for i in self._with_loss:
            if targets[i] is None:
                raise ValueError(f"The output {self.outputs.names[i]!r} has a loss, but y has no targets for it")
            entries.append((i, resolve_loss(self._each[i], targets[i], predictions[i]), self._weight_each[i]))
        if isinstance(self._given, dict) and isinstance(y_pred, dict):  # the order of the logs, as in Keras
            order = {name: n for n, name in enumerate(self._given)}
            entries.sort(key=lambda entry: order.get(self.outputs.names[entry[0]], 0))
        self.entries, self.built = tuple(entries), True

    def targets(self, y):
        """Return what ``y`` has for each output; it may lack those that have no loss."""
        if isinstance(y, (list, tuple)) and self.outputs.count > len(y) == len(self._with_loss):
            result = [None] * self.outputs.count
            for i, target in zip(self._with_loss, y, strict=True):
                result[i] = target
            return result
        return self.outputs.spread("y", y)

    @property
    def names(self):
        """Names in the logs of the losses of the single outputs; none where there is one loss only."""
        if len(self.entries) < 2:
            return []
        return [f"{self.outputs.names[i]}_loss" for i, _, _ in self.entries]

    def __call__(self, y, y_pred, sample_weight, parts=None):
        """Return the sum of the losses, a Tensor; unweighted ones are added to the list ``parts``."""
        targets, predictions = self.targets(y), flatten_structure(y_pred)
        weights = self.outputs.spread("sample_weight", sample_weight, same_for_all=True)
        total = None
        for i, loss, weight in self.entries:
            value = loss(targets[i], predictions[i], weights[i])
            if parts is not None:
                parts.append(value)
            if weight is not None:
                value = value * weight
            total = value if total is None else total + value
        return total


class Metrics(Metric):
    """The metrics of a model, as one.

    Parameters
    ----------
    plain, weighted : list of str, callable or Metric; for several outputs a list or dict of such lists
        ``weighted`` ones see the sample weights.
    """

    def __init__(self, plain=None, weighted=None):
        super().__init__(name="compile_metrics")
        for argument, given in (("metrics", plain), ("weighted_metrics", weighted)):
            if given is not None and not isinstance(given, (list, tuple, dict)):
                raise ValueError(f"{argument} must be a list or dict. Received: {argument}={given!r}")
        self._given = (plain, weighted)
        self._entries = []  # (number of the output, metric, whether it is weighted, name in the logs)
        self.outputs = None
        self.built = not any(self._given)

    @property
    def all(self):
        """The metrics, in the order in which they were given."""
        return [metric for _, metric, _, _ in self._entries]

    @property
    def names(self):
        """The names in the logs."""
        return [name for _, _, _, name in self._entries]

    def build(self, targets, y_pred, layer_names=None):
        """Make the metrics, for a list of the targets of each output."""
        self.outputs = outputs = Outputs(y_pred, layer_names)
        predictions = flatten_structure(y_pred)
        names = {"loss"}
        for given, weighted in zip(self._given, (False, True), strict=True):
            argument = "weighted_metrics" if weighted else "metrics"
            for i, identifiers in enumerate(self._of_outputs(argument, given)):
                prefix = f"{outputs.names[i]}_" if outputs.count > 1 else ""
                for identifier in identifiers:
                    metric = resolve_metric(identifier, targets[i], predictions[i])
                    name = prefix + metric.name
                    if weighted and name in names:
                        name = f"{prefix}weighted_{metric.name}"
                    unique, count = name, 0
                    while unique in names:
                        count += 1
                        unique = f"{name}_{count}"
                    names.add(unique)
                    if not prefix:
                        metric.name = unique
                    setattr(self, f"metric_{len(self._entries)}", metric)
                    self._entries.append((i, metric, weighted, unique))
        self.built = True

    def _of_outputs(self, argument, given):
        """A list of metrics for each output."""
        if not given:
            return []
        if self.outputs.count == 1:
            return [[identifier for identifier in flatten_structure(given) if identifier is not None]]
        spread = self.outputs.spread(argument, given)
        return [[m for m in (part if isinstance(part, (list, tuple)) else [part]) if m is not None] for part in spread]

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account; all three are nested as the outputs are."""
        if self.outputs is None:
            self.outputs = Outputs(y_pred)
        self.update(self.outputs.spread("y", y_true), y_pred, sample_weight)

    def update(self, targets, y_pred, sample_weight, layer_names=None):
        """Take a batch into account, with the targets of each output in a list."""
        if not self.built:
            self.build(targets, y_pred, layer_names)
        if not self._entries:
            return
        if self.outputs.count == 1:
            predictions, weights = flatten_structure(y_pred), flatten_structure(sample_weight)
        else:
            predictions = flatten_structure(y_pred)
            weights = self.outputs.spread("sample_weight", sample_weight, same_for_all=True)
        for i, metric, weighted, _ in self._entries:
            if targets[i] is None:
                continue
            if weighted:
                metric.update_state(targets[i], predictions[i], weights[i])
            else:
                metric.update_state(targets[i], predictions[i])

    def reset_state(self):
        """Forget all batches."""
        for _, metric, _, _ in self._entries:
            metric.reset_state()

    def result(self):
        """Return a dict name -> number."""
        values = {}
        for _, metric, _, name in self._entries:
            value = metric.result()
            values |= {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else {name: plain(value)}
        return values


class LossMean(Metric):
    """The mean of the loss over the batches since the last reset, as training steps of one's own see it.

    Parameters
    ----------
    model : Model
        Which keeps the sum.
    """

    direction = "down"

    def __init__(self, model):
        super().__init__(name="loss")
        self._model = model

    def update_state(self, value, sample_weight=None):
        """Take the loss of a batch into account; ``sample_weight`` is the size of the batch, 1 unless given."""
        data = value.data if isinstance(value, Tensor) else np.asarray(value)
        weight = 1 if sample_weight is None else sample_weight
        self._model._loss_sum = self._model._loss_sum + data.astype("float64") * weight
        self._model._loss_samples += weight

    def result(self):
        """Return the mean, a float."""
        return self._model._loss_mean()

    def reset_state(self):
        """Forget all batches."""
        self._model._reset_loss()


def detached(tensor):
    """The predictions in a tensor as metrics get them: without gradient, and not rounded any further."""
    tensor = tensor.detach()
    if is_half(tensor.data.dtype):
        tensor.data = tensor.data.astype("float32")
    return tensor


def plain(value):
    """A number, or a list of them where a metric has one for each class."""
    return np.asarray(value, float).tolist()


def wants_shapes(loss):
    """Whether which loss is meant shows only with the first batch."""
    return isinstance(loss, str) and loss.lower() in _CROSSENTROPY
