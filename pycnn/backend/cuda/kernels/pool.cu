// Pooling: a thread for each result, the channels of a place side by side in a warp.
#include "common.cuh"

struct PoolShape {
    int height, width, grid_height, grid_width, pool_height, pool_width, stride_y, stride_x;
    int top, bottom, left, right, channels;
};

// Element i of an array (N, height, width, channels).
struct Place {
    int n, y, x, c;
    __device__ Place(int i, int height, int width, int channels) {
        c = i % channels, i /= channels;
        x = i % width, i /= width;
        y = i % height, n = i / height;
    }
};

// Rows (or columns) of the image under window p, and windows over row h: from first up to last, last excluded.
struct Range {
    int first, last;
    __device__ Range(int first, int last, int size) : first(max(first, 0)), last(min(last, size)) {}
};
__device__ inline Range under_window(int p, int stride, int before, int window, int size) {
    return Range(p * stride - before, p * stride - before + window, size);
}
__device__ inline Range over_row(int h, int stride, int before, int window, int count) {
    const int start = h + before - window + stride; // ceil((h + before - window + 1) / stride)
    return Range(start > 0 ? start / stride : 0, (h + before) / stride + 1, count);
}

// How many places of window p count for the mean: with padding up to where it ends.
__device__ inline int places(int p, int stride, int before, int after, int window, int size, int include) {
    const int start = p * stride - before;
    return include ? min(start + window, size + after) - start : min(start + window, size) - max(start, 0);
}
__device__ inline wide divisor(const PoolShape &s, int p, int q, int include) {
    return (wide)(places(p, s.stride_y, s.top, s.bottom, s.pool_height, s.height, include) *
                  places(q, s.stride_x, s.left, s.right, s.pool_width, s.width, include));
}

// The index of the winner goes into bytes or ints, or nowhere.
extern "C" __global__ void __launch_bounds__(256)
extreme_pool2d_forward(const real *x, real *out, uint8 *bytes OR_NULL, int *ints OR_NULL, PoolShape s, int minimum,
                       int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.grid_height, s.grid_width, s.channels);
        const Range rows = under_window(at.y, s.stride_y, s.top, s.pool_height, s.height);
        const Range columns = under_window(at.x, s.stride_x, s.left, s.pool_width, s.width);
        wide best = 0;
        int winner = -1;
        for (int h = rows.first; h < rows.last; h++)
            for (int w = columns.first; w < columns.last; w++) {
                const wide value = x[(((int64)at.n * s.height + h) * s.width + w) * s.channels + at.c];
                const bool beats = minimum ? value < best : value > best; // never a NaN, nor what meets one
                if (winner < 0 || beats || (value != value && best == best)) {
                    best = value;
                    winner = (h - at.y * s.stride_y + s.top) * s.pool_width + w - at.x * s.stride_x + s.left;
                }
            }
        out[i] = best;
        if (bytes) bytes[i] = (uint8)winner;
        if (ints) ints[i] = winner;
    }
}

extern "C" __global__ void __launch_bounds__(256)
extreme_pool2d_input_grad(const real *gy, const uint8 *bytes OR_NULL, const int *ints OR_NULL, real *out, PoolShape s,
                          int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.height, s.width, s.channels);
        const Range rows = over_row(at.y, s.stride_y, s.top, s.pool_height, s.grid_height);
        const Range columns = over_row(at.x, s.stride_x, s.left, s.pool_width, s.grid_width);
        wide sum = 0;
        for (int p = rows.first; p < rows.last; p++)
            for (int q = columns.first; q < columns.last; q++) {
                const int64 window = (((int64)at.n * s.grid_height + p) * s.grid_width + q) * s.channels + at.c;
                const int own = (at.y - p * s.stride_y + s.top) * s.pool_width + at.x - q * s.stride_x + s.left;
                if ((bytes ? bytes[window] : ints[window]) == own) sum += gy[window];
            }
        out[i] = sum;
    }
}

extern "C" __global__ void __launch_bounds__(256)
avg_pool2d_forward(const real *x, real *out, PoolShape s, int include, int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.grid_height, s.grid_width, s.channels);
        const Range rows = under_window(at.y, s.stride_y, s.top, s.pool_height, s.height);
        const Range columns = under_window(at.x, s.stride_x, s.left, s.pool_width, s.width);
        wide sum = 0;
        for (int h = rows.first; h < rows.last; h++)
            for (int w = columns.first; w < columns.last; w++)
                sum += x[(((int64)at.n * s.height + h) * s.width + w) * s.channels + at.c];
        out[i] = sum / divisor(s, at.y, at.x, include);
    }
}

extern "C" __global__ void __launch_bounds__(256)
avg_pool2d_input_grad(const real *gy, real *out, PoolShape s, int include, int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.height, s.width, s.channels);
        const Range rows = over_row(at.y, s.stride_y, s.top, s.pool_height, s.grid_height);
        const Range columns = over_row(at.x, s.stride_x, s.left, s.pool_width, s.grid_width);
        wide sum = 0;
        for (int p = rows.first; p < rows.last; p++)
            for (int q = columns.first; q < columns.last; q++)
                sum += gy[(((int64)at.n * s.grid_height + p) * s.grid_width + q) * s.channels + at.c] /
                       divisor(s, p, q, include);
        out[i] = sum;
    }
}
