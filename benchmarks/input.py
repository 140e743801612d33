"""How much of its time a training waits for data: LeNet-5 on digits that are changed at random, against a DataLoader.

Both sides turn, zoom, slant and shift each digit anew in each epoch, with one worker that is ahead by some batches:
pycnn's is a thread, PyTorch's a process.
"""

from math import pi
from time import perf_counter

import numpy as np

import pycnn
from benchmarks.contest import OURS, make_row, show
from benchmarks.lenet import our_model, peer_model
from pycnn import layers
from pycnn.data import Dataset

BATCHES = (32, 64, 128)
SAMPLES, EPOCHS = 1344, 4
AHEAD = 4


def run(torch, args):
    """A row for each size of batches: seconds of an epoch, and the part of them that went into waiting for data."""
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, 32, 32, 1), dtype=np.float32)
    y = rng.integers(0, 10, SAMPLES)
    rows = []
    for batch in BATCHES:
        measured = {OURS: ours(x, y, batch)}
        if "torch" in args.peers:
            measured["torch"] = peer(torch, x, y, batch)
        group, name = "Input pipeline", f"LeNet-5 digits b{batch}"
        epochs = {side: seconds for side, (seconds, _) in measured.items()}
        shares = {side: waited / seconds for side, (seconds, waited) in measured.items()}
        rows.append(show(make_row(group, name, "epoch", epochs)))
        rows.append(show(make_row(group, name, "waiting", shares, unit="share", compare=False)))
    return rows


def ours(x, y, batch):
    """Seconds of an epoch, and of waiting in it, but for the first."""
    change = pycnn.Sequential(
        [
            layers.RandomRotation(0.3 / (2 * pi), fill_mode="constant"),
            layers.RandomZoom(0.2, fill_mode="constant"),
            layers.RandomShear(x_factor=0.3, fill_mode="constant"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
        ]
    )
    data = Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(batch)
    data = data.map(lambda x, y: (change(x), y), num_parallel_calls=1).prefetch(AHEAD)
    model = our_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(data, epochs=EPOCHS + 1, verbose=0)
    return sum(history.seconds[1:]) / EPOCHS, sum(history.data_seconds[1:]) / EPOCHS


def peer(torch, x, y, batch):
    """The same with a DataLoader, which makes a batch in one call."""
    functional = torch.nn.functional
    images, labels = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(y)

    class Digits(torch.utils.data.Dataset):
        def __len__(self):
            return len(images)

        def __getitems__(self, chosen):
            chosen = torch.tensor(chosen)
            grid = functional.affine_grid(_random_maps(torch, len(chosen)), (len(chosen), 1, 32, 32), False)
            return functional.grid_sample(images[chosen], grid, align_corners=False), labels[chosen]

    loader = torch.utils.data.DataLoader(
        Digits(), batch, shuffle=True, num_workers=1, prefetch_factor=AHEAD, collate_fn=tuple, persistent_workers=True
    )
    model = peer_model(torch)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    seconds = waited = 0.0
    for epoch in range(EPOCHS + 1):
        if epoch == 1:
            seconds = waited = 0.0
        began = asked = perf_counter()
        batches = iter(loader)
        while (given := next(batches, None)) is not None:
            waited += perf_counter() - asked
            optimizer.zero_grad()
            functional.cross_entropy(model(given[0]), given[1]).backward()
            optimizer.step()
            asked = perf_counter()
        seconds += perf_counter() - began
    return seconds / EPOCHS, waited / EPOCHS


def _random_maps(torch, count):
    """Turn, zoom, slant and shift, as affine_grid wants them: (count, 2, 3)."""
    angle, zoom, slant = (torch.empty(count).uniform_(-bound, bound) for bound in (0.3, 0.2, 0.3))
    linear = torch.stack([angle.cos(), slant - angle.sin(), angle.sin(), angle.cos()], 1).reshape(count, 2, 2)
    shift = torch.empty(count, 2, 1).uniform_(-0.2, 0.2)
    return torch.cat([linear * (1 + zoom)[:, None, None], shift], 2)
