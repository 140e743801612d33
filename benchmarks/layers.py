"""Layers other than convolution and pooling, losses, augmentation and optimizers, against PyTorch's.

Each side runs what its user would write, with its tape: a forward pass, and where the row says so the backward pass.
"""

from functools import partial

import numpy as np

import pycnn
from benchmarks.contest import contest
from benchmarks.peers import channels_first, compiled
from pycnn import layers, ops


def run(torch, args):
    """The rows of all workloads."""
    rng = np.random.default_rng(0)
    rows = []
    for part in (normalization, elementwise, squeeze_excite, dense, cross_entropy, resizing, augmentation, optimizers):
        rows += part(torch, args, rng)
    return rows


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def training(torch, args, row, ours, peer, x, gy, parameters=(), moved=5):
    """Forward and backward through both tapes; ``moved`` arrays of x's size are the least that memory must move."""
    ours_x, image = pycnn.Tensor(x, requires_grad=True), x.ndim == 4
    tx = (channels_first(torch, x) if image else torch.from_numpy(x)).requires_grad_()
    tgy = channels_first(torch, gy) if image else torch.from_numpy(gy)
    gy = pycnn.Tensor(gy)
    fast = compiled(torch, peer)

    def our_step():
        ours_x.zero_grad()
        ours(ours_x).backward(gy)

    contestants = {
        "torch": lambda: torch.autograd.grad(peer(tx), (tx, *parameters), tgy),
        "torch.compile": lambda: torch.autograd.grad(fast(tx), (tx, *parameters), tgy),
        "pycnn": our_step,
    }
    return contest(args, (*row, "training"), contestants, nbytes=moved * x.nbytes)


def forward(torch, args, row, ours, peer, nbytes, flops=0):
    """A function without a backward pass."""
    fast = compiled(torch, peer)

    def without_tape(function):
        def run():
            with torch.inference_mode():
                return function()

        return run

    contestants = {"torch": without_tape(peer), "torch.compile": without_tape(fast), "pycnn": ours}
    return contest(args, (*row, "forward"), contestants, nbytes=nbytes, flops=flops)


def normalization(torch, args, rng):
    """Batch normalisation with the batch's own statistics, and ReLU: at least x, gy twice each, y and gx once."""
    rows = []
    for batch, size, channels in ((8, 112, 64), (8, 56, 256), (8, 7, 512)):
        x, gy = (normal(rng, batch, size, size, channels) for _ in range(2))
        model = pycnn.Sequential([layers.Input(x.shape[1:]), layers.BatchNormalization(), layers.ReLU()])
        module = torch.nn.Sequential(torch.nn.BatchNorm2d(channels), torch.nn.ReLU())
        row = ("batch norm + ReLU", f"batch norm + ReLU {channels}@{size} b{batch}")
        ours = lambda x, model=model: model(x, training=True)  # noqa: E731
        rows.append(training(torch, args, row, ours, module, x, gy, tuple(module.parameters()), moved=6))
    return rows


def elementwise(torch, args, rng):
    """ReLU, GELU, dropout."""
    functional, rows = torch.nn.functional, []
    drop = layers.Dropout(0.5)
    for name, ours, peer in (
        ("ReLU", ops.relu, functional.relu),
        ("GELU", lambda x: ops.gelu(x, approximate=False), functional.gelu),
        ("dropout", lambda x: drop(x, training=True), lambda x: functional.dropout(x, 0.5, True)),
    ):
        x, gy = (normal(rng, 8, 56, 56, 256) for _ in range(2))
        rows.append(training(torch, args, (name, f"{name} 256@56 b8"), ours, peer, x, gy, moved=4))
    return rows


def squeeze_excite(torch, args, rng):
    """Channels weighed by what the whole image shows."""
    from benchmarks.torch_nets import SqueezeExcite  # imports PyTorch

    rows = []
    for size, channels in ((56, 256), (7, 2048)):
        x, gy = (normal(rng, 8, size, size, channels) for _ in range(2))
        module = SqueezeExcite(channels, 16).to(memory_format=torch.channels_last)
        row = ("squeeze and excite", f"squeeze and excite {channels}@{size} b8")
        layer = layers.SqueezeExcite(16)
        rows.append(training(torch, args, row, layer, module, x, gy, tuple(module.parameters()), moved=6))
    return rows


def dense(torch, args, rng):
    """A dense layer in training, and one of VGG-16 for one image: it reads 67 MB of weights."""
    x, gy = normal(rng, 32, 2048), normal(rng, 32, 1000)
    layer, module = layers.Dense(1000), torch.nn.Linear(2048, 1000)
    row, parameters = ("dense", "dense 2048->1000 b32"), tuple(module.parameters())
    rows = [training(torch, args, row, layer, module, x, gy, parameters, moved=2 * parameters[0].numel() / x.size)]
    image = normal(rng, 1, 4096)
    wide, wide_module, tensor = layers.Dense(4096), torch.nn.Linear(4096, 4096), torch.from_numpy(image)

    def ours():
        with pycnn.no_grad():
            return wide(image)

    row = ("dense", "dense 4096->4096 b1")
    return [*rows, forward(torch, args, row, ours, lambda: wide_module(tensor), 4 * 4096**2)]


def cross_entropy(torch, args, rng):
    """Softmax cross-entropy from logits: the loss and its gradient."""
    rows, loss = [], pycnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    for batch, classes in ((128, 10), (32, 1000)):
        x, labels = normal(rng, batch, classes), rng.integers(0, classes, batch)
        tlabels = torch.from_numpy(labels)
        rows.append(
            training(
                torch,
                args,
                ("softmax cross-entropy", f"softmax cross-entropy {classes} classes b{batch}"),
                lambda z, y=labels: loss(y, z),
                lambda z, y=tlabels: torch.nn.functional.cross_entropy(z, y),
                x,
                np.ones((), np.float32),
                moved=2,
            )
        )
    return rows


def resizing(torch, args, rng):
    """To twice the size, as decoders do."""
    rows = []
    for name, options in (("nearest", {}), ("bilinear", {"align_corners": False})):
        x = normal(rng, 8, 28, 28, 128)
        size = (2 * x.shape[1], 2 * x.shape[2])
        gy = rng.standard_normal((8, *size, 128), dtype=np.float32)
        rows.append(
            training(
                torch,
                args,
                ("resize", f"resize {name} 128@28->56 b8"),
                lambda t, name=name, size=size: ops.resize(t, size, name),
                lambda t, name=name, size=size, options=options: torch.nn.functional.interpolate(
                    t, size, mode=name, **options
                ),
                x,
                gy,
                moved=10,
            )
        )
    return rows


def augmentation(torch, args, rng):
    """Each image turned by its own angle, bilinear; mirrored; brightened."""
    x = normal(rng, 32, 224, 224, 3)
    side, angles = x.shape[1], rng.uniform(-0.3, 0.3, len(x))
    cos, sin, middle = np.cos(angles), np.sin(angles), (side - 1) / 2
    matrices = np.stack(
        [cos, -sin, middle - cos * middle + sin * middle, sin, cos, middle - sin * middle - cos * middle], 1
    )
    zero = np.zeros_like(cos)  # PyTorch's matrices have the middle of the image at 0
    theta = torch.from_numpy(np.stack([cos, -sin, zero, sin, cos, zero], 1).reshape(-1, 2, 3).astype(np.float32))
    tx, functional = channels_first(torch, x), torch.nn.functional

    def peer():
        grid = functional.affine_grid(theta, tx.shape, align_corners=False)
        return functional.grid_sample(tx, grid, "bilinear", "zeros", align_corners=False)

    row = ("affine augmentation", "rotation 3@224 b32")
    rows = [forward(torch, args, row, lambda: ops.affine2d(x, matrices), peer, nbytes=2 * x.nbytes)]
    for shape in ((32, 224, 224, 3), (128, 28, 28, 1)):
        rows += random_changes(torch, args, rng.random(shape, dtype=np.float32))
    return rows


def random_changes(torch, args, x):
    """Images mirrored, each by its own choices, and brightened by a number of its own."""
    tx, images, batch = channels_first(torch, x), pycnn.Tensor(x), len(x)
    flip, brightness = layers.RandomFlip(), layers.RandomBrightness(0.2, value_range=(0, 1))

    def mirrored():
        y = tx
        for axis in (3, 2):
            y = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, y.flip(axis), y)
        return y

    def brightened():
        return (tx + 0.2 * (2 * torch.rand(batch, 1, 1, 1) - 1)).clamp_(0, 1)

    place, nbytes = f"{x.shape[3]}@{x.shape[1]} b{batch}", 2 * x.nbytes
    return [
        forward(torch, args, ("random changes", f"{name} {place}"), partial(layer, images, training=True), peer, nbytes)
        for name, layer, peer in (("flip", flip, mirrored), ("brightness", brightness, brightened))
    ]


def optimizers(torch, args, rng):
    """One step over the 161 arrays of ResNet-50's size; the arrays that are read and written count for the limit."""
    from benchmarks.torch_nets import ResNet50

    shapes = [tuple(p.shape) for p in ResNet50().parameters()]
    rows = []
    for name, ours, peer, moved in (
        ("SGD", pycnn.optimizers.SGD(0.01, momentum=0.9), lambda p, **o: torch.optim.SGD(p, 0.01, 0.9, **o), 5),
        ("Adam", pycnn.optimizers.Adam(), lambda p, **o: torch.optim.Adam(p, 1e-3, **o), 7),
    ):
        values, grads = ([normal(rng, int(np.prod(shape))) for shape in shapes] for _ in range(2))
        variables = [pycnn.Variable(v) for v in values]
        steps = {"pycnn": lambda ours=ours, g=grads, v=variables: ours.apply(g, v)}
        for kind, options in (("torch", {}), ("torch fused", {"fused": True})):
            tensors = [torch.nn.Parameter(torch.from_numpy(v.copy())) for v in values]
            for tensor, grad in zip(tensors, grads, strict=True):
                tensor.grad = torch.from_numpy(grad)
            steps[kind] = peer(tensors, **options).step
        nbytes = moved * sum(v.nbytes for v in values)
        rows.append(contest(args, ("optimizer", f"{name}, ResNet-50", "step"), steps, nbytes=nbytes))
    return rows
