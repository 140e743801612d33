"""Weights of PyTorch models give PyTorch's outputs: of models written here, under torchvision's and timm's names."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from safetensors.numpy import save_file

import pycnn
from pycnn import applications, layers

pytestmark = pytest.mark.usefixtures("without_numbers")


@pytest.fixture
def torch(monkeypatch):
    """PyTorch, whose layers leave their weights to ``randomize``."""
    torch = peer("torch")
    for kind in (torch.nn.Linear, torch.nn.Conv2d):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)
    return torch


@pytest.fixture
def torch_nets(torch, monkeypatch):
    """The networks in PyTorch that the benchmarks run, too; ten classes in each test."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return importlib.import_module("benchmarks.torch_nets")


def randomize(torch, model, size=64):
    """He's weights, and statistics, gammas and betas that are all different, so that each must come to its place.

    The statistics are near those of random images, so that what the outputs say of an image is not lost on the way.
    """
    generator = torch.Generator().manual_seed(0)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                fan = module.weight[0].numel()
                module.weight.normal_(0, (2 / fan) ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0, 0.3, generator=generator)
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.bias.normal_(0, 0.3, generator=generator)
            norm.momentum = 1.0
        if norms:
            model.train()(torch.randn((4, 3, size, size), generator=generator))
        for norm in norms:
            norm.running_var *= 0.7 + 0.6 * torch.rand(norm.num_features, generator=generator)
            norm.running_mean += 0.2 * norm.running_var.sqrt() * torch.randn(norm.num_features, generator=generator)
    return model.eval()


def compare(torch, theirs, ours, path, size):
    """Save theirs, load it into ours, and compare their outputs for two images."""
    peer("safetensors.torch").save_file(theirs.state_dict(), path)
    applications.load_torch_weights(ours, path)
    x = normal((2, size, size, 3), np.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.05 * np.abs(expected).max()  # it looks at the images
    assert_close(ours.predict(x, verbose=0), expected, 1e-4)


OPTIONS = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}


@pytest.mark.parametrize("name", ["ResNet18", "ResNet50", "SEResNet50"])
def test_resnet(torch, torch_nets, name, tmp_path):
    theirs = randomize(torch, getattr(torch_nets, name)(10))
    compare(torch, theirs, getattr(applications, name)(**OPTIONS), tmp_path / "net.safetensors", 64)


@pytest.mark.parametrize(("width", "multiplier"), [(1, 1), (0.25, 2)])
def test_mobilenet(torch, torch_nets, width, multiplier, tmp_path):
    theirs = randomize(torch, torch_nets.MobileNet(10, width, multiplier))
    ours = applications.MobileNet(alpha=width, depth_multiplier=multiplier, **OPTIONS)
    compare(torch, theirs, ours, tmp_path / "net", 64)


@pytest.mark.parametrize(
    ("name", "size"), [("VGG16", 64), ("VGG19", 64), pytest.param("VGG16", 224, marks=pytest.mark.slow)]
)
def test_vgg(torch, torch_nets, name, size, tmp_path):
    theirs = randomize(torch, getattr(torch_nets, name)(10, size))
    ours = getattr(applications, name)(**{**OPTIONS, "input_shape": (size, size, 3)})
    path = tmp_path / "net.safetensors"
    compare(torch, theirs, ours, path, size)
    path.unlink()  # half a gigabyte


def small_vgg(size=32):
    """A VGG-16 for images of ``size`` pixels, and arrays for it as torchvision names them."""

    def numbers(shape):
        return (np.arange(np.prod(shape), dtype=np.int32) % 1021).astype(np.float32).reshape(shape)

    model = applications.VGG16(input_shape=(size, size, 3), classes=2)
    arrays = {}
    for layer, prefix in zip([la for la in model.layers if la.weights], VGG16_PREFIXES, strict=True):
        shape = layer.kernel.shape
        theirs = shape[::-1] if len(shape) == 2 else (shape[3], shape[2], shape[0], shape[1])
        arrays[f"{prefix}.weight"] = numbers(theirs)
        arrays[f"{prefix}.bias"] = numbers(shape[-1:])
    return model, arrays


VGG16_PREFIXES = [f"features.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)]
VGG16_PREFIXES += ["classifier.0", "classifier.3", "classifier.6"]


def test_layouts(tmp_path):
    """timm keeps VGG's dense layers as convolutions; half precision is widened; what the head needs is passed over."""
    model, arrays = small_vgg(64)
    save_file(arrays, tmp_path / "torchvision")
    applications.load_torch_weights(model, tmp_path / "torchvision")
    kernel = model.get_layer("fc1").kernel.numpy().reshape(2, 2, 512, 4096)
    theirs = arrays["classifier.0.weight"].reshape(4096, 512, 2, 2)
    np.testing.assert_array_equal(kernel[1, 0, 7], theirs[:, 7, 1, 0])
    np.testing.assert_array_equal(
        model.get_layer("block1_conv1").kernel.numpy()[2, 0, 1], arrays["features.0.weight"][:, 1, 2, 0]
    )
    expected = model.get_weights()

    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    timm = {}
    for name, array in arrays.items():
        prefix, _, kind = name.rpartition(".")
        sides = {"classifier.0.weight": 2, "classifier.3.weight": 1}.get(name)
        array = array if sides is None else array.reshape(4096, -1, sides, sides)
        timm[f"{names.get(prefix, prefix)}.{kind}"] = array
    save_file(timm, tmp_path / "timm")
    again = applications.VGG16(input_shape=(64, 64, 3), classes=2, weights=tmp_path / "timm")
    for ours, value in zip(again.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, value)

    save_file({name: a.astype(np.float16) for name, a in arrays.items() if "features" in name}, tmp_path / "half")
    for headless in (tmp_path / "torchvision", tmp_path / "timm", tmp_path / "half"):
        features = applications.VGG16(include_top=False, weights=headless)
        for ours, value in zip(features.get_weights(), expected, strict=False):
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, value)


def test_what_does_not_fit(tmp_path):
    """All that is wrong is said at once, and nothing of the model is changed."""
    model, arrays = small_vgg()
    before = model.get_weights()
    path = tmp_path / "net.safetensors"
    arrays["features.2.weights"] = arrays.pop("features.2.weight")
    arrays["features.5.weight"] = arrays["features.5.weight"].transpose(2, 3, 1, 0).copy()
    arrays["features.7.bias"] = arrays["features.7.bias"].astype(np.int32)
    arrays["features.0.num_batches_tracked"] = np.array(3)  # passed over
    save_file(arrays, path)
    with pytest.raises(ValueError) as error:
        applications.load_torch_weights(model, path)
    assert str(error.value) == (
        "The file's weights are not those of the model. Not in the file: 'features.2.weight'. "
        "Only in the file: 'features.2.weights'. "
        "Of another shape: 'features.5.weight (3, 3, 64, 128), must be (128, 64, 3, 3)'. "
        f"Not of F64, F32, F16: 'features.7.bias I32'. Received: filepath={str(path)!r}"
    )
    for ours, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, value)


def test_head_of_another_size(tmp_path):
    _, arrays = small_vgg()
    save_file(arrays, tmp_path / "net")
    with pytest.raises(ValueError, match=r"'classifier.6.weight \(2, 4096\), must be \(3, 4096\)'"):
        applications.VGG16(input_shape=(32, 32, 3), classes=3, weights=tmp_path / "net")
    with pytest.raises(ValueError, match=r"'classifier.0.weight \(4096, 512\), must be \(4096, 1024\)'"):
        applications.VGG16(input_shape=(64, 32, 3), classes=2, weights=tmp_path / "net")
    with pytest.raises(ValueError, match="Not in the file: 'conv1.weight', 'bn1.weight', .* and 90 more. Only in"):
        applications.ResNet18(include_top=False, weights=tmp_path / "net")


def test_other_files_and_models(tmp_path):
    model, arrays = small_vgg()
    path = tmp_path / "net.bin"
    path.write_bytes(b"PK" + bytes(1000))
    with pytest.raises(ValueError, match=r"safetensors.torch.save_file\(torch_model.state_dict\(\), filepath\)"):
        applications.load_torch_weights(model, path)
    with pytest.raises(FileNotFoundError, match="There is no such file"):
        applications.load_torch_weights(model, tmp_path / "missing")
    save_file(arrays, path)
    with pytest.raises(ValueError, match="knows the layers of VGG.*Received: model='mine' with the layer 'dense'"):
        applications.load_torch_weights(
            pycnn.Sequential([pycnn.Input((3,)), layers.Dense(2, name="dense")], name="mine"), path
        )
    features = applications.VGG16(include_top=False, pooling="avg")
    scores = layers.Dense(3, name="scores")(features.output)
    with pytest.raises(ValueError, match="Received: model='larger' with the layer 'scores'"):
        applications.load_torch_weights(pycnn.Model(features.input, scores, name="larger"), path)
