"""Layered drawing of directed graphs without cycles: which row and which place each box gets.

Sugiyama, Tagawa & Toda, Methods for visual understanding of hierarchical system structures, 1981: rows by the
longest way from the sources; edges over several rows get a bend in each; the order in a row by the mean place of the
neighbours; then places as near to the neighbours as the widths allow.
"""

import itertools

_SWEEPS = 12
_BEND = 0.12
"""Width of the bend of an edge, where a row has boxes beside it."""


class Layout:
    """Places of boxes: ``rows[i]`` and ``centres[i]`` of box i, ``paths[k]`` the (row, place) points of edge k.

    Parameters
    ----------
    widths : list of float
        Of the boxes.
    edges : list of (int, int)
        From a box to a box.
    gap : float
        Least space between boxes of a row.
    """

    def __init__(self, widths, edges, gap):
        count = len(widths)
        self.rows = _rows(count, edges)
        chains = []  # of each edge: its box, its bends, its box
        sizes, rows = list(widths), list(self.rows)
        for start, end in edges:
            chain = [start]
            for row in range(self.rows[start] + 1, self.rows[end]):
                chain.append(len(sizes))
                sizes.append(_BEND)
                rows.append(row)
            chains.append([*chain, end])
        up, down = [[] for _ in sizes], [[] for _ in sizes]
        for chain in chains:
            for a, b in itertools.pairwise(chain):
                down[a].append(b)
                up[b].append(a)
        levels = [[i for i, row in enumerate(rows) if row == r] for r in range(max(rows, default=-1) + 1)]
        _sort(levels, up, down)
        centres = _place(levels, up, down, sizes, gap, count)
        self.centres = centres[:count]
        self.paths = [[(rows[i], centres[i]) for i in chain] for chain in chains]
        self.width = max((centres[i] + size / 2 for i, size in enumerate(sizes)), default=0.0)


def _rows(count, edges):
    """The longest way to each box from a source; sources stand right above what they lead to."""
    rows = [0] * count
    for _ in range(count):
        changed = False
        for start, end in edges:
            if rows[end] < rows[start] + 1:
                rows[end], changed = rows[start] + 1, True
        if not changed:
            break
    targets = {end for _, end in edges}
    for source in range(count):
        below = [rows[end] for start, end in edges if start == source]
        if source not in targets and below:
            rows[source] = min(below) - 1
    return rows


def _sort(levels, up, down):
    """Sort rows by the mean place of the neighbours above and below, in turns; keep the order of least crossings."""
    best, fewest = [list(level) for level in levels], _crossings(levels, down)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        neighbours = up if downwards else down
        for level, beside in zip(levels, [[], *levels[:-1]] if downwards else [*levels[1:], []], strict=True):
            place = {i: n for n, i in enumerate(beside)}
            own = {i: n for n, i in enumerate(level)}
            mean = {i: _mean([place[j] for j in neighbours[i] if j in place], own[i]) for i in level}
            level.sort(key=lambda i: (mean[i], own[i]))
        crossings = _crossings(levels, down)
        if crossings < fewest:
            best, fewest = [list(level) for level in levels], crossings
    for level, order in zip(levels, best, strict=True):
        level[:] = order


def _crossings(levels, down):
    total = 0
    for upper, lower in itertools.pairwise(levels):
        place = {i: n for n, i in enumerate(lower)}
        ends = [sorted(place[j] for j in down[i]) for i in upper]
        total += sum(a > b for n, first in enumerate(ends) for second in ends[n + 1 :] for a in first for b in second)
    return total


def _place(levels, up, down, sizes, gap, count):
    """Centres of all: near to the mean of the neighbours, without overlap; bends pull most, for straight edges."""
    centres = [0.0] * len(sizes)
    for level in levels:
        x = 0.0
        for i in level:
            centres[i] = x + sizes[i] / 2
            x += sizes[i] + gap
    for sweep in range(10 * _SWEEPS):
        downwards = sweep % 2 == 0
        for level in levels if downwards else reversed(levels):
            sides = (up, down) if sweep >= _SWEEPS else (up if downwards else down,)
            wanted = [_mean([centres[j] for side in sides for j in side[i]], centres[i]) for i in level]
            weights = [4.0 if i >= count else 1.0 for i in level]
            for i, x in zip(level, _spread(level, wanted, weights, sizes, gap), strict=True):
                centres[i] = x
    left = min((centres[i] - sizes[i] / 2 for i in range(len(sizes))), default=0.0)
    return [x - left for x in centres]


def _spread(level, wanted, weights, sizes, gap):
    """The places nearest to ``wanted``, by least squares, that keep order and distance: pooled neighbours."""
    offsets, x = [], 0.0
    for n, i in enumerate(level):
        x += (sizes[level[n - 1]] + sizes[i]) / 2 + gap if n else 0.0
        offsets.append(x)
    pools = []  # [sum of weights, weighted mean, members]
    for target, offset, weight in zip(wanted, offsets, weights, strict=True):
        pools.append([weight, target - offset, 1])
        while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
            weight_b, mean_b, members_b = pools.pop()
            weight_a, mean_a, members_a = pools.pop()
            total = weight_a + weight_b
            pools.append([total, (weight_a * mean_a + weight_b * mean_b) / total, members_a + members_b])
    starts = [mean for _, mean, members in pools for _ in range(members)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _mean(values, otherwise):
    return sum(values) / len(values) if values else otherwise
