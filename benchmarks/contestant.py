"""One side of a contest, in a process of its own: runs a network once for each line it reads, and tells the time.

``python -m benchmarks.contestant pycnn ResNet50 training 8 224 2``: side, network, pass, batch, image size, threads.
At the end of its input it says the most memory that it ever held. A side does not import the other.
"""

import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np


def main():
    side, net, work, batch, size, threads = sys.argv[1:]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((int(batch), int(size), int(size), 3), dtype=np.float32)
    y = rng.integers(0, 1000, int(batch))
    run = {"pycnn": ours, "peer": peer}[side](net, work, x, y, int(threads))
    for _ in sys.stdin:
        start = perf_counter()
        run()
        print(perf_counter() - start, flush=True)
    print(peak_bytes(), flush=True)


def ours(net, work, x, y, threads):
    """The training step or prediction of pycnn."""
    import pycnn

    pycnn.set_num_threads(threads)
    model = getattr(pycnn.applications, net)(input_shape=x.shape[1:])
    if work == "inference":
        return lambda: model.predict_on_batch(x)
    model.compile(pycnn.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
    return lambda: model.train_on_batch(x, y)


def peer(net, work, x, y, threads):
    """The same of PyTorch, eager, in channels_last."""
    import torch

    from benchmarks import torch_nets

    torch.set_num_threads(threads)
    options = {"size": x.shape[1]} if net.startswith("VGG") else {}
    model = getattr(torch_nets, net)(**options).to(memory_format=torch.channels_last)
    images, labels = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def predict():
        with torch.inference_mode():
            return model(images).softmax(1).numpy()

    def train():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return train if work == "training" else model.eval() and predict


def peak_bytes():
    """The most memory that this process ever had resident."""
    status = Path("/proc/self/status")  # a child's ru_maxrss begins with its parent's
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
