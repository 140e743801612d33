// Convolutions of float32 on tensor cores, from sm_80 on: each warp has a part of a tile of the result. Tiles
// of the operands come by cp.async while those before are multiplied; channels come in fours, so do their addresses.
//
// Exact: a number is the sum of two that tensor cores take, x = big + rest, and big*big + big*rest + rest*big is what
// float32 has of a product (3xTF32). Tensor cores round sums towards 0, so that long sums lose digits there: each 8
// products are summed there, and added to the others as floats are. An infinity becomes NaN, by infinity - infinity.
// Otherwise numbers are rounded to 10 bits of mantissa, products are exact, and all is summed there (TF32).
#include "conv.cuh"

#define DEPTH 32
#define STAGES 3 // tiles of each operand that are on their way or in use
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1200
#define RESIDENT 1 // blocks of 128 x 64 on a multiprocessor: here shared memory holds no more
#else
#define RESIDENT 3
#endif
#define MARGIN 8 // between lines of the finished tile, so that pairs of a warp meet no bank twice

// Two warps down, THREADS / 64 across; DOWN x ACROSS are the results of mma that a warp has.
template <int TALL_, int WIDE_, int THREADS, bool EXACT> struct Product {
    static constexpr int TALL = TALL_, WIDE = WIDE_, WARPS = THREADS / 64, DOWN = TALL / 32, ACROSS = WIDE / WARPS / 8;
    static constexpr int UNROLL = EXACT && WIDE == 64 ? 1 : 2; // as far as registers go
    template <template <class, int, int, int, int> class Loader, class T>
    using Left = Loader<T, TALL, DEPTH, 4, THREADS>;
    template <template <class, int, int, int, int> class Loader, class T>
    using Right = Loader<T, WIDE, DEPTH, 4, THREADS>;

    float *tiles;
    int group, pair, row, column; // of this lane in an mma, and of this warp in the tile
    __device__ explicit Product(float *tiles)
        : tiles(tiles), group(threadIdx.x % 32 / 4), pair(threadIdx.x % 4), row(threadIdx.x / 32 / WARPS * (TALL / 2)),
          column(threadIdx.x / 32 % WARPS * (WIDE / WARPS)) {}

    // Where number (row, k) of a tile lies: fours are exchanged among each other, so that a warp meets no bank twice.
    template <class Loader, int ROWS> static __device__ int at(int row, int k) {
        return Loader::DEEP ? row * DEPTH + ((k / 4 ^ row % 8) * 4 + k % 4) : k * ROWS + (row ^ k % 4 * 8);
    }
    // That of row begin + offset + group, begin a multiple of 32, and of k + pair, k one of 4: most of it is constant.
    template <class Loader, int ROWS> __device__ int own(int begin, int offset, int k) const {
        return Loader::DEEP ? (begin + group) * DEPTH + (k / 4 ^ group) * 4 + pair + offset * DEPTH
                            : (k + pair) * ROWS + begin + ((offset % 32 + group) ^ pair * 8) + offset / 32 * 32;
    }

    template <class A, class B> __device__ void load(A &left, B &right, float *a, float *b) const {
        left.load([&](int row, int k, const float *from, bool there) {
            cp_async16(a + at<A, TALL>(row, k), from, there ? 16 : 0);
        });
        right.load([&](int row, int k, const float *from, bool there) {
            cp_async16(b + at<B, WIDE>(row, k), from, there ? 16 : 0);
        });
    }

    template <class A, class B>
    __device__ void multiply(const float *a, const float *b, float (&sum)[DOWN][ACROSS][4]) const {
#pragma unroll UNROLL
        for (int k = 0; k < DEPTH; k += 8) {
            float big[DOWN][4], rest[DOWN][4];
#pragma unroll
            for (int i = 0; i < DOWN; i++)
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    const float x = a[own<A, TALL>(row, 16 * i + e % 2 * 8, k + e / 2 * 4)];
                    big[i][e] = to_tf32(x), rest[i][e] = to_tf32(x - big[i][e]);
                }
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                float right[2], right_rest[2];
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const float x = b[own<B, WIDE>(column, 8 * j, k + 4 * e)];
                    right[e] = to_tf32(x), right_rest[e] = to_tf32(x - right[e]);
                }
                if (EXACT) {
                    float part[DOWN][4] = {};
#pragma unroll
                    for (int i = 0; i < DOWN; i++) mma_tf32(part[i], rest[i], right);
#pragma unroll
                    for (int i = 0; i < DOWN; i++) mma_tf32(part[i], big[i], right_rest);
#pragma unroll
                    for (int i = 0; i < DOWN; i++) mma_tf32(part[i], big[i], right);
#pragma unroll
                    for (int i = 0; i < DOWN; i++)
#pragma unroll
                        for (int e = 0; e < 4; e++) sum[i][j][e] += part[i][e];
                } else {
#pragma unroll
                    for (int i = 0; i < DOWN; i++) mma_tf32(sum[i][j], big[i], right);
                }
            }
        }
    }

    template <class A, class B, class R>
    __device__ void operator()(A &left, B &right, int depth, const R &result) const {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
        __trap(); // has no such tensor cores, and conv.py does not come here
#else
        constexpr int A_TILE = TALL * DEPTH, STAGE = (TALL + WIDE) * DEPTH;
        const int steps = (depth + DEPTH - 1) / DEPTH;
        float sum[DOWN][ACROSS][4] = {};
#pragma unroll
        for (int step = 0; step < STAGES - 1; step++) {
            if (step < steps) load(left, right, tiles + step * STAGE, tiles + step * STAGE + A_TILE);
            cp_commit();
        }
        int now = 0, next = STAGES - 1;
        for (int step = 0; step < steps; step++) {
            cp_wait<STAGES - 2>(); // this step's tiles are there
            __syncthreads();       // for all, and those of the step before are no longer read
            if (step + STAGES - 1 < steps) load(left, right, tiles + next * STAGE, tiles + next * STAGE + A_TILE);
            cp_commit();
            multiply<A, B>(tiles + now * STAGE, tiles + now * STAGE + A_TILE, sum);
            now = now + 1 < STAGES ? now + 1 : 0, next = next + 1 < STAGES ? next + 1 : 0;
        }
        __syncthreads();
        store(sum, result);
#endif
    }

    // By way of shared memory, so that a warp writes lines of the result.
    template <class R> __device__ void store(const float (&sum)[DOWN][ACROSS][4], const R &result) const {
        constexpr int LINE = WIDE + MARGIN, FOURS = WIDE / 4;
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ACROSS; j++)
#pragma unroll
                for (int e = 0; e < 4; e += 2) {
                    float *to = tiles + (row + 16 * i + group + e / 2 * 8) * LINE + column + 8 * j + 2 * pair;
                    *(float2 *)to = {sum[i][j][e], sum[i][j][e + 1]};
                }
        __syncthreads();
#pragma unroll 1 // the activations are long
        for (int i = threadIdx.x; i < TALL * FOURS; i += THREADS) {
            const int r = i / FOURS, c = i % FOURS * 4, column = result.column + c;
            if (result.row + r >= result.rows || column >= result.columns) continue;
            const int64 line = (int64)result.place(result.row + r) * result.all;
            const float4 v = *(const float4 *)(tiles + r * LINE + c);
            *(float4 *)(result.out + line + column) = {
                result.finished(line, column, v.x), result.finished(line, column + 1, v.y),
                result.finished(line, column + 2, v.z), result.finished(line, column + 3, v.w)};
        }
    }
};

// By a warp 64 x 32, or 32 x 32 in small tiles; in TF32 64 x 64, for there reads of shared memory are the limit.
typedef Product<128, 128, 256, true> Exact128x128;
typedef Product<128, 64, 128, true> Exact128x64;
typedef Product<64, 64, 128, true> Exact64x64;
typedef Product<128, 128, 128, false> Tf32_128x128;
typedef Product<128, 64, 128, false> Tf32_128x64;
typedef Product<64, 64, 128, false> Tf32_64x64;

extern "C" __global__ void __launch_bounds__(256)
conv2d_forward_exact_128x128(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                             float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_input_grad_exact_128x128(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_filter_grad_exact_128x128(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_forward_exact_128x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                            float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_input_grad_exact_128x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_filter_grad_exact_128x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_forward_exact_64x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                           float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_input_grad_exact_64x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_filter_grad_exact_64x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_forward_tf32_128x128(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                            float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_input_grad_tf32_128x128(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_filter_grad_tf32_128x128(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_forward_tf32_128x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                           float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_input_grad_tf32_128x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_filter_grad_tf32_128x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_forward_tf32_64x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                          float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(float, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_input_grad_tf32_64x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(float, tiles);
    input_grad_tile(gy, w, out, s, Tf32_64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_filter_grad_tf32_64x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(float, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_64x64(tiles));
}
