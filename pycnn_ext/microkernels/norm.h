/* Sums over rows and the channel-wise maps of batch normalisation. Matrices (rows, channels), channels contiguous. */
#ifndef PYCNN_NORM_H
#define PYCNN_NORM_H

#include <math.h>

#include "kernels.h"
#include "vector.h"

enum { SUM, SUM_SQUARES, SUM_PRODUCTS };

/* One vector of channels, n lanes of it; four rows at a time hide the latency of the additions. */
INLINE void column_sums(const int what, const real *x, const real *gy, const real *mean, ptrdiff_t channels,
                        ptrdiff_t first, ptrdiff_t last, ptrdiff_t n, real *sums, real *products) {
    enum { ROWS = 4 };
    vec sum[ROWS] = {}, product[ROWS] = {};
    const vec m = what == SUM ? (vec){} : load_first(mean, n);
    for (ptrdiff_t r = first; r < last; r += ROWS) {
        const ptrdiff_t rows = at_most(ROWS, last - r);
        UNROLL for (ptrdiff_t i = 0; i < ROWS; i++) {
            if (i >= rows) break;
            const vec v = n == LANES ? load(x + (r + i) * channels) : load_first(x + (r + i) * channels, n);
            if (what == SUM) {
                sum[i] += v;
            } else if (what == SUM_SQUARES) {
                sum[i] += (v - m) * (v - m);
            } else {
                const vec g = n == LANES ? load(gy + (r + i) * channels) : load_first(gy + (r + i) * channels, n);
                sum[i] += g;
                product[i] += g * (v - m);
            }
        }
    }
    store_first(sums, (sum[0] + sum[1]) + (sum[2] + sum[3]), n);
    if (what == SUM_PRODUCTS) store_first(products, (product[0] + product[1]) + (product[2] + product[3]), n);
}

INLINE void all_column_sums(const int what, const real *x, const real *gy, const real *mean, ptrdiff_t channels,
                            ptrdiff_t first, ptrdiff_t last, real *sums, real *products) {
    ptrdiff_t c = 0;
    for (; c + LANES <= channels; c += LANES)
        column_sums(what, x + c, gy + c, mean + c, channels, first, last, LANES, sums + c, products + c);
    if (c < channels)
        column_sums(what, x + c, gy + c, mean + c, channels, first, last, channels - c, sums + c, products + c);
}

static void sum_rows(const void *x, ptrdiff_t channels, ptrdiff_t first, ptrdiff_t last, void *sums) {
    all_column_sums(SUM, x, x, x, channels, first, last, sums, sums);
}

static void sum_squares(const void *x, const void *mean, ptrdiff_t channels, ptrdiff_t first, ptrdiff_t last,
                        void *sums) {
    all_column_sums(SUM_SQUARES, x, x, mean, channels, first, last, sums, sums);
}

static void sum_products(const void *gy, const void *x, const void *mean, ptrdiff_t channels, ptrdiff_t first,
                         ptrdiff_t last, void *sums, void *products) {
    all_column_sums(SUM_PRODUCTS, x, gy, mean, channels, first, last, sums, products);
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

/* By channel: x = x / by */
static void divide_channels(void *x, double by, ptrdiff_t channels) {
    for (ptrdiff_t c = 0; c < channels; c++) ((real *)x)[c] /= (real)by;
}

/* By channel: scale = gamma / sqrt(variance + epsilon); no gamma stands for ones, no beta for zeros. */
static void batch_norm_terms(const void *variance, const void *gamma, const void *beta, double epsilon,
                             ptrdiff_t channels, void *scale_, void *shift_) {
    real *scale = scale_, *shift = shift_;
    for (ptrdiff_t c = 0; c < channels; c++) {
        scale[c] = (gamma ? ((const real *)gamma)[c] : 1) / R(sqrt)(((const real *)variance)[c] + (real)epsilon);
        shift[c] = beta ? ((const real *)beta)[c] : 0;
    }
}

/* By channel, of the sums of gy and of gy*(x - mean) over so many rows: what normalize_grad takes, and the gradient
 * of gamma in place of the second sum. */
static void batch_norm_grad_terms(void *sums, const void *variance, const void *gamma, double epsilon, double rows,
                                  ptrdiff_t channels, void *scale_, void *a_, void *b_) {
    real *gbeta = sums, *products = gbeta + channels, *scale = scale_, *a = a_, *b = b_;
    for (ptrdiff_t c = 0; c < channels; c++) {
        const real inverse = 1 / R(sqrt)(((const real *)variance)[c] + (real)epsilon);
        scale[c] = gamma ? ((const real *)gamma)[c] * inverse : inverse;
        a[c] = gbeta[c] / (real)rows;
        b[c] = products[c] * inverse * inverse / (real)rows;
        products[c] *= inverse;
    }
}

static void normalize(const void *x_, const void *center_, const void *scale_, const void *shift_, ptrdiff_t channels,
                      void *y_, ptrdiff_t first, ptrdiff_t last) {
    const real *restrict center = center_, *restrict scale = scale_, *restrict shift = shift_;
    for (ptrdiff_t r = first; r < last; r++) {
        const real *restrict x = (const real *)x_ + r * channels;
        real *restrict y = (real *)y_ + r * channels;
        for (ptrdiff_t c = 0; c < channels; c++) y[c] = (x[c] - center[c]) * scale[c] + shift[c];
    }
}

static void normalize_grad(const void *gy_, const void *x_, const void *center_, const void *scale_, const void *a_,
                           const void *b_, ptrdiff_t channels, void *gx_, ptrdiff_t first, ptrdiff_t last) {
    const real *restrict center = center_, *restrict scale = scale_, *restrict a = a_, *restrict b = b_;
    for (ptrdiff_t r = first; r < last; r++) {
        const real *restrict gy = (const real *)gy_ + r * channels, *restrict x = (const real *)x_ + r * channels;
        real *restrict gx = (real *)gx_ + r * channels;
        for (ptrdiff_t c = 0; c < channels; c++) gx[c] = scale[c] * (gy[c] - a[c] - (x[c] - center[c]) * b[c]);
    }
}

#endif
