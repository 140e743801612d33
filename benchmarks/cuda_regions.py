"""On a GPU: regions of maps, overlaps of boxes and suppression, against the same put together of PyTorch's operations.

PyTorch has none of these itself: they belong to torchvision, which has no build for each PyTorch. RoI max pooling is
``adaptive_max_pool2d`` of each region, whose bins are the same; RoI align is ``grid_sample`` at all sample points of an
image, and a mean; suppression repeats one step on the matrix of overlaps until nothing changes (Zheng et al. 2021,
Cluster-NMS), which ends in what the greedy one keeps. Where torchvision is installed its suppression takes part, alone
for so many boxes that the matrix does not fit.
"""

from importlib.util import find_spec

import numpy as np

from benchmarks.nms import SCENES, THRESHOLD, with_scores
from benchmarks.roi import SCALE, boxes
from pycnn.backend.roi_geometry import roi_geometry

REGIONS = ((1, 38, 63, 512, 128, 7), (2, 38, 63, 512, 300, 7), (16, 14, 14, 64, 512, 7))
"""Images, height, width, channels, regions, bins; a pixel of the map is 16 of the image."""
SAMPLES = 2  # of RoI align, in each bin and direction
OVERLAPS = ((20, 21546), (2000, 100))  # objects and anchors, proposals and objects
BOXES = {1000: 1.0, 6000: 1.0, 10_000: 2.0, 100_000: 5.0}
"""Before suppression -> the ratio to reach; 6000 is Faster R-CNN's number."""
MOST_PAIRED = 10_000  # boxes whose overlaps with each other are one matrix
GATE = 1.0


def rows(contests):
    """The rows of all shapes, of a ``cuda.Contests``."""
    found = [row for shape in REGIONS for kind in (max_pooling, align) for row in kind(contests, *shape)]
    found += [overlaps(contests, *counts) for counts in OVERLAPS]
    return found + [row for count in BOXES for scene in SCENES for row in suppression(contests, count, scene)]


def _problem(contests, images, height, width, channels, regions, bins):
    """Geometry, x and gy of both sides, and regions whose last pixel lies in the map, of the host and of ours."""
    geometry = roi_geometry((images, height, width, channels), bins, SCALE, SAMPLES)
    rois = boxes(np.random.default_rng(0), images, (height - 1) / SCALE, (width - 1) / SCALE, regions)
    maps, grads = (
        contests.both(*shape, seed=seed)
        for seed, shape in enumerate((geometry.input_shape(channels), geometry.output_shape(regions, channels)))
    )
    return geometry, maps, grads, rois, contests.backend.asarray(rois)


def _both_passes(contests, kind, shape, x, gy, theirs, ours):
    """The rows of a function of PyTorch's, and of ours: (forward, backward)."""
    torch, x = contests.torch, x.detach().requires_grad_()
    with torch.enable_grad():
        y = theirs(x)
    images, height, width, channels, regions, bins = shape
    name = f"{kind} {bins}x{bins} {regions} of {channels}@{height}x{width} b{images}"
    sides = {
        "forward": (lambda: theirs(x), ours[0]),
        "backward": (lambda: torch.autograd.grad(y, x, gy, retain_graph=True), ours[1]),
    }
    return [contests.contest((kind, name, which), GATE, torch=t, pycnn=p) for which, (t, p) in sides.items()]


def max_pooling(contests, *shape):
    """Both passes of RoI max pooling."""
    geometry, (x, tx), (gy, tgy), rois, ours = _problem(contests, *shape)
    torch, backend = contests.torch, contests.backend
    left, top, right, bottom = np.floor(rois[:, 1:] * SCALE + 0.5).astype(int).T
    places = list(zip(rois[:, 0].astype(int), top, bottom + 1, left, right + 1, strict=True))

    def pool(maps):
        parts = [
            torch.nn.functional.adaptive_max_pool2d(maps[i, :, y1:y2, x1:x2], geometry.output_size)
            for i, y1, y2, x1, x2 in places
        ]
        return torch.stack(parts)

    index = backend.roi_pool_forward(x, ours, geometry)[1]
    passes = (
        lambda: backend.roi_pool_forward(x, ours, geometry),
        lambda: backend.roi_pool_input_grad(gy, ours, index, geometry),
    )
    return _both_passes(contests, "RoI max pooling", shape, tx, tgy, pool, passes)


def align(contests, *shape):
    """Both passes of RoI align."""
    geometry, (x, tx), (gy, tgy), rois, ours = _problem(contests, *shape)
    torch, backend = contests.torch, contests.backend
    (height, width), (bins, _) = geometry.input_size, geometry.output_size
    steps = (torch.arange(bins * SAMPLES, dtype=torch.float32, device=contests.device) + 0.5) / (bins * SAMPLES)
    corners = torch.from_numpy(rois[:, 1:] * SCALE).to(contests.device)
    order = np.argsort(rois[:, 0], kind="stable")
    back = torch.from_numpy(np.argsort(order)).to(contests.device)
    images = [torch.from_numpy(np.flatnonzero(rois[:, 0] == i)).to(contests.device) for i in range(shape[0])]

    def of_image(maps, mine):
        x1, y1, x2, y2 = corners[mine].T[:, :, None]
        across, down = (2 * (x1 + (x2 - x1) * steps) / width - 1), (2 * (y1 + (y2 - y1) * steps) / height - 1)
        grid = torch.stack(torch.broadcast_tensors(across[:, None], down[:, :, None]), -1)
        grid = grid.reshape(1, -1, bins * SAMPLES, 2)
        found = torch.nn.functional.grid_sample(maps[None], grid, padding_mode="border", align_corners=False)
        return torch.nn.functional.avg_pool2d(found, SAMPLES).unflatten(2, (-1, bins))[0].transpose(0, 1)

    def pool(maps):
        return torch.cat([of_image(maps[i], mine) for i, mine in enumerate(images)])[back]

    passes = (
        lambda: backend.roi_align_forward(x, ours, geometry),
        lambda: backend.roi_align_input_grad(gy, ours, geometry),
    )
    return _both_passes(contests, "RoI align", shape, tx, tgy, pool, passes)


def _overlaps(torch, a, b):
    """IoU of each pair, as in ``box_iou``."""
    a, b = a[:, None], b[None]
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    common = sides[..., 0] * sides[..., 1]
    return common / (areas[0] + areas[1] - common)


def overlaps(contests, first, second):
    """The overlaps of so many boxes with so many others."""
    backend, torch = contests.backend, contests.torch
    a, b = (SCENES["uniform"](np.random.default_rng(i), n).astype(np.float32) for i, n in enumerate((first, second)))
    (ours, theirs), (ours_b, theirs_b) = (
        (backend.asarray(values), torch.from_numpy(values).to(contests.device)) for values in (a, b)
    )
    return contests.contest(
        ("box_iou", f"box_iou {first} x {second}", "forward"),
        GATE,
        torch=lambda: _overlaps(torch, theirs, theirs_b),
        pycnn=lambda: backend.box_iou(ours, ours_b),
    )


def suppression(contests, count, scene):
    """The row of which of so many boxes are kept, or none with a word of what is missing."""
    backend, torch = contests.backend, contests.torch
    arrays = with_scores(SCENES[scene](np.random.default_rng(0), count))
    boxes_, scores = (backend.asarray(values) for values in arrays)
    tensors = [torch.from_numpy(values).to(contests.device) for values in arrays]

    def cluster(given, certainty):
        order = torch.argsort(certainty, descending=True, stable=True)
        covers = (_overlaps(torch, given[order], given[order]) > THRESHOLD).triu(1)
        kept, before = torch.ones_like(order, dtype=torch.bool), None
        while before is None or not torch.equal(kept, before):
            kept, before = ~(covers & kept[:, None]).any(dim=0), kept
        return order[kept]

    sides = {"torch": lambda: cluster(*tensors)} if count <= MOST_PAIRED else {}
    if find_spec("torchvision") is not None:
        from torchvision.ops import nms

        sides["torchvision"] = lambda: nms(*tensors, THRESHOLD)
    if not sides:
        print(f"suppression of {count} boxes is skipped: torchvision is not installed")
        return []
    row = ("non-maximum suppression", f"{count} boxes, {scene}", "nms")
    return [contests.contest(row, BOXES[count], **sides, pycnn=lambda: backend.nms(boxes_, scores, THRESHOLD))]
