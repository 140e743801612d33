// Random numbers of an array: each of a key, drawn by the host, and of its place, whatever the grid.
#include "random.cuh"

#ifdef REAL_IS_FLOAT
#define NUMBERS 4 // of one call of philox
__device__ inline real uniform(const Words &bits, int i) { return (bits.at[i] >> 8) * 0x1p-24f; }
#else
#define NUMBERS 2
__device__ inline real uniform(const Words &bits, int i) {
    return (((unsigned long long)bits.at[2 * i] << 32 | bits.at[2 * i + 1]) >> 11) * 0x1p-53;
}
#endif

__device__ inline Words bits_of(int64 i, int64 key) {
    return philox({{(unsigned)i, (unsigned)(i >> 32), 0, 0}}, (unsigned)key, (unsigned)(key >> 32));
}

// Equally dense in [0, 1)
extern "C" __global__ void __launch_bounds__(256)
random_uniform(real *out, int64 key, int64 count) {
    FOR_EACH(int64, i, (count + NUMBERS - 1) / NUMBERS) {
        const Words bits = bits_of(i, key);
#pragma unroll
        for (int k = 0; k < NUMBERS; k++)
            if (NUMBERS * i + k < count) out[NUMBERS * i + k] = uniform(bits, k);
    }
}

// Normally distributed, of mean 0 and variance 1: two of two uniform numbers (Box and Muller 1958)
extern "C" __global__ void __launch_bounds__(256)
random_normal(real *out, int64 key, int64 count) {
    FOR_EACH(int64, i, (count + NUMBERS - 1) / NUMBERS) {
        const Words bits = bits_of(i, key);
#pragma unroll
        for (int k = 0; k < NUMBERS; k += 2) {
            const real radius = sqrt(-2 * log(1 - uniform(bits, k))), angle = 2 * uniform(bits, k + 1); // of pi
            if (NUMBERS * i + k < count) out[NUMBERS * i + k] = radius * cospi(angle);
            if (NUMBERS * i + k + 1 < count) out[NUMBERS * i + k + 1] = radius * sinpi(angle);
        }
    }
}
