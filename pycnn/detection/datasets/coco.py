"""COCO's JSON files: images with their objects ("instances"), and detections ("results").

Labels are places in the list of categories, sorted by id, whose ids may be any integers; images are in the order of
their ids. Outlines ("segmentation") are not read. Boxes and scores are rounded to float32, as all records hold them.
"""

import json
import os
from pathlib import Path

from pycnn.detection.datasets.image_files import ImageFiles
from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth
from pycnn.preprocessing.image import save_img


def read(annotations, folder="."):
    """Read an instances file.

    Parameters
    ----------
    annotations : str or path, or dict
        The file, or what it holds.
    folder : str or path
        Where the images are.

    Returns
    -------
    AnnotatedImages
        Images are read from their files when they are asked for. Crowds and areas are those of the file, areas those
        of the boxes where it gives none.

    Raises
    ------
    ValueError
        If an object belongs to no image or category, or the file has another form.
    """
    content, images, categories = _load(annotations)
    rows = _grouped(content.get("annotations", ()), images, categories)
    truth = []
    for image in images:
        mine = rows[image]
        boxes = [_corners(row) for row in mine]
        try:
            truth.append(
                GroundTruth(
                    boxes,
                    [categories[row["category_id"]][0] for row in mine],
                    crowd=[row.get("iscrowd", 0) for row in mine],
                    areas=[row.get("area", row["bbox"][2] * row["bbox"][3]) for row in mine],
                )
            )
        except ValueError as error:
            raise ValueError(f"The objects of image {image} cannot be read: {error}") from error
    files = ImageFiles([Path(folder) / row.get("file_name", "") for row in images.values()])
    return AnnotatedImages(files, truth, [name for _, name in categories.values()])


def write(data, path, folder=None):
    """Write an instances file, and the images as PNG files if a folder is given.

    Images are called 1.png, 2.png and so on, as are their ids, and categories are counted from 1.

    Parameters
    ----------
    data : AnnotatedImages
    path : str or path
    folder : str or path, optional
        It is made unless it exists.

    Returns
    -------
    dict
        What the file holds.
    """
    content = to_json(data)
    Path(path).write_text(json.dumps(content))
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for row, image in zip(content["images"], data.images, strict=True):
            save_img(Path(folder) / row["file_name"], image, data_format="channels_last", scale=False)
    return content


def to_json(data):
    """Return what an instances file holds: a dict with ``images``, ``annotations`` and ``categories``.

    Examples
    --------
    >>> import numpy as np
    >>> data = AnnotatedImages(np.zeros((1, 8, 9, 3), np.uint8), [GroundTruth([[1, 2, 5, 4]], [0])], ["cat"])
    >>> to_json(data)["images"]
    [{'id': 1, 'file_name': '1.png', 'height': 8, 'width': 9}]
    >>> to_json(data)["annotations"]
    [{'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [1.0, 2.0, 4.0, 2.0], 'area': 8.0, 'iscrowd': 0}]
    """
    images, annotations = [], []
    for number, (image, truth) in enumerate(data, 1):
        height, width = image.shape[:2]
        images.append({"id": number, "file_name": f"{number}.png", "height": height, "width": width})
        for box, label, area, crowd in zip(truth.boxes, truth.labels, truth.areas, truth.crowd, strict=True):
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": int(label) + 1}
            annotations.append(row | {"bbox": _sides(box), "area": float(area), "iscrowd": int(crowd)})
    categories = [{"id": number, "name": name} for number, name in enumerate(data.class_names, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def read_results(path, annotations):
    """Read a results file.

    Parameters
    ----------
    path : str or path, or list
        The file, or what it holds.
    annotations : str or path, or dict
        The instances file that it belongs to, which says what the ids mean.

    Returns
    -------
    list of Detections
        One for each image, in the order of ``read``.
    """
    _, images, categories = _load(annotations)
    rows = _grouped(path if isinstance(path, list) else _json(path), images, categories)
    return [
        Detections(
            [_corners(row) for row in mine],
            [categories[row["category_id"]][0] for row in mine],
            [row["score"] for row in mine],
        )
        for mine in rows.values()
    ]


def write_results(detections, path, annotations):
    """Write a results file, which pycocotools' ``loadRes`` and COCO's server read.

    Parameters
    ----------
    detections : sequence of Detections
        One for each image, in the order of ``read``.
    path : str or path
    annotations : str or path, or dict
        The instances file that they belong to, which says what the ids are.

    Returns
    -------
    list of dict
        What the file holds.
    """
    content = results_to_json(detections, annotations)
    Path(path).write_text(json.dumps(content))
    return content


def results_to_json(detections, annotations):
    """Return what ``write_results`` writes: a dict for each detection."""
    _, images, categories = _load(annotations)
    if len(detections) != len(images):
        raise ValueError(
            "detections must have one Detections for each image. "
            f"Received: {len(detections)} detections, {len(images)} images"
        )
    ids, rows = list(categories), []
    for image, found in zip(images, detections, strict=True):
        if len(found) and found.labels.max() >= len(ids):
            raise ValueError(
                f"labels must be below the number of categories, {len(ids)}. Received: a label {found.labels.max()}"
            )
        for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True):
            rows.append({"image_id": image, "category_id": ids[label], "bbox": _sides(box), "score": float(score)})
    return rows


def _json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _load(annotations):
    """The content; images by id; (label, name) of the categories by id."""
    content = _json(annotations) if isinstance(annotations, (str, os.PathLike)) else annotations
    if not isinstance(content, dict) or not {"images", "categories"} <= set(content):
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"An instances file must hold a dict with images and categories. Received: {found}")
    images = {row["id"]: row for row in sorted(content["images"], key=lambda row: row["id"])}
    ordered = sorted(content["categories"], key=lambda row: row["id"])
    categories = {row["id"]: (label, row.get("name", str(row["id"]))) for label, row in enumerate(ordered)}
    for name, rows in (("images", images), ("categories", categories)):
        if len(rows) != len(content[name]):
            raise ValueError(f"{name} must have ids of their own. Received: {len(content[name])} with {len(rows)} ids")
    return content, images, categories


def _grouped(rows, images, categories):
    """The rows of each image."""
    groups = {image: [] for image in images}
    for row in rows:
        for key, known in (("image_id", images), ("category_id", categories)):
            if row[key] not in known:
                raise ValueError(f"{key} must be an id of the instances file. Received: {key}={row[key]!r}")
        groups[row["image_id"]].append(row)
    return groups


def _corners(row):
    x, y, width, height = row["bbox"]
    return [x, y, x + width, y + height]


def _sides(box):
    x1, y1, x2, y2 = map(float, box)
    return [x1, y1, x2 - x1, y2 - y1]
