"""PASCAL VOC: folders with a list of images, an XML file with what is in each, and the images; and VOC 2007 itself.

::

    VOC2007/ImageSets/Main/trainval.txt     names of images, one a line
    VOC2007/Annotations/000005.xml          objects: name, difficult, xmin, ymin, xmax, ymax
    VOC2007/JPEGImages/000005.jpg

A file counts pixels from 1, and xmax is the last one that a box includes. Here boxes are edges from 0, so that 1..10
becomes 0..10 and is as wide as before.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from pycnn.datasets.download import get_file
from pycnn.detection.datasets.image_files import ImageFiles
from pycnn.detection.records import AnnotatedImages, GroundTruth
from pycnn.preprocessing.image import save_img

CLASS_NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""VOC's twenty, in the order of their names."""

_HOST = "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/"
_ARCHIVES = {
    "trainval": ("VOCtrainval_06-Nov-2007", "c52e279531787c972589f7e41ab4ae64"),
    "test": ("VOCtest_06-Nov-2007", "b6e924de25625d8de591ea690078ad9f"),
}
_EDGES = np.array([1, 1, 0, 0])
"""What a file's xmin, ymin, xmax, ymax are larger than edges by."""


def load_data():
    """Load VOC 2007: 5011 images for training and 4952 for the test. Downloads 900 MB at the first call.

    Returns
    -------
    train, test : AnnotatedImages
        Images are read from their files when they are asked for.

    Raises
    ------
    ConnectionError
        If there is no network and the files are not in the cache.
    """
    parts = []
    for split, (name, md5) in _ARCHIVES.items():
        folder = get_file(name, f"{_HOST}{name}.tar", file_hash=md5, extract=True)
        parts.append(read(Path(folder) / "VOCdevkit" / "VOC2007", split))
    return tuple(parts)


def read(folder, split="trainval", class_names=CLASS_NAMES):
    """Read a folder in VOC's form.

    Parameters
    ----------
    folder : str or path
        Such as ``VOCdevkit/VOC2007``.
    split : str
        Which list of ``ImageSets/Main``; the first word of each line is an image's name.
    class_names : sequence of str
        Their order decides the labels.

    Returns
    -------
    AnnotatedImages
        Images are read from their files when they are asked for.

    Raises
    ------
    FileNotFoundError
        If the list or an annotation is missing.
    ValueError
        If an annotation is broken or names another class; the message names the file.
    """
    folder = Path(folder)
    lines = (folder / "ImageSets" / "Main" / f"{split}.txt").read_text().splitlines()
    paths, truth = [], []
    for name in (line.split()[0] for line in lines if line.strip()):
        file_name, objects = read_annotation(folder / "Annotations" / f"{name}.xml", class_names)
        paths.append(folder / "JPEGImages" / (file_name or f"{name}.jpg"))
        truth.append(objects)
    return AnnotatedImages(ImageFiles(paths), truth, class_names)


def read_annotation(path, class_names=CLASS_NAMES):
    """Read one XML file.

    Returns
    -------
    file_name : str
        Of the image, as the file says it; empty if it does not.
    truth : GroundTruth
    """
    known = {name: label for label, name in enumerate(class_names)}
    boxes, labels, difficult = [], [], []
    try:
        root = ElementTree.parse(path).getroot()
        for item in root.iterfind("object"):
            name = _text(item, "name")
            if name not in known:
                raise ValueError(f"the object's name must be one of {', '.join(known)}. Received: name={name!r}")
            box = item.find("bndbox")  # its own: parts, such as a head, have others
            if box is None:
                raise ValueError(f"an object must have a bndbox. Received: an object {name!r} without one")
            boxes.append([float(_text(box, side)) for side in ("xmin", "ymin", "xmax", "ymax")] - _EDGES)
            labels.append(known[name])
            difficult.append(int(item.findtext("difficult") or 0))
        return (root.findtext("filename") or "").strip(), GroundTruth(boxes, labels, difficult)
    except (ValueError, ElementTree.ParseError) as error:
        raise ValueError(f"{path} is no annotation of VOC's form: {error}") from error


def _text(item, tag):
    text = item.findtext(tag)
    if text is None:
        raise ValueError(f"{item.tag} must have a {tag}. Received: {[child.tag for child in item]}")
    return text.strip()


def write(data, folder, split="trainval", ending="jpg"):
    """Write images and what is true of them as a folder in VOC's form; images are called 000001, 000002 and so on.

    Parameters
    ----------
    data : AnnotatedImages
    folder : str or path
        It is made unless it exists; another split can be written into the same folder under other names.
    split : str
    ending : {"jpg", "png"}
        "png" keeps every pixel as it is.

    Notes
    -----
    VOC knows neither crowds nor areas: they are left out. Edges that are not whole numbers are written as such.
    """
    if ending not in ("jpg", "png"):
        raise ValueError(f"ending must be jpg or png. Received: ending={ending!r}")
    folder = Path(folder)
    for inner in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (folder / inner).mkdir(parents=True, exist_ok=True)
    first = 1 + max(
        (int(path.stem) for path in (folder / "Annotations").glob("*.xml") if path.stem.isdigit()), default=0
    )
    names = [f"{first + i:06d}" for i in range(len(data))]
    for name, (image, objects) in zip(names, data, strict=True):
        file_name = f"{name}.{ending}"
        options = {"quality": 95} if ending == "jpg" else {}
        save_img(folder / "JPEGImages" / file_name, image, data_format="channels_last", scale=False, **options)
        tree = _annotation(folder.name, file_name, image.shape, objects, data.class_names)
        ElementTree.indent(tree, "\t")
        ElementTree.ElementTree(tree).write(folder / "Annotations" / f"{name}.xml")
    (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def _annotation(folder, file_name, shape, objects, class_names):
    root = ElementTree.Element("annotation")
    for tag, text in (("folder", folder), ("filename", file_name)):
        ElementTree.SubElement(root, tag).text = text
    size = ElementTree.SubElement(root, "size")
    for tag, number in zip(("height", "width", "depth"), shape, strict=True):
        ElementTree.SubElement(size, tag).text = str(number)
    for box, label, difficult in zip(objects.boxes, objects.labels, objects.difficult, strict=True):
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = class_names[label]
        ElementTree.SubElement(item, "difficult").text = str(int(difficult))
        sides = ElementTree.SubElement(item, "bndbox")
        for tag, number in zip(("xmin", "ymin", "xmax", "ymax"), box.astype(np.float64) + _EDGES, strict=True):
            ElementTree.SubElement(sides, tag).text = repr(float(number)).removesuffix(".0")
    return root
