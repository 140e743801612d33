"""The Layer: names, building, calling, weights, sublayers, losses, errors."""

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.layers.naming import reset_names, snake_case, unique_name
from pycnn.utils import register_serializable


class Scale(layers.Layer):
    """One factor a channel, and a count of calls that is no parameter."""

    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")
        self.calls = self.add_weight((), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign(self.calls.data + 1)
        return inputs * self.factor


class Block(layers.Layer):
    """Sublayers in an attribute, a list and a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(3)
        self.rest = [layers.Dense(4), layers.Dense(5)]
        self.named = {"last": layers.Dense(6, use_bias=False)}

    def call(self, inputs):
        for layer in (self.first, *self.rest, self.named["last"]):
            inputs = layer(inputs)
        return inputs


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("BatchNormalization", "batch_normalization"),
        ("ReLU", "re_lu"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("ELU", "elu"),
    ],
)
def test_names_are_keras_names(name, expected):
    assert snake_case(name) == expected


def test_names_are_counted():
    reset_names()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert unique_name("dense") == "dense_3"
    pycnn.utils.clear_session()
    assert layers.Dense(1).name == "dense"
    assert layers.Dense(1, name="mine").name == "mine"


def test_a_layer_builds_at_its_first_call_and_once(backend):
    layer = Scale()
    assert not layer.built
    assert layer(np.full((2, 3), 2.0)).tolist() == [[2.0] * 3] * 2
    assert layer.built
    factor = layer.factor
    layer.build((None, 3))
    layer(np.ones((5, 3)))
    assert layer.factor is factor
    assert layer.calls.item() == 2


def test_build_by_hand_then_call(backend):
    layer = Scale()
    layer.build((None, 3))
    assert layer.built
    assert layer(np.ones((1, 3))).shape == (1, 3)


def test_inputs_are_cast_to_the_dtype_of_the_layer(backend):
    for given in (np.ones((1, 2), np.uint8), np.ones((1, 2), np.float64), [[1, 1]], [[True, True]]):
        assert Scale()(given).dtype == np.float32
        assert Scale(dtype="float64")(given).dtype == np.float64
    pycnn.config.set_floatx("float64")
    assert Scale()(np.ones((1, 2), np.float32)).dtype == np.float64


def test_gradients_flow_through_the_cast(backend):
    x = pycnn.Tensor(np.ones((1, 2), np.float64), requires_grad=True)
    Scale()(x).sum().backward()
    assert x.grad.dtype == np.float64
    assert x.grad.tolist() == [[1.0, 1.0]]


def test_inputs_may_change_dtype_and_shape_between_calls(backend):
    layer = layers.Flatten()
    for shape, dtype in (((2, 3), np.uint8), ((1, 2, 2), np.float64), ((1, 2, 2), np.uint8), ((2, 3), np.float32)):
        y = layer(np.ones(shape, dtype))
        assert y.shape == (shape[0], int(np.prod(shape[1:])))
        assert y.dtype == np.float32


def test_lists_and_dicts_of_inputs(backend):
    class Sum(layers.Layer):
        def build(self, input_shape):
            self.shapes = input_shape

        def call(self, inputs):
            return sum(inputs.values() if isinstance(inputs, dict) else inputs)

    a, b = np.ones((2, 3)), np.ones((2, 3), np.uint8)
    layer = Sum()
    assert layer([a, b]).tolist() == [[2.0] * 3] * 2
    assert layer.shapes == [(None, 3), (None, 3)]
    assert Sum()({"a": a, "b": b}).dtype == np.float32
    assert Sum()((pycnn.Tensor(a), b)).dtype == np.float32


def test_sublayers_are_found_and_weights_have_paths(backend):
    block = Block()
    block(np.ones((2, 2)))
    assert list(block.named_weights()) == [
        "first/kernel",
        "first/bias",
        "rest/0/kernel",
        "rest/0/bias",
        "rest/1/kernel",
        "rest/1/bias",
        "named/last/kernel",
    ]
    assert [w.shape for w in block.weights] == [(2, 3), (3,), (3, 4), (4,), (4, 5), (5,), (5, 6)]
    assert block.count_params() == 9 + 16 + 25 + 30
    assert [type(layer).__name__ for layer in block.flatten_layers()] == ["Block", *["Dense"] * 4]


def test_weights_that_have_one_name_get_different_paths(backend):
    layer = layers.Layer()
    layer.a, layer.b = layer.add_weight((1,), name="w"), layer.add_weight((2,), name="w")
    assert {name: w.shape for name, w in layer.named_weights().items()} == {"w": (1,), "w_1": (2,)}


def test_a_shared_layer_counts_once(backend):
    block = Block()
    block.again = block.first
    block(np.ones((2, 2)))
    assert block.count_params() == 80
    assert len(block.flatten_layers()) == 5
    model = pycnn.Sequential([block])
    model.again = block
    assert len(model.layers) == 1


def test_trainable_and_non_trainable_weights(backend):
    layer = Scale()
    layer(np.ones((1, 2)))
    assert layer.weights[0] is layer.factor
    assert [w.name for w in layer.trainable_weights] == ["factor"]
    assert [w.name for w in layer.non_trainable_weights] == ["calls"]
    layer.trainable = False
    assert not layer.trainable_weights
    assert not layer.factor.requires_grad
    assert [w.name for w in layer.weights] == ["factor", "calls"]
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["factor"]  # calls stays what it was


def test_a_layer_frozen_before_it_is_built_stays_frozen(backend):
    block = Block()
    block.trainable = False
    block(np.ones((1, 2)))
    assert not block.trainable_weights
    assert len(block.non_trainable_weights) == 7
    block.trainable = True
    assert len(block.trainable_weights) == 7


def test_get_and_set_weights(backend):
    one, two = layers.Dense(3), layers.Dense(3)
    x = np.ones((1, 2))
    assert (one(x).numpy() != two(x).numpy()).any()
    weights = one.get_weights()
    two.set_weights(weights)
    assert (one(x).numpy() == two(x).numpy()).all()
    weights[0][...] = 0  # copies
    assert (one.kernel.numpy() != 0).all()
    with pytest.raises(ValueError, match=r"has 2 weights.*Received: len\(weights\)=1"):
        one.set_weights(weights[:1])
    with pytest.raises(ValueError, match=r"shape \(3,\) of weight 'bias'.*Received: weights\[1\].shape=\(2,\)"):
        one.set_weights([weights[0], np.zeros(2)])


def test_count_params_of_an_unbuilt_layer():
    with pytest.raises(ValueError, match="'mine' has no weights to count yet"):
        layers.Dense(3, name="mine").count_params()


class Training(layers.Layer):
    def call(self, inputs, training=False):
        return inputs + (1.0 if training else 0.0)


class Outer(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Training()

    def call(self, inputs):  # takes no training itself
        return self.inner(inputs)


@pytest.mark.parametrize("layer", [Training, Outer])
def test_training_is_passed_on_to_all_layers_inside(layer, backend):
    layer, x = layer(), np.zeros((1, 1))
    assert layer(x).item() == 0
    assert layer(x, training=True).item() == 1
    assert layer(x, training=False).item() == 0
    assert layer(x).item() == 0


class Augmenting(layers.Layer):
    def call(self, inputs, training=True):
        return inputs + (1.0 if training else 0.0)


@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: pycnn.Sequential([layer])])
def test_where_nobody_says_training_each_layer_has_its_default(backend, wrap):
    x = np.zeros((1, 1))
    assert wrap(Augmenting())(x).item() == 1
    assert wrap(Augmenting())(x, training=False).item() == 0
    assert wrap(Augmenting()).compute_output_shape((None, 1)) == (None, 1)
    model = pycnn.Sequential([pycnn.Input((1,)), wrap(Augmenting())])
    assert model(x).item() == 1
    assert model.predict(x, verbose=0).item() == 0


def test_training_given_inside_wins(backend):
    class Stubborn(Outer):
        def call(self, inputs):
            return self.inner(inputs, training=False) + 10 * self.inner(inputs)

    assert Stubborn()(np.zeros((1, 1)), training=True).item() == 10


def test_training_is_forgotten_after_an_error(backend):
    class Failing(layers.Layer):
        def call(self, inputs):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        Failing()(np.zeros((1, 1)), training=True)
    assert Training()(np.zeros((1, 1))).item() == 0


def test_losses_of_regularizers_and_calls(backend):
    class WithLoss(Outer):
        def call(self, inputs):
            self.add_loss(inputs.sum())
            return self.inner(inputs)

    layer = WithLoss()
    for _ in range(2):  # those of the last call only
        layer(np.ones((1, 2)))
        assert [loss.item() for loss in layer.losses] == [2.0]
        assert len(layer._loss_owners) == 1  # nothing piles up
    dense = layers.Dense(1, kernel_initializer="ones", kernel_regularizer=pycnn.regularizers.L2(0.5))
    dense(np.ones((1, 3)))
    assert [loss.item() for loss in dense.losses] == [1.5]
    dense.trainable = False
    assert dense.losses == []
    active = layers.Activation("linear", activity_regularizer=pycnn.regularizers.L1(2.0))
    active(np.full((1, 3), -1.0))
    assert [loss.item() for loss in active.losses] == [6.0]


def test_shapes_are_found_by_running_a_layer_that_does_not_tell_them(backend):
    assert Block().compute_output_shape((None, 7)) == (None, 6)


def test_symbolic_calls_compute_shapes_and_remember_the_way():
    x = layers.Input((8, 8, 1))
    conv = layers.Conv2D(3, 3)
    y = conv(x)
    assert (y.shape, y.dtype) == ((None, 6, 6, 3), "float32")
    assert y.node.layer is conv
    assert y.node.args == (x,)
    assert (conv.input, conv.output) == (x, y)
    z = layers.Flatten()(y)
    assert z.shape == (None, 108)
    assert conv.kernel.shape == (3, 3, 1, 3)


@register_serializable()
class Power(layers.Layer):
    def __init__(self, exponent, **kwargs):
        super().__init__(**kwargs)
        self.exponent = exponent

    def call(self, inputs):
        return inputs**self.exponent


def test_configuration_of_a_layer_with_arguments_must_be_defined():
    with pytest.raises(NotImplementedError, match=r"Power.__init__ takes exponent.*define get_config"):
        Power(2).get_config()


def test_errors_carry_the_name_of_the_innermost_layer(backend):
    block = Block(name="outer")
    block.rest[0].name = "inner"
    block(np.ones((1, 2)))
    block.first.units = 3
    block.first = layers.Dense(7)
    with pytest.raises(ValueError, match=r"^Layer 'inner' \(Dense\): inputs must have the size 3 on axis -1.*\(1, 7\)"):
        block(np.ones((1, 2)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 8, 8), r"It looks like channels_first \(NCHW\): use x.transpose\(0, 2, 3, 1\).*'channels_first'"),
        ((2, 8, 8, 4), r"size 3 on axis -1 \(batch, height, width, channels\).*Received: inputs.shape=\(2, 8, 8, 4\)"),
        ((8, 8, 3), r"4 axes.*One image lacks the axis of the batch: x\[None\]"),
        ((2, 8, 8), r"4 axes.*Grey images lack the axis of channels: x\[..., None\]"),
        ((2, 3), r"4 axes \(batch, height, width, channels\)\. Received: inputs.shape=\(2, 3\)"),
    ],
)
def test_wrong_shapes_of_images(shape, message, backend):
    layer = layers.Conv2D(2, 3, name="stem")
    layer(np.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match=rf"^Layer 'stem' \(Conv2D\): inputs must have.*{message}"):
        layer(np.zeros(shape))


def test_channels_first_layers_hint_at_channels_last(backend):
    layer = layers.Conv2D(2, 3, data_format="channels_first")
    layer(np.zeros((1, 3, 8, 8)))
    with pytest.raises(ValueError, match=r"It looks like channels_last \(NHWC\): use x.transpose\(0, 3, 1, 2\)"):
        layer(np.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match="size 3 on axis 1") as error:
        layer(np.zeros((1, 8, 3, 8)))
    assert "looks like" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trainable": 1}, "trainable must be a boolean"),
        ({"name": 3}, "name must be a string"),
        ({"dtype": "int32"}, "dtype must be 'float32' or 'float64', or 'mixed_float16' .* Received: dtype='int32'"),
        ({"unit": 3}, "unit"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        layers.Layer(**arguments)


def test_weights_of_unknown_shape():
    with pytest.raises(ValueError, match=r"must be known. Received: shape=\(None, 3\), name='w'"):
        layers.Layer().add_weight((None, 3), name="w")


def test_variables_that_are_attributes_or_in_lists_are_weights(backend):
    layer = layers.Layer()
    layer.one = pycnn.autograd.Variable(np.zeros(3), "one")
    layer.several = [pycnn.autograd.Variable(np.zeros(2), "two"), {"x": pycnn.autograd.Variable(np.zeros(1), "three")}]
    layer.many_words = ["a"] * 1000
    assert list(layer.named_weights()) == ["one", "two", "three"]
