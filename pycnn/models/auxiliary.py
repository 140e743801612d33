"""AuxiliaryModel: further outputs that help to train, and are gone at test time."""

from pycnn.models.graph import Graph, unwrap_single
from pycnn.models.model import Model
from pycnn.registration import register_serializable


@register_serializable("models")
class AuxiliaryModel(Model):
    """A graph with one output, and auxiliary outputs whose losses, with a weight, are added to its own in training.

    ``fit(x, y)`` takes the targets once, for all outputs. ``predict``, ``evaluate``, metrics, and calls know the first
    output only; the layers that lead to the others alone are not even computed there. The loss that ``fit`` reports is
    the sum that is trained on; the validation loss is that of the first output. Keras has no such model.

    Parameters
    ----------
    inputs : SymbolicTensor, or a list or dict of them
    outputs : list of SymbolicTensor
        The model's output, then the auxiliary ones, of the same shape.
    auxiliary_weight : float
        Factor of the auxiliary losses.
    name : str, optional

    Notes
    -----
    Szegedy et al., Going deeper with convolutions, CVPR 2015, section 5, have two, of the weight 0.3.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> inputs = pycnn.Input((4,))
    >>> hidden = layers.Dense(3, activation="relu")(inputs)
    >>> outputs = [layers.Dense(1)(layers.Dense(3)(hidden)), layers.Dense(1)(hidden)]
    >>> model = pycnn.models.AuxiliaryModel(inputs, outputs)
    >>> model.predict(np.zeros((2, 4)), verbose=0).shape, model.count_params()
    ((2, 1), 35)
    """

    _untracked = Model._untracked | {"_inference", "_auxiliary_outputs"}

    def __init__(self, inputs, outputs, auxiliary_weight=0.3, *, trainable=True, dtype=None, name=None):
        if not isinstance(outputs, (list, tuple)) or len(outputs) < 2:
            raise ValueError(
                "outputs must be a list: the model's output, and at least one auxiliary one. "
                f"Received: outputs={outputs!r}"
            )
        if isinstance(auxiliary_weight, bool) or not isinstance(auxiliary_weight, (int, float)):
            raise ValueError(f"auxiliary_weight must be a number. Received: auxiliary_weight={auxiliary_weight!r}")
        outputs = list(outputs)
        different = [y.shape for y in outputs if y.shape != outputs[0].shape]
        if different:
            raise ValueError(
                f"outputs must all have the shape of the first, {outputs[0].shape}. "
                f"Received: outputs with one of shape {different[0]}"
            )
        super().__init__(inputs, outputs, trainable=trainable, dtype=dtype, name=name)
        self.auxiliary_weight = float(auxiliary_weight)
        self._inference = Graph(inputs, outputs[0])
        self._auxiliary_outputs = None  # of the last call in training, for its loss

    def call(self, inputs, training=False):
        """Compute the output; in training also the auxiliary ones, which ``compute_loss`` uses."""
        if not training:
            self._auxiliary_outputs = None
            return self._inference.run(inputs)
        output, *self._auxiliary_outputs = self._graph.run(inputs)
        return output

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of a batch; in training those of the auxiliary outputs of the last call are part of it."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        auxiliary, self._auxiliary_outputs = self._auxiliary_outputs, None
        if training and auxiliary and self._loss is not None:
            weight = self.auxiliary_weight * (1.0 if self._loss_weight is None else self._loss_weight)
            for output in auxiliary:
                loss = loss + weight * self._loss(y, output, sample_weight)
        return loss

    def compute_output_shape(self, input_shape):
        """Return the shape of the output."""
        return self._inference.compute_output_shape(input_shape)

    @property
    def _inference_graph(self):
        return self._inference

    @property
    def output(self):
        """The symbolic output, without the auxiliary ones."""
        return self._inference.outputs

    @property
    def outputs(self):
        """The symbolic output in a list."""
        return list(self._inference.flat_outputs)

    @property
    def output_shape(self):
        """Shape of the output, with None for the batch size."""
        return self._inference.outputs.shape

    @property
    def _symbolic_outputs(self):
        return unwrap_single(self._inference.outputs)

    @property
    def output_names(self):
        """The name of the layer that gives the output, in a list."""
        return [y.node.layer.name for y in self._inference.flat_outputs]

    def _graph_arguments(self):
        return super()._graph_arguments() | {"auxiliary_weight": self.auxiliary_weight}

    def get_config(self):
        """Return what makes the same model, without weights, as JSON values."""
        return {**super().get_config(), "auxiliary_weight": self.auxiliary_weight}
