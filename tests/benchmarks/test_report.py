"""The report says what the JSON files hold."""

import json

import pytest
from benchmark_modules import arguments, benchmark, limits

MACHINE = {"cpu": "A CPU", "cores": 2, "system": "Linux x86_64", "gflops": 100.0, "gbytes": 10.0}


def document(rows, workload="conv", threads=1, gflops=100.0):
    return {
        "workload": workload,
        "threads": threads,
        "isa": "avx2",
        "shapes": "conv",
        "date": "2030-01-02",
        "versions": {"pycnn": "1.0", "torch": "2.0", "onnxruntime": None},
        "absent": {},
        "machine": {**MACHINE, "gflops": gflops},
        "rows": rows,
    }


def row(name, ours, torch, onnx=None, gate=None, flops=0.0, **more):
    values = {"pycnn": ours, "torch": torch, **({"onnxruntime": onnx} if onnx else {})}
    return benchmark("contest").make_row("a group", name, "forward", values, limits(), (flops, 0), gate, **more)


@pytest.fixture
def folder(tmp_path):
    """Two rows with ratios of 4 and 1, on a machine that later ran at 200 GFLOP/s; and growth, without ratios."""
    place = tmp_path / "machine"
    place.mkdir()
    rows = [
        row("first", 1e-3, 8e-3, onnx=4e-3, gate=1.5, flops=5e7),
        row("second", 2e-3, 2e-3, gate=1.5, missing={"torch.compile": "compiles for more than 3 s"}),
    ]
    growth = benchmark("contest").make_row("g", "net", "growth", {"pycnn": 2**20, "torch": 0}, unit="B", compare=False)
    for name, content in {
        "conv-1": document(rows),
        "lenet-1": document([row("third", 2e-3, 1e-3)], "lenet", gflops=200.0),
        "memory-2": document([growth], "memory", threads=2),
        "input-2": document([{"case": "digits", "waiting": 0.03125}], "input", threads=2),
    }.items():
        (place / f"{name}.json").write_text(json.dumps(content))
    return place


def test_the_report_holds_the_numbers(folder):
    assert benchmark("report").run(arguments(results=folder)) == 0
    text = folder.with_name("machine.md").read_text().splitlines()
    assert "| machine | A CPU, 2 cores, Linux x86_64 |" in text
    assert "| date | 2030-01-02 |" in text
    assert "| versions | pycnn 1.0, torch 2.0 |" in text
    assert "| avx2, threads: 1 | 200 GFLOP/s in registers, 10.0 GB/s to memory |" in text
    assert "| conv: conv, conv, 1 thread, avx2 | forward | 2 | 2.00 | 1.00 | 1 of 2 |  |" in text
    assert "| lenet: lenet, 1 thread, avx2 | forward | 1 | 0.50 | 0.50 |  | 1 |" in text
    assert "| second | forward | 1 | 1.00 | 1.5 | torch |" in text  # of the rows that miss their gate
    assert "| first | forward | 1 | 8 | 4 |  | ms | 4.00 | onnxruntime | 1.5 | 25% |" in text  # 5e7 / 200e9 / 1e-3
    assert "| second | forward | 2 | 2 |  | compiles for more than 3 s | ms | **1.00** | torch | 1.5 |  |" in text
    assert "| third | forward | 2 | 1 | ms | **0.50** | torch |  |  |" in text
    assert "| net | growth | 1 | 0 | MiB |  |  |  |  |" in text
    assert "| digits | 0.0312 |" in text
    assert text.index("## conv: conv, conv, 1 thread, avx2") < text.index("## lenet: lenet, 1 thread, avx2")
    assert folder.with_name("machine.png").read_bytes().startswith(b"\x89PNG")


def test_the_chart_shows_groups(folder):
    report, chart = benchmark("report"), benchmark("chart")
    assert chart.groups(report.read(folder)) == {"conv: a group": {1: [4.0, 1.0]}, "a group": {1: [0.5]}}


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds none"):
        benchmark("report").run(arguments(results=tmp_path))


def test_the_suite_runs_the_parts_asked_for(tmp_path, monkeypatch):
    suite, commands = benchmark("suite"), []

    def pretend(command):
        commands.append([str(word) for word in command])
        place = command[command.index("--json") + 1]
        with open(place, "w") as file:
            json.dump(document([row("first", 1e-3, 2e-3)]), file)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(suite.subprocess, "run", pretend)
    args = arguments(results=tmp_path / "here", parts=["random-1"], seconds=1.0)
    assert suite.run(args) == 0
    (command,) = commands
    assert command[1:9] == ["-m", "benchmarks", "conv", "--random", "40", "--seed", "1", "--threads"]
    assert command[command.index("--seconds") + 1] == "0.3"
    assert (tmp_path / "here.md").exists()
    with pytest.raises(SystemExit, match="Received: conv-99"):
        suite.run(arguments(results=tmp_path / "here", parts=["conv-99"]))


def test_the_folder_is_named_after_the_processor():
    assert benchmark("machine").slug("Intel Xeon Processor @ 2.50GHz", 2) == "intel-xeon-2.50ghz-2-cores"
