// What the convolutions share. Each of the three is a matrix product within each group, its operands gathered:
//
//     forward      out[pixel, k]     = sum over (tap, c) of x[place of the pixel's window, c] * w[tap, c, k]
//     input_grad   out[pixel, c]     = sum over (tap, k) of gy[place that saw the pixel by tap, k] * w[tap, c, k]
//     filter_grad  out[(tap, c), k]  = sum over pixels of x[place of the pixel's window, c] * gy[pixel, k]
//
// A block makes a tile of the result, DEPTH of the sum at a time. The loaders bring the next DEPTH of an operand: each
// thread its own places, WIDTH neighbours in memory at a time, as put(row, depth, pointer, whether it is there).
#include "activation.cuh"
#ifndef PYCNN_CONV
#define PYCNN_CONV

struct ConvShape {
    int batch, height, width, grid_height, grid_width, filter_height, filter_width;
    int stride_y, stride_x, dilation_y, dilation_x, top, left;
    int groups, ins, outs; // channels of a group
};
#define NOWHERE (-(1 << 30)) // a row or column so far outside that no tap leads back

// How results lie to what they are gathered from, along one axis: result i takes from place first + i*stride + tap*step
// of size. By tap the filter's own is meant that is filter_first + tap*filter_step. The result is number
// out_first + i*out_stride in its array.
struct Axis {
    int count, size, first, stride, step, taps, filter_first, filter_step, out_first, out_stride;
};
__device__ inline Axis forward_axis(int size, int count, int filter, int stride, int dilation, int before) {
    return {count, size, -before, stride, dilation, filter, 0, 1, 0, 1};
}
// Of the input gradient, those whose number is phase modulo the stride: all of them are seen by the same taps, so that
// no tap is tried in vain.
__device__ inline Axis phase_axis(int phase, int size, int count, int filter, int stride, int dilation, int before) {
    int every = 1, first = 0;
    while (every * dilation % stride) every++;
    while (first < every && (phase + before - first * dilation) % stride) first++;
    const int taps = first < every && first < filter ? (filter - first + every - 1) / every : 0;
    const int place = (phase + before - first * dilation) / stride;
    return {(size - phase + stride - 1) / stride, count, place, 1, -every * dilation / stride, taps, first, every,
            phase, stride};
}
// Both axes. A phase of the input gradient is number phase_y * (phases along x) + phase_x.
struct Axes {
    Axis y, x;
};
__device__ inline Axes forward_axes(const ConvShape &s) {
    return {forward_axis(s.height, s.grid_height, s.filter_height, s.stride_y, s.dilation_y, s.top),
            forward_axis(s.width, s.grid_width, s.filter_width, s.stride_x, s.dilation_x, s.left)};
}
__device__ inline Axes phase_axes(const ConvShape &s, int phase) {
    const int along_x = min(s.stride_x, s.width);
    return {phase_axis(phase / along_x, s.height, s.grid_height, s.filter_height, s.stride_y, s.dilation_y, s.top),
            phase_axis(phase % along_x, s.width, s.grid_width, s.filter_width, s.stride_x, s.dilation_x, s.left)};
}

// A place in (taps along y, taps along x, channels), the depth of a product.
struct Walk {
    int y, x, c;
    __device__ void go(int steps, int taps_x, int channels) {
        for (c += steps; c >= channels; c -= channels)
            if (++x == taps_x) x = 0, y++;
    }
};

// Rows are pixels, what is summed is (tap, channel): a tile (ROWS, DEPTH), read along DEPTH.
template <class T, int ROWS, int DEPTH, int WIDTH, int THREADS> struct Gather {
    static constexpr bool DEEP = true;
    static constexpr int ACROSS = DEPTH / WIDTH, STEP = THREADS / ACROSS, COUNT = ROWS / STEP;
    const T *source; // first channel of the group
    const Axis ay, ax;
    const int channels, all; // of the group, and of a place
    const int row, column;
    Walk walk;
    int y[COUNT], x[COUNT], place[COUNT];

    __device__ Gather(const T *source, const Axes &axes, int batch, int channels, int all, int first_row)
        : source(source), ay(axes.y), ax(axes.x), channels(channels), all(all), row(threadIdx.x / ACROSS),
          column(threadIdx.x % ACROSS * WIDTH), walk{0, 0, 0} {
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const int pixel = first_row + row + STEP * j, line = pixel / ax.count, image = line / ay.count;
            y[j] = image < batch ? ay.first + line % ay.count * ay.stride : NOWHERE;
            x[j] = ax.first + pixel % ax.count * ax.stride;
            place[j] = image < batch ? (image * ay.size + y[j]) * ax.size + x[j] : 0;
        }
        walk.go(column, ax.taps, channels);
    }
    template <class Put> __device__ void load(Put put) {
        const int down = walk.y * ay.step, right = walk.x * ax.step;
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const bool there = walk.y < ay.taps && (unsigned)(y[j] + down) < (unsigned)ay.size &&
                               (unsigned)(x[j] + right) < (unsigned)ax.size;
            put(row + STEP * j, column, source + (int64)(place[j] + down * ax.size + right) * all + walk.c, there);
        }
        walk.go(DEPTH, ax.taps, channels);
    }
};

// The filters of the input gradient: columns are c, what is summed is (tap, k): a tile (ROWS, DEPTH), read along DEPTH.
template <class T, int ROWS, int DEPTH, int WIDTH, int THREADS> struct Filters {
    static constexpr bool DEEP = true;
    static constexpr int ACROSS = DEPTH / WIDTH, STEP = THREADS / ACROSS, COUNT = (ROWS + STEP - 1) / STEP;
    const T *w; // first filter of the group
    const Axis ay, ax;
    const int filter_width, ins, outs, all;
    const int row, column, first;
    Walk walk;

    __device__ Filters(const T *w, const Axes &axes, const ConvShape &s, int first)
        : w(w), ay(axes.y), ax(axes.x), filter_width(s.filter_width), ins(s.ins), outs(s.outs), all(s.outs * s.groups),
          row(threadIdx.x / ACROSS), column(threadIdx.x % ACROSS * WIDTH), first(first), walk{0, 0, 0} {
        walk.go(column, ax.taps, outs);
    }
    template <class Put> __device__ void load(Put put) {
        const int r = ay.filter_first + walk.y * ay.filter_step, s = ax.filter_first + walk.x * ax.filter_step;
        const int tap = (r * filter_width + s) * ins;
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const int c = first + row + STEP * j;
            if (ROWS % STEP == 0 || row + STEP * j < ROWS)
                put(row + STEP * j, column, w + (int64)(tap + c) * all + walk.c, walk.y < ay.taps && c < ins);
        }
        walk.go(DEPTH, ax.taps, outs);
    }
};

// The image of the filter gradient: rows are (tap, channel), what is summed are pixels up to last: a tile
// (DEPTH, ROWS), read along the channels.
template <class T, int ROWS, int DEPTH, int WIDTH, int THREADS> struct Windows {
    static constexpr bool DEEP = false;
    static constexpr int ACROSS = ROWS / WIDTH, STEP = THREADS / ACROSS, COUNT = DEPTH / STEP;
    const T *source;
    const ConvShape &s;
    const int all, row, depth, last;
    int above, y, x, p, q, pixel; // rows of images before, place of the tap in a window, and the pixel it is for

    __device__ Windows(const T *x_, const ConvShape &s, int group, int first_row, int first_pixel, int last)
        : s(s), all(s.ins * s.groups), row(threadIdx.x % ACROSS * WIDTH), depth(threadIdx.x / ACROSS), last(last) {
        const int tap = (first_row + row) / s.ins, r = tap / s.filter_width;
        source = x_ + group * s.ins + (first_row + row) % s.ins;
        y = r < s.filter_height ? r * s.dilation_y - s.top : NOWHERE;
        x = tap % s.filter_width * s.dilation_x - s.left;
        pixel = first_pixel + depth;
        q = pixel % s.grid_width, p = pixel / s.grid_width % s.grid_height;
        above = pixel / s.grid_width / s.grid_height * s.height;
    }
    template <class Put> __device__ void load(Put put) {
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const int h = p * s.stride_y + y, w = q * s.stride_x + x;
            const bool there =
                pixel < last && (unsigned)h < (unsigned)s.height && (unsigned)w < (unsigned)s.width;
            put(row, depth + STEP * j, source + (int64)(there ? (above + h) * s.width + w : 0) * all, there);
            pixel += STEP;
            for (q += STEP; q >= s.grid_width; q -= s.grid_width)
                if (++p == s.grid_height) p = 0, above += s.height;
        }
    }
};

// Columns that lie side by side, (depth, columns) of a matrix: the filters forward, gy in the filter gradient.
template <class T, int ROWS, int DEPTH, int WIDTH, int THREADS> struct Matrix {
    static constexpr bool DEEP = false;
    static constexpr int ACROSS = ROWS / WIDTH, STEP = THREADS / ACROSS, COUNT = (DEPTH + STEP - 1) / STEP;
    const T *from;
    const int all, row, depth;
    int left; // of the sum, for this thread

    __device__ Matrix(const T *matrix, int all, int columns, int column, int first, int last)
        : from(matrix), all(all), row(threadIdx.x % ACROSS * WIDTH), depth(threadIdx.x / ACROSS) {
        left = column + row < columns ? last - first - depth : 0;
        from += (int64)(first + depth) * all + column + row;
    }
    template <class Put> __device__ void load(Put put) {
#pragma unroll
        for (int j = 0; j < COUNT; j++)
            if (DEPTH % STEP == 0 || depth + STEP * j < DEPTH)
                put(row, depth + STEP * j, from + (int64)(STEP * j) * all, STEP * j < left);
        from += (int64)DEPTH * all, left -= DEPTH;
    }
};

// Where a row of the result lies: in the order of rows; or a pixel of a phase.
struct InOrder {
    __device__ int operator()(int row) const { return row; }
};
struct OfPhase {
    Axes axes;
    int height, width;
    __device__ int operator()(int row) const {
        const int line = row / axes.x.count, image = line / axes.y.count;
        return (image * height + axes.y.out_first + line % axes.y.count * axes.y.out_stride) * width +
               axes.x.out_first + row % axes.x.count * axes.x.out_stride;
    }
};

// The tile of the result that a block makes, and the way there. out, bias and residual begin with the group.
template <class T, class Place> struct Result {
    T *out;
    const T *bias, *residual;
    Place place;
    int row, rows, column, columns, all, activation;

    // What is stored at out[line + c], where `line` begins the pixel (or row) that was summed
    __device__ T finished(int64 line, int c, wide sum) const {
        if (bias) sum += bias[c];
        if (residual) sum += residual[line + c];
        return (T)fused_activation(sum, activation);
    }
};

// What a block does: tiles of columns are neighbours along the grid's x, so that they share their rows in the cache;
// z counts groups, and phases or slices.
struct Work {
    int row, column, group, part;
    __device__ Work(int tall, int broad, int columns, int groups) {
        const int tiles = (columns + broad - 1) / broad;
        column = blockIdx.x % tiles * broad, row = blockIdx.x / tiles * tall;
        group = blockIdx.z % groups, part = blockIdx.z / groups;
    }
};

// A slice of the pixels that filter gradients are summed over: all slices but the last have `pixels` of them.
struct Slice {
    int first, last;
    __device__ Slice(const ConvShape &s, int number, int pixels) {
        const int64 end = (int64)(number + 1) * pixels, all = (int64)s.batch * s.grid_height * s.grid_width;
        first = number * pixels, last = (int)(end < all ? end : all);
    }
};

// The three products, for any way to multiply tiles: Product<Left, Right, Result>(left, right, depth, result).
template <class Product, class T>
__device__ void forward_tile(const T *x, const T *w, const T *bias, const T *residual, T *out, const ConvShape &s,
                             int activation, const Product &product) {
    const Work work(Product::TALL, Product::WIDE, s.outs, s.groups);
    const Axes axes = forward_axes(s);
    const int first = work.group * s.outs, all = s.outs * s.groups, depth = s.filter_height * s.filter_width * s.ins;
    typename Product::template Left<Gather, T> left(x + work.group * s.ins, axes, s.batch, s.ins, s.ins * s.groups,
                                                    work.row);
    typename Product::template Right<Matrix, T> right(w + first, all, s.outs, work.column, 0, depth);
    const Result<T, InOrder> result = {out + first, bias ? bias + first : bias, residual ? residual + first : residual,
                                       InOrder(), work.row, s.batch * s.grid_height * s.grid_width, work.column, s.outs,
                                       all, activation};
    product(left, right, depth, result);
}

template <class Product, class T>
__device__ void input_grad_tile(const T *gy, const T *w, T *out, const ConvShape &s, const Product &product) {
    const Work work(Product::TALL, Product::WIDE, s.ins, s.groups);
    const Axes axes = phase_axes(s, work.part);
    const int rows = s.batch * axes.y.count * axes.x.count;
    if (work.row >= rows) return; // phases differ in their pixels
    const int first = work.group * s.outs, all = s.outs * s.groups;
    typename Product::template Left<Gather, T> left(gy + first, axes, s.batch, s.outs, all, work.row);
    typename Product::template Right<Filters, T> right(w + first, axes, s, work.column);
    const T *none = nullptr;
    const Result<T, OfPhase> result = {out + work.group * s.ins, none, none, OfPhase{axes, s.height, s.width}, work.row,
                                       rows, work.column, s.ins, s.ins * s.groups, LINEAR};
    product(left, right, axes.y.taps * axes.x.taps * s.outs, result);
}

template <class Product, class T, class Sum>
__device__ void filter_grad_tile(const T *x, const T *gy, Sum *out, const ConvShape &s, int pixels,
                                 const Product &product) {
    const Work work(Product::TALL, Product::WIDE, s.outs, s.groups);
    const Slice slice(s, work.part, pixels);
    const int first = work.group * s.outs, all = s.outs * s.groups, rows = s.filter_height * s.filter_width * s.ins;
    typename Product::template Left<Windows, T> left(x, s, work.group, work.row, slice.first, slice.last);
    typename Product::template Right<Matrix, T> right(gy + first, all, s.outs, work.column, slice.first, slice.last);
    const Sum *none = nullptr;
    const Result<Sum, InOrder> result = {out + (int64)work.part * rows * all + first, none, none, InOrder(), work.row,
                                       rows, work.column, s.outs, all, LINEAR};
    product(left, right, slice.last - slice.first, result);
}
#endif
