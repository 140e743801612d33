// Convolutions of 16-bit numbers on tensor cores, from sm_80 on: products are exact, their sums float32, and rounded
// when they are stored; filter gradients are not. Channels come in eights, so do their addresses.
#include "conv_tiles.cuh"

template <int TALL, int WIDE, int THREADS> struct Product : Tiles<real, TALL, WIDE, THREADS> {
    typedef Tiles<real, TALL, WIDE, THREADS> Base;
    using Base::ACROSS;
    using Base::DEPTH;
    using Base::DOWN;
    __device__ explicit Product(uint8 *shared) : Base(shared) {}

    // Of rows row and the 15 below (multiples of 16), and 16 of the sum from k on, what mma_half takes: as its a, or as
    // two b, the even ones and the odd ones.
    template <class Loader, int ROWS> static __device__ void take(unsigned (&to)[4], const real *tile, int row, int k) {
        const int line = threadIdx.x % 8, matrix = threadIdx.x % 32 / 8;
        row += matrix % 2 * 8, k += matrix / 2 * 8;
        load_matrices<!Loader::DEEP>(to, tile + Base::template at<Loader, ROWS>(row + (Loader::DEEP ? line : 0),
                                                                                k + (Loader::DEEP ? 0 : line)));
    }

    template <class A, class B>
    __device__ void multiply(const real *a, const real *b, float (&sum)[DOWN][ACROSS][4]) const {
#pragma unroll 1
        for (int k = 0; k < DEPTH; k += 16) {
            unsigned left[DOWN][4];
#pragma unroll
            for (int i = 0; i < DOWN; i++) take<A, TALL>(left[i], a, this->row + 16 * i, k);
#pragma unroll
            for (int j = 0; j < ACROSS; j += 2) {
                unsigned right[4];
                take<B, WIDE>(right, b, this->column + 8 * j, k);
#pragma unroll
                for (int i = 0; i < DOWN; i++) {
                    mma_half<real>(sum[i][j], left[i], right[0], right[2]);
                    mma_half<real>(sum[i][j + 1], left[i], right[1], right[3]);
                }
            }
        }
    }

    template <class A, class B, class R>
    __device__ void operator()(A &left, B &right, int depth, const R &result) const {
        this->run(left, right, depth, result, [&](const real *a, const real *b, float (&sum)[DOWN][ACROSS][4]) {
            multiply<A, B>(a, b, sum);
        });
    }
};

// By a warp 64 x 64, 64 x 32 or 32 x 32.
typedef Product<128, 128, 128> Half128x128;
typedef Product<128, 64, 128> Half128x64;
typedef Product<64, 64, 128> Half64x64;

extern "C" __global__ void __launch_bounds__(128)
conv2d_forward_half_128x128(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL,
                            real *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Half128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_input_grad_half_128x128(const real *gy, const real *w, real *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Half128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128)
conv2d_filter_grad_half_128x128(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Half128x128(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_forward_half_128x64(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL,
                           real *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Half128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_input_grad_half_128x64(const real *gy, const real *w, real *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Half128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, RESIDENT)
conv2d_filter_grad_half_128x64(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Half128x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_forward_half_64x64(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL,
                          real *out, ConvShape s, int activation) {
    DYNAMIC_SHARED(uint8, tiles);
    forward_tile(x, w, bias, residual, out, s, activation, Half64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_input_grad_half_64x64(const real *gy, const real *w, real *out, ConvShape s) {
    DYNAMIC_SHARED(uint8, tiles);
    input_grad_tile(gy, w, out, s, Half64x64(tiles));
}

extern "C" __global__ void __launch_bounds__(128, 4)
conv2d_filter_grad_half_64x64(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    DYNAMIC_SHARED(uint8, tiles);
    filter_grad_tile(x, gy, out, s, pixels, Half64x64(tiles));
}
