// Boxes x1, y1, x2, y2: overlaps, and greedy suppression of candidates that lie in the order of their scores.
// The candidates go by chunks: masks of who suppresses whom in a chunk, then the choice, then what it suppresses later.
#include "common.cuh"

#define TILE 64             // boxes, one for each bit of a mask, and threads of a block
#define CHUNK (TILE * TILE) // candidates, so that a thread of TILE has a mask of its own; as in cuda/boxes.py
typedef unsigned long long Bits;

struct Box {
    real x1, y1, x2, y2;
    int64 label;
    __device__ Box() {}
    __device__ Box(const real *boxes, const int64 *labels, int i) {
        const real *box = boxes + 4 * (int64)i;
        x1 = box[0], y1 = box[1], x2 = box[2], y2 = box[3], label = labels ? labels[i] : 0;
    }
    __device__ real area() const { return rounded_product(x2 - x1, y2 - y1); }
};

__device__ inline real overlap(const Box &a, const Box &b) {
    const real width = max(min(a.x2, b.x2) - max(a.x1, b.x1), (real)0);
    const real height = max(min(a.y2, b.y2) - max(a.y1, b.y1), (real)0);
    const real inter = rounded_product(width, height), both = a.area() + b.area() - inter;
    return both > 0 ? inter / both : 0;
}
__device__ inline bool suppresses(const Box &a, const Box &b, real threshold) {
    return a.label == b.label && overlap(a, b) > threshold;
}

extern "C" __global__ void __launch_bounds__(256)
box_iou(const real *a, const real *b, real *out, int columns, int64 count) {
    FOR_EACH(int64, i, count) {
        const int row = (int)quotient(i, columns), column = (int)(i - (int64)row * columns);
        out[i] = overlap(Box(a, nullptr, row), Box(b, nullptr, column));
    }
}

// masks (count, words): bit j of word w of row i says that candidate i suppresses candidate w*TILE + j, which is later.
// Only words of the diagonal and beside it are written. The grid is (words, words).
extern "C" __global__ void __launch_bounds__(64)
nms_masks(const real *boxes, const int64 *labels OR_NULL, real threshold, int64 *masks, int count) {
    __shared__ Box tile[TILE];
    const int row = blockIdx.y * TILE + threadIdx.x, begin = blockIdx.x * TILE, size = min(TILE, count - begin);
    if (blockIdx.x < blockIdx.y) return;
    if ((int)threadIdx.x < size) tile[threadIdx.x] = Box(boxes, labels, begin + threadIdx.x);
    __syncthreads();
    if (row >= count) return;
    const Box own(boxes, labels, row);
    Bits mask = 0;
    for (int j = max(row + 1 - begin, 0); j < size; j++) mask |= (Bits)suppresses(own, tile[j], threshold) << j;
    masks[(int64)row * gridDim.x + blockIdx.x] = (int64)mask;
}

__device__ inline int ones(Bits mask) { return __popc((unsigned)mask) + __popc((unsigned)(mask >> 32)); }

// One block. Of the chunk's candidates [first, first + count), which are not `gone`: those that are kept, in places
// from counts[chunk] on, and counts[chunk + 1].
extern "C" __global__ void __launch_bounds__(64)
nms_choose(const int64 *masks, const uint8 *gone, int *places, int *counts, int chunk, int first, int count) {
    __shared__ Bits gone_words[TILE], diagonal[TILE], chosen;
    const int t = threadIdx.x, words = (count + TILE - 1) / TILE;
    int total = counts[chunk];
    Bits word = 0;
    for (int j = 0; j < TILE; j++) {
        const int i = t * TILE + j;
        word |= (Bits)(i >= count || gone[first + i]) << j;
    }
    gone_words[t] = word;
    for (int w = 0; w < words; w++) {
        const int own = w * TILE + t;
        diagonal[t] = own < count ? (Bits)masks[(int64)own * words + w] : 0;
        __syncthreads();
        if (t == 0) {
            Bits left = ~gone_words[w], kept = 0;
            for (int j = 0; j < TILE; j++)
                if (left >> j & 1) kept |= (Bits)1 << j, left &= ~diagonal[j];
            chosen = kept;
        }
        __syncthreads();
        const Bits kept = chosen, before = kept & (((Bits)1 << t) - 1);
        if (kept >> t & 1) places[total + ones(before)] = first + own;
        total += ones(kept);
        if (t > w && t < words) {
            Bits more = 0;
            for (int j = 0; j < TILE; j++)
                if (kept >> j & 1) more |= (Bits)masks[(int64)(w * TILE + j) * words + t];
            gone_words[t] |= more; // thread 0 looks at it after the next __syncthreads
        }
    }
    if (t == 0) counts[chunk + 1] = total;
}

// Candidates from `first` on that a kept one of the chunk suppresses are gone.
extern "C" __global__ void __launch_bounds__(64)
nms_suppress(const real *boxes, const int64 *labels OR_NULL, real threshold, const int *places, const int *counts,
             uint8 *gone, int chunk, int first, int count) {
    __shared__ Box tile[TILE];
    const int own = first + blockIdx.x * TILE + threadIdx.x, last = counts[chunk + 1];
    const Box box(boxes, labels, min(own, count - 1));
    bool lost = own >= count || gone[own];
    for (int begin = counts[chunk]; begin < last; begin += TILE) {
        const int size = min(TILE, last - begin);
        __syncthreads();
        if ((int)threadIdx.x < size) tile[threadIdx.x] = Box(boxes, labels, places[begin + threadIdx.x]);
        __syncthreads();
        for (int j = 0; j < size && !lost; j++) lost = suppresses(tile[j], box, threshold);
    }
    if (own < count && lost) gone[own] = 1;
}

extern "C" __global__ void __launch_bounds__(256)
nms_indices(const int *places, const int *counts, const int64 *order, int64 *out, int chunks, int count) {
    FOR_EACH(int, i, count) out[i] = i < counts[chunks] ? order[places[i]] : -1;
}
