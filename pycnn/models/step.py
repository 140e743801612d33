"""One step: compile, and what happens to a batch. Everything here runs for each batch, and is kept short."""

from pycnn import losses, optimizers
from pycnn.autograd import Tensor, Variable
from pycnn.models.batches import all_arrays, map_arrays
from pycnn.models.compiled import Metrics, resolve_loss


class Step:
    """The half of the trainer that knows loss, metrics and optimizer, and one batch."""

    _gathered_in_epoch = ("_loss_sum", "_loss_samples")  # what reset_metrics resets besides metrics: backups hold it
    _untracked = frozenset({"_train_variables", "_regularized", "history", "_progress"})

    def __init__(self):
        self.compiled = False
        self.optimizer = None
        self.loss = None
        self.stop_training = False
        self.history = None
        self._progress = None  # of the fit that is running
        self._metrics = Metrics()
        self._reset_step_caches()
        self._reset_loss()

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Say how to train: with which optimizer, loss and metrics.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or callable(y_true, y_pred)
        loss_weights : float, optional
            Factor of the loss.
        metrics : list of str, Metric or callable(y_true, y_pred), optional
            ``"accuracy"`` becomes the binary, categorical or sparse one as the first batch shows.
        weighted_metrics : list, optional
            Metrics that take sample weights into account.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted so that Keras's scripts run; pycnn always runs eagerly, step by step.
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self._loss_weight = _single_weight(loss_weights)
        self._loss = None if loss is None or _wants_shapes(loss) else losses.get(loss)
        self._metrics = Metrics(metrics, weighted_metrics)
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self.stop_training = False
        self.compiled = True
        self._reset_step_caches()

    def get_compile_config(self):
        """Return the arguments of ``compile``: names and objects."""
        return dict(self._compile_arguments)

    @property
    def metrics(self):
        """The metrics, once the first batch has shown which."""
        return self._metrics.all

    @property
    def metrics_names(self):
        """``"loss"``, and the metrics' names."""
        return ["loss", *(metric.name for metric in self.metrics)]

    def reset_metrics(self):
        """Forget what loss and metrics have seen."""
        self._reset_loss()
        self._metrics.reset()

    def train_step(self, x, y, sample_weight=None):
        """Train on one batch of tensors, and return the loss, a Tensor. Override it for training of your own."""
        y_pred = self(x, training=True)
        if self._found_at != Variable.changes:
            self._find_variables()
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        variables = self._train_variables
        if not variables:
            raise ValueError(f"The model {self.name!r} has no trainable weights: there is nothing to train")
        for variable in variables:
            variable._grad = None
        loss.backward()
        self.optimizer.apply([variable._grad for variable in variables], variables)
        self._count(loss, y, y_pred, sample_weight)
        return loss

    def test_step(self, x, y, sample_weight=None):
        """Evaluate one batch of tensors, and return the loss, a Tensor."""
        y_pred = self(x, training=False)
        if self._found_at != Variable.changes:
            self._find_variables()
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._count(loss, y, y_pred, sample_weight)
        return loss

    def predict_step(self, x):
        """Return the outputs for one batch of tensors."""
        return self(x, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of a batch, and what regularizers and ``add_loss`` add to it, as one Tensor."""
        loss = None
        if self.loss is not None:
            if self._loss is None:
                self._loss = resolve_loss(self.loss, y, y_pred)
            loss = self._loss(y, y_pred, sample_weight)
            if self._loss_weight is not None:
                loss = loss * self._loss_weight
        if self._regularized or self._loss_owners:
            extra = [v.regularizer(v) for v in self._regularized]
            extra += [added for owner in {id(o): o for o in self._loss_owners}.values() for added in owner._losses]
            for term in extra:
                loss = term if loss is None else loss + term
        if loss is None:
            raise ValueError("There is no loss: give compile() one, or add_loss() in a layer. Received: loss=None")
        return loss

    def _count(self, loss, y, y_pred, sample_weight):
        """Take a batch into the means of loss and metrics; nothing is fetched from the device."""
        first = y_pred if type(y_pred) is Tensor else all_arrays(y_pred)[0]
        n = first.data.shape[0]
        self._loss_sum = self._loss_sum + loss.data.astype("float64") * n
        self._loss_samples += n
        metrics = self._metrics
        if metrics.plain or metrics.weighted or not metrics.built:
            metrics.update(y, map_arrays(Tensor.detach, y_pred), sample_weight)

    def _reset_loss(self):
        self._loss_sum = 0.0
        self._loss_samples = 0

    def _reset_step_caches(self):
        """Look for weights anew at the next step: the layers have changed."""
        self._found_at = -1
        self._train_variables = self._regularized = ()

    def _find_variables(self):
        self._found_at = Variable.changes
        self._train_variables = self.trainable_weights
        self._regularized = [v for v in self._train_variables if v.regularizer is not None]

    def _logs(self):
        """Means of loss and metrics over the batches since the last reset, as numbers."""
        mean = float(self._loss_sum) / self._loss_samples if self._loss_samples else float("nan")
        return {"loss": mean, **self._metrics.results()}


def _wants_shapes(loss):
    """Whether which loss is meant shows only with the first batch."""
    return isinstance(loss, str) and loss.lower() in ("crossentropy", "ce")


def _single_weight(loss_weights):
    if isinstance(loss_weights, (list, tuple)) and len(loss_weights) == 1:
        loss_weights = loss_weights[0]
    if loss_weights is None or isinstance(loss_weights, (int, float)):
        return loss_weights
    raise ValueError(
        f"loss_weights must be one number for a model of one output. Received: loss_weights={loss_weights!r}"
    )
