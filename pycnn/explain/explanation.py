"""``explain`` and what it returns."""

from typing import NamedTuple

from pycnn.explain.calls import trace
from pycnn.explain.describe import describe
from pycnn.explain.wording import by, indented
from pycnn.layers import Layer
from pycnn.layers.operation import type_name
from pycnn.layers.structure import flatten_structure, is_shape, map_structure
from pycnn.layers.symbolic import SymbolicTensor


class Step(NamedTuple):
    """One call of a layer: shapes without the batch (lists of them where there are several), and lines of text.

    ``multiply_adds`` is None where nothing is known of a layer with weights.
    """

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
        For one input, of all layers whose multiply-adds are known.
    uncounted : list of str
        The names of the other ones: layers of one's own that ``describe`` knows nothing of, but that have weights.
    input_shape, output_shape : tuple, or list of tuples
        Without the batch.
    """

    def __init__(self, steps, parameters, input_shape, output_shape):
        self.steps = steps
        self.parameters = parameters
        self.multiply_adds = sum(step.multiply_adds or 0 for step in steps)
        self.uncounted = [step.name for step in steps if step.multiply_adds is None]
        self.input_shape, self.output_shape = input_shape, output_shape

    def __str__(self):
        width = max([24, *(len(step.head) for step in self.steps)])
        blocks = [step.text(width) for step in self.steps]
        if len(self.steps) > 1:
            without = f", not counting {', '.join(self.uncounted)}" if self.uncounted else ""
            blocks.append(
                f"{'in all':<{width}}  {by(self.input_shape)}  ->  {by(self.output_shape)}\n"
                f"    parameters     {self.parameters:,}\n    multiply-adds  {self.multiply_adds:,}{without}"
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
        Shape of one input, without the batch; a model that knows its input needs none. For several inputs a list or
        dict of shapes.

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
    shapes = read_shapes(layer, input_shape)
    calls, outputs = trace_shapes(layer, shapes)
    steps = [step_of(call) for call in calls]
    owners = {id(call.layer): step.parameters for call, step in zip(calls, steps, strict=True)}
    explanation = Explanation(steps, sum(owners.values()), _plain(shapes), _plain(outputs))
    print(explanation)
    return explanation


def read_shapes(layer, input_shape=None):
    """Return shapes without the batch: ``input_shape``, or what a model knows; raise unless all sizes are known."""
    if input_shape is None:
        shapes = declared_shapes(layer)
        if shapes is None:
            raise ValueError("input_shape is needed: the layer does not know its input. Received: input_shape=None")
        if any(None in shape for shape in flatten_structure(shapes, is_shape)):
            raise ValueError(
                f"input_shape is needed: the model leaves sizes of its input open, {shapes}. Received: input_shape=None"
            )
        return shapes
    shapes = map_structure(lambda shape: tuple(shape), input_shape, is_shape)
    if not all(is_shape(s) and s and None not in s and min(s) > 0 for s in flatten_structure(shapes, is_shape)):
        raise ValueError(
            "input_shape must be the sizes of one input, without the batch, such as (32, 32, 1). "
            f"Received: input_shape={input_shape!r}"
        )
    return shapes


def declared_shapes(layer):
    """Return the shapes without the batch that a model was made for, None in them where a size is open; or None."""
    declared = getattr(layer, "input_shape", None)
    return None if declared is None else map_structure(lambda shape: tuple(shape[1:]), declared, is_shape)


def trace_shapes(layer, shapes):
    """Return the calls of layers inside a layer or model, and what shapes come out; all shapes without the batch."""
    inputs = map_structure(lambda shape: SymbolicTensor((None, *shape), layer.dtype), shapes, is_shape)
    calls, outputs = trace(layer, inputs)
    return calls, map_structure(lambda y: y.shape[1:], outputs)


def step_of(call):
    """Return the Step of a Call."""
    parameters, multiply_adds, lines = describe(call.layer, call.input_shape, call.output_shape)
    name, kind = call.layer.name, type_name(call.layer)
    return Step(name, kind, call.input_shape, call.output_shape, parameters, multiply_adds, tuple(lines))


def _plain(shapes):
    """One shape, or a flat list of them."""
    return shapes if is_shape(shapes) else flatten_structure(shapes, is_shape)
