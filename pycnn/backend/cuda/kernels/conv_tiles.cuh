// Convolutions on tensor cores, whatever they multiply: a warp has a part of a tile of the result, and sums 16 x 8 of
// it by an mma. Tiles of the operands come by cp.async, 16 bytes at a time, while those before are multiplied.
#include "conv.cuh"
#ifndef PYCNN_CONV_TILES
#define PYCNN_CONV_TILES

#define STAGES 3 // tiles of each operand that are on their way or in use
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1200
#define RESIDENT 1 // blocks of 128 x 64 on a multiprocessor: here shared memory holds no more
#else
#define RESIDENT 3
#endif
#define MARGIN 8 // between lines of the finished tile, so that pairs of a warp meet no bank twice

// Neighbours that are stored at once.
template <class T> struct alignas(4 * sizeof(T)) Four { T at[4]; };

// Two warps down, THREADS / 64 across; DOWN x ACROSS are the results of mma that a warp has. E are the numbers that are
// multiplied, of which a tile has 128 bytes of the sum.
template <class E, int TALL_, int WIDE_, int THREADS> struct Tiles {
    static constexpr int TALL = TALL_, WIDE = WIDE_, WARPS = THREADS / 64, DOWN = TALL / 32, ACROSS = WIDE / WARPS / 8;
    static constexpr int DEPTH = 128 / sizeof(E), TOGETHER = 16 / sizeof(E); // of a tile, and of a copy
    template <template <class, int, int, int, int> class Loader, class T>
    using Left = Loader<T, TALL, DEPTH, TOGETHER, THREADS>;
    template <template <class, int, int, int, int> class Loader, class T>
    using Right = Loader<T, WIDE, DEPTH, TOGETHER, THREADS>;

    uint8 *shared;
    int group, pair, row, column; // of this lane in an mma, and of this warp in the tile
    __device__ explicit Tiles(uint8 *shared)
        : shared(shared), group(threadIdx.x % 32 / 4), pair(threadIdx.x % 4),
          row(threadIdx.x / 32 / WARPS * (TALL / 2)), column(threadIdx.x / 32 % WARPS * (WIDE / WARPS)) {}

    // Where number (row, k) of a tile lies: what is copied at once is exchanged among each other, so that a warp meets
    // no bank twice.
    template <class Loader, int ROWS> static __device__ int at(int row, int k) {
        return Loader::DEEP ? row * DEPTH + (k / TOGETHER ^ row % 8) * TOGETHER + k % TOGETHER
                            : k * ROWS + (row ^ k % TOGETHER * 8);
    }

    template <class A, class B> __device__ void load(A &left, B &right, E *a, E *b) const {
        left.load([&](int row, int k, const E *from, bool there) {
            cp_async16(a + at<A, TALL>(row, k), from, there ? 16 : 0);
        });
        right.load([&](int row, int k, const E *from, bool there) {
            cp_async16(b + at<B, WIDE>(row, k), from, there ? 16 : 0);
        });
    }

    // multiply(a, b, sum): add the product of two tiles to what this warp sums
    template <class A, class B, class R, class Multiply>
    __device__ void run(A &left, B &right, int depth, const R &result, const Multiply &multiply) const {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
        __trap(); // has no such tensor cores, and conv.py does not come here
#else
        constexpr int A_TILE = TALL * DEPTH, STAGE = (TALL + WIDE) * DEPTH;
        E *tiles = (E *)shared;
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
            multiply(tiles + now * STAGE, tiles + now * STAGE + A_TILE, sum);
            now = now + 1 < STAGES ? now + 1 : 0, next = next + 1 < STAGES ? next + 1 : 0;
        }
        __syncthreads();
        store(sum, result);
#endif
    }

    // By way of shared memory, so that a warp writes lines of the result.
    template <class T, class Place>
    __device__ void store(const float (&sum)[DOWN][ACROSS][4], const Result<T, Place> &result) const {
        constexpr int LINE = WIDE + MARGIN, FOURS = WIDE / 4;
        float *finished = (float *)shared;
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ACROSS; j++)
#pragma unroll
                for (int e = 0; e < 4; e += 2) {
                    float *to = finished + (row + 16 * i + group + e / 2 * 8) * LINE + column + 8 * j + 2 * pair;
                    *(float2 *)to = {sum[i][j][e], sum[i][j][e + 1]};
                }
        __syncthreads();
#pragma unroll 1 // the activations are long
        for (int i = threadIdx.x; i < TALL * FOURS; i += THREADS) {
            const int r = i / FOURS, c = i % FOURS * 4, column = result.column + c;
            if (result.row + r >= result.rows || column >= result.columns) continue;
            const int64 line = (int64)result.place(result.row + r) * result.all;
            const float4 v = *(const float4 *)(finished + r * LINE + c);
            *(Four<T> *)(result.out + line + column) = {
                {result.finished(line, column, v.x), result.finished(line, column + 1, v.y),
                 result.finished(line, column + 2, v.z), result.finished(line, column + 3, v.w)}};
        }
    }
};
#endif
