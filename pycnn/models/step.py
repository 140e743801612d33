"""One step: compile, and what happens to a batch. Everything here runs for each batch, and is kept short."""

import inspect

import numpy as np

from pycnn import losses, optimizers
from pycnn.autograd import Tensor, Variable
from pycnn.backend.late import LateChecks
from pycnn.metrics import Metric
from pycnn.models.batches import all_arrays, map_arrays, pack_batch, unpack_batch
from pycnn.models.compiled import Losses, LossMean, Metrics, detached, plain, wants_shapes
from pycnn.models.outputs import Outputs
from pycnn.models.planned import Plans, is_own
from pycnn.optimizers import LossScaleOptimizer


class Step:
    """The half of the trainer that knows loss, metrics and optimizer, and one batch."""

    _gathered_in_epoch = (
        "_loss_sum",
        "_loss_samples",
        "_part_sums",
        "_step_logs",
    )  # what reset_metrics resets besides metrics: backups hold it
    _untracked = frozenset(
        (
            *("_train_variables", "_regularized", "history", "_progress", "_metrics"),
            *("_compiled_losses", "_compile_arguments", "_searched", "_own", "_plans", "_late_checks"),
        )
    )
    _train_takes_data = _test_takes_data = False  # whether a subclass has Keras's train_step(self, data)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "train_step" in cls.__dict__:
            cls._train_takes_data = _takes_one(cls.train_step)
        if "test_step" in cls.__dict__:
            cls._test_takes_data = _takes_one(cls.test_step)

    def __init__(self):
        self.compiled = False
        self.optimizer = None
        self.loss = None
        self.stop_training = False
        self.history = None
        self._progress = None  # of the fit that is running
        self._metrics = Metrics()
        self._compiled_losses = self._loss = self._loss_weight = None
        self._runs_eagerly = self._wants_plans = False
        self._plans = Plans(self)
        self._step_logs = None  # what a train_step of one's own returned
        self._late_checks = LateChecks()
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
            For several outputs a list in their order, or a dict by their names (the keys where the model returns a
            dict, else the names of the layers); None for outputs without a loss. One for all is used for each.
        loss_weights : float, or list or dict of floats, optional
            Factors of the losses, which are then added up.
        metrics : list of str, Metric or callable(y_true, y_pred), optional
            ``"accuracy"`` becomes the binary, categorical or sparse one as the first batch shows. For several outputs
            a list or dict, as for ``loss``, of metrics or lists of them.
        weighted_metrics : list or dict, optional
            Metrics that take sample weights into account.
        run_eagerly : bool
            Whether each step calls the layers anew. By default the training step, ``predict`` and ``evaluate`` of a
            model of pycnn's own layers are recorded once for the shapes of a batch, and then repeated kernel by kernel
            with the same results; ``model.plans`` tells which.
        jit_compile : bool or "auto"
            False means the same as ``run_eagerly``; with True a line says which steps run eagerly, and why.
        auto_scale_loss : bool
            Whether the optimizer of a model whose policy is ``"mixed_float16"`` becomes a ``LossScaleOptimizer``.
        steps_per_execution
            Accepted so that Keras's scripts run.
        """
        optimizer = optimizers.get(optimizer)
        scales = isinstance(optimizer, LossScaleOptimizer)
        if auto_scale_loss and not scales and self.dtype_policy.name == "mixed_float16":
            optimizer = LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        self.optimizer = optimizer
        self.loss = loss
        self._compiled_losses = None if loss is None else Losses(loss, loss_weights)
        is_one = loss is not None and not isinstance(loss, (list, tuple, dict)) and not wants_shapes(loss)
        self._loss = losses.get(loss) if is_one else None  # of a single output; others wait for the first batch
        self._loss_weight = loss_weights if isinstance(loss_weights, (int, float)) else None
        if self._loss_weight is None and loss_weights is not None:
            self._loss = None
        self._metrics = Metrics(metrics, weighted_metrics)
        self._runs_eagerly, self._wants_plans = bool(run_eagerly) or jit_compile is False, jit_compile is True
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
        """The mean of the loss, the metrics of ``compile``, and metrics that are attributes of the model or its layers.

        Those of ``compile`` are one, named ``"compile_metrics"``, until the first batch has shown which they are, and
        where the model has several outputs.
        """
        own = self._own_metrics()
        if not self.compiled:
            return own
        metrics = self._metrics
        is_one = not metrics.built or (metrics.all and metrics.outputs.count > 1)
        return [LossMean(self), *([metrics] if is_one else metrics.all), *own]

    def _own_metrics(self):
        """The metrics that are attributes of the model or its layers: a search only where there may be new ones."""
        state = (Metric.made, Variable.changes, sum(map(len, self._searched)))
        if state != self._searched_at:
            layers = self.flatten_layers()
            self._searched = [vars(layer) for layer in layers]
            self._own = list({id(m): m for layer in layers for _, m in layer._tracked(Metric)}.values())
            self._searched_at = (Metric.made, Variable.changes, sum(map(len, self._searched)))
        return self._own

    @property
    def metrics_names(self):
        """The names in the logs, in the order of what ``evaluate`` returns."""
        return list(self._in_order(self.get_metrics_result()))

    def reset_metrics(self):
        """Forget what loss and metrics have seen."""
        self._reset_loss()
        self._metrics.reset_state()
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return a dict of the means of loss and metrics since the last reset, as numbers."""
        logs = {"loss": self._loss_mean()}
        if self._part_sums:
            logs |= {
                name: float(part) / self._loss_samples
                for name, part in zip(self._compiled_losses.names, self._part_sums, strict=True)
            }
        logs |= self._metrics.result()
        for metric in self._own_metrics():
            logs.setdefault(metric.name, plain(metric.result()))
        return logs

    # One batch

    def _run_train_step(self, x, y, sample_weight):
        """Call ``train_step`` with what it takes, and keep the logs it returns."""
        if self._train_takes_data:
            result = self.train_step(pack_batch(x, y, sample_weight))
        else:
            result = self.train_step(x, y, sample_weight)
        self._step_logs = result if type(result) is dict else None

    def _run_test_step(self, x, y, sample_weight):
        if self._test_takes_data:
            result = self.test_step(pack_batch(x, y, sample_weight))
        else:
            result = self.test_step(x, y, sample_weight)
        self._step_logs = result if type(result) is dict else None

    def train_step(self, x, y=None, sample_weight=None):
        """Train on one batch of tensors, and return the loss, a Tensor. Override it for training of your own.

        An override may be as in Keras: ``train_step(self, data)`` gets ``(x, y)``, ``(x, y, sample_weight)`` or, where
        there are no targets, ``x``, and returns a dict of logs. Gradients are those of
        ``loss.backward()``, then ``self.optimizer.apply([v.grad for v in variables], variables)``. Given such a tuple
        this method returns a dict, too.
        """
        if type(x) is tuple:
            Step.train_step(self, *unpack_batch(x))
            return self.get_metrics_result()
        for variable in self._train_variables:  # before the forward pass: their memory is wanted there
            variable._grad = None
        scale = self.optimizer.loss_scale
        if scale is None:
            loss, y_pred = self._gradients(x, y, sample_weight, None)
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # the optimizer sees what was too large
                loss, y_pred = self._gradients(x, y, sample_weight, scale)
        variables = self._train_variables
        self.optimizer.apply([variable._grad for variable in variables], variables)
        self._count(loss, y, y_pred, sample_weight)
        return loss

    def _gradients(self, x, y, sample_weight, scale):
        """Leave the gradients of the loss, times ``scale``, in the variables; return the loss and the outputs."""
        planned = self._plans.gradients(x, y, sample_weight, scale)
        if planned is not None:
            return planned
        y_pred = self(x, training=True)
        if self._found_at != Variable.changes:
            self._find_variables()
            self.zero_grad()
        with self._late_checks:
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        if not self._train_variables:
            raise ValueError(f"The model {self.name!r} has no trainable weights: there is nothing to train")
        (loss if scale is None else loss * scale).backward()
        return loss, y_pred

    def test_step(self, x, y=None, sample_weight=None):
        """Evaluate one batch of tensors, and return the loss, a Tensor; of a tuple ``(x, y)`` a dict of logs."""
        if type(x) is tuple:
            Step.test_step(self, *unpack_batch(x))
            return self.get_metrics_result()
        y_pred = None if self._loss_owners else self._plans.forward(x)
        if y_pred is None:
            y_pred = self(x, training=False)
        if self._found_at != Variable.changes:
            self._find_variables()
        with self._late_checks:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._count(loss, y, y_pred, sample_weight)
        return loss

    def zero_grad(self):
        """Forget the gradients of all weights, before ``loss.backward()`` in a training step of your own."""
        for variable in self.weights:
            variable._grad = None

    def predict_step(self, x):
        """Return the outputs for one batch of tensors."""
        return self._outputs(x)

    def _outputs(self, x, take=None):
        """What ``predict_step`` returns unless it is overridden, or what ``take`` makes of it, copied but once."""
        x = x[0] if type(x) is tuple else x
        outputs = self._plans.forward(x, take)
        if outputs is not None:
            return outputs
        outputs = self(x, training=False)
        return outputs if take is None else map_arrays(take, outputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of a batch, and what regularizers and ``add_loss`` add to it, as one Tensor."""
        if self._found_at != Variable.changes:
            self._find_variables()
        loss = self._parts = None
        if self._compiled_losses is not None:
            if self._loss is not None and isinstance(y_pred, Tensor) and isinstance(y, Tensor):
                loss = self._loss(y, y_pred, sample_weight)
                if self._loss_weight is not None:
                    loss = loss * self._loss_weight
            else:
                loss = self._sum_of_losses(y, y_pred, sample_weight)
        if self._regularized or self._loss_owners:
            extra = [v.regularizer(v) for v in self._regularized]
            extra += [added for owner in {id(o): o for o in self._loss_owners}.values() for added in owner._losses]
            for term in extra:
                loss = term if loss is None else loss + term
        if loss is None:
            raise ValueError("There is no loss: give compile() one, or add_loss() in a layer. Received: loss=None")
        return loss

    def _sum_of_losses(self, y, y_pred, sample_weight):
        """The losses of several outputs, or of one whose loss shows only now."""
        several = self._compiled_losses
        if not several.built:
            several.build(y, y_pred, self.output_names)
            if several.outputs.count == 1 and several.entries:
                _, self._loss, self._loss_weight = several.entries[0]
        self._parts = []
        return several(y, y_pred, sample_weight, self._parts)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Take a batch into the metrics; return a dict of logs. Override it for metrics of your own."""
        if not self._metrics.built or self._metrics.all:
            predictions = map_arrays(detached, y_pred)
            self._metrics.update(self._targets(y, y_pred), predictions, sample_weight, self.output_names)
        return self.get_metrics_result()

    def _targets(self, y, y_pred):
        """A list of the targets of each output."""
        if isinstance(y, Tensor) and isinstance(y_pred, Tensor):
            return (y,)
        if self._compiled_losses is not None and self._compiled_losses.built:
            return self._compiled_losses.targets(y)
        return Outputs(y_pred, self.output_names).spread("y", y)

    def _count(self, loss, y, y_pred, sample_weight):
        """Take a batch into the means of loss and metrics; nothing is fetched from the device."""
        first = y_pred if isinstance(y_pred, Tensor) else all_arrays(y_pred)[0]
        n = first.data.shape[0]
        self._loss_sum = self._loss_sum + loss.data.astype("float64") * n
        self._loss_samples += n
        if self._parts and len(self._parts) > 1:
            parts = [part.data.astype("float64") * n for part in self._parts]
            before = self._part_sums or [0.0] * len(parts)
            self._part_sums = [a + b for a, b in zip(before, parts, strict=True)]
        if type(self).compute_metrics is not Step.compute_metrics:
            self._step_logs = self.compute_metrics(None, y, y_pred, sample_weight)
        elif not self._metrics.built or self._metrics.all:
            predictions = map_arrays(detached, y_pred)
            names = None if self._metrics.built else self.output_names
            self._metrics.update(self._targets(y, y_pred), predictions, sample_weight, names)

    def _loss_mean(self):
        """The mean of the loss since the last reset. If it is NaN, this may raise the error that says why."""
        if not self._loss_samples:
            return float("nan")
        total = float(self._loss_sum)
        self._late_checks.settle(total != total)
        return total / self._loss_samples

    def _reset_loss(self):
        self._late_checks.settle(wrong=False)
        self._loss_sum = 0.0
        self._loss_samples = 0
        self._part_sums = []
        self._parts = None

    def _reset_step_caches(self):
        """Look for weights anew at the next step: the layers have changed."""
        self._found_at = -1
        self._plans.clear()
        self._train_variables = self._regularized = ()
        self._searched, self._searched_at, self._own = (), None, ()  # attributes that metrics were found in

    @property
    def plans(self):
        """What runs planned: dicts with ``step``, ``shapes``, and ``calls`` and ``bytes``, or ``eager``: why."""
        return self._plans.describe()

    def _random_steps(self):
        """Callables that a call begins with, without weights, the last of which draws random numbers on the host.

        A plan cannot repeat that: in training they run before it, and ``_first_step`` lets a call begin behind them.
        """
        return []

    def _may_be_planned(self):
        """Whether all that a step does is pycnn's own: anything else may do more than compute."""
        if self._runs_eagerly:
            return False
        losses = [self._loss] if self._loss is not None else []
        if self._compiled_losses is not None and self._compiled_losses.built:
            losses += [loss for _, loss, _ in self._compiled_losses.entries]
        return all(map(is_own, [self, *self.flatten_layers(), *losses]))

    def _find_variables(self):
        self._found_at = Variable.changes
        self._train_variables = self.trainable_weights
        self._regularized = [v for v in self._train_variables if v.regularizer is not None]

    def _logs(self):
        """What the last step returned as logs, or the means of loss and metrics since the last reset, as numbers."""
        if self._step_logs is None:
            return self.get_metrics_result()
        logs = {}
        for name, value in self._step_logs.items():
            logs |= {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else {name: plain(value)}
        return logs

    def _in_order(self, logs):
        """Logs in the order of what ``evaluate`` returns: the losses, then the metrics by name, as in Keras."""
        first = ["loss", *([] if self._compiled_losses is None else self._compiled_losses.names)]
        return {name: logs[name] for name in (*first, *sorted(logs)) if name in logs}


def _takes_one(step):
    """Whether a method takes one argument beside self."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(inspect.signature(step).parameters.values())[1:]
    return len(parameters) == 1 and parameters[0].kind in kinds
