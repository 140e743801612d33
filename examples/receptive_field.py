"""What a place in each layer of a network sees of a photograph: at most, and effectively.

The box is the receptive field: no pixel outside of it has any influence. Inside, influence is not even: pixels in the
middle reach the place on many more ways than those at the edge. It is measured by the gradient of the place with
respect to the pixels, here of a network with random weights, as it is before training, and averaged over random sums of
channels and random images (Luo, Li, Urtasun and Zemel, Understanding the effective receptive field, NeurIPS 2016).
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import analysis, applications, visualize
from pycnn.datasets import photographs

NETWORKS = {"vgg16": applications.VGG16, "resnet50": applications.ResNet50, "mobilenet": applications.MobileNet}
SHARE = 0.95
"""Part of the influence that the effective field holds."""


def choose_layers(fields):
    """The last layer of each jump: what comes before the maps become smaller."""
    last = {field.jump: field for field in fields if not field.whole}
    return list(last.values())


def influence(model, name, place, size, rng, repeats):
    """How much each pixel matters to a place in a layer: mean absolute gradient, (height, width), summing to 1."""
    part = pycnn.Model(model.input, model.get_layer(name).output)
    total = np.zeros(size)
    for _ in range(repeats):
        x = pycnn.Tensor(rng.standard_normal((1, *size, 3)).astype(np.float32), requires_grad=True)
        outputs = part(x, training=False)[0, place[0], place[1]]
        (outputs * rng.standard_normal(outputs.shape).astype(np.float32)).sum().backward()
        total += np.abs(x.grad.numpy()[0]).sum(axis=-1)
    return total / total.sum()


def effective_box(weights, field_box):
    """The smallest box with the middle of the field that holds ``SHARE`` of the influence: (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = field_box
    column, row = (x1 + x2) / 2, (y1 + y2) / 2
    y, x = np.indices(weights.shape) + 0.5
    reach = np.maximum(np.abs(x - column) / (x2 - x1), np.abs(y - row) / (y2 - y1))
    order = np.argsort(reach, axis=None)
    enough = order[np.searchsorted(np.cumsum(weights.ravel()[order]), SHARE)]
    half = reach.ravel()[enough]
    wide, high = (x2 - x1) * half + 0.5, (y2 - y1) * half + 0.5
    return (column - wide, row - high, column + wide, row + high)


def draw(photograph, panels, title):
    """The photograph for each layer: influence as brightness, the field as a box, and the effective one inside."""
    from matplotlib.patches import Rectangle

    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = visualize.canvas.new_figure(3.6 * columns, 3.85 * rows + 0.6, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    height, width = photograph.shape[:2]
    for axis, (field, box, effective, weights) in zip(axes, panels, strict=False):
        light = np.sqrt(weights / weights.max())[..., None]
        axis.imshow(np.clip(photograph * (0.25 + 0.75 * light), 0, 1), extent=(0, width, height, 0))
        for (x1, y1, x2, y2), color, style in ((box, "#facc15", "-"), (effective, "#22d3ee", "--")):
            axis.add_patch(
                Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=color, linewidth=1.6, linestyle=style)
            )
        axis.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
        side = effective[2] - effective[0]
        axis.set_title(
            f"{field.name}\nfield {field.size[1]}, effectively {side:.0f}, jump {field.jump[1]}", fontsize=8.5
        )
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return figure


def main():
    """Print the table of all layers, measure some, and write the picture."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        network={"choices": sorted(NETWORKS), "default": "vgg16", "help": "with random weights"},
        photograph={"choices": photographs.TEST, "default": "chelsea", "help": "what is looked at"},
    )
    side, repeats = (32, 1) if arguments.smoke else (224, 4)
    image = photographs.load_photograph(arguments.photograph) / 255
    offset = [(n - min(image.shape[:2])) // 2 for n in image.shape[:2]]
    image = image[offset[0] :, offset[1] :][: min(image.shape[:2]), : min(image.shape[:2])]
    image = pycnn.ops.resize(image[None], (side, side)).numpy()[0]

    model = NETWORKS[arguments.network](weights=None, include_top=False, input_shape=(side, side, 3))
    model.trainable = False  # gradients of the pixels alone
    fields = analysis.receptive_field(model)
    print(fields)
    rng = np.random.default_rng(arguments.seed)
    panels = []
    for field in choose_layers(fields)[: 2 if arguments.smoke else None]:
        place = tuple(n // 2 for n in field.output_shape[:2])
        weights = influence(model, field.name, place, (side, side), rng, repeats)
        box = field.box(*place)
        panels.append((field, box, effective_box(weights, box), weights))
    print(f"\n{'layer':<24}{'field':>7}{f'holds {SHARE:.0%}':>12}{'of its side':>13}")
    for field, box, effective, _ in panels:
        side = effective[2] - effective[0]
        print(f"{field.name:<24}{field.size[1]:>7}{side:>12.0f}{side / (box[2] - box[0]):>13.0%}")
    title = (
        f"What the middle of each layer of {model.name} sees: at most (yellow), and {SHARE:.0%} of the influence (blue)"
    )
    report(write({"receptive_field.png": draw(image, panels, title)}, arguments.output))


if __name__ == "__main__":
    main()
