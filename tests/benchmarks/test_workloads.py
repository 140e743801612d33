"""Every workload runs, in a tiny form, and its contestants do the same work."""

import json
import os
import shutil
import subprocess
import sys

import helpers
import numpy as np
import pytest
from benchmark_modules import ROOT, arguments, benchmark

from pycnn.backend.geometry import pool_geometry


def check(rows, count):
    assert len(rows) == count
    assert all(row["ratio"] > 0 for row in rows)


def test_the_command_line(tmp_path):
    """With an instruction set, which needs a process of its own, and files of shapes and rows."""
    helpers.peer("torch")
    shapes = tmp_path / "shapes.txt"
    shapes.write_text("1 8 4 4 3 1 1 1  # small\n")
    target = tmp_path / "rows.json"
    options = ["--isa", "base", "--threads", "1", "--seconds", "0.001", "--json", str(target), "--shapes", str(shapes)]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "conv", *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(target.read_text())
    check(document["rows"], 4)
    assert (document["isa"], document["threads"], document["workload"]) == ("base", 1, "conv")
    assert list(document["absent"]) == ["onnxruntime"]
    assert "forward: 1 rows, geometric mean" in result.stdout


def test_pool(monkeypatch):
    pool = benchmark("pool")
    monkeypatch.setattr(pool, "SHAPES", ((1, 8, 4, 3, 2, 1), (1, 8, 4, 2, 2, 0)))
    rows = pool.run(helpers.peer("torch"), arguments())
    check(rows, 8)
    assert [row["gate"] for row in rows[:4]] == [2.0, 3.0, None, None]


def test_recurrent(monkeypatch):
    recurrent = benchmark("recurrent")
    monkeypatch.setattr(recurrent, "SHAPES", ((4, 3, 2, 5, 1.0),))
    rows = recurrent.run(helpers.peer("torch"), arguments())
    check(rows, 2)
    assert [row["gate"] for row in rows] == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["max_pooling", "average_pooling"])
def test_both_sides_of_pooling_agree(kind):
    torch = helpers.peer("torch")
    x, geometry = helpers.normal((2, 9, 9, 4), np.float32), pool_geometry((2, 9, 9, 4), 3, 2, 1)
    gy = helpers.normal(geometry.output_shape(2, 4), np.float32, seed=1)
    _, passes = getattr(benchmark("pool"), kind)(torch, x, gy, geometry)
    for (peer, tensors), ours in passes.values():
        expected, actual = peer(*tensors), ours()
        expected, actual = (value[0] if type(value) is tuple else value for value in (expected, actual))
        helpers.assert_close(actual, expected.permute(0, 2, 3, 1).numpy())


def test_layers(monkeypatch):
    layers, normal = benchmark("layers"), benchmark("layers").normal

    def small(rng, *shape):
        return normal(rng, *{1: (4,), 2: shape}.get(len(shape), (shape[0], 7, 7, shape[-1])))

    monkeypatch.setattr(layers, "normal", small)
    check(layers.run(helpers.peer("torch"), arguments()), 21)


def test_both_sides_of_layers_agree(monkeypatch):
    """In the rotation, whose grid PyTorch has in float32, and in resizing."""
    torch, layers, pairs = helpers.peer("torch"), benchmark("layers"), []
    monkeypatch.setattr(layers, "forward", lambda torch, args, row, ours, peer, **rest: pairs.append((ours(), peer())))
    monkeypatch.setattr(layers, "random_changes", lambda torch, args, x: [])
    layers.augmentation(torch, arguments(), np.random.default_rng(0))

    def apply(torch, args, row, ours, peer, x, gy, **rest):
        pairs.append((ours(x), peer(torch.from_numpy(x).permute(0, 3, 1, 2))))

    monkeypatch.setattr(layers, "training", apply)
    layers.resizing(torch, arguments(), np.random.default_rng(0))
    assert len(pairs) == 3
    for ours, peer in pairs:
        helpers.assert_close(ours.numpy(), peer.permute(0, 2, 3, 1).numpy(), tolerance=5e-4)


def test_lenet():
    rows = benchmark("lenet").run(helpers.peer("torch"), arguments())
    check(rows, 3)
    assert [row["gate"] for row in rows] == [3.0, 3.0, 4.0]


def test_nets():
    check(benchmark("nets").run(helpers.peer("torch"), arguments()), 1)


def test_memory(monkeypatch):
    memory = benchmark("memory")
    monkeypatch.setattr(memory, "GROWING", ("MobileNet",))
    monkeypatch.setattr(memory, "ROUNDS", 2)
    peak, growth = memory.run(helpers.peer("torch"), arguments(size=64))
    assert peak["ratio"] > 0
    assert peak["values"]["pycnn"] > 4.2e6 * 4 * 3  # weights, gradients, momenta
    assert growth["ratio"] is None
    assert growth["values"]["pycnn"] < 2**20


def test_tune(monkeypatch):
    tune = benchmark("tune")
    monkeypatch.setattr(tune, "MAPS", [(7, 1, 1), (9, 2, 4)])
    monkeypatch.setattr(tune, "CHANNELS", ((8, 16),))
    rows = tune.run(None, arguments())
    shapes = ["3x3 8->16@7 b1", "3x3 d4 8->16@9 b2", "5x5 8->16@7 b1", "5x5 d4 8->16@9 b2"]
    assert [row["shape"] for row in rows] == shapes
    assert all(ratio > 0 for row in rows for ratio, _ in row["forward"].values())


def test_onnx_runtime_computes_the_same():
    torch, _, _ = helpers.peer("torch"), helpers.peer("onnx"), helpers.peer("onnxruntime")
    module, x = torch.nn.Conv2d(3, 4, 3, stride=2), torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        infer = benchmark("peers").onnx_inference(torch, module, x, 1)
        helpers.assert_close(infer(), module(x).numpy())


def test_a_side_that_fails_is_named(capfd):
    duel = benchmark("duel")
    with pytest.raises(RuntimeError, match="the side 'pycnn' ended early"):
        duel.duel(("pycnn",), "NoSuchNet", "inference", 1, 32, 1, 1)
    assert "NoSuchNet" in capfd.readouterr().err


def test_input(monkeypatch):
    module = benchmark("input")
    for name, value in {"BATCHES": (8,), "SAMPLES": 24, "EPOCHS": 1}.items():
        monkeypatch.setattr(module, name, value)
    epoch, waiting = module.run(helpers.peer("torch"), arguments())
    assert epoch["ratio"] > 0
    assert waiting["ratio"] is None
    assert all(0 < share < 1 for share in waiting["values"].values())


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the peer is compiled by gcc")
def test_nms(monkeypatch):
    nms = benchmark("nms")
    monkeypatch.setattr(nms, "GATES", {40: 1.0})
    check(nms.run(helpers.peer("torch"), arguments()), 4)
    for scene in nms.SCENES.values():
        boxes, scores = nms.with_scores(scene(np.random.default_rng(3), 700))
        ours = nms.cpu.nms(boxes, scores, nms.THRESHOLD)
        theirs = nms.in_c(boxes, scores, nms.THRESHOLD)
        np.testing.assert_array_equal(ours[: len(theirs)], theirs)
        assert (ours[len(theirs) :] == -1).all()


def test_detection_metrics(monkeypatch):
    helpers.peer("pycocotools")
    workload = benchmark("detection_metrics")
    monkeypatch.setattr(workload, "SETS", {"small": (20, 3, 4, 10)})
    check(workload.run(helpers.peer("torch"), arguments()), 1)
    ours, theirs = workload.contestants(*workload.data(20, 3, 4, 10), 3)
    np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-9)
    assert 0.01 < ours()[0] < 0.9
