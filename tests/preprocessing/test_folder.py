"""Folders of pictures as data sets."""

import threading

import numpy as np
import pytest
from helpers import assert_close, peer

import pycnn
from pycnn import layers, utils
from pycnn.callbacks import BackupAndRestore, LambdaCallback


@pytest.fixture
def folder(tmp_path):
    """Three classes of 3, 4 and 5 pictures; each is gray of its own value, which is in its name."""
    value = 0
    for name, count in (("ant", 3), ("bee", 4), ("cat", 5)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(count):
            value += 10
            utils.save_img(tmp_path / "data" / name / f"{i}-{value}.png", np.full((6, 8, 3), value), scale=False)
    (tmp_path / "data" / ".hidden").mkdir()
    (tmp_path / "data" / "ant" / "notes.txt").write_text("no picture")
    return tmp_path / "data"


def load(folder, **arguments):
    arguments = {"image_size": (3, 4), "verbose": False, **arguments}
    return utils.image_dataset_from_directory(folder, **arguments)


def values(data):
    """The gray value of each picture, of one pass."""
    return [int(image[0, 0, 0]) for x, *_ in data for image in np.atleast_1d(x)]


def test_batches(folder, capsys):
    data = load(folder, shuffle=False, batch_size=5, verbose=True)
    assert capsys.readouterr().out == "Found 12 files belonging to 3 classes.\n"
    assert data.class_names == ["ant", "bee", "cat"]
    assert len(data) == 3
    x, y = data[0]
    assert (x.shape, x.dtype, y.dtype) == ((5, 3, 4, 3), np.float32, np.int32)
    assert values(data) == list(range(10, 130, 10))
    assert np.concatenate([y for _, y in data]).tolist() == [0] * 3 + [1] * 4 + [2] * 5
    assert [path.rsplit("-", 1)[1] for path in data.file_paths] == [f"{v}.png" for v in range(10, 130, 10)]
    assert not [t for t in threading.enumerate() if t.name.startswith("pycnn-prefetch")]


def test_labels(folder):
    _, y = load(folder, shuffle=False, label_mode="categorical", batch_size=4)[0]
    assert y.dtype == np.float32
    assert y.tolist() == [[1, 0, 0]] * 3 + [[0, 1, 0]]
    data = load(folder, shuffle=False, label_mode="binary", class_names=["cat", "ant"], batch_size=8)
    assert data.class_names == ["cat", "ant"]
    assert data[0][1].tolist() == [[0]] * 5 + [[1]] * 3
    for arguments in ({"labels": None}, {"label_mode": None}):
        data = load(folder, shuffle=False, batch_size=5, **arguments)
        assert isinstance(data[0], np.ndarray)
        assert data.labels is None
    data = load(folder, shuffle=False, labels=list(range(12)))
    assert data[0][1].tolist() == list(range(12))
    assert data.class_names[:2] == ["0", "1"]


def test_single_pictures(folder):
    data = load(folder, shuffle=False, batch_size=None)
    assert len(data) == 12
    x, y = data[4]
    assert (x.shape, int(y)) == ((3, 4, 3), 1)


@pytest.mark.parametrize(("mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_channels(folder, mode, channels, layout):
    x, _ = load(folder, color_mode=mode, data_format=layout)[0]
    assert x.shape == ((12, 3, 4, channels) if layout == "channels_last" else (12, channels, 3, 4))


def test_the_order_follows_the_seed_and_changes_with_the_epoch(folder):
    one, two = load(folder, seed=4, batch_size=5), load(folder, seed=4, batch_size=5)
    first, second = values(one), values(one)
    assert sorted(first) == sorted(second) == list(range(10, 130, 10))
    assert first != second
    assert [values(two), values(two)] == [first, second]
    assert values(load(folder, seed=5)) != first
    labels = {v: 0 if v < 40 else 1 if v < 80 else 2 for v in range(10, 130, 10)}
    for x, y in one:
        assert [labels[int(image[0, 0, 0])] for image in x] == y.tolist()


def test_subsets(folder, capsys):
    arguments = {"validation_split": 0.25, "seed": 7}
    train, valid = load(folder, subset="both", **arguments)
    assert (len(train.file_paths), len(valid.file_paths)) == (9, 3)
    assert sorted(train.file_paths + valid.file_paths) == sorted(load(folder).file_paths)
    assert load(folder, subset="training", **arguments).file_paths == train.file_paths
    assert load(folder, subset="validation", verbose=True, **arguments).file_paths == valid.file_paths
    assert capsys.readouterr().out.splitlines()[1] == "Using 3 files for validation."
    assert values(valid) == values(valid)  # it is not shuffled again


def test_subsets_are_those_of_keras(folder):
    keras = peer("keras")
    index = keras.src.utils.dataset_utils.index_directory
    paths, labels, _ = index(str(folder), "inferred", (".png",), seed=11, verbose=False)
    data = load(folder, seed=11)
    assert data.file_paths == paths
    assert data.labels.tolist() == labels.tolist()


def test_shapes_are_kept_if_wished(tmp_path):
    picture = np.zeros((4, 8, 3))
    picture[:, 2:6] = np.arange(1, 5)[:, None] * 10
    (tmp_path / "a").mkdir()
    utils.save_img(tmp_path / "a" / "x.png", picture, scale=False)
    cropped = load(tmp_path, image_size=(4, 4), crop_to_aspect_ratio=True)[0][0][0]
    np.testing.assert_array_equal(cropped, picture[:, 2:6])
    padded = load(tmp_path, image_size=(8, 8), pad_to_aspect_ratio=True)[0][0][0]
    np.testing.assert_array_equal(padded[2:6], picture)
    assert not padded[:2].any()
    assert not padded[6:].any()
    smaller = load(tmp_path, image_size=2, pad_to_aspect_ratio=True, interpolation="area")[0][0][0]
    assert smaller.shape == (2, 2, 3)
    assert_close(smaller[0], picture.reshape(4, 2, 4, 3).mean((0, 2)), 1e-5)


def make():
    utils.set_random_seed(2)
    model = pycnn.Sequential([pycnn.Input((3, 4, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)])
    model.compile("adam", pycnn.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_training_goes_on_after_an_interruption(folder, tmp_path):
    def fit(*callbacks):
        model = make()
        train, valid = load(folder, subset="both", validation_split=0.25, seed=7, batch_size=2)
        history = model.fit(train, validation_data=valid, epochs=4, callbacks=list(callbacks), verbose=0)
        return [w.tobytes() for w in model.get_weights()], history.history

    def interrupt(batch, logs):
        if stop.model.optimizer.iterations == 13:
            raise KeyboardInterrupt

    whole = fit()
    stop = LambdaCallback(on_train_batch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(BackupAndRestore(tmp_path / "backup", save_freq=2), stop)
    assert fit(BackupAndRestore(tmp_path / "backup", save_freq=2)) == whole


def test_errors(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no such folder"):
        load(tmp_path / "none")
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match="There are no pictures"):
        load(tmp_path / "empty")
    for arguments, message in (
        ({"labels": "names"}, "labels must be 'inferred'"),
        ({"labels": [1, 2]}, "labels must be as many as the 12 files"),
        ({"class_names": ["dog"]}, "class_names must be folders: ant, bee, cat"),
        ({"class_names": ["ant"], "labels": None}, "class_names go with labels='inferred'"),
        ({"label_mode": "one"}, "label_mode must be one of"),
        ({"label_mode": "binary"}, "label_mode='binary' needs two classes"),
        ({"subset": "training"}, "validation_split and subset go together"),
        ({"subset": "test", "validation_split": 0.2}, "subset must be one of"),
        ({"subset": "both", "validation_split": 1.5}, "validation_split must lie between 0 and 1"),
        ({"subset": "both", "validation_split": 0.01}, "leaves one part without any of the 12 files"),
        ({"subset": "training", "validation_split": 0.2}, "needs a seed"),
        ({"image_size": (3, 0)}, "image_size must be"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1 or None"),
        ({"interpolation": "gaussian"}, "interpolation must be one of"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
        ({"color_mode": "bgr"}, "color_mode must be one of"),
        ({"format": "torch"}, "format must be tf or grain"),
    ):
        with pytest.raises(ValueError, match=message):
            load(folder, **arguments)
    (folder / "ant" / "0-10.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match=r"The picture cannot be read .*0-10.png"):
        list(load(folder))


def test_folders_have_the_methods_of_data_sets(folder):
    data = load(folder, seed=4, batch_size=5)
    negative = data.map(lambda x, y: (-x, y), num_parallel_calls=2).prefetch(1)
    expected = [values(data) for _ in range(2)]
    assert len(negative) == 3
    assert [[-v for v in values(negative)] for _ in range(2)] == expected  # another order in each epoch, as without it
    assert sorted(values(data.unbatch().batch(6))) == list(range(10, 130, 10))
    assert len(values(data.take(1))) == 5
    cached = load(folder, shuffle=False).cache()
    assert values(cached) == values(cached) == list(range(10, 130, 10))
    assert values(load(folder, seed=4, batch_size=None).batch(12)) == expected[0]
    assert not [t for t in threading.enumerate() if t.name.startswith("pycnn-prefetch")]
