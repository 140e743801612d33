// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011): random bits as a function.
#include "common.cuh"
#ifndef PYCNN_RANDOM
#define PYCNN_RANDOM

struct Words { unsigned at[4]; };

__device__ inline unsigned high_product(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }

// 128 bits that belong to a counter of 128 bits and a key of 64.
__device__ inline Words philox(Words c, unsigned key_0, unsigned key_1) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        c = {{high_product(0xCD9E8D57u, c.at[2]) ^ c.at[1] ^ key_0, 0xCD9E8D57u * c.at[2],
              high_product(0xD2511F53u, c.at[0]) ^ c.at[3] ^ key_1, 0xD2511F53u * c.at[0]}};
        key_0 += 0x9E3779B9u, key_1 += 0xBB67AE85u;
    }
    return c;
}
#endif
