// What all kernels share. The functions below are PTX here and C++ in tests/cuda_emulator/emulator.h.
#ifndef PYCNN_COMMON
#define PYCNN_COMMON

typedef long long int64;
typedef unsigned char uint8;
typedef unsigned short uint16;
struct float16; // numbers of 16 bits
struct bfloat16;
#define OR_NULL // after a parameter: the pointer may be null

#ifndef PYCNN_EMULATED
#define FULL_WARP 0xffffffffu
#define DYNAMIC_SHARED(type, name)                        \
    extern __shared__ __align__(16) uint8 dynamic_shared_[]; \
    type *name = (type *)dynamic_shared_

// Of a whole warp: the value of another lane, and of the lane whose number differs in the bits of mask.
template <class T> __device__ inline T shfl(T value, int lane) { return __shfl_sync(FULL_WARP, value, lane); }
template <class T> __device__ inline T shfl_xor(T value, int mask) { return __shfl_xor_sync(FULL_WARP, value, mask); }
__device__ inline unsigned ballot(bool condition) { return __ballot_sync(FULL_WARP, condition); }

// a*b, rounded: never part of a fused multiply-add.
__device__ inline float rounded_product(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double rounded_product(double a, double b) { return __dmul_rn(a, b); }

// 16 bytes from global to shared memory, of which only the first `bytes` are read and the rest are 0. They are there
// for the own thread after cp_wait, for others after __syncthreads besides. Before sm_80 the copy is made at once.
__device__ inline void cp_async16(void *shared, const void *global, int bytes = 16) {
#if __CUDA_ARCH__ >= 800
    const unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
#else
    for (int i = 0; i < 16; i++) ((uint8 *)shared)[i] = i < bytes ? ((const uint8 *)global)[i] : 0;
#endif
}

// The copies since the last commit are one group; wait until at most N of the groups are still under way.
__device__ inline void cp_commit() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int N> __device__ inline void cp_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// To the nearest number of 10 mantissa bits, as mma_tf32 takes them.
__device__ inline float to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
#else
    return x;
#endif
}

// d (16, 8) += a (16, 8) @ b (8, 8) by a warp, in the registers of mma.m16n8k8: of lane = 4*group + i,
// a = rows group, group + 8, the same of columns i (a[0], a[1]) and i + 4 (a[2], a[3]); b = rows i, i + 4 of column
// group; d = columns 2*i, 2*i + 1 of row group (d[0], d[1]) and of row group + 8 (d[2], d[3]). From sm_80 on.
__device__ inline void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
          "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
    __trap();
#endif
}

// Numbers of 16 bits: float16, to the nearest, and back; bfloat16 is the front of a float.
__device__ inline uint16 to_float16(float x) {
    uint16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
__device__ inline float from_float16(uint16 bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
__device__ inline unsigned bits_of(float x) { return __float_as_uint(x); }
__device__ inline float from_bits(unsigned bits) { return __uint_as_float(bits); }

// Four matrices (8, 8) of 16-bit numbers from shared memory to the registers of a warp. Lane i says where row i % 8 of
// matrix i / 8 begins, at a multiple of 16 bytes; of each matrix, or of each transposed, it gets columns 2*(i % 4) and
// 2*(i % 4) + 1 of row i / 4, the first one in the lower bits.
template <bool TRANSPOSED> __device__ inline void load_matrices(unsigned (&to)[4], const void *row) {
    const unsigned from = (unsigned)__cvta_generic_to_shared(row);
    if (TRANSPOSED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(from) : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(from) : "memory");
}

// d (16, 8) += a (16, 16) @ b (16, 8) by a warp, a and b of numbers T of 16 bits: mma.m16n8k16, d as in mma_tf32. a are
// the matrices of load_matrices rows 0-7 and 8-15 of columns 0-7, then of columns 8-15; b the transposed ones of rows
// 0-7 and 8-15. From sm_80 on.
template <class T>
__device__ void mma_half(float (&d)[4], const unsigned (&a)[4], unsigned b_low, unsigned b_high);
#if __CUDA_ARCH__ >= 800
#define MMA_HALF(T, TYPE)                                                                                          \
    template <>                                                                                                    \
    __device__ inline void mma_half<T>(float (&d)[4], const unsigned (&a)[4], unsigned b_low, unsigned b_high) {   \
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." TYPE "." TYPE ".f32 "                                \
                     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                       \
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                              \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_low), "r"(b_high));                       \
    }
MMA_HALF(float16, "f16")
MMA_HALF(bfloat16, "bf16")
#endif
#endif

// What is so in memory only: what is computed of them is a float, and rounded to the nearest when it is stored.
struct float16 {
    uint16 bits;
    float16() = default;
    __device__ float16(float x) : bits(to_float16(x)) {}
    __device__ operator float() const { return from_float16(bits); }
};
struct bfloat16 {
    uint16 bits;
    bfloat16() = default;
    __device__ bfloat16(float x) {
        const unsigned all = bits_of(x);
        bits = x == x ? (all + 0x7fff + (all >> 16 & 1)) >> 16 : 0x7fff;
    }
    __device__ operator float() const { return from_bits((unsigned)bits << 16); }
};
typedef PYCNN_REAL real; // of the arrays
typedef PYCNN_WIDE wide; // of what is computed of them

// What a launch takes many of: the arrays of a list (null where there is no list), and integers of theirs.
#define MANY 64
struct Arrays { real *at[MANY]; };
struct Integers { int64 at[MANY]; };

// for (i = this thread's elements below count): neighbours of a warp take neighbouring elements
#define FOR_EACH(type, i, count) \
    for (type i = (type)blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += (type)gridDim.x * blockDim.x)

// i / n of numbers that are not negative, short where both have 32 bits
__device__ inline int64 quotient(int64 i, int64 n) { return (i | n) >> 32 ? i / n : (unsigned)i / (unsigned)n; }
#endif
