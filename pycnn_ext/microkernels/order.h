/* The order of scores, falling, equals as they come: by the digits of their bits, the last digit first. */
#ifndef PYCNN_ORDER_H
#define PYCNN_ORDER_H

#include "kernels.h"
#include "vector.h"

#ifdef PYCNN_DOUBLE
typedef uint64_t natural; /* as wide as a real */
#else
typedef uint32_t natural;
#endif

enum { DIGIT_BITS = 11, VALUES = 1 << DIGIT_BITS, DIGITS = (8 * sizeof(natural) + DIGIT_BITS - 1) / DIGIT_BITS };

typedef struct {
    natural key, index;
} Keyed;

static size_t order_bytes(ptrdiff_t n) { return 2 * sizeof(Keyed) * (size_t)n; }

INLINE natural digit(natural key, int d) { return key >> (d * DIGIT_BITS) & (VALUES - 1); }

/* A number that falls where the score rises; the same for 0 and -0. */
INLINE natural falling_key(real score) {
    const natural sign = (natural)1 << (8 * sizeof(natural) - 1);
    natural bits;
    score += 0;
    memcpy(&bits, &score, sizeof bits);
    return bits & sign ? bits : ~(bits | sign);
}

/* order (n) = indices of the scores from the largest on; `work` has order_bytes. */
static void order_falling(const void *scores, ptrdiff_t n, void *work, int64_t *order) {
    _Static_assert(DIGITS * VALUES * sizeof(uint32_t) <= 64 << 10, "counts lie on the stack");
    uint32_t counts[DIGITS][VALUES] = {};
    Keyed *from = work, *to = from + n;
    for (ptrdiff_t i = 0; i < n; i++) {
        from[i] = (Keyed){falling_key(((const real *)scores)[i]), (natural)i};
        UNROLL for (int d = 0; d < DIGITS; d++) counts[d][digit(from[i].key, d)]++;
    }
    for (int d = 0; d < DIGITS; d++) {
        if (n == 0 || counts[d][digit(from->key, d)] == (uint32_t)n) continue; /* all have the same */
        uint32_t begin = 0;
        for (int value = 0; value < VALUES; value++) {
            const uint32_t count = counts[d][value];
            counts[d][value] = begin, begin += count;
        }
        for (ptrdiff_t i = 0; i < n; i++) to[counts[d][digit(from[i].key, d)]++] = from[i];
        Keyed *sorted = to;
        to = from, from = sorted;
    }
    for (ptrdiff_t i = 0; i < n; i++) order[i] = (int64_t)from[i].index;
}

#endif
