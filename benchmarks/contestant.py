"""One side of a contest, in a process of its own: runs a network once for each line it reads, and tells the time.

``python -m benchmarks.contestant pycnn ResNet50 training 8 224 2``: side, network, pass, batch, image size, threads.
Each answer is a line of three numbers: seconds, and bytes that the process holds now and has held at most, both
beyond what it held once its libraries were loaded. A side does not import the other.
"""

import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

BATCHES = 20  # of the pass "batches"


def main():
    side, net, work, batch, size, threads = sys.argv[1:]
    rng = np.random.default_rng(0)
    prepare = {"pycnn": ours, "torch": peer, "torch.compile": peer, "onnxruntime": onnx}[side]
    load = prepare(int(threads), side)
    loaded = resident_bytes("VmRSS")
    count = int(batch) * (BATCHES if work == "batches" else 1)
    x = rng.standard_normal((count, int(size), int(size), 3), dtype=np.float32)
    y = rng.integers(0, 1000, count)
    run = load(net, work, x, y, int(batch))
    for _ in sys.stdin:
        start = perf_counter()
        run()
        seconds = perf_counter() - start
        print(seconds, resident_bytes("VmRSS") - loaded, resident_bytes("VmHWM") - loaded, flush=True)


def ours(threads, side):
    """Load pycnn; return what makes its training step or prediction."""
    import pycnn

    pycnn.set_num_threads(threads)

    def load(net, work, x, y, batch):
        model = getattr(pycnn.applications, net)(input_shape=x.shape[1:])
        if work == "inference":
            return lambda: model.predict_on_batch(x)
        if work == "batches":
            return lambda: model.predict(x, batch_size=batch, verbose=0)
        model.compile(pycnn.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
        return lambda: model.train_on_batch(x, y)

    return load


def peer(threads, side):
    """The same of PyTorch in channels_last, eager or compiled."""
    import torch

    from benchmarks import torch_nets

    torch.set_num_threads(threads)

    def load(net, work, x, y, batch):
        options = {"size": x.shape[1]} if net.startswith("VGG") else {}
        model = getattr(torch_nets, net)(**options).to(memory_format=torch.channels_last)
        call = torch.compile(model, dynamic=False) if side == "torch.compile" else model
        images, labels = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y)
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

        def predict():
            with torch.inference_mode():
                return torch.cat([call(part).softmax(1) for part in images.split(batch)]).numpy()

        def train():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(call(images), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return train if work == "training" else model.eval() and predict

    return load


def onnx(threads, side):
    """Inference of the same network in ONNX Runtime."""
    import torch

    from benchmarks import peers, torch_nets

    torch.set_num_threads(threads)

    def load(net, work, x, y, batch):
        options = {"size": x.shape[1]} if net.startswith("VGG") else {}
        model = torch.nn.Sequential(getattr(torch_nets, net)(**options), torch.nn.Softmax(1))
        return peers.onnx_inference(torch, model, torch.from_numpy(x).permute(0, 3, 1, 2), threads)

    return load


def resident_bytes(field):
    """What the process holds in memory now (``VmRSS``) or has held at most (``VmHWM``)."""
    status = Path("/proc/self/status")  # a child's ru_maxrss begins with its parent's
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
