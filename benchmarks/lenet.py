"""A LeNet-5 training step (forward, backward, Adam) and single-image inference, against the peers."""

import numpy as np

import pycnn
from benchmarks.contest import contest
from benchmarks.peers import channels_first, compiled, onnx_inference
from pycnn import layers

BATCHES = (32, 128)
MULTIPLY_ADDS = 3 * 416_520  # of forward, input and filter gradients, an image
GATES = {"training": 3.0, "inference": 4.0}


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
    """The rows of the training steps and of inference."""
    rows = []
    for batch in BATCHES:
        flops = 2 * batch * MULTIPLY_ADDS
        row = ("LeNet-5 training", f"LeNet-5 step b{batch}", "training")
        rows.append(_contest(args, row, training_step(torch, batch), flops))
    row = ("LeNet-5 inference", "LeNet-5 b1", "inference")
    return [*rows, _contest(args, row, inference(torch, args), 2 * MULTIPLY_ADDS / 3)]


def _contest(args, row, contestants, flops):
    return contest(args, row, contestants, flops=flops, gate=GATES[row[-1]], seconds=args.seconds * 5)


def training_step(torch, batch):
    """The contestants, on the same batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, 32, 32, 1), dtype=np.float32)
    y = rng.integers(0, 10, batch)
    ours = our_model()
    ours.compile("adam", "sparse_categorical_crossentropy")
    tx, ty = channels_first(torch, x), torch.from_numpy(y)

    def peer_step(compile_it):
        model = peer_model(torch)
        call = compiled(torch, model) if compile_it else model
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=compile_it)

        def step():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(call(tx), ty)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return {
        "torch": peer_step(False),
        "torch.compile": peer_step(True),
        "pycnn": lambda: ours.train_on_batch(x, y),
    }


def inference(torch, args):
    """The contestants, on one image."""
    x = np.random.default_rng(0).standard_normal((1, 32, 32, 1), dtype=np.float32)
    ours, peer = our_model(), peer_model(torch).eval()
    tx = channels_first(torch, x)

    def peer_inference(model):
        def infer():
            with torch.inference_mode():
                return model(tx).softmax(1).numpy()

        return infer

    contestants = {
        "torch": peer_inference(peer),
        "torch.compile": peer_inference(compiled(torch, peer)),
        "pycnn": lambda: ours.predict_on_batch(x),
    }
    if "onnxruntime" in args.peers:
        whole = torch.nn.Sequential(peer, torch.nn.Softmax(1))
        contestants["onnxruntime"] = onnx_inference(torch, whole, tx, args.threads)
    return contestants
