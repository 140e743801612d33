"""The arithmetic of the benchmarks is right: medians, ratios, limits, shapes."""

import time

import pytest
from benchmark_modules import arguments, benchmark, limits

import pycnn
from pycnn import layers
from pycnn.backend.geometry import conv_geometry


def test_geometric_mean():
    assert benchmark("timing").geometric_mean([1.0, 4.0]) == pytest.approx(2.0)


def test_contestants_take_turns():
    order = []
    contestants = {name: lambda name=name: (order.append(name), time.sleep(0.005)) for name in "ab"}
    times = benchmark("timing").interleave(contestants, seconds=0, least=3)
    first = ["a"] * 3 + ["b"] * 3  # to find out how long they take
    assert order == ["a", "b", *first, *["a", "b"] * 3]  # one to warm up, those, and three turns
    assert all(0.005 <= seconds < 0.5 for seconds in times.values())


def test_a_short_call_is_repeated_in_its_turn(monkeypatch):
    timing, order, clock = benchmark("timing"), [], iter(range(10**6))
    monkeypatch.setattr(timing, "perf_counter", lambda: next(clock) * 3e-3)  # so long takes each call
    times = timing.interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, seconds=0, least=1)
    assert "".join(order) == "ab" + "aaabbb" + "aaaa" + "bbbb"  # three that count, after one that does not
    assert times == {"a": pytest.approx(3e-3), "b": pytest.approx(3e-3)}


def test_a_slow_first_call_does_not_count(monkeypatch):
    """Such as one that compiles: the turns are as long as the later calls need."""
    timing, clock, ran = benchmark("timing"), [0.0], []
    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])

    def run():
        clock[0] += 3e-3 if len(ran) > 1 else 1.0
        ran.append(clock[0])

    assert timing.interleave({"a": run}, seconds=0, least=1) == {"a": pytest.approx(3e-3)}
    assert len(ran) == 1 + 3 + 4


def test_the_limit_is_the_larger_one_of_arithmetic_and_traffic():
    known = limits(flops=100.0, bandwidth=10.0)
    assert known.at_least(200.0, 10.0) == 2.0
    assert known.at_least(100.0, 50.0) == 5.0


def test_measured_limits_are_positive():
    known = benchmark("limits").Limits()
    assert known.flops > 1e8
    assert known.bandwidth > 1e7


@pytest.mark.parametrize(("size", "stride", "saved"), [(3, 1, 4), (5, 1, 4), (1, 1, 1), (3, 2, 1)])
def test_winograd_saves_three_quarters_of_the_operations(size, stride, saved):
    geometry = conv_geometry((2, 8, 8, 6), (size, size, 6, 10), stride, size // 2)
    side = 8 // stride
    assert benchmark("limits").conv_flops(geometry, 2) == 2 * 2 * side * side * size * size * 6 * 10 / saved


def test_the_least_work_of_a_network():
    model = pycnn.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same"),  # 8*8*9*2*4 = 4608 multiply-adds, by Winograd's algorithm 1152
            layers.Conv2D(3, 1),  # 8*8*4*3 = 768
            layers.DepthwiseConv2D(3),  # 6*6*9*3 = 972
            layers.Flatten(),
            layers.Dense(5),  # 108*5 = 540
        ]
    )
    weights = (9 * 2 * 4 + 4) + (4 * 3 + 3) + (9 * 3 + 3) + (108 * 5 + 5)
    assert benchmark("nets").least_work(model) == (2 * (1152 + 768 + 972 + 540), 4 * weights)


def test_the_best_peer_counts():
    values = {"torch": 3.0, "onnxruntime": 2.5, "pycnn": 2.0}
    row = benchmark("contest").make_row("g", "n", "p", values, limits(10.0, 1.0), (5.0, 1.0), gate=1.2)
    assert (row["best"], row["ratio"], row["share_of_limit"]) == ("onnxruntime", 1.25, 0.5)


def test_a_row_without_a_contest_has_no_ratio():
    row = benchmark("contest").make_row("g", "n", "p", {"torch": 0.0, "pycnn": 0.0}, unit="B", compare=False)
    assert row["best"] is row["ratio"] is row["share_of_limit"] is None


def test_what_cannot_be_compiled_is_said_in_the_row(capsys):
    def fail():
        raise RuntimeError("no compiler\nand much more")

    contestants = {"torch": lambda: time.sleep(2e-3), "torch.compile": fail, "pycnn": lambda: time.sleep(1e-3)}
    args = arguments(peers=["torch", "torch.compile"])
    row = benchmark("contest").contest(args, ("g", "n", "forward"), contestants, flops=1e3)
    assert row["missing"] == {"torch.compile": "RuntimeError: no compiler"}
    assert row["best"] == "torch"
    assert 1 < row["ratio"] < 20
    assert row["share_of_limit"] == pytest.approx(1e3 / 1e9 / row["values"]["pycnn"])
    assert "RuntimeError: no compiler" in capsys.readouterr().out


def test_only_the_peers_asked_for_take_part():
    contestants = {"torch": int, "torch fused": int, "onnxruntime": int, "pycnn": int}
    row = benchmark("contest").contest(arguments(), ("g", "n", "p"), contestants, nbytes=1.0)
    assert set(row["values"]) == {"torch", "torch fused", "pycnn"}


def test_shapes_are_read_with_their_gates(tmp_path):
    conv = benchmark("conv")
    shapes = conv.read_shapes(conv.SHAPES / "conv.txt")
    assert (str(shapes[0]), shapes[0].gates, shapes[0].group) == ("3x3 64->64@56 b1", (1.5, 1.5, 1.5), "3x3, stride 1")
    stem = next(shape for shape in shapes if shape.kernel == 7)
    assert stem.gates == (1.0, None, 1.0)
    path = tmp_path / "shapes.txt"
    path.write_text("# none\n2 9 4 8 3 2 1 2  # no gates\n")
    (shape,) = conv.read_shapes(path)
    assert (str(shape), shape.gates) == ("3x3 s2 g2 4->8@9 b2", (None, None, None))
    assert shape.geometry.output_shape(2) == (2, 5, 5, 8)


def test_random_shapes_follow_their_seed():
    conv = benchmark("conv")
    assert conv.random_shapes(20, 3) == conv.random_shapes(20, 3) != conv.random_shapes(20, 4)
    shapes = conv.random_shapes(300, 0)
    assert all(min(shape.geometry.output_size) > 0 for shape in shapes)  # the geometry checks groups and channels
    assert {shape.channels for shape in shapes} >= {1, 3, 6, 16, 17, 24, 96}
    assert {shape.group for shape in shapes} == {"dense", "depthwise", "grouped", "dilated", "stem"}


@pytest.mark.parametrize(
    ("words", "binds"),
    [("conv --shapes nets", True), ("nets --threads 2", False), ("--threads 2 input", False), ("all", False)],
)
def test_threads_are_bound_but_where_others_would_inherit_it(words, binds):
    assert benchmark("__main__")._binds(words.split()) is binds
