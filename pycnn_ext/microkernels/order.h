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

typedef struct {
    natural key, index;
} Keyed;

/* A number that falls where the score rises; the same for 0 and -0. */
INLINE natural falling_key(real score) {
    const natural sign = (natural)1 << (8 * sizeof(natural) - 1);
    natural bits;
    score += 0;
    memcpy(&bits, &score, sizeof bits);
    return bits & sign ? bits : ~(bits | sign);
}

/* Scores i < n, or of them those that `members` names */
static void key_scores(const real *scores, const int64_t *members, ptrdiff_t n, Keyed *keyed) {
    if (members)
        for (ptrdiff_t i = 0; i < n; i++) keyed[i] = (Keyed){falling_key(scores[members[i]]), (natural)members[i]};
    else
        for (ptrdiff_t i = 0; i < n; i++) keyed[i] = (Keyed){falling_key(scores[i]), (natural)i};
}

enum { KEY_BITS = 8 * sizeof(natural), MOST_COUNTS = (KEY_BITS + 10) / 11 << 11 }; /* of digits of 11 bits */

INLINE Keyed *sort_by_digits(Keyed *from, ptrdiff_t n, Keyed *to, const int bits) {
    _Static_assert(MOST_COUNTS * sizeof(uint32_t) <= 64 << 10, "counts lie on the stack");
    uint32_t all_counts[MOST_COUNTS];
    const int digits = (KEY_BITS + bits - 1) / bits, values = 1 << bits;
    memset(all_counts, 0, sizeof(uint32_t) * (size_t)(digits * values));
#define DIGIT(key, d) ((key) >> ((d) * bits) & (natural)(values - 1))
    for (ptrdiff_t i = 0; i < n; i++)
        UNROLL for (int d = 0; d < digits; d++) all_counts[d * values + (int)DIGIT(from[i].key, d)]++;
    for (int d = 0; d < digits; d++) {
        uint32_t *counts = all_counts + d * values, begin = 0;
        if (n == 0 || counts[DIGIT(from->key, d)] == (uint32_t)n) continue; /* all have the same */
        for (int value = 0; value < values; value++) {
            const uint32_t count = counts[value];
            counts[value] = begin, begin += count;
        }
        for (ptrdiff_t i = 0; i < n; i++) to[counts[DIGIT(from[i].key, d)]++] = from[i];
        Keyed *sorted = to;
        to = from, from = sorted;
    }
#undef DIGIT
    return from;
}

/* The n keyed in order, in their own place or in the other one. Few of them have short digits: us. */
static Keyed *sort_keyed(Keyed *keyed, ptrdiff_t n, Keyed *other) {
    return n < 4096 ? sort_by_digits(keyed, n, other, 8) : sort_by_digits(keyed, n, other, 11);
}

static size_t order_bytes(ptrdiff_t n) { return 2 * sizeof(Keyed) * (size_t)n; }

/* order (n) = indices of the scores from the largest on; `work` has order_bytes. */
static void order_falling(const void *scores, ptrdiff_t n, void *work, int64_t *order) {
    key_scores(scores, NULL, n, work);
    const Keyed *sorted = sort_keyed(work, n, (Keyed *)work + n);
    for (ptrdiff_t i = 0; i < n; i++) order[i] = (int64_t)sorted[i].index;
}

/* Moves about `want` of n keyed, which are more, to `best`: those of the smallest keys, all up to one of a sample;
 * returns their number. All stay in order. */
enum { SAMPLE = 256 };
static ptrdiff_t take_best(Keyed *keyed, ptrdiff_t n, ptrdiff_t want, Keyed *best, Keyed *other) {
    for (ptrdiff_t i = 0; i < SAMPLE; i++) best[i] = keyed[i * n / SAMPLE];
    const natural limit = sort_keyed(best, SAMPLE, other)[SAMPLE * want / n].key;
    ptrdiff_t taken = 0, left = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const Keyed k = keyed[i];
        best[taken] = keyed[left] = k;
        taken += k.key <= limit, left += k.key > limit;
    }
    return taken;
}

#endif
