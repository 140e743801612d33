"""pycnn.saving: Keras's names."""

import numpy as np

import pycnn
from pycnn import layers, saving


@saving.register_keras_serializable(package="Tests")
class Gain(layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_names():
    assert saving.get_registered_name(Gain) == "Tests>Gain"
    assert saving.get_registered_object("Tests>Gain") is Gain
    assert saving.get_registered_object("Tests>Nothing") is None
    assert saving.get_registered_object("Mine", custom_objects={"Mine": Gain}) is Gain
    assert saving.get_registered_object("Mine", module_objects={"Mine": Gain}) is Gain

    class Local:
        pass

    assert saving.get_registered_name(Local) == "Local"
    with saving.custom_object_scope({"Local": Local}):
        assert saving.get_registered_object("Local") is Local


def test_objects_and_files(backend, tmp_path):
    config = saving.serialize_keras_object(Gain(3.0))
    assert saving.deserialize_keras_object(config).factor == 3.0
    x = pycnn.Input((2,))
    model = pycnn.Model(x, Gain(3.0)(x) + 1.0)
    saving.save_model(model, tmp_path / "net.pycnn")
    np.testing.assert_array_equal(saving.load_model(tmp_path / "net.pycnn")(np.ones((1, 2))).numpy(), [[4.0, 4.0]])
