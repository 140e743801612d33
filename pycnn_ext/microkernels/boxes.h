/* Boxes x1, y1, x2, y2: overlaps, and the suppression of those that overlap better ones. Boxes lie along the vector.
 *
 * Columns are arrays of one coordinate each: columns[5][stride] = x1, y1, x2, y2 and share, which is the area times a
 * factor; the boxes beyond the last one, up to a whole tile, are empty and have an infinite share. Compiled without
 * fused multiply-adds, but where they are asked for: an overlap has the same bits on every processor. */
#ifndef PYCNN_BOXES_H
#define PYCNN_BOXES_H

#include "order.h"

enum { TILE_VECTORS = 2 };                  /* of candidates that one kept box is compared with */
#define TILE_BOXES (TILE_VECTORS * LANES)   /* at most 32, see all_flags */
#define NEVER ((real)__builtin_inf())       /* share of a box that nothing can suppress, for it is gone */
#define LARGEST (sizeof(real) == 4 ? (real)__FLT_MAX__ : (real)__DBL_MAX__) /* share of one that is not */

typedef struct {
    vec x1, y1, x2, y2;
} BoxVector;

INLINE BoxVector load_boxes(const real *columns, ptrdiff_t stride) {
    return (BoxVector){load(columns), load(columns + stride), load(columns + 2 * stride), load(columns + 3 * stride)};
}
INLINE vec splat_at(const real *p) {
    vec v = splat(*p);
    IN_REGISTER(v); /* else gcc loads the number, for other uses, and then spreads it, which takes as long as a sum */
    return v;
}
INLINE BoxVector splat_box(const real *box) {
    return (BoxVector){splat_at(box), splat_at(box + 1), splat_at(box + 2), splat_at(box + 3)};
}
INLINE vec clipped(vec a) { return larger(a, (vec){}); }
INLINE vec area(BoxVector a) { return (a.x2 - a.x1) * (a.y2 - a.y1); }

/* What lies in both boxes; negative if `height` is and they share columns. */
INLINE vec common_width(BoxVector a, BoxVector b) { return clipped(smaller(a.x2, b.x2) - larger(a.x1, b.x1)); }
INLINE vec common_height(BoxVector a, BoxVector b) { return smaller(a.y2, b.y2) - larger(a.y1, b.y1); }

/* Intersection over union; 0 of two boxes without area. */
INLINE vec overlap(BoxVector a, BoxVector b) {
    const vec inter = common_width(a, b) * clipped(common_height(a, b)), both = area(a) + area(b) - inter;
    return choose(both > 0, inter / both, (vec){});
}

/* a*b - c, in one operation where there is one: only for what may be rounded in any way. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE vec product_less(vec a, vec b, vec c) { return (vec)_mm512_fmsub_ps((__m512)a, (__m512)b, (__m512)c); }
#elif defined(__AVX512F__)
INLINE vec product_less(vec a, vec b, vec c) { return (vec)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#elif defined(__AVX2__) && !defined(PYCNN_DOUBLE)
INLINE vec product_less(vec a, vec b, vec c) { return (vec)_mm256_fmsub_ps((__m256)a, (__m256)b, (__m256)c); }
#elif defined(__AVX2__)
INLINE vec product_less(vec a, vec b, vec c) { return (vec)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#else
INLINE vec product_less(vec a, vec b, vec c) { return a * b - c; }
#endif

/* Of each lane whether a > b; whether any flag of two is set; all of a tile's flags as bits. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
typedef __mmask16 flags;
INLINE flags above(vec a, vec b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ); }
INLINE int either(flags a, flags b) { return !_kortestz_mask16_u8(a, b); }
#elif defined(__AVX512F__)
typedef __mmask8 flags;
INLINE flags above(vec a, vec b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ); }
INLINE int either(flags a, flags b) { return !_kortestz_mask8_u8(a, b); }
#else
typedef unsigned flags;
INLINE int either(flags a, flags b) { return (a | b) != 0; }
#if defined(__AVX2__) && !defined(PYCNN_DOUBLE)
INLINE flags above(vec a, vec b) {
    return (flags)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GT_OQ));
}
#elif defined(__AVX2__)
INLINE flags above(vec a, vec b) {
    return (flags)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_GT_OQ));
}
#else
INLINE flags above(vec a, vec b) {
    const ivec mask = a > b;
    flags bits = 0;
    UNROLL for (int l = 0; l < LANES; l++) bits |= (flags)(mask[l] & 1) << l;
    return bits;
}
#endif
#endif
INLINE uint32_t all_flags(flags low, flags high) { return (uint32_t)low | (uint32_t)high << LANES; }

/* Columns [first, last) of boxes, those in `order` or all; shares are as `share_of` says. Four boxes turn at once. */
static void fill_columns(const real *boxes, const Keyed *order, ptrdiff_t first, ptrdiff_t last, real share_of,
                         real *columns, ptrdiff_t stride) {
    typedef real quad __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real)), may_alias));
    typedef integer lanes __attribute__((vector_size(4 * sizeof(real))));
    for (ptrdiff_t i = first; i < last || i % TILE_BOXES; i += 4) {
        quad box[4] = {}, *to = (quad *)(columns + i);
        UNROLL for (int b = 0; b < 4; b++)
            if (i + b < last) box[b] = *(const quad *)(boxes + 4 * (order ? (ptrdiff_t)order[i + b].index : i + b));
        const quad low01 = __builtin_shuffle(box[0], box[1], (lanes){0, 4, 1, 5});
        const quad low23 = __builtin_shuffle(box[2], box[3], (lanes){0, 4, 1, 5});
        const quad high01 = __builtin_shuffle(box[0], box[1], (lanes){2, 6, 3, 7});
        const quad high23 = __builtin_shuffle(box[2], box[3], (lanes){2, 6, 3, 7});
        const quad x1 = __builtin_shuffle(low01, low23, (lanes){0, 1, 4, 5});
        const quad y1 = __builtin_shuffle(low01, low23, (lanes){2, 3, 6, 7});
        const quad x2 = __builtin_shuffle(high01, high23, (lanes){0, 1, 4, 5});
        const quad y2 = __builtin_shuffle(high01, high23, (lanes){2, 3, 6, 7});
        *to = x1, *(quad *)(columns + stride + i) = y1;
        *(quad *)(columns + 2 * stride + i) = x2, *(quad *)(columns + 3 * stride + i) = y2;
        const quad share = (x2 - x1) * (y2 - y1) * share_of;
        const lanes finite = share < LARGEST; /* others, such as NaN, are given the largest: only NEVER is not */
        *(quad *)(columns + 4 * stride + i) = (quad)((finite & (lanes)share) | (~finite & (lanes)(LARGEST - (quad){})));
        for (int b = 0; b < 4; b++)
            if (i + b >= last) columns[4 * stride + i + b] = NEVER;
    }
}

static void box_columns(const void *boxes, ptrdiff_t n, void *columns, ptrdiff_t stride) {
    fill_columns(boxes, NULL, 0, n, 1, columns, stride);
}

/* out (rows, n) = overlaps of boxes a, rows [first, last), with n columns of boxes. */
static void box_iou(const void *a_, const void *columns_, ptrdiff_t stride, ptrdiff_t n, void *out_, ptrdiff_t first,
                    ptrdiff_t last) {
    const real *columns = columns_;
    for (ptrdiff_t i = first; i < last; i++) {
        const BoxVector a = splat_box((const real *)a_ + 4 * i);
        real *out = (real *)out_ + i * n;
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES) store(out + j, overlap(a, load_boxes(columns + j, stride)));
        if (j < n) store_first(out + j, overlap(a, load_boxes(columns + j, stride)), n - j);
    }
}

/* A kept box as candidates are compared with it. */
typedef struct {
    real box[4], share;
} KeptBox;

/* Whether candidates may overlap a box more than the threshold t: iou > t where inter > t/(1 + t) * (area + area).
 * Shares are a little less than that of an area: rounding hides nothing, and few are looked at closely in vain. */
INLINE flags suspects(BoxVector a, vec share_a, BoxVector b, vec share_b) {
    return above(product_less(common_width(a, b), common_height(a, b), share_a), share_b);
}

#define ROUNDING (sizeof(real) == 4 ? 0x1p-24 : 0x1p-53)
static double share_for(double threshold) { return threshold / (1 + threshold) * (1 - 16 * ROUNDING); }

/* Shares of candidates after a kept box: NEVER of those that overlap it more. Of the suspects all are sure to do so,
 * rounding or not, but for those near the threshold: then it is looked at exactly. */
INLINE vec shares_left(BoxVector a, vec share_a, BoxVector b, vec share_b, flags suspected, vec threshold) {
    const vec inter = common_width(a, b) * common_height(a, b), sum = share_a + share_b;
    const vec less = inter * splat((real)(1 - 64 * ROUNDING));
    if (above(less, sum) == suspected) return choose(less > sum, splat(NEVER), share_a);
    return choose(overlap(a, b) > threshold, splat(NEVER), share_a);
}

/* Suppression goes in rounds: of the candidates left the best are put in order and chosen from, and the others compared
 * with what is kept of them, so that few of those are ever put in order. */
INLINE ptrdiff_t whole_tiles(ptrdiff_t n) { return (n + TILE_BOXES - 1) / TILE_BOXES * TILE_BOXES; }
INLINE ptrdiff_t keyed_room(ptrdiff_t n) { return n > SAMPLE ? n : SAMPLE; }

static size_t nms_bytes(ptrdiff_t n) {
    return (size_t)(3 * keyed_room(n)) * sizeof(Keyed) + (size_t)(5 * (n + whole_tiles(n))) * sizeof(real);
}

/* The candidates: all n boxes, or those of the members. */
static void nms_begin(Suppression *s, void *memory, const void *scores, const int64_t *members, ptrdiff_t n) {
    s->left = memory;
    s->best = (Keyed *)memory + keyed_room(n), s->spare = (Keyed *)s->best + keyed_room(n);
    s->columns = (Keyed *)s->spare + keyed_room(n);
    s->stride = whole_tiles(n);
    s->kept = (real *)s->columns + 5 * s->stride;
    key_scores(scores, members, n, s->left);
}

/* About `want` of those left become the best; returns how many. */
static ptrdiff_t nms_best(Suppression *s, ptrdiff_t left, ptrdiff_t want) {
    if (left > want) left = take_best(s->left, left, want, s->best, s->spare);
    else memcpy(s->best, s->left, (size_t)left * sizeof(Keyed));
    Keyed *sorted = sort_keyed(s->best, left, s->spare);
    if (sorted == s->spare) s->spare = s->best, s->best = sorted;
    return left;
}

/* Candidates [at, at + TILE_BOXES) that overlap a kept box get the share NEVER. */
INLINE void suppress_tile(const Suppression *s, ptrdiff_t at, ptrdiff_t first_kept, ptrdiff_t last_kept) {
    real *columns = (real *)s->columns + at;
    const vec threshold = splat((real)s->threshold), never = splat(NEVER);
    BoxVector boxes[TILE_VECTORS];
    vec shares[TILE_VECTORS];
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        boxes[v] = load_boxes(columns + v * LANES, s->stride);
        shares[v] = load(columns + 4 * s->stride + v * LANES);
    }
    if (!either(above(never, shares[0]), above(never, shares[1]))) return;
    for (const KeptBox *k = (KeptBox *)s->kept + first_kept, *end = (KeptBox *)s->kept + last_kept; k < end; k++) {
        const BoxVector kept = splat_box(k->box);
        const vec share = splat_at(&k->share);
        const flags low = suspects(boxes[0], shares[0], kept, share), high = suspects(boxes[1], shares[1], kept, share);
        if (!either(low, high)) continue;
        shares[0] = shares_left(boxes[0], shares[0], kept, share, low, threshold);
        shares[1] = shares_left(boxes[1], shares[1], kept, share, high, threshold);
        if (!either(above(never, shares[0]), above(never, shares[1]))) break;
    }
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) store(columns + 4 * s->stride + v * LANES, shares[v]);
}

/* Candidates [first, last) of the best or of those left, from a tile's begin on, against kept boxes [0, kept), which go
 * by as many as stay in the nearest cache. */
static void nms_suppress(const Suppression *s, int of_best, ptrdiff_t first, ptrdiff_t last, ptrdiff_t kept) {
    enum { TOGETHER = 512 };
    const real share_of = (real)share_for(s->threshold);
    fill_columns(s->boxes, of_best ? s->best : s->left, first, last, share_of, s->columns, s->stride);
    for (ptrdiff_t k = 0; k < kept; k += TOGETHER)
        for (ptrdiff_t at = first; at < last; at += TILE_BOXES) suppress_tile(s, at, k, at_most(k + TOGETHER, kept));
}

/* Of n that were left those that are not suppressed stay; returns how many. */
static ptrdiff_t nms_left(const Suppression *s, ptrdiff_t n) {
    const real *shares = (const real *)s->columns + 4 * s->stride;
    const vec never = splat(NEVER);
    Keyed *to = s->left;
    for (ptrdiff_t at = 0; at < n; at += TILE_BOXES) {
        uint32_t left = all_flags(above(never, load(shares + at)), above(never, load(shares + at + LANES)));
        for (; left; left &= left - 1) *to++ = ((Keyed *)s->left)[at + __builtin_ctz(left)];
    }
    return to - (Keyed *)s->left;
}

/* Which of the best [first, last) are kept; they have been compared with all kept in this round before, which are
 * `kept` in number. Returns how many there are then. */
static ptrdiff_t nms_keep(const Suppression *s, ptrdiff_t first, ptrdiff_t last, ptrdiff_t kept) {
    const real *columns = s->columns;
    const vec threshold = splat((real)s->threshold), never = splat(NEVER);
    const ptrdiff_t stride = s->stride, before = kept;
    for (ptrdiff_t at = first; at < last; at += TILE_BOXES) {
        suppress_tile(s, at, before, kept);
        const BoxVector low = load_boxes(columns + at, stride), high = load_boxes(columns + at + LANES, stride);
        const real *shares = columns + 4 * stride + at;
        const vec low_share = load(shares), high_share = load(shares + LANES);
        uint32_t left = all_flags(above(never, low_share), above(never, high_share));
        while (left) {
            const int l = __builtin_ctz(left);
            KeptBox *k = (KeptBox *)s->kept + kept;
            for (int c = 0; c < 4; c++) k->box[c] = columns[c * stride + at + l];
            k->share = shares[l];
            s->indices[kept++] = (int64_t)((Keyed *)s->best)[at + l].index;
            left &= left - 1;
            const BoxVector box = splat_box(k->box);
            const vec share = splat_at(&k->share);
            if (left & all_flags(suspects(low, low_share, box, share), suspects(high, high_share, box, share)))
                left &= ~all_flags(above(overlap(low, box), threshold), above(overlap(high, box), threshold));
        }
    }
    return kept;
}

#endif
