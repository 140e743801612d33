"""A LeNet-5 training step (forward, backward, Adam) and single-image inference, against PyTorch eager."""

import numpy as np

import pycnn
from benchmarks.limits import Limits
from benchmarks.timing import interleave
from pycnn import layers

BATCHES = (32, 128)
MULTIPLY_ADDS = 3 * 416_520  # of forward, input and filter gradients, an image


def our_model():
    """LeNet-5 as in the README."""
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
            layers.Dense(10, activation="softmax"),
        ]
    )


def peer_model(torch):
    """The same in PyTorch."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def run(torch, args):
    """Print one row a workload; return the rows."""
    limits = Limits()
    print(f"{args.threads} thread(s); {limits}; times in ms; ratio = time(PyTorch) / time(pycnn)")
    rows = []
    for batch in BATCHES:
        contest = training_step(torch, batch)
        rows.append(row(f"training step, batch {batch}", contest, args, limits, batch * MULTIPLY_ADDS))
    rows.append(row("inference, batch 1", inference(torch), args, limits, MULTIPLY_ADDS / 3))
    return rows


def row(name, contest, args, limits, multiply_adds):
    """Time one contest, print it, return it."""
    times = interleave(contest, args.seconds * 5, most=2000)
    peer, ours, limit = times["peer"], times["ours"], limits.at_least(2 * multiply_adds, 0)
    print(
        f"{name:<26} peer {peer * 1e3:8.3f}  pycnn {ours * 1e3:8.3f}  "
        f"ratio {peer / ours:5.2f}  limit {limit / ours:4.0%}"
    )
    return {
        "workload": name,
        "peer_ms": peer * 1e3,
        "pycnn_ms": ours * 1e3,
        "ratio": peer / ours,
        "share_of_limit": limit / ours,
    }


def training_step(torch, batch):
    """Both contestants, on the same batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, 32, 32, 1), dtype=np.float32)
    y = rng.integers(0, 10, batch)
    ours = our_model()
    ours.compile("adam", "sparse_categorical_crossentropy")
    peer = peer_model(torch)
    optimizer = torch.optim.Adam(peer.parameters(), 1e-3)
    tx, ty = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y)

    def peer_step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(peer(tx), ty)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"peer": peer_step, "ours": lambda: ours.train_on_batch(x, y)}


def inference(torch):
    """Both contestants, on one image."""
    x = np.random.default_rng(0).standard_normal((1, 32, 32, 1), dtype=np.float32)
    ours, peer = our_model(), peer_model(torch).eval()
    tx = torch.from_numpy(x).permute(0, 3, 1, 2)

    def peer_inference():
        with torch.inference_mode():
            return peer(tx).softmax(1).numpy()

    return {"peer": peer_inference, "ours": lambda: ours.predict_on_batch(x)}
