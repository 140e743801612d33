"""What networks call convolution is cross-correlation: where the two differ, in numbers and in a picture.

Convolution turns the kernel by 180 degrees first. For a kernel that looks the same turned round nothing changes; for
one that changes its sign only the sign does; for any other the result is another one. Networks learn their kernels,
so that it makes no difference to them; it does to whoever takes a kernel out of a book.
"""

import numpy as np
from common import parse_arguments, report, write

from pycnn import filters, ops, visualize
from pycnn.datasets import photographs

KERNELS = {
    "Gaussian, 5 x 5": filters.gaussian(sigma=1.0, size=5),
    "Laplacian": filters.get("laplacian"),
    "vertical edges": filters.get("vertical_edges"),
    "emboss": filters.get("emboss"),
    "one-sided streak": np.pad(np.eye(8), ((0, 7), (0, 7))) / 8,
}
"""Two that look the same turned round, one that changes its sign, and two that have a direction."""

TITLE = "Convolution turns the kernel round, networks do not (red: positive, blue: negative)"


def filter_image(image, kernel, flip):
    """Cross-correlation of a grey image with a kernel, or with ``flip`` convolution; float64, of the image's size."""
    outputs = ops.conv2d(image[None, :, :, None], kernel[:, :, None, None], padding="same", flip=flip)
    return outputs.numpy()[0, :, :, 0]


def largest_difference(a, b):
    """The largest difference of two images, relative to the largest value in the first."""
    return float(np.abs(a - b).max() / np.abs(a).max())


def print_table(photograph):
    """How far convolution is from cross-correlation, and from that with the kernel turned by 180 degrees."""
    print(f"{'kernel':<18}{'conv - corr':>13}{'conv + corr':>13}{'conv - corr, turned':>21}")
    for name, kernel in KERNELS.items():
        correlated, convolved = (filter_image(photograph, kernel, flip) for flip in (False, True))
        turned = filter_image(photograph, kernel[::-1, ::-1], False)
        differences = [largest_difference(convolved, other) for other in (correlated, -correlated, turned)]
        print(f"{name:<18}{differences[0]:>13.2g}{differences[1]:>13.2g}{differences[2]:>21.2g}")


def print_order(photograph):
    """Two filters in a row: only convolution lets them be joined into one beforehand, in either order."""
    first, second = KERNELS["emboss"], filters.get("sobel_x")
    for flip, name in ((False, "cross-correlation"), (True, "convolution")):
        twice = filter_image(filter_image(photograph, first, flip), second, flip)
        joined = filter_image(photograph, filter_image(np.pad(first, 1), second, flip), flip)
        inner = (slice(4, -4), slice(4, -4))  # away from the border, where zeros were put
        print(
            f"emboss, then Sobel, against both joined, by {name}: {largest_difference(twice[inner], joined[inner]):.2g}"
        )


def draw(photograph):
    """One row for each kernel: itself, what it makes of one bright pixel and of the photograph, and the difference."""
    point = np.zeros((17, 17))
    point[8, 8] = 1.0
    titles = [
        "kernel",
        "one bright pixel,\ncross-correlated",
        "one bright pixel,\nconvolved",
        "photograph,\ncross-correlated",
        "photograph,\nconvolved",
        "difference of\nthe photographs",
    ]
    wide = photograph.shape[1] / photograph.shape[0]
    figure = visualize.canvas.new_figure(7.4 + 4.2 * wide, 8.2, TITLE)
    axes = figure.subplots(len(KERNELS), 6, width_ratios=[1, 1, 1, wide, wide, wide])
    for row, (name, kernel) in zip(axes, KERNELS.items(), strict=True):
        points = [filter_image(point, kernel, flip) for flip in (False, True)]
        photographs_ = [filter_image(photograph, kernel, flip) for flip in (False, True)]
        images = [kernel, *points, *photographs_, photographs_[1] - photographs_[0]]
        limits = [np.abs(kernel).max()] * 3 + [np.percentile(np.abs(photographs_), 99.5)] * 3
        for number, (axis, image, limit) in enumerate(zip(row, images, limits, strict=True)):
            grey = number in (3, 4) and kernel.min() >= 0  # the photograph itself, blurred
            style = {"cmap": "gray", "vmin": 0} if grey else {"cmap": "RdBu_r", "vmin": -limit}
            axis.imshow(image, vmax=limit, interpolation="nearest", **style)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, fontsize=9)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def main():
    """Print the numbers and write the picture."""
    arguments = parse_arguments(__doc__.splitlines()[0])
    photograph = photographs.load_photograph("hopper")[:420, 40:460].mean(axis=2) / 255
    photograph = photograph[::6, ::6] if arguments.smoke else photograph[::2, ::2]
    print_table(photograph)
    print_order(photograph)
    report(write({"conv_vs_correlation.png": draw(photograph)}, arguments.output))


if __name__ == "__main__":
    main()
