import json

import pytest

from pycnn import registration
from pycnn.registration import deserialize, lookup, register_serializable, registered_name, resolve, serialize


@register_serializable(package="tests", aliases=("gn",))
class GainNode:
    def __init__(self, factor=1, inner=None):
        self.factor, self.inner = factor, inner

    def get_config(self):
        return {"factor": self.factor, "inner": serialize(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "inner": deserialize(config["inner"])})


@register_serializable(package="tests")
def double_it(x):
    return 2 * x


def test_objects_come_back_from_json():
    config = json.loads(json.dumps(serialize([GainNode(3, GainNode(4)), double_it, None, 1.5, {"a": GainNode(5)}])))
    outer, function, nothing, number, table = deserialize(config)
    assert (outer.factor, outer.inner.factor, outer.inner.inner) == (3, 4, None)
    assert function is double_it
    assert nothing is None
    assert number == 1.5
    assert table["a"].factor == 5


def test_names():
    assert registered_name(GainNode) == ("tests", "GainNode")
    assert registered_name(len) is None
    assert set(registration.registered_objects("tests")) >= {"GainNode", "double_it"}


def test_unknown_names_list_close_ones_and_import_nothing():
    with pytest.raises(ValueError, match=r"Did you mean GainNode\? .* Received: name='GainNod'"):
        deserialize({"package": "tests", "class_name": "GainNod", "config": {}})
    with pytest.raises(ValueError, match=r"Did you mean GainNode \(tests\)\? .* Received: name='GainNode'"):
        lookup("GainNode", "layers")
    with pytest.raises(ValueError, match=r"Received: name='os.system'"):
        deserialize({"package": "os", "function": "os.system"})


def test_custom_objects_come_first():
    class Other(GainNode):
        pass

    config = serialize(GainNode(1))
    assert type(deserialize(config, {"GainNode": Other})) is Other
    with registration.custom_object_scope({"GainNode": Other}):
        assert type(deserialize(config)) is Other
    assert type(deserialize(config)) is GainNode


def test_unregistered_objects_cannot_be_serialised():
    with pytest.raises(ValueError, match=r"put @pycnn.utils.register_serializable\(\) above .* Received: <object"):
        serialize(object())
    with pytest.raises(ValueError, match="Only registered objects"):
        serialize(lambda x: x)


@pytest.mark.parametrize("wrong", [3, type("NoConfig", (), {})])
def test_what_can_be_registered(wrong):
    with pytest.raises(TypeError, match="Received: "):
        register_serializable()(wrong)


IDENTIFIERS = [
    "GainNode",
    "gain_node",
    "gainnode",
    "gn",
    GainNode,
    {"class_name": "GainNode", "config": GainNode().get_config()},
]


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_identifiers(identifier):
    assert type(resolve(identifier, "tests", "node")) is GainNode


def test_further_identifiers():
    node = GainNode()
    assert resolve(node, "tests", "node") is node
    assert resolve(None, "tests", "node") is None
    assert resolve("double_it", "tests", "node") is double_it
    with registration.custom_object_scope({"mine": double_it}):
        assert resolve("mine", "tests", "node") is double_it
    with pytest.raises(ValueError, match=r"Unknown node. Did you mean GainNode\? Received: node='gain_nod'"):
        resolve("gain_nod", "tests", "node")
    with pytest.raises(ValueError, match=r"Known are .*GainNode.* Received: node='zzz'"):
        resolve("zzz", "tests", "node")
    with pytest.raises(TypeError, match=r"node must be a name, .* Received: node=3"):
        resolve(3, "tests", "node")


def test_users_own_objects_answer_to_their_name_everywhere():
    @register_serializable()
    def my_very_own_loss(y_true, y_pred):
        return 0

    assert resolve("my_very_own_loss", "losses", "loss") is my_very_own_loss


def test_a_file_cannot_have_functions_called():
    with pytest.raises(ValueError, match=r"class_name must name a class. Received: class_name='double_it'"):
        deserialize({"package": "tests", "class_name": "double_it", "config": {"x": 1}})
