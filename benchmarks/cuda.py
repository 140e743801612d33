"""On a GPU: convolutions of float32 in both precisions and of float16, pooling, batch norm, elementwise work, LeNet-5,
against PyTorch.

Regions, boxes and suppression are in ``cuda_regions.py``.

Each side makes ``CALLS`` calls and then waits for the GPU: what counts is how many it gets through, launches included.
"""

import numpy as np

import pycnn
from benchmarks import cuda_regions
from benchmarks.contest import contest
from benchmarks.lenet import our_model, peer_model
from pycnn import config
from pycnn.backend.geometry import conv_geometry, pool_geometry
from pycnn.backend.registry import why_unavailable

CALLS = 20
CONVS = (  # batch, size, channels, filters, kernel, stride
    (32, 56, 64, 64, 3, 1),
    (32, 28, 128, 128, 3, 1),
    (32, 14, 256, 256, 3, 1),
    (32, 7, 512, 512, 3, 1),
    (32, 56, 256, 64, 1, 1),
    (32, 28, 256, 512, 1, 2),
    (32, 28, 192, 96, 5, 1),
)
MAPS = ((32, 112, 64), (32, 28, 256))  # batch, size, channels
BATCHES = (32, 128)  # of LeNet-5
PRECISIONS = {  # by name: pycnn's, PyTorch's, the dtype, the gate
    "TF32": ("high", "tf32", "float32", 0.5),
    "float32": ("highest", "ieee", "float32", 1.0),
    "float16": ("highest", "ieee", "float16", 0.5),
}
DTYPES = ("float32", "float16")  # of pooling and maps
GATE, STEP_GATE, GRAPH_GATE = 1.0, 3.0, 0.8


def run(torch, args):
    """The rows, or none with a word of what is missing."""
    reason = why_unavailable("cuda")
    if reason is None and not torch.cuda.is_available():
        reason = f"PyTorch {torch.__version__} finds no GPU: it may be a build for the CPU"
    if reason is not None:
        print(f"cuda is skipped: {reason}")
        return []
    print(f"on {torch.cuda.get_device_name()}")
    torch.backends.cudnn.benchmark = True  # the fastest algorithm that cuDNN has
    pycnn.set_backend("cuda")
    return Contests(torch, args, "cuda", torch.cuda.synchronize).all()


class Contests:
    """The contests on a device of PyTorch's against the backend in use; ``wait`` until the device has done all."""

    def __init__(self, torch, args, device, wait):
        self.torch, self.args, self.device, self.wait = torch, args, device, wait
        self.backend = pycnn.get_backend()

    def all(self):
        """The rows."""
        with self.torch.no_grad():
            rows = [row for shape in CONVS for precision in PRECISIONS for row in self.conv(precision, *shape)]
            for dtype in DTYPES:
                rows += [row for shape in MAPS for row in [*self.pooling(dtype, *shape), *self.maps(dtype, *shape)]]
            rows += cuda_regions.rows(self)
        return rows + [row for batch in BATCHES for row in self.lenet(batch)]

    def contest(self, row, gate, **sides):
        """The row of sides that make ``CALLS`` calls in their turn."""

        def calls(function):
            def many():
                for _ in range(CALLS):
                    function()
                self.wait()

            return many

        contestants = {name.replace("_", " "): calls(function) for name, function in sides.items()}
        return contest(self.args, row, contestants, gate=gate)

    def both(self, *shape, seed=0, dtype="float32"):
        """Random numbers as an array of the backend, and as a tensor in PyTorch's layout for the same memory."""
        values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32).astype(dtype)
        tensor = self.torch.from_numpy(values).to(self.device)
        return self.backend.asarray(values), tensor.permute(0, 3, 1, 2) if len(shape) == 4 else tensor

    def set_precision(self, precision):
        """Of both sides."""
        ours, theirs, *_ = PRECISIONS[precision]
        config.set_float32_precision(ours)
        self.torch.backends.cudnn.conv.fp32_precision = self.torch.backends.cuda.matmul.fp32_precision = theirs

    def conv(self, precision, batch, size, channels, filters, kernel, stride):
        """The passes of a convolution."""
        self.set_precision(precision)
        *_, dtype, gate = PRECISIONS[precision]
        torch, backend, pad = self.torch, self.backend, kernel // 2
        shape = (batch, size, size, channels)
        geometry = conv_geometry(shape, (kernel, kernel, channels, filters), stride, pad)
        (x, tx), (gy, tgy), (w, tw) = (
            self.both(*s, seed=seed, dtype=dtype)
            for seed, s in enumerate((shape, geometry.output_shape(batch), geometry.kernel_shape))
        )
        tw = tw.permute(1, 3, 0, 2).contiguous(memory_format=torch.channels_last)  # of (H, K, W, C)
        settings = ([stride] * 2, [pad] * 2, [1, 1])

        def backward(*mask):
            return torch.ops.aten.convolution_backward(tgy, tx, tw, None, *settings, False, [0, 0], 1, mask)

        sides = {
            "forward": (
                lambda: torch.nn.functional.conv2d(tx, tw, None, *settings),
                lambda: backend.conv2d_forward(x, w, geometry),
            ),
            "input_grad": (lambda: backward(True, False, False), lambda: backend.conv2d_input_grad(gy, w, geometry)),
            "filter_grad": (lambda: backward(False, True, False), lambda: backend.conv2d_filter_grad(x, gy, geometry)),
        }
        label = f"{kernel}x{kernel}{f' s{stride}' if stride > 1 else ''} {channels}->{filters}@{size} b{batch}"
        return [
            self.contest((f"convolution, {precision}", f"{label} {precision}", which), gate, torch=theirs, pycnn=ours)
            for which, (theirs, ours) in sides.items()
        ]

    def pooling(self, dtype, batch, size, channels):
        """Both passes of max and average pooling."""
        geometry = pool_geometry((batch, size, size, channels), 3, 2, 1)
        shapes = (batch, size, size, channels), geometry.output_shape(batch, channels)
        (x, tx), (gy, tgy) = (self.both(*shape, dtype=dtype) for shape in shapes)
        settings, aten, backend = ([3, 3], [2, 2], [1, 1], [1, 1], False), self.torch.ops.aten, self.backend
        index, tindex = (
            backend.max_pool2d_forward(x, geometry)[1],
            aten.max_pool2d_with_indices(tx, *settings)[1],
        )
        average = (*settings[:3], False, False)  # no window beyond, and padding does not count
        sides = {
            ("max", "forward"): (
                lambda: aten.max_pool2d_with_indices(tx, *settings),
                lambda: backend.max_pool2d_forward(x, geometry),
            ),
            ("max", "backward"): (
                lambda: aten.max_pool2d_with_indices_backward(tgy, tx, *settings, tindex),
                lambda: backend.extreme_pool2d_input_grad(gy, index, geometry),
            ),
            ("average", "forward"): (
                lambda: aten.avg_pool2d(tx, *average),
                lambda: backend.avg_pool2d_forward(x, geometry),
            ),
            ("average", "backward"): (
                lambda: aten.avg_pool2d_backward(tgy, tx, *average, None),
                lambda: backend.avg_pool2d_input_grad(gy, geometry),
            ),
        }
        label = f"pooling 3x3 s2 {channels}@{size} b{batch} {dtype}"
        return [
            self.contest((f"pooling, {dtype}", f"{kind} {label}", which), GATE, torch=theirs, pycnn=ours)
            for (kind, which), (theirs, ours) in sides.items()
        ]

    def maps(self, dtype, batch, size, channels):
        """Both passes of batch norm in training, and elementwise work, of one map."""
        torch, backend, shape = self.torch, self.backend, (batch, size, size, channels)
        (x, tx), (gy, tgy) = self.both(*shape, dtype=dtype), self.both(*shape, seed=1, dtype=dtype)
        g, tg = self.both(channels)
        statistics = backend.batch_norm_statistics(x)
        inputs = [tensor.detach().clone().requires_grad_() for tensor in (tx, tg, tg)]

        def peer_norm(t, weight, bias):
            return torch.nn.functional.batch_norm(t, None, None, weight, bias, True, 0.1, 1e-3)

        with torch.enable_grad():
            ty = peer_norm(*inputs)

        def norm():
            mean, variance = backend.batch_norm_statistics(x)
            return backend.batch_norm_forward(x, mean, variance, g, g, 1e-3)

        sides = {
            ("batch norm", "forward"): (lambda: peer_norm(tx, tg, tg), norm),
            ("batch norm", "backward"): (
                lambda: torch.autograd.grad(ty, inputs, tgy, retain_graph=True),
                lambda: backend.batch_norm_grad(gy, x, *statistics, g, 1e-3),
            ),
            ("relu", "forward"): (lambda: torch.nn.functional.relu(tx), lambda: backend.activation_forward(x, "relu")),
            ("add", "forward"): (lambda: tx + tx, lambda: backend.add(x, x)),
        }
        return [
            self.contest((kind, f"{kind} {channels}@{size} b{batch} {dtype}", which), GATE, torch=theirs, pycnn=ours)
            for (kind, which), (theirs, ours) in sides.items()
        ]

    def lenet(self, batch):
        """A training step, against an eager one and against one captured as a CUDA graph where there is a GPU."""
        self.set_precision("float32")
        (x, tx), labels = self.both(batch, 32, 32, 1), np.arange(batch) % 10
        ours, tensors = our_model(), tuple(map(pycnn.Tensor.wrap, (x, self.backend.asarray(labels))))
        ours.compile("adam", "sparse_categorical_crossentropy")
        ty = self.torch.from_numpy(labels).to(self.device)
        model = peer_model(self.torch).to(self.device)
        on_gpu = self.device == "cuda"
        optimizer = self.torch.optim.Adam(model.parameters(), 1e-3, capturable=on_gpu)

        def step():
            optimizer.zero_grad()
            self.torch.nn.functional.cross_entropy(model(tx), ty).backward()
            optimizer.step()

        sides = {"torch": (step, STEP_GATE)}
        if on_gpu:
            sides["torch_graph"] = self.captured(step), GRAPH_GATE
        return [
            self.contest(
                ("LeNet-5 training", f"LeNet-5 step b{batch}", name.replace("torch", "against")),
                gate,
                **{name: theirs, "pycnn": lambda: ours.train_step(*tensors)},
            )
            for name, (theirs, gate) in sides.items()
        ]

    def captured(self, step):
        """A replay of what a step launches."""
        stream, graph = self.torch.cuda.Stream(), self.torch.cuda.CUDAGraph()
        with self.torch.cuda.stream(stream):
            for _ in range(3):
                step()
        stream.synchronize()
        with self.torch.cuda.graph(graph):
            step()
        return graph.replay
