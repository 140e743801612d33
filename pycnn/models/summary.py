"""The table that ``model.summary()`` prints."""

from pycnn.layers.input import InputLayer


def summary_text(model, line_length=None, expand_nested=False):
    """Return the table of a model's layers: names, output shapes, numbers of parameters.

    Parameters
    ----------
    model : Model
    line_length : int, optional
        Width of the table; as wide as its contents need unless given.
    expand_nested : bool
        Show the layers inside of layers, too.
    """
    shapes = _output_shapes(model)
    rows = list(_rows(model, shapes, expand_nested))
    headers = ("Layer (type)", "Output Shape", "Param #")
    widths = [max(len(row[i]) for row in (headers, *rows)) + 2 for i in range(3)]
    if line_length is not None:
        widths[0] = max(widths[0], line_length - sum(widths[1:]) - 4)
    lines = [
        f'Model: "{model.name}"',
        _rule(widths, "┏┳┓", "━"),
        _line(headers, widths, "┃"),
        _rule(widths, "┡╇┩", "━"),
    ]
    for i, row in enumerate(rows):
        lines += ([_rule(widths, "├┼┤", "─")] if i else []) + [_line(row, widths, "│")]
    lines.append(_rule(widths, "└┴┘", "─"))
    trainable = [w for w in model.trainable_weights]
    counts = {
        "Total params": model.weights,
        "Trainable params": trainable,
        "Non-trainable params": model.non_trainable_weights,
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and getattr(optimizer, "variables", None):
        counts["Optimizer params"] = optimizer.variables
    lines += [_count(label, weights) for label, weights in counts.items()]
    return "\n".join(lines)


def _rows(model, shapes, expand_nested, indent=""):
    for layer in model.layers:
        known = layer.built
        yield (
            f"{indent}{layer.name} ({type(layer).__name__})",
            _shape(shapes.get(id(layer))),
            f"{layer.count_params():,}" if known else "0 (unbuilt)",
        )
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer, _output_shapes(layer), expand_nested, indent + "  ")


def _output_shapes(model):
    """Shapes after each layer of a model that knows them: those whose layers follow one another."""
    shape, shapes = model._build_shape, {}
    if shape is not None and hasattr(model, "_layers"):
        for layer in model._layers:
            shape = layer.compute_output_shape(shape)
            if not isinstance(layer, InputLayer):
                shapes[id(layer)] = shape
    return shapes


def _shape(shape):
    return "?" if shape is None else str(tuple(shape))


def _rule(widths, corners, dash):
    left, middle, right = corners
    return left + middle.join(dash * w for w in widths) + right


def _line(cells, widths, bar):
    name, shape, params = (
        f" {cells[0]}".ljust(widths[0]),
        f" {cells[1]}".ljust(widths[1]),
        f"{cells[2]} ".rjust(widths[2]),
    )
    return f"{bar}{name}{bar}{shape}{bar}{params}{bar}"


def _count(label, weights):
    number = sum(w.size for w in weights)
    size = float(sum(w.size * w.dtype.itemsize for w in weights))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f" {label}: {number:,} ({size:.2f} {unit})"
