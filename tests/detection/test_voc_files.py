"""VOC's folders: read, written, and what is wrong with them."""

import numpy as np
import pytest

from pycnn.detection import AnnotatedImages, GroundTruth
from pycnn.detection.datasets import voc
from pycnn.utils import save_img

ANNOTATION = """\
<annotation>
  <folder>VOC2007</folder>
  <filename>000005.png</filename>
  <size><width>30</width><height>20</height><depth>3</depth></size>
  <object>
    <name>person</name><pose>Left</pose><truncated>1</truncated><difficult>1</difficult>
    <part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox>
  </object>
  <object>
    <bndbox><ymax>9.5</ymax><xmin>4.25</xmin><xmax>4.25</xmax><ymin>9</ymin></bndbox>
    <name> cat </name>
  </object>
</annotation>
"""


@pytest.fixture
def folder(tmp_path):
    for inner in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (tmp_path / inner).mkdir(parents=True)
    (tmp_path / "ImageSets/Main/test.txt").write_text("000005  1\n000007 -1\n\n")
    (tmp_path / "Annotations/000005.xml").write_text(ANNOTATION)
    (tmp_path / "Annotations/000007.xml").write_text("<annotation></annotation>")
    save_img(tmp_path / "JPEGImages/000005.png", np.full((20, 30, 3), 7), scale=False)
    return tmp_path


def test_reading(folder):
    data = voc.read(folder, "test")
    assert (len(data), len(data.class_names)) == (2, 20)
    first, second = data.truth
    assert first.boxes.tolist() == [[0, 1, 10, 20], [3.25, 8, 4.25, 9.5]]
    assert [data.class_names[i] for i in first.labels] == ["person", "cat"]
    assert first.difficult.tolist() == [True, False]
    assert first.areas.tolist() == [190, 1.5]
    assert len(second) == 0
    image, _ = data[0]
    assert (image.shape, image.dtype, image.max()) == ((20, 30, 3), np.uint8, 7)


def test_images_are_read_when_they_are_asked_for(folder):
    data = voc.read(folder, "test")[:]
    assert data.images.paths[1].name == "000007.jpg"  # the annotation names no file; and there is none
    assert len(data.images[:1]) == 1
    with pytest.raises(FileNotFoundError, match="000007.jpg"):
        data[1]


def test_what_was_written_is_read(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((12, 9), (8, 8))]
    truth = [GroundTruth([[0, 1, 9, 12], [2.5, 3, 4, 4]], [1, 0], difficult=[0, 1]), GroundTruth([], [])]
    data = AnnotatedImages(images, truth, ["cat & dog", "owl"])
    voc.write(data, tmp_path / "own", "train", "png")
    voc.write(data[:1], tmp_path / "own", "test")
    again = voc.read(tmp_path / "own", "train", data.class_names)
    assert again.truth == truth
    for image, expected in zip(again.images, images, strict=True):
        np.testing.assert_array_equal(image, expected)
    assert "<xmin>1</xmin>" in (tmp_path / "own/Annotations/000001.xml").read_text()
    test = voc.read(tmp_path / "own", "test", data.class_names)
    assert test.images.paths[0].name == "000003.jpg"
    assert test.truth == truth[:1]
    assert test.images[0].shape == (12, 9, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>person</name>", "<name>unicorn</name>", "000005.xml .* must be one of aeroplane, .* name='unicorn'"),
        ("<name>person</name>", "", "000005.xml .* object must have a name"),
        ("<bndbox><ymax>9.5", "<box><ymax>9.5", "000005.xml"),
        ("<xmin>1</xmin>", "", "bndbox must have a xmin"),
        ("<xmin>1</xmin>", "<xmin>one</xmin>", "could not convert"),
        ("<xmin>1</xmin>", "<xmin>15</xmin>", r"x1 <= x2 .*boxes\[0\]=\[14"),
    ],
)
def test_broken_annotations(folder, old, new, message):
    assert old in ANNOTATION
    (folder / "Annotations/000005.xml").write_text(ANNOTATION.replace(old, new))
    with pytest.raises(ValueError, match=message):
        voc.read(folder, "test")


def test_an_object_without_a_box(folder):
    (folder / "Annotations/000005.xml").write_text("<annotation><object><name>cat</name></object></annotation>")
    with pytest.raises(ValueError, match="object must have a bndbox"):
        voc.read(folder, "test")


def test_missing_files(folder):
    with pytest.raises(FileNotFoundError, match="trainval.txt"):
        voc.read(folder)
    (folder / "Annotations/000007.xml").unlink()
    with pytest.raises(FileNotFoundError, match="000007.xml"):
        voc.read(folder, "test")


def test_unknown_ending(tmp_path):
    with pytest.raises(ValueError, match="ending must be jpg or png. Received: ending='bmp'"):
        voc.write(AnnotatedImages([], [], []), tmp_path, ending="bmp")


def test_load_data_reads_both_archives(folder, monkeypatch, tmp_path):
    (tmp_path / "ImageSets/Main/trainval.txt").write_text("000005\n")
    (tmp_path / "devkit/VOCdevkit").mkdir(parents=True)
    (tmp_path / "devkit/VOCdevkit/VOC2007").symlink_to(folder)
    asked = []
    monkeypatch.setattr(voc, "get_file", lambda *a, **k: asked.append((*a, k)) or str(tmp_path / "devkit"))
    train, test = voc.load_data()
    assert (len(train), len(test)) == (1, 2)
    assert [url.rsplit("/", 1)[1] for _, url, _ in asked] == ["VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar"]
    assert all(options["extract"] and len(options["file_hash"]) == 32 for *_, options in asked)
