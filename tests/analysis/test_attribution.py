"""Grad-CAM and saliency: worked by hand, against PyTorch's tape, and on all kinds of models."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers, ops
from pycnn.analysis.attribution import grad_cam, last_maps, saliency

IMAGES = normal((3, 8, 8, 2), np.float32)


def small(activation=None):
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(5, 3, padding="same", activation="tanh", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(6, 3, activation="relu", name="last"),
            layers.Flatten(),
            layers.Dense(4, activation=activation),
        ]
    )


def test_of_mean_and_dense_it_is_cam():
    """Zhou et al. 2016: the map of class c is the sum over k of w_kc A_k. Here alpha_k = w_kc / 4 places."""
    model = pycnn.Sequential([layers.Conv2D(2, 1, name="maps"), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    model.build((None, 2, 2, 1))
    model.set_weights(
        [np.float32([1, -1]).reshape(1, 1, 1, 2), np.zeros(2), np.float32([[4, 1], [2, 8]]), np.float32([5, -5])]
    )
    image = np.float32([[1, 2], [0, -3]]).reshape(1, 2, 2, 1)  # maps: itself, and its negative
    # class 0: (4 A_0 + 2 A_1) / 4 = image / 2; class 1: (A_0 + 8 A_1) / 4 = -7/4 image
    np.testing.assert_array_equal(grad_cam(model, image, "maps", 0)[0], [[0.5, 1], [0, 0]])
    np.testing.assert_array_equal(grad_cam(model, image, "maps", 1)[0], [[0, 0], [0, 5.25]])


def test_maps_are_enlarged_with_centres_kept():
    """Two pixels to four: at 1/4 and 3/4 between, and the ends as they are."""
    model = pycnn.Sequential([layers.AveragePooling2D((1, 2)), layers.Flatten(), layers.Dense(1, use_bias=False)])
    model.build((None, 1, 4, 1))
    model.set_weights([np.float32([[1.0], [3.0]])])  # alpha = 2
    cam = grad_cam(model, np.float32([1, 3, 6, 6]).reshape(1, 1, 4, 1))
    np.testing.assert_array_equal(cam[0, 0], [4, 6, 10, 12])


def test_both_against_pytorch():
    torch = peer("torch")
    model = small("softmax")
    k1, b1, k2, b2, w, b = (torch.tensor(v) for v in model.get_weights())
    x = torch.tensor(IMAGES, requires_grad=True)
    y = torch.tanh(torch.conv2d(x.permute(0, 3, 1, 2), k1.permute(3, 2, 0, 1), b1, padding=1))
    maps = torch.relu(torch.conv2d(torch.max_pool2d(y, 2), k2.permute(3, 2, 0, 1), b2))
    maps.retain_grad()
    logits = maps.permute(0, 2, 3, 1).flatten(1) @ w + b
    target = [2, 0, 3]
    logits[range(3), target].sum().backward()
    cam = torch.relu((maps.grad.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))
    cam = torch.nn.functional.interpolate(cam, (8, 8), mode="bilinear")[:, 0].detach().numpy()
    assert cam.max() > 0
    assert_close(grad_cam(model, IMAGES, "last", target), cam)
    assert_close(grad_cam(model, IMAGES, target=target, batch_size=2), cam)  # last is the last with maps
    assert_close(saliency(model, IMAGES, target), x.grad.abs().amax(-1).numpy())
    assert_close(saliency(model, IMAGES, target, batch_size=1), x.grad.abs().amax(-1).numpy())


def test_saliency_of_a_linear_model_is_its_weights():
    model = pycnn.Sequential([layers.Input((4, 5, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    x = normal((2, 4, 5, 3))
    weights = np.abs(model.get_weights()[0]).reshape(4, 5, 3, 2).max(axis=2)
    for options in ({}, {"samples": 3}):
        maps = saliency(model, x, [1, 0], **options)
        assert_close(maps, np.stack([weights[..., 1], weights[..., 0]]))


class Square(pycnn.Model):
    """The sum of the pixels' squares: the gradient is twice the image."""

    def call(self, inputs):
        return ops.sum(inputs * inputs, axis=(1, 2))


def test_smoothgrad_is_the_mean_gradient_of_noisy_copies():
    x = np.zeros((1, 20, 20, 1))
    x[0, 0, 0] = 4.0  # a range of 4: noise of standard deviation 1
    model = Square()
    clean, one, many = (saliency(model, x, samples=n, noise=0.25)[0] for n in (0, 1, 100))
    np.testing.assert_array_equal(clean, 2 * x[0, :, :, 0])
    assert np.std(one.ravel()[1:] * np.sign(normal(399))) == pytest.approx(2, rel=0.15)
    assert np.sqrt(np.mean(many.ravel()[1:] ** 2)) == pytest.approx(0.2, rel=0.15)  # 2 / sqrt(100)
    assert many[0, 0] == pytest.approx(8, abs=0.8)
    np.testing.assert_array_equal(saliency(model, x, samples=2, seed=5), saliency(model, x, samples=2, seed=5))
    assert (saliency(model, x, samples=2, seed=5) != saliency(model, x, samples=2, seed=6)).any()


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_scores_are_those_before_the_last_activation(activation):
    """Large weights saturate the activation, whose own gradient would be 0."""
    linear, model = small(), small(activation)
    model.set_weights([100 * w for w in linear.get_weights()])
    linear.set_weights(model.get_weights())
    for method in (grad_cam, saliency):
        np.testing.assert_array_equal(method(model, IMAGES, target=1), method(linear, IMAGES, target=1))
        best = linear(IMAGES).numpy().argmax(axis=1)
        np.testing.assert_array_equal(method(model, IMAGES), method(linear, IMAGES, target=best))


def test_targets():
    model = small()
    for method in (grad_cam, saliency):
        both = method(model, IMAGES, target=lambda y: y[:, 1] + y[:, 2])
        assert both.shape == (3, 8, 8)
        one = method(model, IMAGES, target=[1, 2, 3])
        np.testing.assert_array_equal(one[1], method(model, IMAGES, target=2)[1])
        np.testing.assert_array_equal(one[2], method(model, IMAGES, target=lambda y: y[:, 3])[2])
    single = saliency(model, IMAGES, 1)
    assert_close(saliency(model, IMAGES, target=lambda y: -3 * y[:, 1]), 3 * single)


def test_layers_in_models_in_models_several_outputs_and_shared_layers():
    backbone = pycnn.Sequential([layers.Input((8, 8, 2)), layers.Conv2D(3, 3, name="inside")], name="backbone")
    shared = layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    x = pycnn.Input((8, 8, 2))
    features = shared(shared(backbone(x)))
    outputs = [layers.Dense(4)(layers.Flatten()(features)), layers.Dense(9)(layers.Flatten()(features))]
    model = pycnn.Model(x, outputs)
    assert last_maps(model, IMAGES).name == "shared"
    alone = pycnn.Model(x, outputs[0])
    np.testing.assert_array_equal(grad_cam(model, IMAGES, target=3), grad_cam(alone, IMAGES, target=3))
    inside = grad_cam(model, IMAGES, "inside")
    np.testing.assert_array_equal(inside, grad_cam(model, IMAGES, "backbone"))

    maps = shared(shared(backbone(IMAGES)))  # what counts is the second call
    weights = outputs[0].node.layer.kernel.numpy()[:, 3].reshape(6, 6, 3).mean(axis=(0, 1))
    cam = np.maximum((maps.numpy() * weights).sum(axis=-1, keepdims=True), 0)
    assert_close(grad_cam(model, IMAGES, target=3), ops.resize(cam, 8).numpy()[..., 0])


def test_scores_at_many_places_are_summed():
    model = pycnn.Sequential([layers.Input((8, 8, 2)), layers.Conv2D(3, 1), layers.Softmax()])
    kernel = np.abs(model.get_weights()[0][0, 0]).max(axis=0)
    np.testing.assert_allclose(saliency(model, IMAGES, 2), np.full((3, 8, 8), kernel[2]), rtol=1e-6)


def test_nothing_of_the_model_changes():
    model = small("softmax")
    model.trainable = False
    before = model.get_weights()
    grad_cam(model, IMAGES)
    saliency(model, IMAGES)
    assert all(w.grad is None for w in model.weights)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not any("call" in vars(layer) for layer in model.flatten_layers())


def test_no_images_and_other_dtypes():
    model = small()
    assert grad_cam(model, IMAGES[:0], "last").shape == saliency(model, IMAGES[:0]).shape == (0, 8, 8)
    whole = np.arange(128, dtype=np.uint8).reshape(1, 8, 8, 2)
    for method in (grad_cam, saliency):
        np.testing.assert_array_equal(method(model, whole, target=0), method(model, whole.astype(np.float32), target=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: grad_cam(m, IMAGES[0]), r"images must be .* Received: images.shape=\(8, 8, 2\)"),
        (lambda m: grad_cam(m, IMAGES, "flat"), "layer must be one inside of the model"),
        (lambda m: grad_cam(m, IMAGES, -1), r"layer must give maps.*which gives \(3, 4\)"),
        (lambda m: grad_cam(m, IMAGES, target=4), "target must be classes from 0 to 3. Received: target=4"),
        (lambda m: saliency(m, IMAGES, target=[0, 1]), r"one for each of 3 images. Received: \(2,\)"),
        (lambda m: saliency(m, IMAGES, target=1.5), "target must be classes from 0 to 3"),
        (lambda m: saliency(m, IMAGES, samples=-1), "Received: samples=-1, noise=0.15"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(small())


def test_more_errors():
    with pytest.raises(ValueError, match="must have a layer with maps"):
        grad_cam(pycnn.Sequential([layers.Flatten(), layers.Dense(2)]), IMAGES)
    with pytest.raises(TypeError, match="target must return a Tensor of scores. Received: float"):
        saliency(small(), IMAGES, target=lambda y: 1.0)
    first = layers.Conv2D(2, 3, data_format="channels_first", name="c")
    with pytest.raises(ValueError, match="channels last. Received: layer='c', channels first"):
        grad_cam(pycnn.Sequential([first, layers.Flatten(), layers.Dense(2)]), IMAGES, "c")
