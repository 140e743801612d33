/* Filter gradient of a convolution by groups of few channels: the vectors and runs of grouped.h, sums along the
   lines. */
#ifndef PYCNN_GROUPED_FILTER_GRAD_H
#define PYCNN_GROUPED_FILTER_GRAD_H

#include "grouped.h"

#define GRAD_PIXELS 4                           /* whose gradients are in registers */
#define GRAD_SUMS (VECTOR_BYTES == 64 ? 20 : 8) /* that are in registers beside them, about */
#define GRAD_CHANNELS(KW) (GRAD_SUMS / KW > 4 ? 4 : GRAD_SUMS / KW > 1 ? GRAD_SUMS / KW : 1)

/* One line of outputs, for one or LINE_VECTORS vectors of filters. */
typedef struct {
    const RowGather *gather;
    const Lanes *lanes;
    const real *source, *gradient; /* channel of the first lane at row y, column 0; gradient of the first filter */
    ptrdiff_t y, column_step, filters;
    real *sums; /* [vector][run][k][tap of the run][lane] */
    ptrdiff_t sums_step; /* of a vector */
} LineGrad;

typedef void line_grad_fn(const LineGrad *t);

/* sum[k][s][v] += product of one run's columns for P pixels with their gradients; of one pixel those columns alone
 * whose bits in `inside` are set */
INLINE void add_products(const int KW, const int S, const int P, const int NV, const int NK, const int kind,
                         unsigned inside, const LineGrad *t, const real *from, const real *gradient, vec sum[4][7][2]) {
    const ptrdiff_t step = t->column_step * t->gather->pixel;
    const lane_mask span = first_lanes(t->lanes->span), valid = first_lanes(t->lanes->count);
    const ivec index = t->lanes->index;
    vec gy[GRAD_PIXELS][2];
    UNROLL_LINE for (int p = 0; p < P; p++, gradient += t->filters)
        UNROLL for (int v = 0; v < NV; v++)
            gy[p][v] = kind == WHOLE ? load(gradient + v * LANES) : load_masked(gradient, valid);
    UNROLL_LINE for (int c = 0; c < (P - 1) * S + KW; c++) {
        if (P > 1 || (inside >> c & 1)) {
            UNROLL for (int k = 0; k < NK; k++) {
                UNROLL for (int v = 0; v < NV; v++) {
                    vec a = kind == WHOLE ? load(from + v * LANES)
                                          : __builtin_shuffle(load_masked(from + k, span), index);
                    KEEP(a);
                    UNROLL_LINE for (int p = 0; p < P; p++) {
                        const int s = c - p * S;
                        if (s >= 0 && s < KW) sum[k][s][v] += a * gy[p][v];
                    }
                }
            }
        }
        from += step;
        KEEP_NUMBER(from);
    }
}

/* One line for channels [k, k + NK) of one run; sums is [k][tap][lane], another vector's are t->sums_step on. */
INLINE void line_products(const int KW, const int S, const int NV, const int NK, const int kind, const LineGrad *t,
                          ptrdiff_t run, ptrdiff_t k, real *sums) {
    const RowGather *g = t->gather;
    const real *line = t->source + g->tap_y[run] * g->row + g->tap_x[run] * g->pixel + k;
    vec sum[4][7][2];
    UNROLL for (int i = 0; i < NK; i++)
        UNROLL for (int s = 0; s < KW; s++)
            UNROLL for (int v = 0; v < NV; v++) sum[i][s][v] = load(sums + (i * KW + s) * LANES + v * t->sums_step);
    const ptrdiff_t columns = (GRAD_PIXELS - 1) * S + KW;
    for (ptrdiff_t j = 0, count; j < g->grid_width; j += count) {
        const ptrdiff_t x = j * g->stride_x, left = x + g->tap_x[run];
        const int inside = left >= 0 && left + (columns - 1) * t->column_step < g->width;
        const real *from = line + x * g->pixel, *gradient = t->gradient + j * t->filters;
        count = inside && j + GRAD_PIXELS <= g->grid_width ? GRAD_PIXELS : 1;
        if (count > 1) add_products(KW, S, GRAD_PIXELS, NV, NK, kind, ~0u, t, from, gradient, sum);
        else add_products(KW, S, 1, NV, NK, kind, columns_inside(g, left, t->column_step, KW), t, from, gradient, sum);
    }
    UNROLL for (int i = 0; i < NK; i++)
        UNROLL for (int s = 0; s < KW; s++)
            UNROLL for (int v = 0; v < NV; v++) store(sums + (i * KW + s) * LANES + v * t->sums_step, sum[i][s][v]);
}

INLINE void line_grad(const int KW, const int S, const int NV, const int kind, const LineGrad *t) {
    const RowGather *g = t->gather;
    const ptrdiff_t length = kind == WHOLE ? 1 : g->length;
    real *sums = t->sums;
    for (ptrdiff_t run = 0; run < g->taps; run++, sums += KW * LANES * length) {
        if ((size_t)(t->y + g->tap_y[run]) >= (size_t)g->height) continue; /* negatives are huge */
        ptrdiff_t k = 0;
        for (; kind != WHOLE && k + GRAD_CHANNELS(KW) <= length; k += GRAD_CHANNELS(KW))
            line_products(KW, S, NV, kind == WHOLE ? 1 : GRAD_CHANNELS(KW), kind, t, run, k, sums + k * KW * LANES);
        for (; k < length; k++) line_products(KW, S, NV, 1, kind, t, run, k, sums + k * KW * LANES);
    }
}

#define DEFINE_LINE_GRAD(KW, S)                                                                            \
    static void grad_whole_##KW##s##S(const LineGrad *t) { line_grad(KW, S, LINE_VECTORS, WHOLE, t); } \
    static void grad_mixed_##KW##s##S(const LineGrad *t) { line_grad(KW, S, 1, MIXED, t); }
#define LINE_GRAD(KW, S) \
    [S - 1][KW] = {[WHOLE] = grad_whole_##KW##s##S, [MIXED] = grad_mixed_##KW##s##S},

FOR_EACH_RUN(DEFINE_LINE_GRAD)
static line_grad_fn *const line_grads[2][8][2] = {FOR_EACH_RUN(LINE_GRAD)};

static void grouped_filter_grad(const RowGather *g, const FilterMatrix *f, const GroupRuns *r, const void *gradient,
                                ptrdiff_t first, ptrdiff_t last, void *partial) {
    const ptrdiff_t vectors = count_lanes(g, f, r), size = g->taps * g->length * r->width * LANES;
    Lanes *lanes = thread_scratch((size_t)vectors * (sizeof(Lanes) + sizeof(real) * (size_t)size));
    real *sums = (real *)(lanes + vectors);
    for (ptrdiff_t v = 0, k = 0; v < vectors; k += lanes[v++].count) fill_lanes(g, f, r, k, &lanes[v]);
    memset(sums, 0, sizeof(real) * (size_t)(vectors * size));
    LineGrad t = {.gather = g, .column_step = r->width > 1 ? 1 : g->stride_x, .filters = r->groups * f->columns,
        .sums_step = size};
    line_grad_fn *const *grads = line_grads[r->width > 1 ? g->stride_x - 1 : 0][r->width];
    const ptrdiff_t gradient_row = t.filters * g->grid_width;
    Ahead ahead = ahead_of(g, vectors, gradient_row);
    for (ptrdiff_t line = first; line < last; line++) {
        t.y = line % g->grid_height * g->stride_y;
        const real *source = (const real *)g->source + line / g->grid_height * g->image + t.y * g->row;
        ahead.next[0] = (const char *)(source + (g->tap_y[g->taps - 1] + g->stride_y) * g->row);
        ahead.next[1] = (const char *)((const real *)gradient + (line + 1) * gradient_row);
        for (ptrdiff_t v = 0; v < vectors;) {
            const int kind = kind_of(lanes, v, vectors);
            t.lanes = &lanes[v];
            t.source = source + t.lanes->channel;
            t.gradient = (const real *)gradient + line * gradient_row + t.lanes->first;
            t.sums = sums + v * size;
            for (ptrdiff_t j = 0; j < g->grid_width; j += LINE_PIXELS) fetch_ahead(&ahead);
            grads[kind](&t);
            v += kind == WHOLE ? LINE_VECTORS : 1;
        }
    }
    for (ptrdiff_t v = 0; v < vectors; v++)
        for (ptrdiff_t run = 0; run < g->taps; run++)
            for (ptrdiff_t k = 0; k < g->length; k++)
                for (ptrdiff_t s = 0; s < r->width; s++, sums += LANES)
                    store_first((real *)partial + f->tap_offset[run] + s * r->tap_step + k * f->step + lanes[v].first,
                                load(sums), lanes[v].count);
}

#endif
