/* Sums over rows, and the channel-wise maps of batch normalisation.
 *
 * Matrices (rows, columns) lie in memory row by row; numbers [first, last) of one begin with a row, and may end within
 * one. Few channels are laid side by side until they fill vectors: then a row is several pixels, its terms are
 * repeated.
 */
#ifndef PYCNN_NORM_H
#define PYCNN_NORM_H

#include <math.h>

#include "activation.h"
#include "kernels.h"
#include "vector.h"

enum { SUM, SUM_DEVIATIONS, SUM_GRADIENTS };
enum { SUMMED_ROWS = 4 };    /* at once: then the sums, which stay in the cache, cost little */
enum { CENTRAL_PART = 8 };   /* the centre of a slice is the mean of its first eighth */

#define FOR_EACH_FUSED_ACTIVATION(X) X(LINEAR) X(RELU) X(RELU6) X(SIGMOID) X(TANH)

INLINE vec load_lanes(const void *p, ptrdiff_t at, ptrdiff_t n) {
    return n == LANES ? load((const real *)p + at) : load_first((const real *)p + at, n);
}

INLINE void store_lanes(void *p, ptrdiff_t at, vec v, ptrdiff_t n) {
    if (n == LANES) store((real *)p + at, v);
    else store_first((real *)p + at, v, n);
}

/* (x - center)*scale + shift, for n lanes of column c */
INLINE vec normal_value(const BatchNorm *b, vec x, ptrdiff_t c, ptrdiff_t n) {
    return (x - load_lanes(b->center, c, n)) * load_lanes(b->scale, c, n) + load_lanes(b->shift, c, n);
}

/* gy times the derivative of the activation, which follows from its value: y, or computed once more. */
INLINE vec normal_slope(const int activation, const BatchNorm *b, vec x, ptrdiff_t at, ptrdiff_t c, ptrdiff_t n) {
    const vec g = load_lanes(b->gy, at, n);
    if (activation == LINEAR) return g;
    const vec y = b->y ? load_lanes(b->y, at, n) : activation_value(normal_value(b, x, c, n), activation, 0);
    return g * activation_slope(y, y, activation, 0);
}

/* sums[c] and products[c] += what so many rows from number `begin` on have there, for n lanes */
INLINE void sum_vector(const int what, const int activation, const BatchNorm *b, const ptrdiff_t rows, ptrdiff_t begin,
                       ptrdiff_t c, ptrdiff_t n, real *sums, real *products) {
    vec sum = {}, product = {};
    const vec center = what == SUM ? (vec){} : load_lanes(b->center, c, n);
    UNROLL for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t at = begin + i * b->columns + c;
        const vec x = load_lanes(b->x, at, n), deviation = x - center;
        if (what == SUM_GRADIENTS) {
            const vec g = normal_slope(activation, b, x, at, c, n);
            sum += g;
            product += g * deviation;
            if (b->g) store_lanes(b->g, at, g, n);
            if (b->gx) store_lanes(b->gx, at, g * load_lanes(b->scale, c, n), n);
        } else {
            sum += deviation;
            if (what == SUM_DEVIATIONS) product += deviation * deviation;
        }
    }
    store_lanes(sums, c, load_lanes(sums, c, n) + sum, n);
    if (what != SUM) store_lanes(products, c, load_lanes(products, c, n) + product, n);
}

INLINE void sum_some_rows(const int what, const int activation, const BatchNorm *b, const ptrdiff_t rows,
                          ptrdiff_t begin, ptrdiff_t columns, real *sums, real *products) {
    ptrdiff_t c = 0;
    for (; c + LANES <= columns; c += LANES) sum_vector(what, activation, b, rows, begin, c, LANES, sums, products);
    if (c < columns) sum_vector(what, activation, b, rows, begin, c, columns - c, sums, products);
}

INLINE void sum_numbers(const int what, const int activation, const BatchNorm *b, ptrdiff_t first, ptrdiff_t last,
                        real *sums, real *products) {
    const ptrdiff_t columns = b->columns;
    memset(sums, 0, sizeof(real) * (size_t)columns);
    if (what != SUM) memset(products, 0, sizeof(real) * (size_t)columns);
    for (; first + SUMMED_ROWS * columns <= last; first += SUMMED_ROWS * columns)
        sum_some_rows(what, activation, b, SUMMED_ROWS, first, columns, sums, products);
    for (; first < last; first += columns)
        sum_some_rows(what, activation, b, 1, first, at_most(columns, last - first), sums, products);
}

static void sum_rows(const void *x, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, void *sums) {
    const BatchNorm b = {.x = x, .columns = columns};
    sum_numbers(SUM, LINEAR, &b, first, last, sums, NULL);
}

/* Deviations from a centre near the mean lose nothing, and memory is read once. */
static void sum_deviations(const void *x, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, void *moments) {
    real *center = moments, *sums = center + columns, *squares = sums + columns;
    const BatchNorm b = {.x = x, .columns = columns, .center = center};
    const ptrdiff_t part = (last - first) / columns / CENTRAL_PART, rows = part ? part : 1;
    sum_numbers(SUM, LINEAR, &b, first, at_most(last, first + rows * columns), center, NULL);
    for (ptrdiff_t c = 0; c < columns; c++) center[c] /= (real)rows;
    sum_numbers(SUM_DEVIATIONS, LINEAR, &b, first, last, sums, squares);
}

static void sum_slices(const void *partials, ptrdiff_t slices, ptrdiff_t size, void *target, ptrdiff_t first,
                       ptrdiff_t last) {
    for (ptrdiff_t i = first; i < last; i += LANES) {
        const ptrdiff_t n = at_most(LANES, last - i);
        vec sum = load_first((const real *)partials + i, n);
        for (ptrdiff_t s = 1; s < slices; s++) sum += load_first((const real *)partials + s * size + i, n);
        store_first((real *)target + i, sum, n);
    }
}

/* Of n pixels: means += their sum; or with the mean of all known, squares += those of their deviations from it. */
static void add_moments(const real *restrict center, const real *restrict sum, const real *restrict square, double n,
                        ptrdiff_t channels, double *restrict means, double *restrict squares) {
    if (!squares) {
        for (ptrdiff_t c = 0; c < channels; c++) means[c] += (double)center[c] * n + (double)sum[c];
        return;
    }
    const double part = 1 / n;
    for (ptrdiff_t c = 0; c < channels; c++) {
        const double off = (double)sum[c] * part, between = (double)center[c] + off - means[c];
        squares[c] += (double)square[c] + n * (between * between - off * off);
    }
}

/* In double, and in two passes: the mean first. */
static void combine_moments(const void *moments, ptrdiff_t slices, ptrdiff_t columns, ptrdiff_t channels,
                            ptrdiff_t numbers, void *mean, void *variance) {
    const double part = (double)channels / (double)(numbers > channels ? numbers : channels);
    const ptrdiff_t rows = (numbers + columns - 1) / columns;
    double *means = thread_scratch(2 * sizeof(double) * (size_t)channels), *squares = means + channels;
    memset(means, 0, 2 * sizeof(double) * (size_t)channels);
    for (int pass = 0; pass < 2; pass++) {
        for (ptrdiff_t s = 0; s < slices; s++) {
            const real *center = (const real *)moments + 3 * s * columns;
            const ptrdiff_t size = at_most(numbers, rows * (s + 1) / slices * columns) - rows * s / slices * columns;
            for (ptrdiff_t c = 0; c < columns && c < size; c += channels) /* whole rows, and the last one's pixels */
                add_moments(center + c, center + columns + c, center + 2 * columns + c,
                            (double)((size - c + columns - 1) / columns), channels, means, pass ? squares : NULL);
        }
        for (ptrdiff_t c = 0; c < channels && !pass; c++) means[c] *= part;
    }
    for (ptrdiff_t c = 0; c < channels; c++) {
        ((real *)mean)[c] = (real)means[c];
        ((real *)variance)[c] = (real)(squares[c] < 0 ? 0 : squares[c] * part);
    }
}

/* terms[c] for columns beyond the channels: those of the channels once more */
INLINE void repeat_terms(real *terms, ptrdiff_t channels, ptrdiff_t columns) {
    for (ptrdiff_t c = channels; c < columns; c++) terms[c] = terms[c - channels];
}

static void batch_norm_terms(const void *mean, const void *variance, const void *gamma, const void *beta,
                             double epsilon, ptrdiff_t channels, ptrdiff_t columns, void *terms) {
    real *center = terms, *scale = center + columns, *shift = scale + columns;
    for (ptrdiff_t c = 0; c < channels; c++) {
        center[c] = ((const real *)mean)[c];
        scale[c] = (gamma ? ((const real *)gamma)[c] : 1) / R(sqrt)(((const real *)variance)[c] + (real)epsilon);
        shift[c] = beta ? ((const real *)beta)[c] : 0;
    }
    for (int i = 0; i < 3; i++) repeat_terms(center + i * columns, channels, columns);
}

static void batch_norm_grad_terms(void *sums, const void *variance, double epsilon, ptrdiff_t numbers,
                                  ptrdiff_t channels, ptrdiff_t columns, void *terms) {
    real *gbeta = sums, *products = gbeta + channels, *mean = terms, *slope = mean + columns;
    const real pixels = (real)(numbers > channels ? numbers / channels : 1);
    for (ptrdiff_t c = 0; c < channels; c++) {
        const real inverse = 1 / R(sqrt)(((const real *)variance)[c] + (real)epsilon);
        mean[c] = gbeta[c] / pixels;
        slope[c] = products[c] * inverse * inverse / pixels;
        products[c] *= inverse;
    }
    for (int i = 0; i < 2; i++) repeat_terms(mean + i * columns, channels, columns);
}

INLINE void normalize_vector(const int activation, const BatchNorm *b, const real *residual, real *y, ptrdiff_t begin,
                             ptrdiff_t c, ptrdiff_t n) {
    vec v = normal_value(b, load_lanes(b->x, begin + c, n), c, n);
    if (residual) v += load_lanes(residual, begin + c, n);
    store_lanes(y, begin + c, activation_value(v, activation, 0), n);
}

INLINE void normalize_rows(const int activation, const BatchNorm *b, const real *residual, real *y, ptrdiff_t first,
                           ptrdiff_t last) {
    for (; first < last; first += b->columns) {
        const ptrdiff_t columns = at_most(b->columns, last - first);
        ptrdiff_t c = 0;
        for (; c + LANES <= columns; c += LANES) normalize_vector(activation, b, residual, y, first, c, LANES);
        if (c < columns) normalize_vector(activation, b, residual, y, first, c, columns - c);
    }
}

INLINE void normalize_grad_vector(const int activation, const BatchNorm *b, const real *mean, const real *slope,
                                  real *gx, ptrdiff_t begin, ptrdiff_t c, ptrdiff_t n) {
    const vec x = load_lanes(b->x, begin + c, n), g = normal_slope(activation, b, x, begin + c, c, n);
    const vec own = load_lanes(mean, c, n) + (x - load_lanes(b->center, c, n)) * load_lanes(slope, c, n);
    store_lanes(gx, begin + c, (g - own) * load_lanes(b->scale, c, n), n);
}

INLINE void normalize_grad_rows(const int activation, const BatchNorm *b, const real *mean, const real *slope, real *gx,
                                ptrdiff_t first, ptrdiff_t last) {
    for (; first < last; first += b->columns) {
        const ptrdiff_t columns = at_most(b->columns, last - first);
        ptrdiff_t c = 0;
        for (; c + LANES <= columns; c += LANES) normalize_grad_vector(activation, b, mean, slope, gx, first, c, LANES);
        if (c < columns) normalize_grad_vector(activation, b, mean, slope, gx, first, c, columns - c);
    }
}

static void sum_gradients(const BatchNorm *b, ptrdiff_t first, ptrdiff_t last, void *sums, void *products) {
    switch (b->activation) {
#define CASE(NAME) case NAME: sum_numbers(SUM_GRADIENTS, NAME, b, first, last, sums, products); break;
        FOR_EACH_FUSED_ACTIVATION(CASE)
#undef CASE
    }
}

static void normalize(const BatchNorm *b, const void *residual, void *y, ptrdiff_t first, ptrdiff_t last) {
    switch (b->activation) {
#define CASE(NAME) case NAME: normalize_rows(NAME, b, residual, y, first, last); break;
        FOR_EACH_FUSED_ACTIVATION(CASE)
#undef CASE
    }
}

static void normalize_grad(const BatchNorm *b, const void *mean, const void *slope, void *gx, ptrdiff_t first,
                           ptrdiff_t last) {
    switch (b->activation) {
#define CASE(NAME) case NAME: normalize_grad_rows(NAME, b, mean, slope, gx, first, last); break;
        FOR_EACH_FUSED_ACTIVATION(CASE)
#undef CASE
    }
}

#endif
