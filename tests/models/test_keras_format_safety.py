"""Keras's files that are damaged, made up or hold code; models that Keras cannot have; writing that fails."""

import io
import json
import os
import sys
import zipfile

import h5py
import numpy as np
import pytest
from helpers import normal, peer

import pycnn
from pycnn import layers
from pycnn.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own


def small():
    return pycnn.Sequential([pycnn.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)], name="m")


@pytest.fixture
def saved(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    return tmp_path


def parts(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, compression=zipfile.ZIP_STORED, **changes):
    """Write an archive anew with parts changed; None leaves one out. ``config`` may be a function of the JSON."""
    found = parts(path)
    for name, value in changes.items():
        full = {"config": "config.json", "weights": "model.weights.h5"}[name]
        if callable(value):
            config = json.loads(found[full])
            value(config)
            value = json.dumps(config).encode()
        found[full] = value
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, value in found.items():
            if value is not None:
                archive.writestr(name, value)


def layer_of(config, i):
    return config["config"]["layers"][i]


# Names and code


def set_class(i=2, **values):
    def change(config):
        layer_of(config, i).update(values)

    return change


def set_argument(key, value, i=1):
    def change(config):
        layer_of(config, i)["config"][key] = value

    return change


FUNCTION = {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"}
LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}}

REFUSED = {
    "unknown layer": (set_class(class_name="Flatter"), "keras.layers.Flatter"),
    "module of Python's": (set_class(module="os", class_name="system"), "system"),
    "module inside Keras": (set_class(module="keras.src.layers.layer", class_name="Layer"), "keras.src.layers.layer"),
    "function as a class": (set_class(module="keras.activations", class_name="relu"), "relu"),
    "a helper of Keras's": (set_class(module="keras.utils", class_name="get_file"), "get_file"),
    "a base class": (set_class(class_name="Layer"), "Layer"),
    "a function of pycnn's": (set_class(module="keras.saving", class_name="load_model"), "load_model"),
    "name that nobody registered": (set_class(registered_name="mine>Thing", class_name="Thing", module=None), "Thing"),
    "class without module": (set_class(class_name="Thing", module=None), "Thing"),
    "class of a package": (set_class(registered_name="layers>Nothing", class_name="Nothing"), "Nothing"),
    "class name that is no string": (set_class(class_name=["Flatten"]), "class_name"),
    "lambda as activation": (set_argument("activation", LAMBDA), "code"),
    "eval as activation": (set_argument("activation", FUNCTION), "eval"),
    "unknown activation": (set_argument("activation", "evil"), "evil"),
    "unknown argument": (set_argument("lora_rank", 4), "lora_rank"),
    "unknown initializer": (set_argument("kernel_initializer", {**FUNCTION, "class_name": "X"}), "X"),
    "no arguments": (lambda config: layer_of(config, 1)["config"].pop("filters"), "filters"),
    "arguments that are a list": (set_class(i=1, config=[1, 2]), "dict"),
    "sizes beyond measure": (set_argument("filters", 10**12), "larger than all"),
    "negative sizes": (set_argument("filters", -1), "filters"),
    "no model": (lambda config: config.update(layer_of(config, 3)), "model"),
    "layers that are none": (lambda config: config["config"].update(layers=[1, "two"]), "layer"),
    "another kind of value": (set_argument("strides", {"class_name": "__typespec__", "config": {}}), "__typespec__"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_may_not_name(saved, name):
    change, message = REFUSED[name]
    rewrite(saved / "model.keras", config=change)
    with pytest.raises(ValueError, match=message) as caught:
        load_model(saved / "model.keras")
    assert "model.keras" in str(caught.value)


def test_a_lambda_of_keras_is_refused_and_a_registered_function_is_not(tmp_path):
    keras = peer("keras")

    def made(K, function):
        return K.Sequential([K.layers.Input((3,)), K.layers.Lambda(function)])

    made(keras, lambda x: x * 2).save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="no code"):
        load_model(tmp_path / "lambda.keras")

    @keras.saving.register_keras_serializable("ours", "twice")
    @pycnn.saving.register_keras_serializable("ours", "twice")
    def twice(x):
        return x * 2

    made(keras, twice).save(tmp_path / "named.keras")
    model = load_model(tmp_path / "named.keras")
    np.testing.assert_array_equal(model.predict(np.ones((1, 3)), verbose=0), [[2, 2, 2]])
    model.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras", safe_mode=False)
    np.testing.assert_array_equal(np.asarray(again.predict(np.ones((1, 3)), verbose=0)), [[2, 2, 2]])


def test_classes_given_by_the_caller(saved):
    class Doubled(layers.Flatten):
        def call(self, inputs):
            return super().call(inputs) * 2

    rewrite(
        saved / "model.keras", config=set_class(class_name="Doubled", module="some.where", registered_name="Doubled")
    )
    with pytest.raises(ValueError, match="Doubled"):
        load_model(saved / "model.keras")
    model = load_model(saved / "model.keras", custom_objects={"Doubled": Doubled})
    assert type(model.layers[1]) is Doubled
    with pytest.raises(ValueError, match="must name a class"):
        load_model(saved / "model.keras", custom_objects={"Doubled": len})


# Damage


def attempt(action):
    """Return what ``action`` gives and the message of its ValueError, one of which is None."""
    try:
        return action(), None
    except ValueError as error:
        return None, str(error)


def test_every_cut_and_changed_byte_is_noticed(saved):
    """A .keras file has checksums: what is read is what was written, or nothing is."""
    data, x = (saved / "model.keras").read_bytes(), normal((2, 6, 6, 2), np.float32)
    expected = load_model(saved / "model.keras").predict(x, verbose=0)
    generator = np.random.default_rng(0)
    for i in range(150):
        damaged = bytearray(data)
        if i % 2:
            damaged[generator.integers(len(data))] ^= 1 << generator.integers(8)
        else:
            del damaged[generator.integers(len(data)) :]
        (saved / "model.keras").write_bytes(damaged)
        model, error = attempt(lambda: load_model(saved / "model.keras"))
        if error is None:
            np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
        else:
            assert "model.keras" in error


def test_damaged_weights_never_end_in_another_error(saved):
    data, model = (saved / "model.weights.h5").read_bytes(), small()
    generator = np.random.default_rng(0)
    for i in range(300):
        damaged = bytearray(data)
        if i % 2:
            for place in generator.integers(min(len(data), 6000), size=4):
                damaged[place] = generator.integers(256)
        else:
            del damaged[generator.integers(len(data)) :]
        (saved / "model.weights.h5").write_bytes(damaged)
        before = model.get_weights()
        _, error = attempt(lambda: model.load_weights(saved / "model.weights.h5"))
        if error is not None:
            assert "model.weights.h5" in error
            for old, new in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(old, new)


def test_parts_that_are_missing_or_no_json(saved):
    for change, message in (
        ({"config": None}, "config.json"),
        ({"weights": None}, "model.weights.h5"),
        ({"config": b"{"}, "configuration is damaged"),
        ({"config": b"[1]"}, "JSON object"),
        ({"config": b"[" * 100_000}, "configuration is damaged"),
        ({"weights": b"nothing"}, "not in HDF5"),
    ):
        small().save(saved / "model.keras")
        rewrite(saved / "model.keras", **change)
        with pytest.raises(ValueError, match=message):
            load_model(saved / "model.keras")
    (saved / "model.keras").write_bytes(b"")
    with pytest.raises(ValueError, match="damaged, cut short, or not one of Keras's"):
        load_model(saved / "model.keras")


def test_bombs_are_not_unpacked(saved):
    for part in ("config", "weights"):
        small().save(saved / "model.keras")
        rewrite(saved / "model.keras", zipfile.ZIP_DEFLATED, **{part: b" " * (1 << 26)})
        assert os.path.getsize(saved / "model.keras") < 1 << 20
        with pytest.raises(ValueError, match="not unpacked"):
            load_model(saved / "model.keras")


def edited(saved, change):
    with h5py.File(saved / "model.weights.h5", "r+") as file:
        change(file)
    return saved / "model.weights.h5"


def replace(path, make):
    def change(file):
        del file[path]
        make(file, path)

    return change


def external(file, path):
    file[path] = h5py.ExternalLink("elsewhere.h5", "/secret")


def soft(file, path):
    file[path] = h5py.SoftLink("/layers/dense/vars/0")


def outside(file, path):
    file.create_dataset(path, (2,), "f4", external=[("/etc/hostname", 0, 8)])


def virtual(file, path):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "secret", (2,))
    file.create_virtual_dataset(path, layout)


def huge(file, path):
    file.create_dataset(path, (1 << 40,), "f4", chunks=(1 << 10,), compression="gzip", fillvalue=1)


def text(file, path):
    file.create_dataset(path, (2,), h5py.string_dtype())


def wrong(file, path):
    file[path] = np.zeros(3, np.float32)


BIAS = "layers/dense/vars/1"
EDITS = {
    "external link": (replace(BIAS, external), "link"),
    "soft link": (replace(BIAS, soft), "link"),
    "numbers in another file": (replace(BIAS, outside), "in the file itself"),
    "virtual array": (replace(BIAS, virtual), "in the file itself"),
    "array beyond measure": (replace(BIAS, huge), "claims"),
    "text": (replace(BIAS, text), "numbers"),
    "shape": (replace(BIAS, wrong), r"layers/dense/vars/1.*\(2,\).*\(3,\)"),
    "missing weight": (lambda file: file.__delitem__(BIAS), "layers/dense/vars/1"),
    "more weights": (lambda file: file.__setitem__("layers/dense_1/vars/0", np.zeros(2)), "layers/dense_1/vars/0"),
}


@pytest.mark.parametrize("name", EDITS)
def test_weights_that_do_not_fit(saved, name):
    change, message = EDITS[name]
    path, model = edited(saved, change), small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.load_weights(path)
    rewrite(saved / "model.keras", weights=path.read_bytes())
    with pytest.raises(ValueError, match=message):
        load_model(saved / "model.keras")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_state_of_another_optimizer_is_left_out(saved):
    model = small()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="optimizer has 10 variables"):
        model.load_weights(saved / "model.weights.h5")


def test_older_names_of_groups(saved):
    """Files of Keras 2.13 call the layers otherwise."""
    model = load_model(saved / "model.keras")
    path = edited(saved, lambda file: file.move("layers", "_layer_checkpoint_dependencies"))
    other = small()
    other.load_weights(path)
    for actual, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


# Writing


def test_writing_that_fails_leaves_the_old_file(saved, monkeypatch):
    before = (saved / "model.keras").read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    for name, save in (("model.keras", small().save), ("model.weights.h5", small().save_weights)):
        with pytest.raises(OSError, match="disk full"):
            save(saved / name)
    assert (saved / "model.keras").read_bytes() == before
    assert sorted(os.listdir(saved)) == ["model.keras", "model.weights.h5"]
    with pytest.raises(FileExistsError, match="overwrite"):
        small().save(saved / "model.keras", overwrite=False)


def test_names_of_files(saved):
    with pytest.raises(ValueError, match="save_weights"):
        small().save(saved / "other.weights.h5")
    with pytest.raises(ValueError, match=r"weights\.h5"):
        small().save_weights(saved / "other.keras")
    with pytest.raises(ValueError, match="load_weights"):
        load_model(saved / "model.weights.h5")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_model(saved / "nothing.keras")
    with pytest.raises(ValueError, match="no weights yet"):
        pycnn.Sequential([layers.Dense(2)]).save_weights(saved / "other.weights.h5")


def test_without_h5py_the_extra_is_named(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for action in (lambda: small().save(saved / "new.keras"), lambda: load_model(saved / "model.keras")):
        with pytest.raises(ImportError, match=r"pycnn\[keras\]"):
            action()


def test_unbuilt_models(tmp_path):
    model = pycnn.Sequential([layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras")(np.ones((2, 3))).shape == (2, 2)


def test_without_the_optimizers_state(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.fit(normal((4, 6, 6, 2)), np.zeros((4, 2)), verbose=0)
    model.save(tmp_path / "model.keras", include_optimizer=False)
    with h5py.File(io.BytesIO(parts(tmp_path / "model.keras")["model.weights.h5"])) as file:
        assert "optimizer" not in file
    assert load_model(tmp_path / "model.keras").optimizer.iterations == 0
