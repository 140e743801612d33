"""Model: a layer that can be trained, saved and shown."""

import numpy as np

from pycnn.autograd import Tensor, no_grad
from pycnn.layers.base import Layer
from pycnn.layers.input import InputLayer
from pycnn.models.batches import map_arrays
from pycnn.models.saving import load_weights, save_model, save_weights
from pycnn.models.summary import summary_text
from pycnn.models.trainer import Trainer


class Model(Trainer, Layer):
    """A layer that can be trained, saved and shown. Subclass it to combine layers as you like.

    Make the layers in ``__init__``, which calls ``super().__init__()`` first, and use them in ``call``.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> class Residual(pycnn.Model):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.conv = layers.Conv2D(3, 3, padding="same")
    ...
    ...     def call(self, inputs):
    ...         return inputs + self.conv(inputs)
    >>> model = Residual()
    >>> model(np.zeros((1, 8, 8, 3))).shape, model.count_params()
    ((1, 8, 8, 3), 84)
    """

    autocast = False  # the layers inside cast
    _untracked = Layer._untracked | Trainer._untracked

    def __init__(self, *, trainable=True, dtype=None, name=None):
        Layer.__init__(self, trainable=trainable, dtype=dtype, name=name)
        Trainer.__init__(self)

    @property
    def layers(self):
        """The layers directly inside the model."""
        return [layer for _, layer in self._sublayers() if not isinstance(layer, InputLayer)]

    def get_layer(self, name=None, index=None):
        """Return the layer of this name, or with this number.

        Raises
        ------
        ValueError
            If there is none.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"Give either name or index. Received: name={name!r}, index={index!r}")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"index must lie below the number of layers, {len(layers)}. Received: index={index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"There is no such layer; there are: {', '.join(la.name for la in layers)}. Received: name={name!r}"
        )

    def build(self, input_shape):
        """Make the weights of all layers, by running the model on zeros of this shape: (None, height, ...)."""
        with no_grad():
            self.call(_zeros(input_shape, self.dtype))

    def _ensure_built(self, input_shape):
        """The layers build themselves when ``call`` runs: nothing to do before, unless ``build`` was overridden."""
        if not self.built and type(self).build is Model.build:
            self.built, self._build_shape = True, input_shape
        super()._ensure_built(input_shape)

    def summary(self, line_length=None, print_fn=None, expand_nested=False):
        """Print the layers, the shapes of their outputs and the numbers of their parameters.

        Parameters
        ----------
        line_length : int, optional
            Width of the table.
        print_fn : callable, optional
            Gets the text in place of ``print``.
        expand_nested : bool
            Show the layers inside of layers, too.
        """
        (print_fn or print)(summary_text(self, line_length, expand_nested))

    def save(self, filepath, overwrite=True, include_optimizer=True):
        """Write the model to one file: layers, weights, how it was compiled, and the optimizer's state.

        Parameters
        ----------
        filepath : str or path
            By custom ends in ``.pycnn``.
        overwrite : bool
            Whether to replace a file that exists.
        include_optimizer : bool
            Whether to write the optimizer's state, with which training goes on as if it had not stopped.

        Examples
        --------
        >>> import pycnn
        >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(2)])
        >>> model.save("model.pycnn")
        >>> pycnn.models.load_model("model.pycnn").count_params()
        8
        """
        save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath, overwrite=True):
        """Write the weights alone to a file."""
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath):
        """Read the weights from a file of ``save`` or ``save_weights`` of a model with the same layers."""
        load_weights(self, filepath)


def _zeros(shape, dtype):
    """Zeros of a shape, or of a list or dict of shapes; a batch size of None becomes 1."""
    if isinstance(shape, dict):
        return {key: _zeros(value, dtype) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple)):
        return [_zeros(value, dtype) for value in shape]
    return map_arrays(Tensor, np.zeros([1 if n is None else n for n in shape], dtype))
