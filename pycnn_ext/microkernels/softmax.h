/* Softmax of rows, its logarithm, their gradients, and the cross-entropy. Rows of `columns` numbers. */
#ifndef PYCNN_SOFTMAX_H
#define PYCNN_SOFTMAX_H

#include <math.h>

#include "activation.h"

/* v in the first n lanes, `other` in the rest */
INLINE vec first_or(vec v, ptrdiff_t n, real other) {
    static const integer lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ivec lane;
    memcpy(&lane, lanes, sizeof lane);
    return choose(lane < (integer)at_most(n, LANES), v, splat(other));
}

INLINE vec rotated(vec v, const int by) { /* lane l becomes that of l ^ by */
    ivec from;
    UNROLL for (int l = 0; l < LANES; l++) from[l] = l ^ by;
    return __builtin_shuffle(v, from);
}

INLINE real sum_of_lanes(vec v) {
    if (LANES > 8) v += rotated(v, 8);
    if (LANES > 4) v += rotated(v, 4);
    if (LANES > 2) v += rotated(v, 2);
    return v[0] + v[1];
}

INLINE real largest_lane(vec v) {
    if (LANES > 8) v = larger(v, rotated(v, 8));
    if (LANES > 4) v = larger(v, rotated(v, 4));
    if (LANES > 2) v = larger(v, rotated(v, 2));
    return v[0] > v[1] ? v[0] : v[1];
}

/* The largest number; a NaN may be passed over, for it makes the sum of the exponentials one. */
INLINE real largest_of_row(const real *x, ptrdiff_t columns) {
    vec top = splat(x[0]);
    ptrdiff_t c = 0;
    for (; c + LANES <= columns; c += LANES) top = larger(load(x + c), top);
    if (c < columns) top = larger(first_or(load_first(x + c, columns - c), columns - c, x[0]), top);
    return largest_lane(top);
}

/* Sum of e^(x - top), which are also left in y unless that is NULL. */
INLINE real exponentials(const real *x, real top, ptrdiff_t columns, real *y) {
    vec sums = {};
    ptrdiff_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
        const vec e = vector_exp(load(x + c) - top);
        sums += e;
        if (y) store(y + c, e);
    }
    if (c < columns) {
        const vec e = vector_exp(load_first(x + c, columns - c) - top);
        sums += first_or(e, columns - c, 0);
        if (y) store_first(y + c, e, columns - c);
    }
    return sum_of_lanes(sums);
}

/* Rows [first, last): y = e^(x - max) / sum, or with `logarithm` its logarithm. */
static void softmax_forward(const void *x_, void *y_, ptrdiff_t columns, int logarithm, ptrdiff_t first,
                            ptrdiff_t last) {
    for (ptrdiff_t r = first; r < last; r++) {
        const real *x = (const real *)x_ + r * columns;
        real *y = (real *)y_ + r * columns;
        const real top = largest_of_row(x, columns);
        const real sum = exponentials(x, top, columns, logarithm ? NULL : y);
        if (logarithm) {
            const real shift = R(log)(sum); /* apart from top, which may be so large that it would swallow it */
            for (ptrdiff_t c = 0; c < columns; c += LANES)
                store_first(y + c, (load_first(x + c, columns - c) - top) - shift, columns - c);
        } else {
            const real scale = 1 / sum;
            for (ptrdiff_t c = 0; c < columns; c += LANES)
                store_first(y + c, load_first(y + c, columns - c) * scale, columns - c);
        }
    }
}

/* Softmax: gx = y*(gy - sum(gy*y)); its logarithm: gx = gy - exp(y)*sum(gy). */
static void softmax_grad(const void *gy_, const void *y_, void *gx_, ptrdiff_t columns, int logarithm, ptrdiff_t first,
                         ptrdiff_t last) {
    for (ptrdiff_t r = first; r < last; r++) {
        const real *gy = (const real *)gy_ + r * columns, *y = (const real *)y_ + r * columns;
        real *gx = (real *)gx_ + r * columns;
        vec sums = {};
        for (ptrdiff_t c = 0; c < columns; c += LANES) {
            const vec g = load_first(gy + c, columns - c);
            sums += logarithm ? g : g * load_first(y + c, columns - c);
        }
        const real sum = sum_of_lanes(sums);
        for (ptrdiff_t c = 0; c < columns; c += LANES) {
            const ptrdiff_t n = columns - c;
            const vec g = load_first(gy + c, n), v = load_first(y + c, n);
            store_first(gx + c, logarithm ? g - vector_exp(v) * sum : v * (g - sum), n);
        }
    }
}

/* The targets of one vector of a row: t*(1 - smoothing) + smoothing/columns */
INLINE vec smoothed(const real *t, ptrdiff_t n, real smoothing, ptrdiff_t columns) {
    return first_or(load_first(t, n) * (1 - smoothing) + smoothing / (real)columns, n, 0);
}

/* Rows [first, last): loss = -sum(t * log(softmax(x))), which is returned summed and left in `losses` unless that is
 * NULL, and gx = scale * its derivative unless gx is NULL. t is given as targets (rows, columns) or as labels. */
static double cross_entropy(const void *x_, const int64_t *labels, const void *targets, ptrdiff_t columns,
                            double smoothing, double scale_, void *losses, void *gx_, ptrdiff_t first, ptrdiff_t last) {
    const real scale = (real)scale_;
    double total = 0;
    for (ptrdiff_t r = first; r < last; r++) {
        const real *x = (const real *)x_ + r * columns, *t = targets ? (const real *)targets + r * columns : NULL;
        real *gx = gx_ ? (real *)gx_ + r * columns : NULL;
        const real top = largest_of_row(x, columns), sum = exponentials(x, top, columns, gx), shift = R(log)(sum);
        const ptrdiff_t label = labels ? labels[r] : 0;
        vec weights = {}, logarithms = {};
        real loss, weight = 1;
        if (t) {
            for (ptrdiff_t c = 0; c < columns; c += LANES) {
                const vec wanted = smoothed(t + c, columns - c, (real)smoothing, columns);
                weights += wanted;
                const vec logarithm = (load_first(x + c, columns - c) - top) - shift;
                logarithms += choose(wanted == 0, (vec){}, wanted * logarithm);
            }
            loss = -sum_of_lanes(logarithms);
            weight = sum_of_lanes(weights);
        } else {
            loss = label >= 0 && label < columns ? shift - (x[label] - top) : (real)NAN;
        }
        total += (double)loss;
        if (losses) ((real *)losses)[r] = loss;
        if (!gx) continue;
        const real factor = scale * weight / sum;
        if (t) {
            for (ptrdiff_t c = 0; c < columns; c += LANES) {
                const vec wanted = smoothed(t + c, columns - c, (real)smoothing, columns);
                store_first(gx + c, load_first(gx + c, columns - c) * factor - wanted * scale, columns - c);
            }
        } else {
            for (ptrdiff_t c = 0; c < columns; c += LANES)
                store_first(gx + c, load_first(gx + c, columns - c) * factor, columns - c);
            if (label >= 0 && label < columns) gx[label] -= scale;
        }
    }
    return total;
}

#endif
