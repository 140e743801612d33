/* Vectors of the instruction set that this file is compiled for, of floats or (with PYCNN_DOUBLE) doubles. */
#ifndef PYCNN_VECTOR_H
#define PYCNN_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#ifdef PYCNN_DOUBLE
typedef double real;
typedef int64_t integer; /* as wide as a real: what comparisons of vectors give */
#define R(name) name /* the libm function for a real */
#else
typedef float real;
typedef int32_t integer;
#define R(name) name##f
#endif

#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(real)))

typedef real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef real vec_unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef integer ivec __attribute__((vector_size(VECTOR_BYTES)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* Keep a vector that was loaded in a register: gcc would load it anew for each use, which costs twice where it crosses
 * a cache line. */
#if defined(__AVX512F__)
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#elif defined(__SSE2__)
#define IN_REGISTER(v) __asm__("" : "+x"(v))
#else
#define IN_REGISTER(v) (void)(v)
#endif

INLINE vec load(const real *p) { return *(const vec_unaligned *)p; }
INLINE void store(real *p, vec v) { *(vec_unaligned *)p = v; }
/* Past the caches, to an address that is a multiple of a vector's size; after such stores comes stores_are_done. */
#if defined(__AVX512F__)
INLINE void stream(real *p, vec v) { _mm512_stream_ps((float *)p, (__m512)v); }
INLINE void stores_are_done(void) { _mm_sfence(); }
#elif defined(__AVX2__)
INLINE void stream(real *p, vec v) { _mm256_stream_ps((float *)p, (__m256)v); }
INLINE void stores_are_done(void) { _mm_sfence(); }
#else
INLINE void stream(real *p, vec v) { store(p, v); }
INLINE void stores_are_done(void) {}
#endif
INLINE vec splat(real a) { return a - (vec){}; }

/* Whether so many numbers are too many to stay in L2. */
INLINE int is_far(ptrdiff_t numbers) { return numbers * (ptrdiff_t)sizeof(real) > 512 * 1024; }

INLINE ptrdiff_t at_most(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
INLINE ptrdiff_t at_least(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* The first n >= 0 of a vector's lanes (all of them from n = LANES on); the others read as 0 and are not written. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE __mmask16 first_lanes(ptrdiff_t n) { return n < 16 ? (__mmask16)((1u << n) - 1) : 0xffff; }
INLINE vec load_first(const real *p, ptrdiff_t n) { return (vec)_mm512_maskz_loadu_ps(first_lanes(n), p); }
INLINE void store_first(real *p, vec v, ptrdiff_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), (__m512)v); }
#elif defined(__AVX512F__)
INLINE __mmask8 first_lanes(ptrdiff_t n) { return n < 8 ? (__mmask8)((1u << n) - 1) : 0xff; }
INLINE vec load_first(const real *p, ptrdiff_t n) { return (vec)_mm512_maskz_loadu_pd(first_lanes(n), p); }
INLINE void store_first(real *p, vec v, ptrdiff_t n) { _mm512_mask_storeu_pd(p, first_lanes(n), (__m512d)v); }
#elif defined(__AVX2__)
INLINE __m256i first_lanes(ptrdiff_t n) {
    static const integer on_then_off[16] = {-1, -1, -1, -1, -1, -1, -1, -1}; /* enough for 8 floats */
    return _mm256_loadu_si256((const __m256i *)(on_then_off + 8 - (n < LANES ? n : LANES)));
}
#ifdef PYCNN_DOUBLE
INLINE vec load_first(const real *p, ptrdiff_t n) { return (vec)_mm256_maskload_pd(p, first_lanes(n)); }
INLINE void store_first(real *p, vec v, ptrdiff_t n) { _mm256_maskstore_pd(p, first_lanes(n), (__m256d)v); }
#else
INLINE vec load_first(const real *p, ptrdiff_t n) { return (vec)_mm256_maskload_ps(p, first_lanes(n)); }
INLINE void store_first(real *p, vec v, ptrdiff_t n) { _mm256_maskstore_ps(p, first_lanes(n), (__m256)v); }
#endif
#else
INLINE vec load_first(const real *p, ptrdiff_t n) {
    vec v = {};
    for (ptrdiff_t i = 0; i < LANES; i++)
        if (i < n) v[i] = p[i];
    return v;
}
INLINE void store_first(real *p, vec v, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < LANES; i++)
        if (i < n) p[i] = v[i];
}
#endif

/* The same with a mask made once, for loops that gcc would make it anew in. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
typedef __mmask16 lane_mask;
#elif defined(__AVX512F__)
typedef __mmask8 lane_mask;
#elif defined(__AVX2__)
typedef __m256i lane_mask;
#else
typedef ptrdiff_t lane_mask;
INLINE lane_mask first_lanes(ptrdiff_t n) { return n; }
#endif
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE vec load_masked(const real *p, lane_mask m) { return (vec)_mm512_maskz_loadu_ps(m, p); }
INLINE void store_masked(real *p, vec v, lane_mask m) { _mm512_mask_storeu_ps(p, m, (__m512)v); }
#elif defined(__AVX512F__)
INLINE vec load_masked(const real *p, lane_mask m) { return (vec)_mm512_maskz_loadu_pd(m, p); }
INLINE void store_masked(real *p, vec v, lane_mask m) { _mm512_mask_storeu_pd(p, m, (__m512d)v); }
#elif defined(__AVX2__) && !defined(PYCNN_DOUBLE)
INLINE vec load_masked(const real *p, lane_mask m) { return (vec)_mm256_maskload_ps(p, m); }
INLINE void store_masked(real *p, vec v, lane_mask m) { _mm256_maskstore_ps(p, m, (__m256)v); }
#elif defined(__AVX2__)
INLINE vec load_masked(const real *p, lane_mask m) { return (vec)_mm256_maskload_pd(p, m); }
INLINE void store_masked(real *p, vec v, lane_mask m) { _mm256_maskstore_pd(p, m, (__m256d)v); }
#else
INLINE vec load_masked(const real *p, lane_mask m) { return load_first(p, m); }
INLINE void store_masked(real *p, vec v, lane_mask m) { store_first(p, v, m); }
#endif

/* mask ? a : b, lane by lane, for the all-ones or all-zeros lanes that a comparison gives. */
INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }

/* a > b ? a : b and a < b ? a : b, so that of equals and where one is NaN it is b; and whether any lane of a mask is
   on. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vec smaller(vec a, vec b) { return (vec)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE int any(ivec mask) { return _mm512_movepi32_mask((__m512i)mask) != 0; }
#elif defined(__AVX2__) && !defined(PYCNN_DOUBLE)
INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vec smaller(vec a, vec b) { return (vec)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE int any(ivec mask) { return _mm256_movemask_ps((__m256)mask) != 0; }
#else
INLINE vec larger(vec a, vec b) { return choose(a > b, a, b); }
INLINE vec smaller(vec a, vec b) { return choose(a < b, a, b); }
INLINE int any(ivec mask) {
    integer on = 0;
    for (ptrdiff_t l = 0; l < LANES; l++) on |= mask[l];
    return on != 0;
}
#endif

/* One round of a transposition of `count` vectors: swap the blocks of size s that lie off the diagonal of each block of
 * size 2s. */
INLINE void swap_blocks(const int s, const int count, vec *m) {
    ivec low, high;
    UNROLL for (int l = 0; l < LANES; l++) {
        low[l] = l & s ? LANES + l - s : l;
        high[l] = l & s ? LANES + l : l + s;
    }
    UNROLL for (int i = 0; i < count; i++) {
        if (i & s) continue;
        const vec a = m[i], b = m[i + s];
        m[i] = __builtin_shuffle(a, b, low);
        m[i + s] = __builtin_shuffle(a, b, high);
    }
}

/* Lane j of vector i to lane i of vector j, for LANES vectors. */
INLINE void transpose(vec *m) {
    if (LANES > 8) swap_blocks(8, LANES, m);
    if (LANES > 4) swap_blocks(4, LANES, m);
    if (LANES > 2) swap_blocks(2, LANES, m);
    swap_blocks(1, LANES, m);
}

#define HALF (LANES / 2)

/* The same for HALF vectors and each half of their lanes by itself. */
INLINE void transpose_halves(vec *m) {
    if (HALF > 4) swap_blocks(4, HALF, m);
    if (HALF > 2) swap_blocks(2, HALF, m);
    if (HALF > 1) swap_blocks(1, HALF, m);
}

/* The lower half of a, and above it that of b; and the other way round: the upper half of a vector below. */
INLINE vec join_halves(vec a, vec b) {
    ivec lanes;
    UNROLL for (int l = 0; l < LANES; l++) lanes[l] = l < HALF ? l : LANES + l - HALF;
    return __builtin_shuffle(a, b, lanes);
}
INLINE vec upper_half(vec a) {
    ivec lanes;
    UNROLL for (int l = 0; l < LANES; l++) lanes[l] = (l + HALF) % LANES;
    return __builtin_shuffle(a, lanes);
}

/* turned[i][p] = from[p*step + i] for p < pixels <= LANES and i < n <= LANES; zeros for the pixels beyond. */
INLINE void load_turned(const real *from, ptrdiff_t step, ptrdiff_t pixels, ptrdiff_t n, vec *turned) {
    if (n > HALF) {
        for (ptrdiff_t p = 0; p < LANES; p++) turned[p] = p < pixels ? load_first(from + p * step, n) : (vec){};
        transpose(turned);
        return;
    }
    for (ptrdiff_t p = 0; p < HALF; p++) {
        const vec low = p < pixels ? load_first(from + p * step, n) : (vec){};
        const vec high = p + HALF < pixels ? load_first(from + (p + HALF) * step, n) : (vec){};
        turned[p] = join_halves(low, high);
    }
    transpose_halves(turned);
}

/* to[p*step + i] = turned[i][p], which is destroyed. */
INLINE void store_turned(vec *turned, ptrdiff_t pixels, ptrdiff_t n, real *to, ptrdiff_t step) {
    if (n > HALF) {
        transpose(turned);
        for (ptrdiff_t p = 0; p < pixels; p++) store_first(to + p * step, turned[p], n);
        return;
    }
    transpose_halves(turned);
    for (ptrdiff_t p = 0; p < at_most(HALF, pixels); p++) store_first(to + p * step, turned[p], n);
    for (ptrdiff_t p = HALF; p < pixels; p++) store_first(to + p * step, upper_half(turned[p - HALF]), n);
}

#endif
