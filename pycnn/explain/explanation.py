"""``explain`` and what it returns."""

from typing import NamedTuple

from pycnn.explain.describe import copy_of, describe
from pycnn.explain.wording import by, indented
from pycnn.layers import Layer
from pycnn.models import Sequential


class Step(NamedTuple):
    """One layer: shapes without the batch, and lines of text about it."""

    name: str
    kind: str
    input_shape: tuple
    output_shape: tuple
    parameters: int
    multiply_adds: int
    lines: tuple

    @property
    def head(self):
        """Name and class."""
        return f"{self.name} ({self.kind})"

    def text(self, width):
        """All that is printed about the layer, its head filled up to ``width``."""
        first = f"{self.head:<{width}}  {by(self.input_shape)}  ->  {by(self.output_shape)}"
        return "\n".join([first, *indented(self.lines)])

    def __str__(self):
        return self.text(len(self.head))


class Explanation:
    """What ``explain`` returns: ``str()`` is what it printed.

    Attributes
    ----------
    steps : list of Step
    parameters : int
        Of all layers, a shared one counted once.
    multiply_adds : int
        For one input.
    """

    def __init__(self, steps, parameters):
        self.steps = steps
        self.parameters = parameters
        self.multiply_adds = sum(step.multiply_adds for step in steps)

    def __str__(self):
        width = max([24, *(len(step.head) for step in self.steps)])
        blocks = [step.text(width) for step in self.steps]
        if len(self.steps) > 1:
            first, last = self.steps[0].input_shape, self.steps[-1].output_shape
            blocks.append(
                f"{'in all':<{width}}  {by(first)}  ->  {by(last)}\n"
                f"    parameters     {self.parameters:,}\n    multiply-adds  {self.multiply_adds:,}"
            )
        return "\n\n".join(blocks)

    def __repr__(self):
        return (
            f"<Explanation of {len(self.steps)} layer{'s' * (len(self.steps) != 1)}: "
            f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds>"
        )


def explain(layer, input_shape=None):
    """Print the arithmetic of a layer, or of each layer of a model, with the formulas and the numbers put in.

    The letters are those of the textbooks: input size i, window f, padding p, stride s, dilation d, groups g, and
    output size o.

    Parameters
    ----------
    layer : Layer or model
        It is left as it is: nothing is built or computed.
    input_shape : tuple of ints, optional
        Shape of one input, without the batch; a model that knows its input needs none.

    Returns
    -------
    Explanation
        Its ``str()`` is what was printed; ``.parameters``, ``.multiply_adds`` and ``.steps`` hold the numbers.

    Examples
    --------
    >>> from pycnn import explain, layers
    >>> explanation = explain(layers.Conv2D(6, 5, name="c1"), (32, 32, 1))
    c1 (Conv2D)               32 x 32 x 1  ->  28 x 28 x 6
        i = 32 x 32, f = 5 x 5, p = 0, s = 1, d = 1, g = 1
        o = floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1
          = floor((32 - 1*(5-1) - 1 + 0 + 0)/1) + 1 = 28
        parameters     5*5*1 * 6 weights + 6 biases = 156
        multiply-adds  28*28*6 outputs * 5*5*1 each = 117,600
    >>> explanation
    <Explanation of 1 layer: 156 parameters, 117,600 multiply-adds>
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"layer must be a layer or a model. Received: layer={layer!r}")
    shape = _read_shape(layer, input_shape)
    calls = list(_calls(layer, shape))
    steps = [_step(*call) for call in calls]
    owners = {id(called): step.parameters for (called, _, _), step in zip(calls, steps, strict=True)}
    explanation = Explanation(steps, sum(owners.values()))
    print(explanation)
    return explanation


def _read_shape(layer, input_shape):
    if input_shape is None:
        input_shape = getattr(layer, "input_shape", None)
        if input_shape is None:
            raise ValueError("input_shape is needed: the layer does not know its input. Received: input_shape=None")
        return tuple(input_shape[1:])
    shape = tuple(input_shape)
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            "input_shape must be the sizes of one input, without the batch, such as (32, 32, 1). "
            f"Received: input_shape={input_shape!r}"
        )
    return shape


def _calls(layer, shape):
    """(layer, input shape, output shape) of each call of a layer inside, in order; shapes without the batch."""
    if isinstance(layer, Sequential):
        for inner in layer.layers:
            for call in _calls(inner, shape):
                yield call
                shape = call[2]
        return
    inferring = layer
    if not layer.built and type(layer).compute_output_shape is Layer.compute_output_shape:
        inferring = copy_of(layer)  # it would run, and so build, the layer
    yield layer, shape, tuple(inferring.compute_output_shape((None, *shape))[1:])


def _step(layer, input_shape, output_shape):
    parameters, multiply_adds, lines = describe(layer, input_shape, output_shape)
    kind = type(layer).__name__
    return Step(layer.name, kind, input_shape, output_shape, parameters, multiply_adds, tuple(lines))
