"""Files that are not what they should be: each error says what is wrong, and nothing is changed."""

import json

import numpy as np
import pytest
from saving_models import make_model, read_header

import pycnn
from pycnn import layers
from pycnn.models import load_model


def rewrite(path, change):
    """Change the configuration in a file."""
    from safetensors.numpy import load_file, save_file

    config = json.loads(read_header(path)["__metadata__"]["pycnn"])
    arrays = load_file(path)
    change(config)
    save_file(arrays, path, metadata={"pycnn": json.dumps(config)})


def test_no_file(path):
    with pytest.raises(FileNotFoundError, match="There is no such file. Received: filepath='.*net.pycnn'"):
        load_model(path)
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        load_model(path.parent)


def test_no_folder(trained, path):
    with pytest.raises(FileNotFoundError, match="The folder of the file does not exist"):
        trained.save(path.parent / "missing" / "net.pycnn")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        trained.save(path.parent)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, 0.5, 0.99])
def test_truncated_files(trained, path, keep):
    trained.save(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: keep if isinstance(keep, int) else int(len(raw) * keep)])
    with pytest.raises(ValueError, match="The file is damaged, cut short, or not a pycnn file.*Received: filepath="):
        load_model(path)
    with pytest.raises(ValueError, match="The file is damaged, cut short"):
        trained.load_weights(path)


def test_damaged_arrays(trained, path):
    trained.save(path)
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1  # one bit
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="The file's arrays are damaged: their checksum is wrong. Received: filepath="):
        load_model(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a zip file, as Keras writes", b"\x89HDF\r\n\x1a\n" + bytes(100), b"{}"]
)
def test_foreign_files(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="The file is damaged, cut short, or not a pycnn file"):
        load_model(path)


def test_safetensors_of_others(path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="The file holds arrays, but pycnn did not write it"):
        load_model(path)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"format": "x"}'])
def test_damaged_configuration(path, text):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, path, metadata={"pycnn": text})
    with pytest.raises(ValueError, match="The file's configuration is damaged"):
        load_model(path)


def test_files_of_a_later_version(trained, path):
    trained.save(path)
    rewrite(path, lambda config: config.update(format=2, version="9.0"))
    with pytest.raises(ValueError, match=r"written by a later pycnn \(9.0\), in format 2; this one reads up to 1"):
        load_model(path)


def test_unknown_layers(trained, path):
    trained.save(path)
    rewrite(path, lambda config: config["model"]["config"]["layers"][2].update(class_name="Conv2Dd"))
    with pytest.raises(
        ValueError, match=r"Unknown name.*Did you mean Conv2D.*Received: name='Conv2Dd'.*reading the file"
    ):
        load_model(path)


def test_a_name_in_a_file_imports_nothing(trained, path):
    trained.save(path)
    for package, name in (("os", "system"), ("builtins", "eval"), ("layers", "__class__"), ("layers", "os.system")):
        rewrite(path, lambda config: config["model"].update(package=package, class_name=name))  # noqa: B023
        with pytest.raises(ValueError, match="Unknown name"):
            load_model(path)


def test_unknown_arguments_of_layers(trained, path):
    trained.save(path)
    rewrite(path, lambda config: config["model"]["config"]["layers"][2]["config"].update(colour="red"))
    with pytest.raises(ValueError, match="colour.*while reading the file"):
        load_model(path)


def test_weights_that_do_not_fit(trained, path):
    trained.save(path)
    other = make_model(classes=5)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"'dense/kernel' must have the shape \(64, 5\), but the file has \(64, 3\)"):
        other.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # all or nothing
    fewer = pycnn.Sequential([pycnn.Input((3,)), layers.Dense(2), layers.Dense(2)])
    with pytest.raises(
        ValueError, match=r"Not in the file: 'dense_1/kernel', 'dense_1/bias'. Only in the file: 'batch_norm"
    ):
        fewer.load_weights(path)


def test_weights_of_a_model_that_has_none_yet(trained, path):
    trained.save(path)
    unbuilt = pycnn.Sequential([layers.Dense(3)])
    with pytest.raises(ValueError, match="has no weights yet: call it on data"):
        unbuilt.load_weights(path)
    with pytest.raises(ValueError, match="has no weights yet"):
        unbuilt.save_weights(path)
