/* Depthwise convolution: every channel by itself, channels along the vector. */
#ifndef PYCNN_DEPTHWISE_H
#define PYCNN_DEPTHWISE_H

#include "activation.h"
#include "gather.h"

#define DEPTHWISE_ROWS 6
#define DEPTHWISE_VECTORS (VECTOR_BYTES == 64 ? 4 : 2)
#define FILTER_GRAD_TAPS 9

/* sums[i][v] = sum_t rows[t][i][v] * w[t][v] */
INLINE void depthwise_tile(const int MR, const int NV, const real *const *rows, ptrdiff_t taps, ptrdiff_t channel,
                           const FilterMatrix *f, vec sum[DEPTHWISE_ROWS][DEPTHWISE_VECTORS]) {
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    for (ptrdiff_t t = 0; t < taps; t++, rows += DEPTHWISE_ROWS) {
        const real *w = (const real *)f->weights + f->tap_offset[t] + channel;
        UNROLL for (int v = 0; v < NV; v++) {
            const vec b = load(w + v * LANES);
            UNROLL for (int i = 0; i < MR; i++) sum[i][v] += load(rows[i] + channel + v * LANES) * b;
        }
    }
}

INLINE void depthwise_finish(const int MR, const int NV, vec sum[DEPTHWISE_ROWS][DEPTHWISE_VECTORS], const real *bias,
                             int activation, ptrdiff_t channel, ptrdiff_t rows, real *const *out) {
    vec finished[DEPTHWISE_ROWS * DEPTHWISE_VECTORS];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++)
            finished[i * NV + v] = bias ? sum[i][v] + load(bias + channel + v * LANES) : sum[i][v];
    activate(finished, MR * NV, activation);
    for (ptrdiff_t i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < NV; v++) store(out[i] + channel + v * LANES, finished[i * NV + v]);
}

/* The channels past the last whole vector, one by one. */
static void depthwise_rest(const real *const *rows, ptrdiff_t taps, ptrdiff_t channel, ptrdiff_t channels,
                           const FilterMatrix *f, const real *bias, int activation, ptrdiff_t count, real *const *out) {
    const ptrdiff_t n = channels - channel;
    for (ptrdiff_t i = 0; i < count; i++) {
        vec sum = {};
        for (ptrdiff_t t = 0; t < taps; t++)
            sum += load_first(rows[t * DEPTHWISE_ROWS + i] + channel, n) *
                   load_first((const real *)f->weights + f->tap_offset[t] + channel, n);
        if (bias) sum += load_first(bias + channel, n);
        activate(&sum, 1, activation);
        store_first(out[i] + channel, sum, n);
    }
}

static void depthwise(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const void *bias,
                      int activation, ptrdiff_t first, ptrdiff_t last) {
    const real **rows = thread_scratch(sizeof(void *) * (size_t)(g->taps * (DEPTHWISE_ROWS + 1)));
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(rows + g->taps * DEPTHWISE_ROWS));
    Position at = position_of(g, first);
    for (ptrdiff_t p = first; p < last; p += DEPTHWISE_ROWS) {
        const ptrdiff_t count = at_most(DEPTHWISE_ROWS, last - p);
        real *out[DEPTHWISE_ROWS];
        target_rows(g, target, at, count, out);
        gather_rows(g, &offsets, &at, count, DEPTHWISE_ROWS, 1, rows);
        for (ptrdiff_t t = 0; t < g->taps; t++) /* a short tile repeats its first row */
            for (ptrdiff_t i = count; i < DEPTHWISE_ROWS; i++) rows[t * DEPTHWISE_ROWS + i] = rows[t * DEPTHWISE_ROWS];
        vec sum[DEPTHWISE_ROWS][DEPTHWISE_VECTORS];
        ptrdiff_t c = 0;
        for (; c + DEPTHWISE_VECTORS * LANES <= g->length; c += DEPTHWISE_VECTORS * LANES) {
            depthwise_tile(DEPTHWISE_ROWS, DEPTHWISE_VECTORS, rows, g->taps, c, f, sum);
            depthwise_finish(DEPTHWISE_ROWS, DEPTHWISE_VECTORS, sum, bias, activation, c, count, out);
        }
        for (; c + LANES <= g->length; c += LANES) {
            depthwise_tile(DEPTHWISE_ROWS, 1, rows, g->taps, c, f, sum);
            depthwise_finish(DEPTHWISE_ROWS, 1, sum, bias, activation, c, count, out);
        }
        if (c < g->length) depthwise_rest(rows, g->taps, c, g->length, f, bias, activation, count, out);
    }
}

/* sum[t][v] = sum_p rows[p][t][v] * gradient[p][v], for MT taps of NV vectors of channels, of the last n lanes count */
INLINE void depthwise_outer(const int MT, const int NV, const real *const *rows, ptrdiff_t taps, ptrdiff_t channel,
                            const real *gradient, ptrdiff_t channels, ptrdiff_t pixels, ptrdiff_t n,
                            vec sum[FILTER_GRAD_TAPS][2]) {
    UNROLL for (int t = 0; t < MT; t++)
        UNROLL for (int v = 0; v < NV; v++) sum[t][v] = (vec){};
    for (ptrdiff_t p = 0; p < pixels; p++, rows += taps, gradient += channels) {
        vec g[2];
        UNROLL for (int v = 0; v < NV; v++) g[v] = n == LANES ? load(gradient + v * LANES) : load_first(gradient, n);
        UNROLL for (int t = 0; t < MT; t++) {
            const real *x = rows[t] + channel;
            UNROLL for (int v = 0; v < NV; v++) sum[t][v] += (n == LANES ? load(x + v * LANES) : load_first(x, n)) * g[v];
        }
    }
}

/* partial[taps][channels] = sum over rows [first, last) of row * gradient, channel by channel */
static void depthwise_filter_grad(const RowGather *g, const void *gradient, ptrdiff_t first, ptrdiff_t last,
                                  void *partial) {
    enum { PIXELS = 64 };
    const ptrdiff_t taps = g->taps, channels = g->length;
    const real **rows = thread_scratch(sizeof(void *) * (size_t)(taps * (PIXELS + 1)));
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(rows + taps * PIXELS));
    Position at = position_of(g, first);
    for (ptrdiff_t p = first; p < last; p += PIXELS) {
        const ptrdiff_t pixels = at_most(PIXELS, last - p);
        gather_rows(g, &offsets, &at, pixels, 1, taps, rows);
        for (ptrdiff_t c = 0; c < channels;) {
            const ptrdiff_t vectors = channels - c >= 2 * LANES ? 2 : 1, n = at_most(LANES, channels - c);
            const real *gy = (const real *)gradient + p * channels + c;
            for (ptrdiff_t t = 0; t < taps;) {
                const ptrdiff_t count = taps - t >= FILTER_GRAD_TAPS ? FILTER_GRAD_TAPS : 1;
                vec sum[FILTER_GRAD_TAPS][2];
                if (count == 1) {
                    if (vectors == 2) depthwise_outer(1, 2, rows + t, taps, c, gy, channels, pixels, LANES, sum);
                    else depthwise_outer(1, 1, rows + t, taps, c, gy, channels, pixels, n, sum);
                } else {
                    if (vectors == 2)
                        depthwise_outer(FILTER_GRAD_TAPS, 2, rows + t, taps, c, gy, channels, pixels, LANES, sum);
                    else depthwise_outer(FILTER_GRAD_TAPS, 1, rows + t, taps, c, gy, channels, pixels, n, sum);
                }
                for (ptrdiff_t i = 0; i < count; i++, t++) {
                    for (ptrdiff_t v = 0; v < vectors; v++) {
                        real *out = (real *)partial + t * channels + c + v * LANES;
                        store_first(out, p == first ? sum[i][v] : sum[i][v] + load_first(out, n), n);
                    }
                }
            }
            c += vectors * LANES;
        }
    }
}

#endif
