// Every function of common.cuh and random.cuh at work: for the tests of the emulator, and so that its PTX is compiled.
#include "common.cuh"
#include "random.cuh"

// out[i] = the sum of x over the warp of element i, of ballot(x > 0), and x of the warp's lane `from`
extern "C" __global__ void __launch_bounds__(64)
warp_sums(const float *x, float *out, int *positive, float *shown, int from) {
    const int i = blockIdx.x * 64 + threadIdx.x;
    float sum = x[i];
    for (int mask = 16; mask; mask /= 2) sum += shfl_xor(sum, mask);
    out[i] = sum, positive[i] = (int)ballot(x[i] > 0), shown[i] = shfl(x[i], from);
}

// out (16, 8) = a (16, depth) @ b (depth, 8), depth a multiple of 8; by one warp, tiles come in two stages
extern "C" __global__ void __launch_bounds__(32)
staged_mma(const float *a, const float *b, float *out, int depth) {
    __shared__ float4 a_tiles[2][16][2], b_tiles[2][8][2];
    const int lane = threadIdx.x, group = lane / 4, pair = lane % 4;
    float d[4] = {};
    for (int step = -1; step < depth / 8; step++) {
        const int next = step + 1;
        if (next < depth / 8) {
            cp_async16(&a_tiles[next % 2][lane / 2][lane % 2], a + lane / 2 * depth + 8 * next + lane % 2 * 4);
            if (lane < 16) cp_async16(&b_tiles[next % 2][lane / 2][lane % 2], b + (8 * next + lane / 2) * 8 + lane % 2 * 4);
        }
        cp_commit();
        if (step < 0) continue;
        cp_wait<1>();
        __syncthreads();
        const float *a_tile = (const float *)a_tiles[step % 2], *b_tile = (const float *)b_tiles[step % 2];
        const float left[4] = {to_tf32(a_tile[group * 8 + pair]), to_tf32(a_tile[(group + 8) * 8 + pair]),
                               to_tf32(a_tile[group * 8 + pair + 4]), to_tf32(a_tile[(group + 8) * 8 + pair + 4])};
        const float right[2] = {to_tf32(b_tile[pair * 8 + group]), to_tf32(b_tile[(pair + 4) * 8 + group])};
        mma_tf32(d, left, right);
        __syncthreads();
    }
    for (int i = 0; i < 4; i++) out[(group + i / 2 * 8) * 8 + 2 * pair + i % 2] = d[i];
}

// The same product of numbers of 16 bits, depth a multiple of 16; b (8, depth) is transposed already if so said
extern "C" __global__ void __launch_bounds__(32)
product_of_halves(const real *a, const real *b, float *out, int depth, int transposed) {
    __align__(16) __shared__ real a_tile[16][16], b_tile[256];
    const int lane = threadIdx.x, matrix = lane / 8, line = lane % 8;
    float d[4] = {};
    for (int k = 0; k < depth; k += 16) {
        __syncthreads();
        for (int i = lane; i < 256; i += 32) a_tile[i / 16][i % 16] = a[i / 16 * depth + k + i % 16];
        for (int i = lane; i < 128; i += 32) b_tile[i] = transposed ? b[i / 16 * depth + k + i % 16] : b[8 * k + i];
        __syncthreads();
        unsigned left[4], right[4];
        load_matrices<false>(left, &a_tile[matrix % 2 * 8 + line][matrix / 2 * 8]);
        if (transposed)
            load_matrices<false>(right, &b_tile[line * 16 + matrix % 2 * 8]);
        else
            load_matrices<true>(right, &b_tile[(matrix % 2 * 8 + line) * 8]);
        mma_half<real>(d, left, right[0], right[1]);
    }
    for (int i = 0; i < 4; i++) out[(lane / 4 + i / 2 * 8) * 8 + 2 * (lane % 4) + i % 2] = d[i];
}

// out = x, rounded to 16 bits and read again
extern "C" __global__ void __launch_bounds__(256)
through_halves(const float *x, real *half, float *out, int count) {
    FOR_EACH(int, i, count) half[i] = x[i], out[i] = half[i];
}

// The first `count` of 4 numbers for each thread, the rest 0, backwards by way of shared memory of 16 bytes a thread
extern "C" __global__ void __launch_bounds__(64)
cut_and_reverse(const float *x, float *out, int count) {
    DYNAMIC_SHARED(float, tile);
    cp_async16(tile + 4 * threadIdx.x, x + 4 * threadIdx.x, 4 * count);
    cp_commit();
    cp_wait<0>();
    __syncthreads();
    for (int i = 0; i < 4; i++) out[4 * threadIdx.x + i] = tile[4 * 63 - 4 * threadIdx.x + i];
}

// The words of philox for the counter and the key in x, four and two words
extern "C" __global__ void __launch_bounds__(32)
philox_words(const int *x, int *out) {
    const Words bits = philox({{(unsigned)x[0], (unsigned)x[1], (unsigned)x[2], (unsigned)x[3]}}, x[4], x[5]);
    if (threadIdx.x < 4) out[threadIdx.x] = bits.at[threadIdx.x];
}
