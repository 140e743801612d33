"""Masks: who makes them, who hands them on, who uses them and where they end; equal to Keras's."""

import warnings

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from keras_layers import CASES, RANDOM

import pycnn
from pycnn import layers, ops
from pycnn.autograd import MaskedTensor, gradcheck

WORDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [2, 2, 0, 1]])
SEEN = WORDS != 0

keras_s_warnings = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")


def masked(shape=(3, 4, 5), dtype=np.float32):
    return MaskedTensor(pycnn.Tensor(normal(shape, dtype)), SEEN)


def test_embedding_and_masking_make_masks(backend):
    y = layers.Embedding(5, 2, mask_zero=True)(WORDS)
    np.testing.assert_array_equal(y.mask.numpy(), SEEN)
    assert layers.Embedding(5, 2)(WORDS).mask is None
    x = [[[1.0, 9.0], [9.0, 9.0]], [[9.0, 9.0], [9.0, 0.0]]]
    y = layers.Masking(9.0)(x)
    assert y.tolist() == [[[1.0, 9.0], [0.0, 0.0]], [[0.0, 0.0], [9.0, 0.0]]]
    assert y.mask.tolist() == [[True, False], [False, True]]


def test_operations_leave_masks_out_and_gradients_flow():
    leaf = pycnn.Tensor(normal((3, 4, 2)), requires_grad=True)
    x = MaskedTensor(leaf, SEEN)
    assert (x * 2).mask is None
    assert leaf.mask is None
    assert x.detach().mask is x.mask
    assert not x.detach().requires_grad
    ops.sum(x * x).backward()
    assert_close(leaf.grad.numpy(), 2 * leaf.numpy())


def test_which_layers_hand_masks_on():
    cells = [layers.GRU(3, return_sequences=True), layers.Bidirectional(layers.LSTM(3, return_sequences=True))]
    for layer in (*cells, layers.Dense(2), layers.Dropout(0.5), layers.TimeDistributed(layers.Dense(2))):
        np.testing.assert_array_equal(layer(masked()).mask.numpy(), SEEN)
    for layer in (layers.GRU(3), layers.Bidirectional(layers.LSTM(3)), layers.GlobalAveragePooling1D()):
        assert layer(masked()).mask is None
    y, *states = layers.LSTM(3, return_sequences=True, return_state=True)(masked())
    assert [t.mask is None for t in (y, *states)] == [False, True, True]
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True, return_state=True), merge_mode=None)(masked())
    assert [t.mask is None for t in both] == [False, False, True, True, True, True]
    assert layers.LSTM(3, return_sequences=True)(normal((3, 4, 5)), mask=SEEN.tolist()).mask.tolist() == SEEN.tolist()


def test_masks_of_several_inputs():
    x, y, z = masked(), MaskedTensor(ops.zeros((3, 4, 5)), [[True, False, False, True]] * 3), ops.zeros((3, 4, 5))
    np.testing.assert_array_equal(layers.Add()([x, y]).mask.numpy(), SEEN | [True, False, False, True])
    assert layers.Add()([x, z]).mask is None
    assert layers.Dot(2)([x, y]).mask is None
    joined = layers.Concatenate(axis=1)([x, z, y]).mask.numpy()
    np.testing.assert_array_equal(joined, np.hstack([SEEN, np.ones((3, 4), bool), y.mask.numpy()]))
    np.testing.assert_array_equal(layers.Concatenate()([x, y]).mask.numpy(), SEEN | y.mask.numpy())


def test_recurrent_layers_use_the_mask_of_their_inputs(backend):
    x = normal((3, 4, 5), np.float32)
    for layer in (layers.SimpleRNN(3), layers.LSTM(3), layers.GRU(3), layers.Bidirectional(layers.GRU(3))):
        np.testing.assert_array_equal(layer(masked()).numpy(), layer(x, mask=SEEN).numpy())
        assert abs(layer(masked()).numpy() - layer(x).numpy()).max() > 1e-3


def test_a_mask_beside_other_tensors_must_be_given():
    """As in Keras: whose mask it would be is not clear."""
    layer, state = layers.GRU(3), np.ones((3, 3), np.float32)
    plain = layer(masked().numpy(), initial_state=state).numpy()
    np.testing.assert_array_equal(layer(masked(), initial_state=state).numpy(), plain)
    assert abs(layer(masked(), initial_state=state, mask=SEEN).numpy() - plain).max() > 1e-3


def test_mean_of_what_is_seen(backend):
    y = layers.GlobalAveragePooling1D()(masked()).numpy()
    wanted = np.stack([masked().numpy()[i, SEEN[i]].mean(0) for i in range(3)])
    assert_close(y, wanted, 1e-6)
    first = MaskedTensor(ops.transpose(masked(), (0, 2, 1)), SEEN)
    y = layers.GlobalAveragePooling1D("channels_first", keepdims=True)(first).numpy()
    assert_close(y, wanted[..., None], 1e-6)


def test_a_layer_that_knows_no_masks_ends_them_with_a_warning():
    with pytest.warns(UserWarning, match=r"Layer 'last' \(Conv1D\) does not support masks"):
        y = layers.Conv1D(2, 3, name="last")(masked())
    assert y.mask is None


class Halves(layers.Layer):
    """Takes every other step, of the mask, too."""

    def call(self, inputs, mask=None):
        return inputs[:, ::2]

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[:, ::2]


class Positive(layers.Layer):
    """Makes a mask of its inputs."""

    def call(self, inputs):
        return inputs * 1.0

    def compute_mask(self, inputs, mask=None):
        return inputs[..., 0] > 0


class Inside(layers.Layer):
    """Has layers that hand masks on among themselves."""

    supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embed, self.read = layers.Embedding(5, 2, mask_zero=True), layers.GRU(3)

    def call(self, inputs):
        return self.read(self.embed(inputs))


def test_layers_of_one_s_own():
    np.testing.assert_array_equal(Halves()(masked()).mask.numpy(), SEEN[:, ::2])
    assert Halves()(masked().numpy()).mask is None
    np.testing.assert_array_equal(Positive()(masked()).mask.numpy(), masked().numpy()[..., 0] > 0)
    layer = Inside()
    wanted = layer.read(layer.embed(WORDS).detach(), mask=SEEN)
    np.testing.assert_array_equal(layer(WORDS).numpy(), wanted.numpy())


def test_lambda():
    given = []
    layer = layers.Lambda(lambda x, mask: given.append(mask) or x * 2, mask=lambda x, mask: mask[:, :2])
    np.testing.assert_array_equal(layer(masked()).mask.numpy(), SEEN[:, :2])
    np.testing.assert_array_equal(given[-1].numpy(), SEEN)
    layer = layers.Lambda(pycnn.activations.relu, mask=[[True, False]])
    assert layer(masked()).mask.tolist() == [[True, False]]
    assert type(layer).from_config(layer.get_config())(masked()).mask.tolist() == [[True, False]]
    with pytest.warns(UserWarning, match="does not support masks"):
        layers.Lambda(lambda x: x * 2)(masked())


def test_softmax_says_which_masks_fit():
    with pytest.raises(ValueError, match="mask must have the size of the inputs, or 1, along each of their last axes"):
        layers.Softmax()(masked())


def test_time_distributed():
    read = layers.TimeDistributed(layers.GRU(3))
    x, mask = normal((2, 3, 4, 5), np.float32), np.stack([SEEN, ~SEEN])
    y = read(x, mask=mask)
    np.testing.assert_array_equal(y.numpy()[1], read.layer(x[1], mask=~SEEN).numpy())
    with pytest.raises(ValueError, match=r"mask must be \(batch, steps, ...\) as the inputs are"):
        read(x, mask=SEEN)


@keras_s_warnings
@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_norm_of_what_is_seen_is_keras_s(axis):
    peer("torch")
    keras = peer("keras")
    x, mask = normal((3, 4, 5), np.float32), SEEN if axis == -1 else np.ones((3, 4), bool)
    ours, theirs = layers.BatchNormalization(axis), keras.layers.BatchNormalization(axis)
    theirs.build((None, 4, 5))
    wanted = theirs(x, training=True, mask=mask).detach().numpy()
    assert_close(ours(x, training=True, mask=mask).numpy(), wanted, 1e-5)
    for ours_, theirs_ in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(ours_, theirs_, 1e-6)


def test_gradients_of_masked_batch_norm():
    layer = layers.BatchNormalization(dtype="float64")
    gradcheck(lambda x: ops.sum(ops.sin(layer(x, training=True, mask=SEEN))), [normal((3, 4, 2))])


@keras_s_warnings
def test_the_layers_that_support_masks_are_keras_s():
    keras = peer("keras")
    found = 0
    cases = {name: arguments for name, arguments, _ in (*CASES, *RANDOM)}
    for name, arguments in (*cases.items(), ("Embedding", {"input_dim": 3, "output_dim": 2})):
        ours, theirs = (getattr(k.layers, name)(**arguments) for k in (pycnn, keras))
        assert bool(ours.supports_masking) == bool(theirs.supports_masking), name
        found += ours.supports_masking
    assert found > 20


# Models


def reader(K, form):
    """Words to numbers: two recurrent layers, a sum around the second, something for each step."""
    L = K.layers
    parts = [
        L.Embedding(5, 4, mask_zero=True),
        L.Bidirectional(L.LSTM(3, return_sequences=True)),
        L.Dropout(0.0),
        L.GRU(6, return_sequences=True),
        L.LayerNormalization(),
        L.Dense(2),
    ]
    if form == "sequential":
        return K.Sequential([L.Input((4,), dtype="int32"), *parts])
    inputs = K.Input((4,), dtype="int32")
    x = inputs
    for part in parts[:3]:
        x = part(x)
    x = L.Add()([x, parts[3](x)])
    inner = K.Input((None, 6))
    y = inner
    for part in parts[4:]:
        y = part(y)
    return K.Model(inputs, K.Model(inner, y)(x))


TARGETS = normal((3, 4, 2), np.float32, 1)


@keras_s_warnings
@pytest.mark.filterwarnings("ignore:Layer:UserWarning")  # that the model inside ends masks, which is not so
@pytest.mark.parametrize("form", ["sequential", "functional"])
def test_training_is_keras_s(form):
    peer("torch")
    keras = peer("keras")
    keras.utils.set_random_seed(0)
    ours, theirs = reader(pycnn, form), reader(keras, form)
    ours.set_weights(theirs.get_weights())
    assert_close(ours(WORDS).numpy(), theirs(WORDS).detach().numpy(), 1e-5)
    assert_close(ours.predict(WORDS), theirs.predict(WORDS, verbose=0), 1e-5)
    for weights in (None, 1 + np.arange(12, dtype=np.float32).reshape(3, 4)):  # Keras fails with one a sample
        logs = []
        for model in (ours, theirs):
            model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
            model.optimizer.learning_rate = 0.02
            history = model.fit(WORDS, TARGETS, sample_weight=weights, epochs=3, verbose=0, shuffle=False)
            logs.append([history.history, model.evaluate(WORDS, TARGETS, sample_weight=weights, verbose=0)])
        assert logs[0][0].keys() == logs[1][0].keys()
        for name, values in logs[0][0].items():
            assert_close(np.array(values), np.array(logs[1][0][name]), 1e-5)
        assert_close(np.array(logs[0][1]), np.array(logs[1][1]), 1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, 1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_layers_computed_together_hand_masks_on(training):
    """A batch norm and the activation behind it are one pass where nothing is masked."""
    parts = [layers.Masking(), layers.BatchNormalization(), layers.ReLU(), layers.GRU(3, return_sequences=True)]
    model = pycnn.Sequential([layers.Input((4, 5)), *parts])
    x = normal((3, 4, 5), np.float32) * SEEN[..., None]
    y, wanted = model(x, training=training), x
    moved = parts[1].get_weights()
    parts[1].set_weights([np.ones(5), np.zeros(5), np.zeros(5), np.ones(5)])
    for part in parts:
        wanted = part(wanted, training=training)
    np.testing.assert_array_equal(y.numpy(), wanted.numpy())
    np.testing.assert_array_equal(y.mask.numpy(), SEEN)
    for a, b in zip(moved, parts[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", ["sequential", "functional"])
def test_planned_steps_are_eager_ones(form):
    eager = reader(pycnn, form)
    planned = pycnn.models.clone_model(eager)
    planned.set_weights(eager.get_weights())
    for model, options in ((eager, {"run_eagerly": True}), (planned, {"jit_compile": True})):
        model.compile("adam", "mae", metrics=["mse"], **options)
    for words in (WORDS, WORDS[::-1], WORDS[[1, 0, 2]], np.ones_like(WORDS)):
        for step in ("train_on_batch", "test_on_batch"):
            assert getattr(eager, step)(words, TARGETS) == getattr(planned, step)(words, TARGETS)
            eager.reset_metrics(), planned.reset_metrics()
    assert [p["step"] for p in planned.plans if "calls" in p] == ["training", "forward"]


def test_all_steps_masked():
    """A batch of nothing has the loss 0, and leaves the weights as they are."""
    model = pycnn.Sequential([layers.Masking(), layers.LSTM(3, return_sequences=True), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.zeros((2, 4, 5), np.float32), np.ones((2, 4, 2), np.float32)
    model.predict(x)
    before = model.get_weights()
    assert model.train_on_batch(x, y) == 0
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none", "mean_with_sample_weight"])
def test_losses_by_hand(reduction):
    y_pred = MaskedTensor(pycnn.Tensor([[[1.0], [2.0], [9.0]]]), [[True, True, False]])
    weights = [[1.0, 3.0, 5.0]]
    wanted = {"sum_over_batch_size": 13 / 2, "sum": 13, "none": [[1, 12, 0]], "mean_with_sample_weight": 13 / 4}
    loss = pycnn.losses.MeanSquaredError(reduction=reduction)
    assert_close(loss(np.zeros((1, 3, 1)), y_pred, weights).numpy(), np.array(wanted[reduction], np.float32), 1e-6)


def test_one_weight_a_sample():
    y_pred = MaskedTensor(pycnn.Tensor([[[1.0], [9.0]], [[2.0], [3.0]]]), [[True, False], [True, True]])
    loss = pycnn.losses.MeanAbsoluteError()(np.zeros((2, 2, 1)), y_pred, [1.0, 2.0])
    assert loss.item() == pytest.approx((1 + 2 * (2 + 3)) / 3)


def test_metrics_by_hand():
    y_pred = MaskedTensor(pycnn.Tensor([[[1.0], [2.0], [9.0]]]), [[True, True, False]])
    for metric, wanted in (
        (pycnn.metrics.MeanSquaredError(), 5 / 2),
        (pycnn.metrics.MeanMetricWrapper(ops.mean_absolute_error), 3 / 2),
        (pycnn.metrics.BinaryAccuracy(threshold=1.5), 1 / 2),
    ):
        assert metric([[[0.0], [0.0], [0.0]]], y_pred) == pytest.approx(wanted)


@keras_s_warnings
@pytest.mark.parametrize("ending", [".pycnn", ".keras"])
def test_saving(tmp_path, ending):
    model = reader(pycnn, "functional")
    model.save(tmp_path / f"model{ending}")
    read = pycnn.models.load_model(tmp_path / f"model{ending}")
    np.testing.assert_array_equal(read(WORDS).numpy(), model(WORDS).numpy())
    np.testing.assert_array_equal(read(WORDS).mask.numpy(), SEEN)
    if ending == ".keras":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the model inside ends masks, which is not so
            theirs = peer("keras").models.load_model(tmp_path / "model.keras")
            assert_close(theirs(WORDS).detach().numpy(), model(WORDS).numpy(), 1e-5)


def test_a_mask_given_to_a_model():
    model = pycnn.Sequential([layers.GRU(3, return_sequences=True), layers.GRU(2)])
    x = normal((3, 4, 5), np.float32)
    np.testing.assert_array_equal(model(x, mask=SEEN).numpy(), model(masked()).numpy())
    assert abs(model(x).numpy() - model(masked()).numpy()).max() > 1e-3
