"""The benchmark of GPUs: it says what is missing, and its sides do the same work, here on the emulated device."""

import sys
from types import SimpleNamespace

import helpers
import numpy as np
import pytest
from benchmark_modules import arguments, benchmark
from cuda_emulator import backend as cuda_emulated

from pycnn.backend.registry import why_unavailable

SMALL = {
    "CALLS": 1,
    "CONVS": ((1, 5, 4, 6, 3, 2),),
    "MAPS": ((1, 6, 3),),
    "BATCHES": (2,),
}
SMALL_REGIONS = {
    "REGIONS": ((2, 6, 7, 3, 4, 2),),
    "OVERLAPS": ((3, 5),),
    "BOXES": {70: 1.5, 90: 5.0},
    "MOST_PAIRED": 70,
}


@pytest.fixture
def small(monkeypatch):
    cuda = benchmark("cuda")
    for name, value in SMALL.items():
        monkeypatch.setattr(cuda, name, value)
    for name, value in SMALL_REGIONS.items():
        monkeypatch.setattr(benchmark("cuda_regions"), name, value)
    return cuda


@pytest.mark.skipif(why_unavailable("cuda") is None, reason="there is a GPU")
def test_without_a_gpu_it_is_skipped_with_a_word(capsys):
    assert benchmark("cuda").run(helpers.peer("torch"), arguments()) == []
    assert capsys.readouterr().out.startswith("cuda is skipped: ")


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
def test_both_sides_agree(backend, small, monkeypatch):
    torch, pairs = helpers.peer("torch"), []

    def run(self, row, gate, torch, pycnn):
        pairs.append((row, torch(), pycnn()))

    monkeypatch.setattr(small.Contests, "contest", run)
    contests = small.Contests(torch, arguments(), "cpu", lambda: None)
    contests.all()
    assert len(pairs) == 3 * 3 + 2 * (4 + 4) + 2 * 2 + 1 + 4 + 1
    for (_, _, which), theirs, ours in pairs[:-1]:  # of the last one nothing is returned
        if isinstance(theirs, tuple):
            theirs = next(t for t in theirs if t is not None)
        ours = backend.to_numpy(ours[0] if isinstance(ours, tuple) else ours)
        if theirs.ndim == 4:
            theirs = theirs.permute((2, 3, 1, 0) if which == "filter_grad" else (0, 2, 3, 1))
        if which == "nms":
            ours = ours[ours >= 0]
            assert 0 < len(ours) <= 70
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-3, atol=1e-2)  # TF32, and float16


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
def test_rows(backend, small, monkeypatch):
    monkeypatch.setattr(benchmark("contest"), "interleave", lambda able, *rest, **more: dict.fromkeys(able, 1.0))
    rows = small.Contests(helpers.peer("torch"), arguments(), "cpu", lambda: None).all()
    assert [row["gate"] for row in rows] == [0.5] * 3 + [1.0] * 3 + [0.5] * 3 + [1.0] * 21 + [1.5] * 4 + [3.0]
    assert {row["ratio"] for row in rows} == {1.0}


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
def test_torchvision_takes_part_where_it_is(backend, small, monkeypatch, capsys):
    torch, sides = helpers.peer("torch"), []
    kept = SimpleNamespace(nms=lambda boxes, scores, threshold: torch.zeros(1))
    regions = benchmark("cuda_regions")
    monkeypatch.setattr(regions, "find_spec", lambda name: None)
    contests = small.Contests(torch, arguments(), "cpu", lambda: None)
    assert regions.suppression(contests, 90, "uniform") == []
    assert capsys.readouterr().out == "suppression of 90 boxes is skipped: torchvision is not installed\n"
    monkeypatch.setattr(regions, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(ops=kept))
    monkeypatch.setitem(sys.modules, "torchvision.ops", kept)
    monkeypatch.setattr(small.Contests, "contest", lambda self, row, gate, **given: sides.append((gate, set(given))))
    for count in (70, 90):
        regions.suppression(contests, count, "uniform")
    assert sides == [(1.5, {"torch", "torchvision", "pycnn"}), (5.0, {"torchvision", "pycnn"})]
