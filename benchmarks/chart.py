"""The chart of a report: a bar a group of rows, from 1.0 to the geometric mean of its ratios."""

from benchmarks.timing import geometric_mean

SHADES = ("#8fb8de", "#1f5a94")  # on one thread, on all
BEHIND = ("#f0b39b", "#c4512d")
LEAVE_OUT = ("avx2", "shapes")  # their groups are those of conv and random


def groups(parts):
    """A name of each group of rows -> threads -> ratios. Random shapes are one group."""
    found = {}
    for name, part in parts.items():
        kind = name.rsplit("-", 1)[0]
        if kind in LEAVE_OUT:
            continue
        for row in part["rows"]:
            if row.get("ratio"):
                group = "conv: random shapes" if kind == "random" else label(kind, row)
                found.setdefault(group, {}).setdefault(part["threads"], []).append(row["ratio"])
    return found


def label(kind, row):
    """What stands beside the bar; of a convolution its inference is a group of its own."""
    if kind != "conv":
        return row["group"]
    return "conv: inference, batch 1" if row["pass"] == "inference" else f"conv: {row['group']}"


def draw(parts, path):
    """Write the chart as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = groups(parts)
    threads = sorted({count for ratios in found.values() for count in ratios})
    height = 0.8 / max(len(threads), 1)
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.27 * len(found)), layout="constrained")
    for i, ratios in enumerate(found.values()):
        for j, count in enumerate(threads):
            if count not in ratios:
                continue
            mean, low, high = geometric_mean(ratios[count]), min(ratios[count]), max(ratios[count])
            at = i + (j - (len(threads) - 1) / 2) * height
            shade = (SHADES if mean >= 1 else BEHIND)[1 if count == threads[-1] else 0]
            axes.barh(at, mean - 1, height, left=1, color=shade)
            axes.plot([low, high], [at, at], color="#404040", linewidth=0.7)
    axes.set_xscale("log", base=2)
    axes.axvline(1, color="black", linewidth=1)
    ticks = [tick for tick in (0.125, 0.25, 0.5, 1, 2, 4, 8, 16) if _lowest(found) / 1.5 < tick < _highest(found) * 1.5]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.set_yticks(range(len(found)), found)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel("time(best peer) / time(pycnn); line: worst to best row")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    names = [f"{count} thread{'s' if count > 1 else ''}" for count in threads]
    handles = [plt.Rectangle((0, 0), 1, 1, color=SHADES[1 if count == threads[-1] else 0]) for count in threads]
    axes.legend(handles, names, loc="lower right", frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _lowest(found):
    return min(min(ratios) for group in found.values() for ratios in group.values())


def _highest(found):
    return max(max(ratios) for group in found.values() for ratios in group.values())
