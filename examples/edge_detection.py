"""Edges, sharpening and other classic filters on a real photograph: one gallery picture.

Grace Hopper's portrait comes with matplotlib, the Chinese pavilion and the flower with scikit-learn.
"""

import numpy as np
from common import parse_arguments, report, write

from pycnn import filters, visualize

GALLERY = {
    "vertical edges": "vertical_edges",
    "horizontal edges": "horizontal_edges",
    "edge detection": "edge_detection",
    "sharpening": "sharpening",
    "Sobel, rightwards": "sobel_x",
    "Sobel, downwards": "sobel_y",
    "Sobel, both": "sobel",
    "Laplacian": "laplacian",
    "unsharp mask": filters.sharpen(amount=2.0, sigma=2.0),
    "Gaussian blur": filters.gaussian(sigma=3.0),
    "box blur": filters.box(9),
    "emboss": "emboss",
    "Gabor, vertical stripes": filters.gabor(wavelength=6.0),
    "Gabor, diagonal": filters.gabor(wavelength=6.0, orientation=np.pi / 4),
    "Gabor, horizontal stripes": filters.gabor(wavelength=6.0, orientation=np.pi / 2),
}


def load_photograph(name):
    """One of the photographs that matplotlib and scikit-learn carry: uint8 (height, width, 3)."""
    if name == "hopper":
        from matplotlib.cbook import get_sample_data
        from matplotlib.image import imread

        with get_sample_data("grace_hopper.jpg") as file:
            return imread(file, format="jpg")
    from sklearn.datasets import load_sample_image

    return load_sample_image(f"{name}.jpg")


def main():
    """Filter the photograph and write the gallery."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        image={"choices": ["hopper", "china", "flower"], "default": "hopper", "help": "the photograph"},
    )
    photograph = load_photograph(arguments.image)
    if arguments.smoke:
        photograph = photograph[::4, ::4]
    print(f"{arguments.image}: {' x '.join(map(str, photograph.shape))}, {len(GALLERY)} filters")
    figure = visualize.plot_edges(photograph, GALLERY, columns=4, title="Classic filters, as convolutions")
    report(write({f"edges_{arguments.image}.png": figure}, arguments.output))


if __name__ == "__main__":
    main()
