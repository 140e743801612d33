// Convolutions of float32 on tensor cores, from sm_80 on. Channels come in fours, so do their addresses.
//
// Exact: a number is the sum of two that tensor cores take, x = big + rest, and big*big + big*rest + rest*big is what
// float32 has of a product (3xTF32). Tensor cores round sums towards 0, so that long sums lose digits there: each 8
// products are summed there, and added to the others as floats are. An infinity becomes NaN, by infinity - infinity.
// Otherwise numbers are rounded to 10 bits of mantissa, products are exact, and all is summed there (TF32).
#include "conv_tiles.cuh"

template <int TALL, int WIDE, int THREADS, bool EXACT> struct Product : Tiles<float, TALL, WIDE, THREADS> {
    typedef Tiles<float, TALL, WIDE, THREADS> Base;
    using Base::ACROSS;
    using Base::DEPTH;
    using Base::DOWN;
    static constexpr int UNROLL = EXACT && WIDE == 64 ? 1 : 2; // as far as registers go
    __device__ explicit Product(uint8 *shared) : Base(shared) {}

    // Where number (begin + offset + group, k + pair) of a tile lies, begin a multiple of 32 and k one of 4: most of it
    // is constant.
    template <class Loader, int ROWS> __device__ int own(int begin, int offset, int k) const {
        const int group = this->group, pair = this->pair;
        return Loader::DEEP ? (begin + group) * DEPTH + (k / 4 ^ group) * 4 + pair + offset * DEPTH
                            : (k + pair) * ROWS + begin + ((offset % 32 + group) ^ pair * 8) + offset / 32 * 32;
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
                    const float x = a[own<A, TALL>(this->row, 16 * i + e % 2 * 8, k + e / 2 * 4)];
                    big[i][e] = to_tf32(x), rest[i][e] = to_tf32(x - big[i][e]);
                }
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                float right[2], right_rest[2];
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const float x = b[own<B, WIDE>(this->column, 8 * j, k + 4 * e)];
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
        this->run(left, right, depth, result, [&](const float *a, const float *b, float (&sum)[DOWN][ACROSS][4]) {
            multiply<A, B>(a, b, sum);
        });
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
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_input_grad_exact_128x128(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_filter_grad_exact_128x128(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_forward_exact_128x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                            float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_input_grad_exact_128x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_filter_grad_exact_128x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_forward_exact_64x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                           float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_input_grad_exact_64x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_filter_grad_exact_64x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Exact64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_forward_tf32_128x128(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                            float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_input_grad_tf32_128x128(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_filter_grad_tf32_128x128(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_forward_tf32_128x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                           float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_input_grad_tf32_128x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_filter_grad_tf32_128x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_forward_tf32_64x64(const float *x, const float *w, const float *bias OR_NULL, const float *residual OR_NULL,
                          float *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Tf32_64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_input_grad_tf32_64x64(const float *gy, const float *w, float *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Tf32_64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_filter_grad_tf32_64x64(const float *x, const float *gy, float *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Tf32_64x64(tiles));
}
