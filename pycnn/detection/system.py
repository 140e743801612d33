"""What reads images through networks of its own: what it is made of, and its file."""

import os

import numpy as np

from pycnn.backend.geometry import is_integer
from pycnn.layers.base import serialize_layer
from pycnn.models import Model, saving
from pycnn.registration import Configurable, deserialize, serialize


class System(Configurable):
    """Base of detectors and of what describes images: several networks, made by one list of arguments, in one file.

    A subclass defines the property ``networks`` and, if files of its kind are not a detector's, ``kind``.

    Parameters
    ----------
    input_shape : (height, width, channels)
        Of the images that the networks get.
    """

    kind = "system"
    _arguments = ("input_shape",)

    def __init__(self, input_shape):
        shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
        if len(shape) != 3 or not all(is_integer(n) and n > 0 for n in shape):
            raise ValueError(f"input_shape must be (height, width, channels). Received: input_shape={input_shape!r}")
        self.input_shape = shape

    def get_config(self):
        """Return the arguments that make the same system again, a backbone of one's own as a configuration, too."""
        config = super().get_config()
        if isinstance(config.get("backbone"), Model):
            config["backbone"] = serialize_layer(config["backbone"])
        return config

    @classmethod
    def from_config(cls, config):
        """Make a system, not trained, from what ``get_config`` returned."""
        if isinstance(config.get("backbone"), dict):
            config = {**config, "backbone": deserialize(config["backbone"])}
        return cls(**config)

    @property
    def networks(self):
        """The models that the detector is made of, by name."""
        raise NotImplementedError(f"{type(self).__name__} must define networks")

    def count_params(self):
        """Return how many numbers all networks have learnt or keep; what they share counts once."""
        weights = {id(w): w for network in self.networks.values() for w in network.weights}
        return sum(int(np.prod(weight.shape)) for weight in weights.values())

    # Files

    def save(self, filepath, overwrite=True):
        """Write all there is, the arguments and weights, to one file, which ``load`` reads."""
        arrays = {}
        for name, network in self.networks.items():
            arrays |= saving.named_arrays(f"networks/{name}", network.named_weights())
        arrays |= {f"state/{name}": np.ascontiguousarray(value) for name, value in self._state().items()}
        saving.write_file(filepath, {"kind": self.kind, self.kind: serialize(self)}, arrays, overwrite)

    @classmethod
    def load(cls, filepath):
        """Read what ``save`` wrote: ``Detector.load`` reads any detector, ``YOLO.load`` only a YOLO.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, or holds something else.
        """
        config, arrays = saving.read_file(filepath)
        if config.get("kind") != cls.kind:
            raise ValueError(f"The file holds no {cls.kind}. Received: filepath={os.fspath(filepath)!r}")
        system = deserialize(config[cls.kind])
        if not isinstance(system, cls):
            raise ValueError(
                f"The file holds a {type(system).__name__}, not a {cls.__name__}. "
                f"Received: filepath={os.fspath(filepath)!r}"
            )
        for name, network in system.networks.items():
            saving.assign(network.named_weights(), arrays, f"networks/{name}", filepath)
        system._set_state({k.removeprefix("state/"): v for k, v in arrays.items() if k.startswith("state/")})
        return system

    def _state(self):
        """Arrays that belong to it beside the weights of its networks, by name."""
        return {}

    def _set_state(self, state):
        """Take what ``_state`` gave."""
