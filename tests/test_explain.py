"""The arithmetic that explain prints: worked by hand, and against layers that were really built and run."""

import inspect

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.backend.geometry import TotalPadding
from pycnn.explain import describe


@pytest.fixture
def lenet():
    return pycnn.Sequential(
        [
            layers.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10),
        ]
    )


def test_lenet_by_hand(lenet, capsys):
    explanation = pycnn.explain(lenet)
    printed = capsys.readouterr().out
    assert printed == f"{explanation}\n"
    assert explanation.parameters == 61_706  # the known figure of the modern variant
    assert explanation.multiply_adds == 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    assert [s.output_shape for s in explanation.steps] == [
        (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,)
    ]  # fmt: skip
    assert [s.parameters for s in explanation.steps] == [156, 0, 2416, 0, 0, 48_120, 10_164, 850]
    for text in (
        "i = 14 x 14, f = 5 x 5, p = 0, s = 1, d = 1, g = 1",
        "= floor((14 - 1*(5-1) - 1 + 0 + 0)/1) + 1 = 10",
        "5*5*6 * 16 weights + 16 biases = 2,416",
        "10*10*16 outputs * 5*5*6 each = 240,000",
        "= floor((28 - 2 + 0 + 0)/2) + 1 = 14",
        "5*5*16 = 400, no parameters",
        "400*120 weights + 120 biases = 48,120",
        "parameters     61,706",
        "multiply-adds  416,520",
    ):
        assert text in printed
    assert repr(explanation) == "<Explanation of 8 layers: 61,706 parameters, 416,520 multiply-adds>"


def lines_of(layer, shape):
    explanation = pycnn.explain(layer, shape)
    (step,) = explanation.steps
    return step.lines


def test_every_letter_of_a_convolution():
    layer = layers.Conv2D(8, (3, 4), strides=(2, 1), padding=((1, 0), (2, 3)), groups=2, use_bias=False)
    assert lines_of(layer, (11, 9, 4)) == (
        "i = 11 x 9, f = 3 x 4, p = 1 above, 0 below, 2 left, 3 right, s = 2 x 1, d = 1, g = 2",
        "o = floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1",
        "height: floor((11 - 1*(3-1) - 1 + 1 + 0)/2) + 1 = 5",
        "width:  floor((9 - 1*(4-1) - 1 + 2 + 3)/1) + 1 = 11",
        "parameters     3*4*(4/2) * 8 weights = 192",
        "multiply-adds  5*11*8 outputs * 3*4*(4/2) each = 10,560",
    )


def test_padding_by_name_and_in_all():
    assert lines_of(layers.Conv2D(1, 4, padding="same"), (8, 8, 1))[0] == (
        'i = 8 x 8, f = 4 x 4, p = 1 above, 2 below, 1 left, 2 right ("same"), s = 1, d = 1, g = 1'
    )
    assert lines_of(layers.Conv2D(1, 4, padding=TotalPadding(3, 3)), (8, 8, 1))[0] == (
        "i = 8 x 8, f = 4 x 4, p = 2 above, 1 below, 2 left, 1 right (in all 3 and 3), s = 1, d = 1, g = 1"
    )
    assert "p = 1 above and below, 0 left and right," in lines_of(layers.Conv2D(1, 3, padding=(1, 0)), (8, 8, 1))[0]


def test_dilation():
    layer = layers.Conv2D(1, 3, dilation_rate=2, strides=2, padding=2)
    assert "  = floor((9 - 2*(3-1) - 1 + 2 + 2)/2) + 1 = 5" in lines_of(layer, (9, 9, 1))


def test_transposed_convolution():
    layer = layers.Conv2DTranspose(3, 4, strides=3, padding=1, output_padding=2)
    assert lines_of(layer, (5, 5, 8)) == (
        "i = 5 x 5, f = 4 x 4, p = 1, s = 3, d = 1, g = 1, output_padding = 2 x 2",
        "o = (i - 1)*s - p_before - p_after + d*(f-1) + 1 + output_padding",
        "  = (5 - 1)*3 - 1 - 1 + 1*(4-1) + 1 + 2 = 16",
        "parameters     4*4*3 * 8 weights + 3 biases = 387",
        "multiply-adds  5*5*8 inputs * 4*4*3 each = 9,600",
    )


def test_depthwise_and_separable():
    depthwise = lines_of(layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 5))
    assert "parameters     3*3*(5/5) * 10 weights + 10 biases = 100" in depthwise
    assert "multiply-adds  4*4*10 outputs * 3*3*(5/5) each = 1,440" in depthwise
    separable = lines_of(layers.SeparableConv2D(16, 3, depth_multiplier=2), (6, 6, 5))
    assert "    parameters     3*3*(5/5) * 10 weights = 90" in separable
    assert "    parameters     1*1*10 * 16 weights + 16 biases = 176" in separable
    assert separable[-2:] == ("parameters     90 + 176 = 266", "multiply-adds  1,440 + 2,560 = 4,000")


def test_ceil_mode_of_pooling():
    kept = lines_of(layers.MaxPooling2D(3, 2, ceil_mode=True), (6, 6, 1))
    assert kept[1:3] == ("o = ceil((i - f + p_before + p_after)/s) + 1", "  = ceil((6 - 3 + 0 + 0)/2) + 1 = 3")
    dropped = lines_of(layers.MaxPooling2D(2, 3, padding=1, ceil_mode=True), (5, 5, 1))
    assert "ceil((5 - 2 + 1 + 1)/3) + 1 - 1, as the last window would start beyond the input = 2" in dropped[2]


def test_batch_normalization():
    assert "parameters     6 channels * 4 (scale, shift, moving mean, moving variance) = 24, of them 12 trained" in (
        lines_of(layers.BatchNormalization(), (4, 4, 6))
    )
    assert (
        "6 channels * 3 (shift, moving mean, moving variance) = 18, of them 6 trained"
        in (lines_of(layers.BatchNormalization(scale=False), (4, 4, 6))[0])
    )


EVERY_KIND = [
    (layers.Conv2D(8, 3, strides=2, padding="same", groups=2), (9, 7, 4)),
    (layers.Conv2D(8, 3, dilation_rate=2, use_bias=False), (9, 7, 4)),
    (layers.Conv2D(8, 3, data_format="channels_first"), (4, 9, 7)),
    (layers.Conv2DTranspose(6, 3, strides=2, padding="same", groups=2), (5, 4, 4)),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), (9, 7, 4)),
    (layers.SeparableConv2D(6, 3, strides=2), (9, 7, 4)),
    (layers.MaxPooling2D(3, 2, "same"), (9, 7, 4)),
    (layers.MinPooling2D(2, data_format="channels_first"), (4, 9, 7)),
    (layers.AveragePooling2D(3, 2, ceil_mode=True), (8, 8, 4)),
    (layers.GlobalAveragePooling2D(), (9, 7, 4)),
    (layers.GlobalMaxPooling2D(keepdims=True), (9, 7, 4)),
    (layers.Dense(5), (12,)),
    (layers.Dense(5, use_bias=False), (3, 12)),
    (layers.Flatten(), (9, 7, 4)),
    (layers.Reshape((7, 36)), (9, 7, 4)),
    (layers.Permute((2, 1, 3)), (9, 7, 4)),
    (layers.BatchNormalization(), (9, 7, 4)),
    (layers.BatchNormalization(axis=1, center=False), (4, 9, 7)),
    (layers.ZeroPadding2D(((1, 2), (0, 3))), (9, 7, 4)),
    (layers.Cropping2D((1, 2)), (9, 7, 4)),
    (layers.UpSampling2D((2, 3)), (9, 7, 4)),
    (layers.Resizing(4, 5), (9, 7, 4)),
    (layers.Activation("relu"), (9, 7, 4)),
    (layers.Dropout(0.5), (12,)),
    (layers.LocallyConnected2D(2, 3, strides=2, padding="same"), (9, 7, 4)),
    (layers.LocallyConnected2D(2, 3, use_bias=False, data_format="channels_first"), (4, 9, 7)),
    (layers.SqueezeExcite(3), (9, 7, 12)),
    (layers.SqueezeExcite(16, data_format="channels_first"), (4, 9, 7)),
    (layers.LayerNormalization(), (9, 7, 4)),
    (layers.LayerNormalization(axis=(1, 3), center=False), (9, 7, 4)),
    (layers.GroupNormalization(2), (9, 7, 4)),
    (layers.GroupNormalization(2, axis=1, scale=False), (4, 9, 7)),
    (layers.RMSNormalization(), (9, 7, 4)),
    (layers.Normalization(), (9, 7, 4)),
    (layers.Normalization(axis=None), (9, 7, 4)),
    (layers.Normalization(mean=1.0, variance=2.0), (12,)),
    (layers.PReLU(), (9, 7, 4)),
    (layers.PReLU(shared_axes=[1, 2]), (9, 7, 4)),
    (layers.Embedding(20, 3), (5,)),
    (layers.Rescaling(2.0), (9, 7, 4)),
    (layers.Conv1D(6, 3, strides=2, padding="causal", groups=2), (9, 4)),
    (layers.Conv1D(6, 3, dilation_rate=2, data_format="channels_first", use_bias=False), (4, 9)),
    (layers.Conv1DTranspose(6, 3, strides=2, padding="same"), (9, 4)),
    (layers.DepthwiseConv1D(3, depth_multiplier=2), (9, 4)),
    (layers.SeparableConv1D(6, 3, strides=2), (9, 4)),
    (layers.MaxPooling1D(3, 2, "same"), (9, 4)),
    (layers.TimeDistributed(layers.Conv2D(3, 2)), (5, 9, 7, 4)),
    (layers.SimpleRNN(3, use_bias=False), (5, 4)),
    (layers.LSTM(3, return_sequences=True), (5, 4)),
    (layers.GRU(3, reset_after=False), (5, 4)),
    (layers.RNN(layers.GRUCell(3)), (5, 4)),
    (layers.Bidirectional(layers.GRU(3), merge_mode="mul"), (5, 4)),
    (layers.Masking(), (5, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), EVERY_KIND, ids=lambda value: getattr(value, "name", str(value)))
def test_shapes_and_counts_are_those_of_the_layer(layer, shape):
    fresh = type(layer).from_config(layer.get_config())
    (step,) = pycnn.explain(fresh, shape).steps
    assert not fresh.built
    output = fresh(np.zeros((1, *shape), np.float32))
    assert step.output_shape == output.shape[1:]
    assert step.parameters == fresh.count_params()
    assert step.multiply_adds is not None
    assert step.lines


def test_layers_of_ones_own_are_counted():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((input_shape[-1],), name="factor")

        def call(self, inputs):
            return inputs * self.factor

    layer = Scale()
    assert pycnn.explain(layer, (4, 4, 3)).parameters == 3
    layer.build((None, 4, 4, 3))
    assert pycnn.explain(layer, (4, 4, 3)).parameters == 3

    assert pycnn.explain(layer, (4, 4, 3)).uncounted == [layer.name]
    model = pycnn.Sequential([layers.Input((4, 4, 3)), layers.Conv2D(2, 1), layer.from_config({"name": "own"})])
    explanation = pycnn.explain(model)
    assert explanation.multiply_adds == 4 * 4 * 3 * 2
    assert "multiply-adds  96, not counting own" in str(explanation)


def test_a_cell_of_ones_own_is_counted():
    class Last(layers.LSTMCell):
        def step(self, inputs, states, recurrent_drop=None):
            return inputs, states

    for layer in (layers.RNN(Last(3)), layers.Bidirectional(layers.RNN(Last(3)), backward_layer=BACKWARDS)):
        explanation = pycnn.explain(layer, (5, 3))
        assert explanation.uncounted == [layer.name]
        assert explanation.parameters in (12 * 7, 2 * 12 * 7)


BACKWARDS = layers.LSTM(3, go_backwards=True)


def test_every_layer_with_weights_is_counted():
    """Whoever adds a layer with weights says how many multiply-adds it has."""
    kinds = [kind for kind in vars(layers).values() if isinstance(kind, type) and issubclass(kind, layers.Layer)]
    makers = [kind for kind in kinds if "add_weight(" in inspect.getsource(kind) and kind is not layers.Layer]
    assert len(makers) > 8
    assert not [kind.__name__ for kind in makers if describe.dispatch(kind) is describe.dispatch(layers.Layer)]


def multiply_adds(layer, shape):
    (step,) = pycnn.explain(layer, shape).steps
    return step.multiply_adds


def test_multiply_adds_by_hand():
    assert multiply_adds(layers.SqueezeExcite(16), (7, 7, 64)) == 64 * 4 + 4 * 64 + 7 * 7 * 64
    assert multiply_adds(layers.LocallyConnected2D(2, 3), (5, 5, 4)) == 3 * 3 * 2 * (3 * 3 * 4)
    assert multiply_adds(layers.LayerNormalization(), (7, 6, 4)) == 7 * 6 * 4
    assert multiply_adds(layers.PReLU(shared_axes=[1, 2]), (7, 6, 4)) == 7 * 6 * 4
    assert multiply_adds(layers.Conv1D(6, 3, strides=2), (9, 4)) == 4 * 6 * 3 * 4
    assert multiply_adds(layers.Conv1D(6, 3, padding="causal", groups=2), (9, 4)) == 9 * 6 * 3 * 2
    assert multiply_adds(layers.Conv1DTranspose(6, 3, strides=2), (9, 4)) == 9 * 4 * 3 * 6
    assert multiply_adds(layers.DepthwiseConv1D(3, depth_multiplier=2), (9, 4)) == 7 * 8 * 3
    assert multiply_adds(layers.SeparableConv1D(6, 3), (9, 4)) == 7 * 4 * 3 + 7 * 4 * 6
    assert multiply_adds(layers.TimeDistributed(layers.Dense(5)), (3, 7)) == 3 * 7 * 5
    assert multiply_adds(layers.Embedding(20, 3), (5,)) == 0
    assert multiply_adds(layers.SimpleRNN(3), (5, 4)) == 5 * (4 + 3) * 3
    assert multiply_adds(layers.LSTM(3), (5, 4)) == 5 * ((4 + 3) * 4 * 3 + 3 * 3)  # f * c + i * g, o * tanh(c)
    gru = 5 * ((4 + 3) * 3 * 3 + 3 * 3)  # r * g, z * h + (1 - z) * g
    assert multiply_adds(layers.GRU(3), (5, 4)) == gru
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="mul")
    assert multiply_adds(both, (5, 4)) == 2 * gru + 5 * 3
    assert multiply_adds(layers.Multiply(), [(4, 4, 3), (1, 1, 3), (4, 4, 3)]) == 2 * 4 * 4 * 3
    assert multiply_adds(layers.Add(), [(4, 4, 3), (4, 4, 3)]) == 0
    assert multiply_adds(layers.Dot(axes=(1, 2)), [(3, 5), (10, 3)]) == 5 * 10 * 3


def functional():
    """Two branches, an operation, and a model inside."""
    inputs = pycnn.Input((8, 8, 3))
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    inner = pycnn.Sequential([layers.Conv2D(4, 1, name="in"), layers.ReLU()], name="inner")
    y = layers.Concatenate(name="join")([inner(stem), layers.MaxPooling2D(3, 1, "same")(stem)])
    y = y * pycnn.ops.sigmoid(y)
    return pycnn.Model(inputs, layers.Dense(5, name="top")(layers.GlobalAveragePooling2D()(y)))


def test_graphs():
    model = functional()
    explanation = pycnn.explain(model)
    assert [s.kind for s in explanation.steps] == [
        "Conv2D", "Conv2D", "ReLU", "MaxPooling2D", "Concatenate", "Sigmoid", "Multiply", "GlobalAveragePooling2D",
        "Dense",
    ]  # fmt: skip
    join = explanation.steps[4]
    assert (join.input_shape, join.output_shape) == ([(8, 8, 4), (8, 8, 4)], (8, 8, 8))
    assert "8 x 8 x 4 and 8 x 8 x 4  ->  8 x 8 x 8" in str(join)
    assert explanation.parameters == model.count_params() == (27 * 4 + 4) + (16 + 4) + (40 + 5)
    assert explanation.multiply_adds == 64 * 4 * 27 + 64 * 4 * 4 + 64 * 8 + 40
    assert "8 x 8 x 3  ->  5" in str(explanation).splitlines()[-3]


def test_graphs_of_another_size():
    inputs = pycnn.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2)(inputs)
    model = pycnn.Model(inputs, layers.Add()([x, layers.Conv2D(4, 1)(x)]))
    assert pycnn.explain(model, (9, 11, 3)).output_shape == (4, 5, 4)
    with pytest.raises(ValueError, match=r"leaves sizes of its input open, \(None, None, 3\)"):
        pycnn.explain(model)
    with pytest.raises(ValueError, match="must have the size 3 on axis 3"):
        pycnn.explain(model, (9, 11, 4))


def test_several_inputs():
    a, b = pycnn.Input((4,)), pycnn.Input((3,))
    model = pycnn.Model([a, b], layers.Concatenate()([layers.Dense(2)(a), b]))
    explanation = pycnn.explain(model)
    assert explanation.input_shape == [(4,), (3,)]
    assert explanation.multiply_adds == 8
    assert pycnn.explain(layers.Add(), [(4,), (4,)]).output_shape == (4,)


def test_explaining_runs_and_builds_nothing():
    class Own(layers.Conv2D):
        def call(self, inputs):
            raise AssertionError("it was run")

    inner = pycnn.Sequential([Own(4, 3), layers.Dense(2)])
    assert pycnn.explain(pycnn.Sequential([Own(3, 3), inner]), (9, 9, 1)).parameters == 30 + 112 + 10
    assert not inner.built


def test_models_inside_models(lenet):
    head = pycnn.Sequential([layers.Flatten(), layers.Dense(10)])
    model = pycnn.Sequential([layers.Conv2D(4, 3), head])
    explanation = pycnn.explain(model, (8, 8, 1))
    assert [s.kind for s in explanation.steps] == ["Conv2D", "Flatten", "Dense"]
    assert explanation.parameters == 40 + 1450
    assert not model.built


def test_shared_layers_count_their_parameters_once():
    layer = layers.Conv2D(4, 3, padding="same")
    inputs = pycnn.Input((8, 8, 4))
    explanation = pycnn.explain(pycnn.Model(inputs, layer(layer(inputs))))
    assert explanation.parameters == 3 * 3 * 4 * 4 + 4
    assert explanation.multiply_adds == 2 * 8 * 8 * 4 * 3 * 3 * 4


def test_bad_arguments(lenet):
    with pytest.raises(TypeError, match="layer must be a layer or a model. Received: layer='conv'"):
        pycnn.explain("conv", (8, 8, 1))
    with pytest.raises(ValueError, match="input_shape is needed"):
        pycnn.explain(layers.Conv2D(4, 3))
    with pytest.raises(
        ValueError, match=r"input_shape must be the sizes of one input.* Received: input_shape=\(None, 8"
    ):
        pycnn.explain(layers.Conv2D(4, 3), (None, 8, 8, 1))
    with pytest.raises(ValueError, match="window does not fit"):
        pycnn.explain(layers.Conv2D(4, 9), (8, 8, 1))
    with pytest.raises(ValueError, match="axes"):
        pycnn.explain(layers.Conv2D(4, 3), (64,))
