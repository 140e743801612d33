"""One row of a table: the contestants are timed, the best peer found, the ratio and the share of the limit taken."""

from benchmarks.timing import geometric_mean, interleave, pauses

OURS = "pycnn"
UNITS = {"s": ("ms", 1e3), "B": ("MiB", 2**-20), "share": ("%", 1e2)}
"""Seconds, bytes and parts of a whole, as they are printed."""


def contest(args, row, contestants, *, flops=0, nbytes=0, gate=None, seconds=None):
    """Time the contestants, print and return the row.

    Parameters
    ----------
    args : namespace
        ``threads``, ``seconds``, ``limits`` and ``peers`` of the command line.
    row : tuple of three str
        The group of similar rows, the name of this one, the pass.
    contestants : dict of name -> function without arguments
        ``"pycnn"`` is one. What ``torch.compile`` cannot compile is said in the row.
    flops, nbytes : float
        The least arithmetic and traffic, for the limit.
    gate : float, optional
        The ratio that a release must reach.
    seconds : float, optional
        About how long to time, instead of ``args.seconds``.
    """
    asked = (OURS, *args.peers)  # "torch fused" is a way of "torch"
    able = {name: run for name, run in contestants.items() if name.split()[0] in asked}
    missing = {}
    if "torch.compile" in able:
        why = _failure(able["torch.compile"])
        if why:
            missing["torch.compile"] = why
            del able["torch.compile"]
    times = interleave(able, seconds or args.seconds, pause=pauses(able, args.threads))
    return show(make_row(*row, times, args.limits, (flops, nbytes), gate, missing))


def _failure(run):
    """What goes wrong when the peer compiles at its first call, in a line; or None."""
    try:
        run()
    except Exception as error:  # of any kind: it is reported in the table
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80]}" if str(error) else repr(error)
    return None


def make_row(group, name, which, values, limits=None, work=(0, 0), gate=None, missing=None, unit="s", compare=True):
    """The row of one contest: ``values`` are the seconds or bytes of each, ``work`` the least flops and bytes."""
    ours, peers = values[OURS], {name: value for name, value in values.items() if name != OURS}
    best = min(peers, key=peers.get) if peers and compare else None
    return {
        "group": group,
        "name": name,
        "pass": which,
        "unit": unit,
        "values": values,
        "missing": missing or {},
        "best": best,
        "ratio": peers[best] / ours if best else None,
        "gate": gate,
        "flops": work[0],
        "bytes": work[1],
        "share_of_limit": limits.at_least(*work) / ours if limits else None,
    }


def show(row):
    """Print the row in a line, and return it."""
    unit, factor = UNITS[row["unit"]]
    values = "  ".join(f"{name} {value * factor:.3f}" for name, value in row["values"].items())
    ratio = "" if row["ratio"] is None else f"  ratio {row['ratio']:.2f} ({row['best']})"
    gate = f"  gate {row['gate']:g}{'' if row['ratio'] >= row['gate'] else ' MISSED'}" if row["gate"] else ""
    share = f"  limit {row['share_of_limit']:.0%}" if row["share_of_limit"] else ""
    missing = "".join(f"  {name}: {why}" for name, why in row["missing"].items())
    print(f"{row['name']:<34} {row['pass']:<11} {unit}: {values}{ratio}{gate}{share}{missing}", flush=True)
    return row


def summary(rows):
    """Of each pass with a ratio: (name of the pass, number of rows, geometric mean, worst)."""
    ratios = {}
    for row in rows:
        if row.get("ratio"):
            ratios.setdefault(row["pass"], []).append(row["ratio"])
    return [(which, len(r), geometric_mean(r), min(r)) for which, r in ratios.items()]
