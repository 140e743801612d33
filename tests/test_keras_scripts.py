"""Scripts written for Keras 3 run as they are, but for the names in their imports; and they are valid Keras."""

import contextlib
import copy
import io
import re
from pathlib import Path

import pytest
from helpers import peer

import pycnn

SCRIPTS = sorted(Path(__file__).parent.joinpath("keras_scripts").glob("*.py"))

NOT_IN_KERAS = {
    "tensorboard_logs": "Keras writes events through TensorFlow, pycnn through tensorboardX",
}
"""Scripts that Keras with PyTorch cannot run, and why."""

NEEDS = {"callbacks": "h5py", "custom_objects": "h5py", "saving": "h5py", "subclassed_model": "h5py"} | {
    "tensorboard_logs": "tensorboardX"
}
"""Optional packages that scripts use through Keras's names."""


def as_pycnn(source):
    """The script with only its imports changed."""
    source = re.sub(r"^import keras$", "import pycnn as keras", source, flags=re.MULTILINE)
    source = re.sub(r"^import keras\.", "import pycnn.", source, flags=re.MULTILINE)
    return re.sub(r"^from keras\b", "from pycnn", source, flags=re.MULTILINE)


def execute(source, path, folder, monkeypatch):
    """Run it as a program in an empty folder; what it prints is thrown away."""
    monkeypatch.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, path, "exec"), {"__name__": f"keras_scripts.{path.stem}", "__file__": str(path)})


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_runs_as_pycnn(path, tmp_path, monkeypatch):
    if path.stem in NEEDS:
        peer(NEEDS[path.stem])
    source = as_pycnn(path.read_text())
    assert "pycnn" in source
    assert not re.search(r"^\s*(import|from) keras", source, re.MULTILINE)
    execute(source, path, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", [p for p in SCRIPTS if p.stem not in NOT_IN_KERAS], ids=lambda path: path.stem)
def test_script_is_valid_keras(path, tmp_path, monkeypatch):
    peer("torch")
    keras = peer("keras")
    assert keras.backend.backend() == "torch"
    execute(path.read_text(), path, tmp_path, monkeypatch)


def test_table_names_scripts():
    assert {*NOT_IN_KERAS, *NEEDS} <= {path.stem for path in SCRIPTS}
    assert len(SCRIPTS) >= 20


@pytest.mark.parametrize(
    "names",
    [
        "Initializer InputSpec KerasTensor Layer Loss Metric Model Optimizer Regularizer Sequential Variable",
        "activations backend callbacks config constraints datasets initializers layers losses metrics models ops",
        "optimizers preprocessing random regularizers saving utils",
    ],
)
def test_names_of_keras_at_the_top(names):
    assert not [name for name in names.split() if not hasattr(pycnn, name)]


def test_learning_rates_can_be_assigned():
    """Callbacks written for Keras change the rate by ``assign``; there it is a variable, here a float."""
    optimizer = pycnn.optimizers.SGD(0.1)
    optimizer.learning_rate.assign(0.05)
    assert optimizer.learning_rate == optimizer.learning_rate.numpy() == 0.05
    assert type(copy.deepcopy(optimizer.learning_rate)) is float  # a history that is kept keeps no optimizer


def test_layers_tell_the_dtype_of_their_computation():
    layer = pycnn.layers.Dense(1, dtype="float64")
    assert layer.compute_dtype == layer.variable_dtype == "float64"
