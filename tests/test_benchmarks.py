"""The benchmarks run, and their arithmetic is right."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import helpers
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module


def test_shapes_are_read(benchmarks):
    conv = benchmarks("benchmarks.conv")
    shapes = conv.read_shapes(conv.SHAPES / "conv.txt")
    assert str(shapes[0]) == "3x3 64->64@56 b1"
    assert shapes[0].gates == (1.5, 1.5, 1.5)
    assert shapes[-1].group == "depthwise, grouped, dilated"


def test_random_shapes_follow_their_seed(benchmarks):
    conv = benchmarks("benchmarks.conv")
    assert conv.random_shapes(20, 3) == conv.random_shapes(20, 3) != conv.random_shapes(20, 4)
    for shape in conv.random_shapes(200, 0):
        assert shape.channels % shape.groups == 0
        assert shape.filters % shape.groups == 0
        assert shape.filters > 0


def test_geometric_mean(benchmarks):
    assert benchmarks("benchmarks.timing").geometric_mean([1.0, 4.0]) == pytest.approx(2.0)


def test_contestants_take_turns(benchmarks):
    order = []
    contest = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    times = benchmarks("benchmarks.timing").interleave(contest, seconds=0, least=5)
    assert set(times) == {"a", "b"}
    assert order[:4] == ["a", "b"] * 2


@pytest.mark.parametrize(("workload", "count"), [("conv", 4), ("lenet", 3), ("nets", 2)])
def test_a_workload_runs(workload, count, tmp_path):
    helpers.peer("torch")
    shapes = tmp_path / "shapes.txt"
    shapes.write_text("1 8 4 4 3 1 1 1  # small\n")
    target = tmp_path / "rows.json"
    options = ["--nets", "MobileNet", "--size", "32", "--turns", "1", "--peers", "torch"]
    options += ["--threads", "1", "--seconds", "0.01", "--json", str(target), "--shapes", str(shapes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", workload, *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    rows = json.loads(target.read_text())["rows"]
    assert len(rows) == count
    assert all(row["ratio"] > 0 and row["share_of_limit"] > 0 for row in rows)
