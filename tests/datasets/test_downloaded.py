"""The data sets that are downloaded, from small files of the same formats on a server on this machine."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

from pycnn import config, datasets
from pycnn.datasets import cifar10, cifar100, fashion_mnist, mnist

RANDOM = np.random.default_rng(0)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def idx(array):
    """The IDX format, by its description: two zeros, the type, the number of axes, their lengths, the values."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes())


def test_mnist(server, cache, monkeypatch):
    arrays = {
        "x_train": RANDOM.integers(0, 256, (6, 28, 28), np.uint8),
        "y_train": np.arange(6, dtype=np.uint8),
        "x_test": RANDOM.integers(0, 256, (2, 28, 28), np.uint8),
        "y_test": np.array([7, 8], np.uint8),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    server.files["mnist.npz"] = buffer.getvalue()
    monkeypatch.setattr(mnist, "ORIGIN", server.url + "mnist.npz")
    monkeypatch.setattr(mnist, "SHA256", sha256(buffer.getvalue()))
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
    for name, array in (("x_train", x_train), ("y_train", y_train), ("x_test", x_test), ("y_test", y_test)):
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == np.uint8
    mnist.load_data("mnist.npz")
    assert len(server.requests) == 1
    assert (cache / "mnist.npz").exists()


def test_a_pickle_in_place_of_arrays_is_not_opened(server, monkeypatch):
    buffer = io.BytesIO()
    np.savez(buffer, x_train=np.array([{}], object))
    server.files["mnist.npz"] = buffer.getvalue()
    monkeypatch.setattr(mnist, "ORIGIN", server.url + "mnist.npz")
    monkeypatch.setattr(mnist, "SHA256", sha256(buffer.getvalue()))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        mnist.load_data()


def test_fashion_mnist(server, cache, monkeypatch):
    arrays = {
        "train-images-idx3-ubyte.gz": RANDOM.integers(0, 256, (5, 28, 28), np.uint8),
        "train-labels-idx1-ubyte.gz": np.arange(5, dtype=np.uint8),
        "t10k-images-idx3-ubyte.gz": RANDOM.integers(0, 256, (3, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte.gz": np.arange(3, dtype=np.uint8),
    }
    server.files |= {name: idx(array) for name, array in arrays.items()}
    monkeypatch.setattr(fashion_mnist, "ORIGIN", server.url)
    assert set(fashion_mnist.SHA256) == set(arrays)
    monkeypatch.setattr(fashion_mnist, "SHA256", {name: sha256(server.files[name]) for name in fashion_mnist.SHA256})
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist.load_data()
    for expected, array in zip(arrays.values(), (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(array, expected)
    assert len(list((cache / "fashion-mnist").glob("*.gz"))) == 4
    assert len(fashion_mnist.CLASS_NAMES) == 10


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x0d\x01\0\0\0\x01a", b"\0\0\x08\x03\0\0"]
)
def test_files_that_are_no_idx_files(tmp_path, content):
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="The file is no IDX file of bytes"):
        fashion_mnist.read_idx(tmp_path / "x.gz")


def records(count, labels, seed):
    """Random labels, red, green and blue planes, and the bytes that hold them."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 10, (count, labels), np.uint8)
    planes = random.integers(0, 256, (count, 3, 32, 32), np.uint8)
    content = b"".join(bytes(one) + picture.tobytes() for one, picture in zip(label, planes, strict=True))
    return label, planes, content


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar10(server, monkeypatch, layout):
    config.set_image_data_format(layout)
    parts = [records(2, 1, seed) for seed in range(6)]
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    files = {f"cifar-10-batches-bin/{name}": part[2] for name, part in zip(names, parts, strict=True)}
    server.files["cifar-10-binary.tar.gz"] = content = tar(files)
    monkeypatch.setattr(cifar10, "ORIGIN", server.url + "cifar-10-binary.tar.gz")
    monkeypatch.setattr(cifar10, "SHA256", sha256(content))
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    planes = np.concatenate([part[1] for part in parts])
    images = planes if layout == "channels_first" else planes.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), images)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), np.concatenate([part[0] for part in parts]))
    assert (len(x_train), y_train.shape, y_train.dtype) == (10, (10, 1), np.uint8)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("mode", "column"), [("coarse", 0), ("fine", 1)])
def test_cifar100(server, monkeypatch, mode, column):
    train, test = records(4, 2, 0), records(2, 2, 1)
    content = tar({"cifar-100-binary/train.bin": train[2], "cifar-100-binary/test.bin": test[2]})
    server.files["cifar-100-binary.tar.gz"] = content
    monkeypatch.setattr(cifar100, "ORIGIN", server.url + "cifar-100-binary.tar.gz")
    monkeypatch.setattr(cifar100, "SHA256", sha256(content))
    (x_train, y_train), (x_test, y_test) = datasets.cifar100.load_data(mode)
    np.testing.assert_array_equal(x_train, train[1].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(x_test, test[1].transpose(0, 2, 3, 1))
    assert y_train.tolist() == train[0][:, column : column + 1].tolist()
    assert (y_test.shape, y_test.dtype) == ((2, 1), np.int64)
    with pytest.raises(ValueError, match="label_mode must be one of coarse, fine"):
        cifar100.load_data("all")


def test_archives_with_half_records(server, monkeypatch):
    files = {f"cifar-100-binary/{name}.bin": b"x" * 3000 for name in ("train", "test")}
    server.files["x.tar.gz"] = content = tar(files)
    monkeypatch.setattr(cifar100, "ORIGIN", server.url + "x.tar.gz")
    monkeypatch.setattr(cifar100, "SHA256", sha256(content))
    with pytest.raises(ValueError, match="has no whole number of records"):
        cifar100.load_data()


def test_changed_files_are_refused(server, monkeypatch):
    server.files["mnist.npz"] = b"something else"
    monkeypatch.setattr(mnist, "ORIGIN", server.url + "mnist.npz")
    with pytest.raises(ValueError, match=f"another sha256 hash than {mnist.SHA256}"):
        mnist.load_data()


def test_names():
    assert dir(datasets) == ["cifar10", "cifar100", "digit_crops", "digits", "fashion_mnist", "mnist", "photographs"]
    with pytest.raises(AttributeError, match="has no attribute 'imagenet'; there are: cifar10, cifar100"):
        datasets.imagenet  # noqa: B018
