"""Recurrent layers: the products of each step, and what the gates let through."""

import math

from pycnn import layers
from pycnn.explain.describe import describe
from pycnn.explain.wording import indented

_CELLS = {layers.SimpleRNNCell.step: (1, 0), layers.LSTMCell.step: (4, 3), layers.GRUCell.step: (3, 3)}
"""Step of a cell -> times ``units`` numbers from each product, and products of gates and states for each unit."""


@describe.register
def _recurrent(layer: layers.RNN, input_shape, output_shape):
    cell, (steps, inputs) = layer.cell, input_shape
    units = cell.units
    if type(cell).step not in _CELLS:
        return describe(cell, (inputs,), output_shape)
    gates, gatings = _CELLS[type(cell).step]
    width = units if gates == 1 else f"{gates}*{units}"
    biases = cell.use_bias * gates * units * (2 if getattr(cell, "reset_after", False) else 1)
    weights = gates * units * (inputs + units)
    parameters, multiply_adds = weights + biases, steps * (weights + gatings * units)
    bias = f" + {biases} biases" if biases else ""
    through = f" + {gatings}*{units}" if gatings else ""
    lines = [
        f"at each of {steps} steps {inputs} inputs and {units} states give "
        + (f"{gates} times {units} numbers, among them the gates of the states" if gatings else f"{units} new ones"),
        f"parameters     ({inputs} + {units})*{width} weights{bias} = {parameters:,}",
        f"multiply-adds  {steps} steps * (({inputs} + {units})*{width}{through}) = {multiply_adds:,}",
    ]
    return parameters, multiply_adds, lines


@describe.register
def _bidirectional(layer: layers.Bidirectional, input_shape, output_shape):
    parts = [describe(part, input_shape, output_shape) for part in (layer.forward_layer, layer.backward_layer)]
    (p1, m1, lines1), (p2, m2, lines2) = parts
    lines = ["from the first step on:", *indented(lines1), "from the last step on:", *indented(lines2)]
    merged = output_shape if isinstance(output_shape, tuple) else output_shape[0]
    m3 = math.prod(merged) if layer.merge_mode == "mul" else 0
    lines.append(f"parameters     {p1:,} + {p2:,} = {p1 + p2:,}")
    if m1 is None or m2 is None:
        return p1 + p2, None, lines
    third = f" + {m3:,}" if m3 else ""
    lines += [f"multiply-adds  {m1:,} + {m2:,}{third} = {m1 + m2 + m3:,}"]
    return p1 + p2, m1 + m2 + m3, lines
