// Convolutions without tensor cores: tiles of 64 x 64 results, or for few channels of 256 x 16 (64 x 16 of filters).
#include "conv.cuh"

#define THREADS 256

// A thread makes DOWN x ACROSS results of a tile, from SPAN threads along each row.
template <int SPAN, int DOWN, int ACROSS, int DEPTH> struct Product {
    static constexpr int LINES = THREADS / SPAN, TALL = LINES * DOWN, WIDE = SPAN * ACROSS;
    template <template <class, int, int, int, int> class Loader, class T>
    using Left = Loader<T, TALL, DEPTH, 1, THREADS>;
    template <template <class, int, int, int, int> class Loader, class T>
    using Right = Loader<T, WIDE, DEPTH, 1, THREADS>;
    struct Tiles { // one more: writes along the depth meet few banks twice
        wide a[DEPTH][TALL + 1], b[DEPTH][WIDE + 1];
    };
    Tiles &tiles;
    __device__ explicit Product(Tiles &tiles) : tiles(tiles) {}

    template <class A, class B, class R>
    __device__ void operator()(A &left, B &right, int depth, const R &result) const {
        const int ty = threadIdx.x / SPAN, tx = threadIdx.x % SPAN;
        wide sum[DOWN][ACROSS] = {};
        for (int d = 0; d < depth; d += DEPTH) {
            left.load([&](int row, int k, const real *from, bool there) {
                tiles.a[k][row] = there ? (wide)*from : 0;
            });
            right.load([&](int row, int k, const real *from, bool there) {
                tiles.b[k][row] = there ? (wide)*from : 0;
            });
            __syncthreads();
#pragma unroll
            for (int k = 0; k < DEPTH; k++) {
                wide x[DOWN], y[ACROSS];
#pragma unroll
                for (int i = 0; i < DOWN; i++) x[i] = tiles.a[k][ty + LINES * i];
#pragma unroll
                for (int j = 0; j < ACROSS; j++) y[j] = tiles.b[k][tx + SPAN * j];
#pragma unroll
                for (int i = 0; i < DOWN; i++)
#pragma unroll
                    for (int j = 0; j < ACROSS; j++) sum[i][j] += x[i] * y[j];
            }
            __syncthreads();
        }
#pragma unroll 1 // the activations are long
        for (int i = 0; i < DOWN; i++) {
            const int row = result.row + ty + LINES * i;
            if (row >= result.rows) break;
            const int64 line = (int64)result.place(row) * result.all;
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                const int column = result.column + tx + SPAN * j;
                if (column < result.columns) result.out[line + column] = result.finished(line, column, sum[0][j]);
#pragma unroll
                for (int next = 1; next < DOWN; next++) sum[next - 1][j] = sum[next][j];
            }
        }
    }
};
typedef Product<16, 4, 4, 16> Square; // 64 x 64
typedef Product<4, 4, 4, 8> Thin;     // 256 x 16
typedef Product<4, 1, 4, 16> LowThin; // 64 x 16

extern "C" __global__ void __launch_bounds__(256)
conv2d_forward_square(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL, real *out,
                      ConvShape s, int activation) {
    __shared__ Square::Tiles tiles;
    forward_tile(x, w, bias, residual, out, s, activation, Square(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_forward_thin(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL, real *out,
                    ConvShape s, int activation) {
    __shared__ Thin::Tiles tiles;
    forward_tile(x, w, bias, residual, out, s, activation, Thin(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_input_grad_square(const real *gy, const real *w, real *out, ConvShape s) {
    __shared__ Square::Tiles tiles;
    input_grad_tile(gy, w, out, s, Square(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_input_grad_thin(const real *gy, const real *w, real *out, ConvShape s) {
    __shared__ Thin::Tiles tiles;
    input_grad_tile(gy, w, out, s, Thin(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_filter_grad_square(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    __shared__ Square::Tiles tiles;
    filter_grad_tile(x, gy, out, s, pixels, Square(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_filter_grad_thin(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    __shared__ LowThin::Tiles tiles;
    filter_grad_tile(x, gy, out, s, pixels, LowThin(tiles));
}

// The slices of a filter gradient, summed: 32 numbers by a block, each warp takes every eighth slice of them, and what
// the warps have is summed in their order.
extern "C" __global__ void __launch_bounds__(256)
sum_slices(const wide *parts, wide *out, int slices, int64 count) {
    __shared__ wide sums[8][32];
    const int lane = threadIdx.x % 32, line = threadIdx.x / 32;
    const int64 i = (int64)blockIdx.x * 32 + lane;
    wide sum = 0;
    for (int slice = line; slice < slices && i < count; slice += 8) sum += parts[slice * count + i];
    sums[line][lane] = sum;
    __syncthreads();
    if (line > 0 || i >= count) return;
#pragma unroll
    for (int other = 1; other < 8; other++) sum += sums[other][lane];
    out[i] = sum;
}
