"""Visual Genome's region descriptions: JSON files that say in words what is in many boxes of each image.

::

    region_descriptions.json    [{"id": 1, "regions": [{"region_id": 1382, "image_id": 1, "phrase": "A clock.",
                                 "x": 421, "y": 57, "width": 82, "height": 139}, ...]}, ...]
    image_data.json             [{"image_id": 1, "width": 800, "height": 600, ...}, ...]
    VG_100K/1.jpg, VG_100K_2/2.jpg
"""

import json
import os
import re
from pathlib import Path

import numpy as np

from pycnn.backend.geometry import is_integer
from pycnn.captioning.records import DescribedImages, DescribedRegions
from pycnn.captioning.vocabulary import tokenize
from pycnn.detection.datasets.image_files import ImageFiles

_LETTERS = str.maketrans({"½": "half", "¢": "cent", "°": " degree", "ç": "c", "û": "u", "é": "e", "è": "e"})
_REFERRING = re.compile(r"^(there (is|are)|(this|that) (is|seems to be)|it (is|seems to be)|(these|those) are) ")
_REGION = ("phrase", "x", "y", "width", "height")


def clean_phrase(phrase):
    """Return a phrase as DenseCap's data have it: words in lower case without punctuation, and what they begin with.

    "There is", "this seems to be" and their like are left out at the beginning; a few letters are spelled plainly.

    Examples
    --------
    >>> clean_phrase("There is a man's café, 30° warm.")
    'a mans cafe 30 degree warm'
    """
    words = " ".join(tokenize(phrase.lower().translate(_LETTERS)))
    return _REFERRING.sub("", f"{words} ").strip()


def read(descriptions, folder=".", image_data=None, clean=True, max_words=None, regions_per_image=(0, None)):
    """Read a file of region descriptions.

    DenseCap leaves out phrases of more than 10 words, then images with fewer than 20 or more than 50 regions, and
    takes words that occur less than 15 times for unknown: ``read(..., max_words=10, regions_per_image=(20, 50))``, and
    ``Vocabulary.build(data.captions, min_count=15)``.

    Parameters
    ----------
    descriptions : str or path, or list
        The file, or what it holds.
    folder : str or path, or sequence of them
        Where the images are, called by their ids: 1.jpg. Of several the first one that has an image is taken.
    image_data : str or path, or list, optional
        The file with the sizes of the images, or what it holds: boxes are clipped to them, for some reach beyond.
    clean : bool
        Take phrases as ``clean_phrase`` gives them; else as they are.
    max_words : int, optional
        Leave out longer phrases.
    regions_per_image : (int, int or None)
        Leave out images with fewer or with more regions.

    Returns
    -------
    DescribedImages
        In the order of the file. Images are read from their files when they are asked for. Regions without words or
        without area are left out.

    Raises
    ------
    ValueError
        If the file has another form, or an image has no size in ``image_data``.

    References
    ----------
    Krishna et al., "Visual Genome", IJCV 2017; Johnson, Karpathy and Fei-Fei, "DenseCap", CVPR 2016, section 4.

    Examples
    --------
    >>> region = {"phrase": "The clock is green.", "x": 4, "y": 5, "width": 8, "height": 6}
    >>> read([{"id": 1, "regions": [region]}]).truth
    [DescribedRegions(boxes=[[4.0, 5.0, 12.0, 11.0]], captions=['the clock is green'])]
    """
    if max_words is not None and (not is_integer(max_words) or max_words < 1):
        raise ValueError(f"max_words must be an integer >= 1. Received: max_words={max_words!r}")
    fewest, most = regions_per_image
    folders = [Path(name) for name in ([folder] if isinstance(folder, (str, os.PathLike)) else folder)]
    if not folders:
        raise ValueError(f"folder must be one or more folders. Received: folder={folder!r}")
    sizes = None if image_data is None else _sizes(_load(image_data))
    numbers, truth = set(), []
    files = []
    for image, rows in _images(_load(descriptions)):
        if image in numbers:
            raise ValueError(f"Images must have ids of their own. Received: image {image!r} twice")
        if sizes is not None and image not in sizes:
            raise ValueError(f"image_data must have all images. Received: no image {image!r}")
        numbers.add(image)
        regions = _regions(image, rows, None if sizes is None else sizes[image], clean, max_words)
        if fewest <= len(regions) and (most is None or len(regions) <= most):
            truth.append(regions)
            files.append(_path(folders, f"{image}.jpg"))
    return DescribedImages(ImageFiles(files), truth)


def _load(content):
    if isinstance(content, (str, os.PathLike)):
        with open(content, encoding="utf-8") as file:
            content = json.load(file)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError(f"The file must hold a list with a dict for each image. Received: {type(content).__name__}")
    return content


def _images(content):
    """Yield the id of each image, which is "image_id" in later versions of the file, and its regions."""
    for place, row in enumerate(content):
        image = row.get("id", row.get("image_id"))
        if image is None or not isinstance(row.get("regions"), list):
            raise ValueError(f"Each image must have an id and regions. Received: {sorted(row)} at place {place}")
        yield image, row["regions"]


def _sizes(content):
    for place, row in enumerate(content):
        if not {"width", "height"} <= set(row) or not {"id", "image_id"} & set(row):
            raise ValueError(
                f"image_data must have image_id, width and height. Received: {sorted(row)} at place {place}"
            )
    return {row.get("image_id", row.get("id")): (row["width"], row["height"]) for row in content}


def _regions(image, rows, size, clean, max_words):
    boxes, captions = [], []
    for row in rows:
        missing = [key for key in _REGION if key not in row]
        if missing:
            raise ValueError(f"Regions must have {', '.join(_REGION)}. Received: none of {missing} in image {image!r}")
        x, y, width, height = (float(row[key]) for key in _REGION[1:])
        phrase = clean_phrase(row["phrase"]) if clean else row["phrase"].strip()
        words = len(phrase.split())
        if words and (max_words is None or words <= max_words):
            boxes.append((x, y, x + width, y + height))
            captions.append(phrase)
    try:
        regions = DescribedRegions(boxes, captions)
    except ValueError as error:
        raise ValueError(f"The regions of image {image!r} cannot be read: {error}") from error
    if size is not None:
        regions.boxes[:] = np.clip(regions.boxes, 0, np.tile(size, 2))
    return regions[(regions.boxes[:, 2:] > regions.boxes[:, :2]).all(axis=1)]


def _path(folders, name):
    paths = [folder / name for folder in folders]
    return next((path for path in paths if path.exists()), paths[0]) if len(paths) > 1 else paths[0]
