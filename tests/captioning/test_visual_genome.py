"""Visual Genome's files of descriptions, made here, and read."""

import json

import numpy as np
import pytest

from pycnn.captioning import DescribedRegions
from pycnn.captioning.datasets import visual_genome
from pycnn.captioning.datasets.visual_genome import clean_phrase, read
from pycnn.utils import save_img


def region(phrase, x=0, y=0, width=4, height=3):
    return {"region_id": 1, "image_id": 7, "phrase": phrase, "x": x, "y": y, "width": width, "height": height}


CONTENT = [
    {"id": 7, "regions": [region("The clock is green.", 1, 2, 3, 4), region("There is a man's hat"), region("!")]},
    {"id": 2, "regions": [region("a red bus", -2, 1, 20, 2), region("no area", 3, 3, 0, 5), region("off it", 12, 1)]},
]


@pytest.mark.parametrize(
    ("phrase", "cleaned"),
    [
        ("The clock is green.", "the clock is green"),
        ("There is a dog", "a dog"),
        ("this seems to be a cat", "a cat"),
        ("the hat that is there is red", "the hat that is there is red"),  # at the beginning alone
        ("½ of a CAFÉ; 5¢ — it's 30°C™…", "half of a cafe 5cent its 30 degreec"),
        ("there is", ""),
        ("thereisa", "thereisa"),
        ("", ""),
    ],
)
def test_phrases_are_cleaned(phrase, cleaned):
    assert clean_phrase(phrase) == cleaned


def test_regions_of_a_file(tmp_path):
    (tmp_path / "regions.json").write_text(json.dumps(CONTENT))
    data = read(tmp_path / "regions.json")
    assert data.truth == [
        DescribedRegions([[1, 2, 4, 6], [0, 0, 4, 3]], ["the clock is green", "a mans hat"]),
        DescribedRegions([[-2, 1, 18, 3], [12, 1, 16, 4]], ["a red bus", "off it"]),
    ]
    assert data.labels is None
    assert read(CONTENT, clean=False).captions[:3] == ["The clock is green.", "There is a man's hat", "!"]


def test_boxes_are_clipped_to_the_images():
    sizes = [{"image_id": 2, "width": 10, "height": 8}, {"image_id": 7, "width": 4, "height": 4, "url": ""}]
    data = read(CONTENT, image_data=sizes)
    assert data.truth[0].boxes.tolist() == [[1, 2, 4, 4], [0, 0, 4, 3]]
    assert data.truth[1] == DescribedRegions([[0, 1, 10, 3]], ["a red bus"])
    with pytest.raises(ValueError, match="image_data must have all images. Received: no image 2"):
        read(CONTENT, image_data=sizes[1:])
    with pytest.raises(ValueError, match=r"image_data must have image_id, width and height. Received: \['image_id'\]"):
        read(CONTENT, image_data=[{"image_id": 2}])


def test_long_phrases_and_images_with_few_or_many_regions_are_left_out():
    assert read(CONTENT, max_words=3).captions == ["a mans hat", "a red bus", "off it"]
    assert len(read(CONTENT, max_words=3, regions_per_image=(2, None))) == 1
    assert read(CONTENT, max_words=3, regions_per_image=(0, 1)).captions == ["a mans hat"]


def test_images_lie_in_one_of_several_folders(tmp_path):
    for name, folder, grey in ((7, "VG_100K_2", 50), (2, "VG_100K", 200)):
        (tmp_path / folder).mkdir()
        save_img(tmp_path / folder / f"{name}.jpg", np.full((6, 9, 3), grey, np.uint8), scale=False)
    data = read(CONTENT, [tmp_path / "VG_100K", tmp_path / "VG_100K_2"])
    assert [(image.shape, round(float(image.mean()), -1)) for image, _ in data] == [((6, 9, 3), 50), ((6, 9, 3), 200)]
    assert len(data[1:].images) == 1
    assert read(CONTENT[1:], tmp_path / "VG_100K").images[0].shape == (6, 9, 3)


def test_the_id_may_have_its_later_name():
    content = [{"image_id": image["id"], "regions": image["regions"]} for image in CONTENT]
    assert read(content).truth == read(CONTENT).truth


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"id": 1}, "a list with a dict for each image. Received: dict"),
        ([{"regions": []}], r"an id and regions. Received: \['regions'\] at place 0"),
        ([{"id": 1}], r"an id and regions. Received: \['id'\]"),
        ([{"id": 1, "regions": [{"phrase": "a", "x": 1, "y": 2}]}], r"none of \['width', 'height'\] in image 1"),
        ([{"id": 1, "regions": [region("a", width=-2)]}], "regions of image 1 cannot be read: boxes need x1 <= x2"),
        ([{"id": 1, "regions": []}] * 2, "Images must have ids of their own. Received: image 1 twice"),
    ],
)
def test_files_of_another_form(content, message):
    with pytest.raises(ValueError, match=message):
        visual_genome.read(content)


def test_arguments():
    with pytest.raises(ValueError, match="max_words must be an integer >= 1"):
        read(CONTENT, max_words=0)
    with pytest.raises(ValueError, match=r"folder must be one or more folders. Received: folder=\[\]"):
        read(CONTENT, folder=[])
