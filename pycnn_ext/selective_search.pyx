"""Selective search: the first regions of an image, their histograms, and the grouping of them into a hierarchy.

Serial and without the GIL: what is many are the images, which the caller spreads over threads. Sums are in a fixed
order, and whatever is equally good goes by its index, so that the same image gives the same boxes everywhere.
"""

from libc.math cimport fabsf, sqrtf
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from pycnn_ext.kernels cimport address

cdef enum:
    LANES = 16  # sums side by side, for the compiler to keep in registers
    DIRECTIONS = 8

cdef int[4] DOWN = [0, 1, 1, -1]
cdef int[4] RIGHT = [1, 0, 1, 1]
cdef float DIAGONAL = 0.70710678  # cosine of 45 degrees


cdef ptrdiff_t mirrored(ptrdiff_t i, ptrdiff_t size) noexcept nogil:
    """The place in 0..size - 1 that place i beyond an edge repeats."""
    i %= 2 * size
    return i if i < size else 2 * size - 1 - i


def correlate(image, taps, bint down, out):
    """out (H, W, C) float32 = image under a filter of odd length, down its columns or along its rows.

    Beyond an edge the image is mirrored, the pixel at the edge included.
    """
    cdef ptrdiff_t height = image.shape[0], width = image.shape[1], channels = image.shape[2], length = len(taps)
    cdef ptrdiff_t reach = length // 2, row = width * channels, y, x, c, k, j
    cdef const float *image_ = <const float *>address(image, b"f")
    cdef const float *taps_ = <const float *>address(taps, b"f")
    cdef float *out_ = <float *>address(out, b"f", True)
    cdef float *wider = <float *>malloc((row + 2 * reach * channels) * sizeof(float))
    cdef const float *source
    if not wider:
        raise MemoryError
    with nogil:
        memset(out_, 0, height * row * sizeof(float))
        for y in range(height):
            if not down:
                for x in range(width + 2 * reach):
                    j = mirrored(x - reach, width)
                    for c in range(channels):
                        wider[x * channels + c] = image_[y * row + j * channels + c]
            for k in range(length):
                source = image_ + mirrored(y + k - reach, height) * row if down else wider + k * channels
                for j in range(row):
                    out_[y * row + j] += taps_[k] * source[j]
    free(wider)


def edge_costs(image, keys):
    """keys (E,) uint64 = for each two pixels that touch, how far apart their colours are, then which edge it is.

    image (H, W, C) float32. The upper half of a key is the distance as float32 bits, which sort like the distances;
    the lower half is 4 * pixel + direction. E is 4 H W - 3 (H + W) + 2.
    """
    cdef ptrdiff_t height = image.shape[0], width = image.shape[1], channels = image.shape[2], y, x, c, other, count = 0
    cdef const float *image_ = <const float *>address(image, b"f")
    cdef uint64_t *keys_ = <uint64_t *>address(keys, b"L", True)
    cdef float cost, difference
    cdef uint32_t bits
    cdef int k
    with nogil:
        for y in range(height):
            for x in range(width):
                for k in range(4):
                    if not (0 <= y + DOWN[k] < height and x + RIGHT[k] < width):
                        continue
                    other = (y + DOWN[k]) * width + x + RIGHT[k]
                    cost = 0
                    for c in range(channels):
                        difference = image_[(y * width + x) * channels + c] - image_[other * channels + c]
                        cost += difference * difference
                    cost = sqrtf(cost)
                    memcpy(&bits, &cost, 4)
                    keys_[count] = (<uint64_t>bits << 32) | <uint64_t>(4 * (y * width + x) + k)
                    count += 1
    return count


cdef ptrdiff_t root_of(int32_t *parents, ptrdiff_t pixel) noexcept nogil:
    """The pixel that stands for a region; the way to it is halved for the next time."""
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel


def segment(keys, double scale, ptrdiff_t min_size, labels):
    """labels (H, W) int32 = the regions of Felzenszwalb and Huttenlocher, from the sorted keys of ``edge_costs``.

    Returns how many there are; their numbers are in the order of their first pixels.
    """
    cdef ptrdiff_t width = labels.shape[1], pixels = labels.size, edges = len(keys), e, a, b, count = 0
    cdef const uint64_t *keys_ = <const uint64_t *>address(keys, b"L")
    cdef int32_t *labels_ = <int32_t *>address(labels, b"i", True)
    cdef int32_t *parents = <int32_t *>malloc(pixels * 4)
    cdef int32_t *sizes = <int32_t *>malloc(pixels * 4)
    cdef double *limits = <double *>malloc(pixels * 8)  # an edge joins two regions if it is below both of theirs
    cdef float cost
    cdef uint32_t bits
    cdef int again
    if not (parents and sizes and limits):
        free(parents)
        free(sizes)
        free(limits)
        raise MemoryError
    with nogil:
        for a in range(pixels):
            parents[a], sizes[a], limits[a] = a, 1, scale
        for again in range(2):  # first by the costs, then all that is too small
            for e in range(edges):
                bits = keys_[e] & 3
                a = <uint32_t>keys_[e] >> 2
                b = root_of(parents, a + DOWN[bits] * width + RIGHT[bits])
                a = root_of(parents, a)
                if a == b:
                    continue
                bits = keys_[e] >> 32
                memcpy(&cost, &bits, 4)
                if (sizes[a] < min_size or sizes[b] < min_size) if again else (cost < min(limits[a], limits[b])):
                    parents[max(a, b)] = min(a, b)
                    a, b = min(a, b), max(a, b)
                    sizes[a] += sizes[b]
                    limits[a] = cost + scale / sizes[a]
        for a in range(pixels):
            if parents[a] == a:
                labels_[a] = count
                count += 1
            else:
                labels_[a] = labels_[root_of(parents, a)]  # that pixel came earlier
    free(parents)
    free(sizes)
    free(limits)
    return count


cdef int bin_of(float value, int bins) noexcept nogil:
    return max(0, min(bins - 1, <int>(value * bins)))


def describe(labels, image, slopes, shares, int colour_bins, int texture_bins, histograms, sizes, boxes):
    """histograms (R, C * (colour_bins + 8 * texture_bins)) float32, sizes (R,), boxes (R, 4) int32 = of each region.

    image (H, W, C) float32 in 0..1; slopes (2, H, W, C) float32, its derivatives down and to the right; shares (C,)
    float32, by which those of each channel are multiplied to lie in -1..1. A histogram is that of the colours of each
    channel, then that of the slopes (what is uphill, else 0) in eight directions of each; both sum to 1. Boxes are
    x1, y1, x2, y2, edges.
    """
    cdef ptrdiff_t height = labels.shape[0], width = labels.shape[1], channels = image.shape[2], y, x, c, i, at
    cdef ptrdiff_t regions = len(sizes), colours = channels * colour_bins, length = histograms.shape[1]
    cdef const int32_t *labels_ = <const int32_t *>address(labels, b"i")
    cdef const float *image_ = <const float *>address(image, b"f")
    cdef const float *down = <const float *>address(slopes, b"f")
    cdef const float *across = down + height * width * channels
    cdef const float *shares_ = <const float *>address(shares, b"f")
    cdef float *histograms_ = <float *>address(histograms, b"f", True)
    cdef int32_t *sizes_ = <int32_t *>address(sizes, b"i", True)
    cdef int32_t *boxes_ = <int32_t *>address(boxes, b"i", True)
    cdef float *row
    cdef float *texture
    cdef int32_t *box
    cdef float dy, dx, share
    cdef float[4] slope
    cdef int k, up
    with nogil:
        memset(histograms_, 0, regions * length * sizeof(float))
        memset(sizes_, 0, regions * sizeof(int32_t))
        for y in range(height):
            for x in range(width):
                i = labels_[y * width + x]
                row, box = histograms_ + i * length, boxes_ + 4 * i
                if sizes_[i] == 0:
                    box[0], box[1], box[2], box[3] = x, y, x + 1, y + 1
                sizes_[i] += 1
                box[0], box[2], box[3] = min(box[0], x), max(box[2], x + 1), y + 1
                for c in range(channels):
                    at = (y * width + x) * channels + c
                    row[c * colour_bins + bin_of(image_[at], colour_bins)] += 1
                    dy, dx = down[at] * shares_[c], across[at] * shares_[c]
                    slope[0], slope[1], slope[2], slope[3] = dx, DIAGONAL * (dx + dy), dy, DIAGONAL * (dy - dx)
                    texture = row + colours + c * DIRECTIONS * texture_bins
                    for k in range(4):  # of opposite directions one goes uphill
                        up = k if slope[k] > 0 else k + 4
                        texture[up * texture_bins + bin_of(fabsf(slope[k]), texture_bins)] += 1
                        texture[(up ^ 4) * texture_bins] += 1
        for i in range(regions):
            row = histograms_ + i * length
            share = <float>1 / (sizes_[i] * channels)
            for at in range(length):
                row[at] *= share if at < colours else share / DIRECTIONS


cdef float overlap(const float *a, const float *b, ptrdiff_t length) noexcept nogil:
    """Intersection of two histograms."""
    cdef float[LANES] sums
    cdef float total = 0
    cdef ptrdiff_t _, i, lane
    for lane in range(LANES):
        sums[lane] = 0
    for _ in range(length // LANES):
        for lane in range(LANES):
            sums[lane] += a[lane] if a[lane] < b[lane] else b[lane]
        a += LANES
        b += LANES
    for i in range(length % LANES):
        total += a[i] if a[i] < b[i] else b[i]
    for lane in range(LANES):
        total += sums[lane]
    return total


cdef struct Edge:
    float similarity
    int32_t ends[2]  # the two regions, the lower number first
    int32_t after[2]  # the next edge of each of them


cdef struct Graph:
    Edge *edges
    int32_t *heap  # of edges, the most similar one first
    ptrdiff_t count, held, room
    int32_t *first  # edge of each region
    int32_t *met  # by which merge a region was last met as a neighbour
    char *gone
    float *histograms
    ptrdiff_t length, colours
    int32_t *sizes
    int32_t *boxes
    float pixels
    int colour, texture, size, fill


cdef float similarity(const Graph *g, ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    cdef const float *x = g.histograms + a * g.length
    cdef const float *y = g.histograms + b * g.length
    cdef const int32_t *p = g.boxes + 4 * a
    cdef const int32_t *q = g.boxes + 4 * b
    cdef float total = 0, both = <float>g.sizes[a] + g.sizes[b], around
    if g.colour:
        total += overlap(x, y, g.colours)
    if g.texture:
        total += overlap(x + g.colours, y + g.colours, g.length - g.colours)
    if g.size:
        total += 1 - both / g.pixels
    if g.fill:
        around = (<float>max(p[2], q[2]) - min(p[0], q[0])) * (max(p[3], q[3]) - min(p[1], q[1]))
        total += 1 - (around - both) / g.pixels
    return total


cdef bint before(const Graph *g, int32_t a, int32_t b) noexcept nogil:
    """Whether edge a is merged before edge b: the more similar one, then the one of lower regions."""
    cdef const Edge *x = g.edges + a
    cdef const Edge *y = g.edges + b
    if x.similarity != y.similarity:
        return x.similarity > y.similarity
    if x.ends[0] != y.ends[0]:
        return x.ends[0] < y.ends[0]
    return x.ends[1] < y.ends[1]


cdef int connect(Graph *g, int32_t a, int32_t b) except -1 nogil:
    """Add the edge from a to b > a to both of them, and to the heap."""
    cdef ptrdiff_t place = g.held, above
    cdef void *bigger
    cdef Edge *edge
    if g.count == g.room:
        bigger = realloc(g.edges, 2 * g.room * sizeof(Edge))
        if not bigger:
            raise MemoryError
        g.edges = <Edge *>bigger
        bigger = realloc(g.heap, 2 * g.room * sizeof(int32_t))
        if not bigger:
            raise MemoryError
        g.heap = <int32_t *>bigger
        g.room *= 2
    edge = g.edges + g.count
    edge.similarity = similarity(g, a, b)
    edge.ends[0], edge.ends[1] = a, b
    edge.after[0], edge.after[1] = g.first[a], g.first[b]
    g.first[a] = g.first[b] = g.count
    while place and before(g, g.count, g.heap[(place - 1) // 2]):
        above = (place - 1) // 2
        g.heap[place] = g.heap[above]
        place = above
    g.heap[place] = g.count
    g.count += 1
    g.held += 1
    return 0


cdef int32_t pop(Graph *g) noexcept nogil:
    """Take the first edge from the heap."""
    cdef int32_t best = g.heap[0], last
    cdef ptrdiff_t place = 0, below
    g.held -= 1
    last = g.heap[g.held]
    while True:
        below = 2 * place + 1
        if below >= g.held:
            break
        if below + 1 < g.held and before(g, g.heap[below + 1], g.heap[below]):
            below += 1
        if not before(g, g.heap[below], last):
            break
        g.heap[place] = g.heap[below]
        place = below
    g.heap[place] = last
    return best


cdef void unite(Graph *g, int32_t a, int32_t b, int32_t c) noexcept nogil:
    """Region c = a and b together."""
    cdef float both = <float>g.sizes[a] + g.sizes[b], p = g.sizes[a] / both, q = g.sizes[b] / both
    cdef const float *x = g.histograms + a * g.length
    cdef const float *y = g.histograms + b * g.length
    cdef float *z = g.histograms + c * g.length
    cdef ptrdiff_t i
    for i in range(g.length):
        z[i] = p * x[i] + q * y[i]
    for i in range(2):
        g.boxes[4 * c + i] = min(g.boxes[4 * a + i], g.boxes[4 * b + i])
        g.boxes[4 * c + 2 + i] = max(g.boxes[4 * a + 2 + i], g.boxes[4 * b + 2 + i])
    g.sizes[c] = g.sizes[a] + g.sizes[b]
    g.gone[a] = g.gone[b] = 1


cdef int merge_all(Graph *g, ptrdiff_t regions, int32_t *merges) except -1 nogil:
    cdef int32_t c, e, other
    cdef ptrdiff_t made = 0, side, i
    cdef int32_t[2] ends
    while g.held:
        e = pop(g)
        ends[0], ends[1] = g.edges[e].ends[0], g.edges[e].ends[1]
        if g.gone[ends[0]] or g.gone[ends[1]]:
            continue
        c = regions + made
        unite(g, ends[0], ends[1], c)
        merges[2 * made], merges[2 * made + 1] = ends[0], ends[1]
        made += 1
        for i in range(2):
            e = g.first[ends[i]]
            while e >= 0:
                side = g.edges[e].ends[0] != ends[i]
                other = g.edges[e].ends[1 - side]
                e = g.edges[e].after[side]
                if not g.gone[other] and g.met[other] != c:
                    g.met[other] = c
                    connect(g, other, c)
    return made


def group(pairs, ptrdiff_t regions, ptrdiff_t colours, ptrdiff_t pixels, terms, histograms, sizes, boxes, merges):
    """Merge the two most similar neighbours, again and again, until one region is left.

    pairs (E, 2) int32, neighbours among the first ``regions`` of histograms (2R - 1, F), sizes (2R - 1,) and boxes
    (2R - 1, 4), whose other rows are filled with the merged regions, in their order, as merges (R - 1, 2) int32 is
    with the two that each was made of. The first ``colours`` of the F numbers are the histogram of colours. terms
    says which of colour, texture, size and fill count. Returns the number of merges.
    """
    cdef const int32_t *pairs_ = <const int32_t *>address(pairs, b"i")
    cdef int32_t *merges_ = <int32_t *>address(merges, b"i", True)
    cdef ptrdiff_t i, count = len(pairs), all_regions = 2 * regions - 1
    cdef Graph g
    g.histograms = <float *>address(histograms, b"f", True)
    g.sizes = <int32_t *>address(sizes, b"i", True)
    g.boxes = <int32_t *>address(boxes, b"i", True)
    g.length, g.colours, g.pixels = histograms.shape[1], colours, pixels
    g.colour, g.texture, g.size, g.fill = terms
    g.count, g.held, g.room = 0, 0, max(64, 4 * count)
    g.edges = <Edge *>malloc(g.room * sizeof(Edge))
    g.heap = <int32_t *>malloc(g.room * sizeof(int32_t))
    g.first = <int32_t *>malloc(all_regions * sizeof(int32_t))
    g.met = <int32_t *>malloc(all_regions * sizeof(int32_t))
    g.gone = <char *>malloc(all_regions)
    try:
        if not (g.edges and g.heap and g.first and g.met and g.gone):
            raise MemoryError
        with nogil:
            for i in range(all_regions):
                g.first[i], g.met[i], g.gone[i] = -1, -1, 0
            for i in range(count):
                connect(&g, pairs_[2 * i], pairs_[2 * i + 1])
            i = merge_all(&g, regions, merges_)
        return i
    finally:
        free(g.edges)
        free(g.heap)
        free(g.first)
        free(g.met)
        free(g.gone)
