"""``python -m benchmarks report``: one Markdown file and one chart of the JSON files in a folder."""

import json

from benchmarks.chart import draw
from benchmarks.contest import OURS, UNITS
from benchmarks.timing import geometric_mean

METHOD = """\
Each ratio is time(best peer) / time(pycnn): above 1, pycnn is faster. The contestants take turns in one run, and the
medians of their times are compared, in float32, with the same batch and as many threads, bound to processors. Peers:
PyTorch eager in channels_last, the same through `torch.compile` (layers, networks), and ONNX Runtime (inference); the
fastest one counts.

"Limit" is the share that pycnn reaches of what the machine can do at most: the larger one of operations / measured
rate of multiply-adds in registers, and bytes / measured memory bandwidth, divided by pycnn's time. Where Winograd's
algorithm can run, a quarter of the operations counts. What lies in a cache can exceed 100 %. A gate is the ratio that a
release must reach; **bold** ratios miss theirs, or lie below 1.
Convolutions by Winograd's algorithm are exact to 2e-5 of the largest output, direct ones to 3e-6.
"""
ORDER = ("conv", "random", "shapes", "avx2", "pool", "layers", "lenet", "inference", "training", "memory")


def run(args):
    """Write the report of ``args.results``; return the exit status."""
    folder = args.results
    if folder is None:
        raise SystemExit("--results must be a folder of JSON files. Received: no --results")
    parts = read(folder)
    if not parts:
        raise SystemExit(f"--results must be a folder of JSON files. Received: {folder}, which holds none")
    table, picture = folder.with_name(f"{folder.name}.md"), folder.with_name(f"{folder.name}.png")
    draw(parts, picture)
    table.write_text(markdown(parts, picture.name))
    print(f"wrote {table} and {picture}")
    return 0


def read(folder):
    """The documents of a folder, by name of the part, in the order of the report; limits by the best rates of all."""
    parts = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    for part in parts.values():
        alike = [other["machine"] for other in parts.values() if _rates(other) == _rates(part)]
        flops, bandwidth = (max(machine[key] for machine in alike) * 1e9 for key in ("gflops", "gbytes"))
        for row in part["rows"]:
            if row.get("flops") or row.get("bytes"):
                limit = max(row["flops"] / flops, row["bytes"] / bandwidth)
                row["share_of_limit"] = limit / row["values"][OURS]
    return dict(sorted(parts.items(), key=lambda item: _place(*item)))


def _rates(part):
    return part["threads"], part["isa"]


def _place(name, part):
    kind = name.rsplit("-", 1)[0]
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind, part["threads"])


def markdown(parts, picture):
    """The whole report."""
    lines = ["# pycnn against its peers", "", f"![Ratios of all workloads]({picture})", "", METHOD]
    lines += [*_machine(parts), "", "## Overview", "", *_overview(parts), "", *_behind(parts)]
    for name, part in parts.items():
        lines += ["", f"## {heading(name, part)}", ""]
        lines += [f"{peer} takes no part: {why}.\n" for peer, why in part.get("absent", {}).items()]
        lines += _rows(part["rows"])
    return "\n".join(lines) + "\n"


def heading(name, part):
    """What a part is called."""
    threads = f"{part['threads']} thread{'s' if part['threads'] > 1 else ''}"
    shapes = f", {part['shapes']}" if part["workload"] == "conv" else ""
    return f"{name.rsplit('-', 1)[0]}: {part['workload']}{shapes}, {threads}, {part['isa']}"


def _machine(parts):
    """Machine, versions and date, of all parts."""
    every = list(parts.values())
    dates = sorted({part["date"] for part in every})
    machines = sorted({"{cpu}, {cores} cores, {system}".format(**part["machine"]) for part in every})
    versions = sorted({", ".join(f"{k} {v}" for k, v in part["versions"].items() if v) for part in every})
    rates = {}
    for part in every:
        machine, best = part["machine"], rates.setdefault(_rates(part), [0, 0])
        best[:] = max(best[0], machine["gflops"]), max(best[1], machine["gbytes"])
    lines = [["date", " to ".join(dict.fromkeys([dates[0], dates[-1]]))], ["machine", "; ".join(machines)]]
    lines.append(["versions", "; ".join(versions)])
    for (threads, isa), (gflops, gbytes) in sorted(rates.items()):
        lines.append([f"{isa}, threads: {threads}", f"{gflops:.0f} GFLOP/s in registers, {gbytes:.1f} GB/s to memory"])
    return _table(["measured", "on"], lines)


def _overview(parts):
    lines = []
    for name, part in parts.items():
        rows = [row for row in part["rows"] if row.get("ratio")]
        for which in dict.fromkeys(row["pass"] for row in rows):
            ratios = [row["ratio"] for row in rows if row["pass"] == which]
            gated = [row for row in rows if row["pass"] == which and row["gate"]]
            met = f"{sum(not _missed(row) for row in gated)} of {len(gated)}" if gated else ""
            mean, low = f"{geometric_mean(ratios):.2f}", sum(ratio < 1 for ratio in ratios)
            lines.append([heading(name, part), which, len(ratios), mean, f"{min(ratios):.2f}", met, low or ""])
    return _table(["part", "pass", "rows", "geometric mean", "worst", "gates met", "below 1"], lines)


def _behind(parts):
    """The rows that miss their gate, worst first."""
    missed = [(row, part) for part in parts.values() for row in part["rows"] if row.get("gate") and _missed(row)]
    if not missed:
        return ["All gates are met."]
    lines = [
        [row["name"], row["pass"], part["threads"], f"{row['ratio']:.2f}", f"{row['gate']:g}", row["best"]]
        for row, part in sorted(missed, key=lambda pair: pair[0]["ratio"] / pair[0]["gate"])
    ]
    header = ["row", "pass", "threads", "ratio", "gate", "best peer"]
    return ["Rows that miss their gate, the worst first:", "", *_table(header, lines)]


def _missed(row):
    return round(row["ratio"], 2) < row["gate"]


def _rows(rows):
    """One table; of rows of another kind, whatever they hold."""
    if not rows or "values" not in rows[0]:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        return _table(keys, [[_plain(row.get(key, "")) for key in keys] for row in rows])
    peers = list(dict.fromkeys(name for row in rows for name in (*row["values"], *row["missing"]) if name != OURS))
    header = ["row", "pass", OURS, *peers, "", "ratio", "best peer", "gate", "limit"]
    return _table(header, [_row(row, peers) for row in rows])


def _row(row, peers):
    unit, factor = UNITS[row["unit"]]
    values = [f"{row['values'][OURS] * factor:.3g}"]
    for peer in peers:
        known = row["values"].get(peer)
        values.append(row["missing"].get(peer, "") if known is None else f"{known * factor:.3g}")
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    if ratio and (row["ratio"] < 1 or (row["gate"] and _missed(row))):
        ratio = f"**{ratio}**"
    gate = f"{row['gate']:g}" if row["gate"] else ""
    share = f"{row['share_of_limit']:.0%}" if row["share_of_limit"] else ""
    return [row["name"], row["pass"], *values, unit, ratio, row["best"] or "", gate, share]


def _plain(value):
    return f"{value:.3g}" if isinstance(value, float) else value


def _table(header, lines):
    every = [header, ["---"] * len(header), *lines]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in every]
