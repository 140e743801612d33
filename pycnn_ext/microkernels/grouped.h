/* Convolution by groups of few channels, of one each above all (depthwise): filters along the vector, the pixels of a
 * line in a tile.
 *
 * Taps come in runs of `width` side by side, so that a column of pixels, once in a register, serves all of them. A
 * vector holds filters of as many groups as its lanes and a vector of channels can take; where a group has several
 * channels, channel k of each is brought to the lanes of its filters by one shuffle, which serves the whole run.
 */
#ifndef PYCNN_GROUPED_H
#define PYCNN_GROUPED_H

#include "activation.h"
#include "gather.h"

#define UNROLL_LINE _Pragma("GCC unroll 24") /* (LINE_PIXELS - 1) * stride + width columns */
#define LINE_PIXELS 8

/* Keep a value in a register: else gcc loads a vector anew for each of its uses, and makes an address of its own for
   each column */
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+v"(v))
#else
#define KEEP(v)
#endif
#define KEEP_NUMBER(n) __asm__("" : "+r"(n))

/* Runs of so many taps, strides: what the plan may choose from. Runs of one tap take any stride. */
#define FOR_EACH_RUN(X) X(1, 1) X(2, 1) X(3, 1) X(5, 1) X(7, 1) X(3, 2) X(5, 2)

enum { MIXED, WHOLE };

/* Filters [first, first + count) as a vector. Lane l reads channels channel + index[l] + k, k < length, of which there
 * are `span` for each k: of WHOLE vectors these are the lanes themselves. */
typedef struct {
    ptrdiff_t first, count, channel, span;
    int kind;
    ivec index;
} Lanes;

/* As many filters from `first` on as a vector takes. */
static void fill_lanes(const RowGather *g, const FilterMatrix *f, const GroupRuns *r, ptrdiff_t first, Lanes *lanes) {
    const ptrdiff_t group = first / f->columns, all = r->groups * f->columns;
    ptrdiff_t column = first - group * f->columns, offset = 0, count = 0;
    *lanes = (Lanes){.first = first, .channel = group * g->length};
    while (count < LANES && first + count < all && offset < LANES) {
        lanes->index[count++] = (integer)offset;
        lanes->span = offset + 1;
        if (++column == f->columns) column = 0, offset += g->length;
    }
    lanes->count = count;
    lanes->kind = count == LANES && g->length == 1 && f->columns == 1 ? WHOLE : MIXED;
}

/* packed[run][k][tap of the run][lane] */
static void pack_lanes(const RowGather *g, const FilterMatrix *f, const GroupRuns *r, const Lanes *lanes,
                       real *packed) {
    for (ptrdiff_t run = 0; run < g->taps; run++) {
        for (ptrdiff_t k = 0; k < g->length; k++) {
            for (ptrdiff_t s = 0; s < r->width; s++, packed += LANES) {
                const real *w = (const real *)f->weights + f->tap_offset[run] + s * r->tap_step + k * f->step;
                ptrdiff_t column = lanes->first % f->columns;
                const real *from = w + lanes->first / f->columns * f->group;
                if (f->column_step == 1 && f->group == f->columns) {
                    store(packed, load_first(w + lanes->first, lanes->count));
                    continue;
                }
                for (ptrdiff_t l = 0; l < LANES; l++) {
                    packed[l] = l < lanes->count ? from[column * f->column_step] : 0;
                    if (++column == f->columns) column = 0, from += f->group;
                }
            }
        }
    }
}

/* What a tile works on: pixels of one line, and one or two vectors of filters. */
typedef struct {
    const RowGather *gather;
    const Lanes *lanes;
    const real *weights; /* of the first vector; of the second `weights_step` on */
    ptrdiff_t weights_step;
    /* channel of the first lane at row y, column x of the image: the first tap's, but for tap_y, tap_x */
    const real *source;
    ptrdiff_t y, x, column_step; /* columns from one to the next that the tile reads */
    real *out;
    ptrdiff_t pixel, count; /* from an output to the next, outputs */
    const real *bias;
    const ptrdiff_t *residual;
    int activation;
} LineTile;

/* Bit c: whether column left + c*step lies in the image, for c < count. */
INLINE unsigned columns_inside(const RowGather *g, ptrdiff_t left, ptrdiff_t step, ptrdiff_t count) {
    if (left >= 0 && left + (count - 1) * step < g->width) return ~0u;
    unsigned inside = 0;
    /* negatives are huge */
    for (ptrdiff_t c = 0; c < count; c++) inside |= (unsigned)((size_t)(left + c * step) < (size_t)g->width) << c;
    return inside;
}

typedef void line_tile_fn(const LineTile *t);

/* sum += one run of KW taps, stride S, for P pixels and NV vectors of a kind. The columns whose bits in `inside` are
   not set are zeros, if any. */
INLINE void line_run(const int KW, const int S, const int P, const int NV, const int kind, const int all,
                     unsigned inside, const LineTile *t, const real *line, const real *w, vec sum[LINE_PIXELS][2]) {
    const ptrdiff_t step = t->column_step * t->gather->pixel;
    const lane_mask span = first_lanes(t->lanes->span);
    const ptrdiff_t length = kind == WHOLE ? 1 : t->gather->length;
    const ivec index = t->lanes->index;
    for (ptrdiff_t k = 0; k < length; k++, w += KW * LANES) {
        const real *from = line + k;
        vec b[7][2];
        UNROLL for (int s = 0; s < KW; s++)
            UNROLL for (int v = 0; v < NV; v++) b[s][v] = load(w + v * t->weights_step + s * LANES);
        UNROLL_LINE for (int c = 0; c < (P - 1) * S + KW; c++) {
            if (all || (inside >> c & 1)) {
                vec a[2];
                UNROLL for (int v = 0; v < NV; v++) {
                    a[v] = kind == WHOLE ? load(from + v * LANES) : __builtin_shuffle(load_masked(from, span), index);
                    KEEP(a[v]);
                }
                UNROLL_LINE for (int p = 0; p < P; p++) {
                    const int s = c - p * S;
                    if (s < 0 || s >= KW) continue;
                    UNROLL for (int v = 0; v < NV; v++) sum[p][v] += a[v] * b[s][v];
                }
            }
            from += step;
            KEEP_NUMBER(from);
        }
    }
}

/* Add bias and residual to sums[pixel][vector], apply the activation, and store. */
static void finish_line(const LineTile *t, vec *sums, ptrdiff_t vectors) {
    const ptrdiff_t all = t->count * vectors, n = t->lanes->count;
    for (ptrdiff_t v = 0; v < vectors && t->bias; v++) {
        const vec bias = load_first(t->bias + v * LANES, n);
        for (ptrdiff_t i = v; i < all; i += vectors) sums[i] += bias;
    }
    for (ptrdiff_t v = 0; v < vectors && t->residual; v++) {
        const real *from = (const real *)((const char *)(t->out + v * LANES) + *t->residual);
        for (ptrdiff_t i = v; i < all; i += vectors, from += t->pixel) sums[i] += load_first(from, n);
    }
    if (t->activation != LINEAR) activate(sums, all, t->activation);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        real *to = t->out + v * LANES;
        if (n == LANES)
            for (ptrdiff_t i = v; i < all; i += vectors, to += t->pixel) store(to, sums[i]);
        else
            for (ptrdiff_t i = v; i < all; i += vectors, to += t->pixel) store_first(to, sums[i], n);
    }
}

INLINE void line_tile(const int KW, const int S, const int P, const int NV, const int kind, const LineTile *t) {
    const RowGather *g = t->gather;
    vec sum[LINE_PIXELS][2];
    UNROLL_LINE for (int p = 0; p < P; p++)
        UNROLL for (int v = 0; v < NV; v++) sum[p][v] = (vec){};
    const real *w = t->weights;
    for (ptrdiff_t r = 0; r < g->taps; r++, w += KW * LANES * g->length) {
        if ((size_t)(t->y + g->tap_y[r]) >= (size_t)g->height) continue; /* negatives are huge */
        const real *line = t->source + g->tap_y[r] * g->row + g->tap_x[r] * g->pixel;
        const unsigned inside = columns_inside(g, t->x + g->tap_x[r], t->column_step, (P - 1) * S + KW);
        if (inside == ~0u) line_run(KW, S, P, NV, kind, 1, inside, t, line, w, sum);
        else line_run(KW, S, P, NV, kind, 0, inside, t, line, w, sum);
    }
    if (kind == WHOLE && !t->bias && !t->residual && t->activation == LINEAR) {
        real *out = t->out;
        UNROLL_LINE for (int p = 0; p < P; p++, out += t->pixel) {
            if (p >= t->count) break;
            UNROLL for (int v = 0; v < NV; v++) store(out + v * LANES, sum[p][v]);
        }
        return;
    }
    vec sums[LINE_PIXELS * 2];
    UNROLL_LINE for (int p = 0; p < P; p++)
        UNROLL for (int v = 0; v < NV; v++) sums[p * NV + v] = sum[p][v];
    finish_line(t, sums, NV);
}

#define LINE_VECTORS (VECTOR_BYTES == 64 ? 2 : 1) /* of a tile that mixes no channels */

#define DEFINE_LINE_TILE(KW, S) \
    static void whole_##KW##s##S(const LineTile *t) { line_tile(KW, S, LINE_PIXELS, LINE_VECTORS, WHOLE, t); } \
    static void mixed_##KW##s##S(const LineTile *t) { line_tile(KW, S, LINE_PIXELS, 1, MIXED, t); } \
    static void half_whole_##KW##s##S(const LineTile *t) { \
        line_tile(KW, S, LINE_PIXELS / 2, LINE_VECTORS, WHOLE, t); \
    } \
    static void half_mixed_##KW##s##S(const LineTile *t) { line_tile(KW, S, LINE_PIXELS / 2, 1, MIXED, t); }
#define LINE_TILE(KW, S) \
    [S - 1][KW] = {[WHOLE] = {half_whole_##KW##s##S, whole_##KW##s##S}, \
                   [MIXED] = {half_mixed_##KW##s##S, mixed_##KW##s##S}},

FOR_EACH_RUN(DEFINE_LINE_TILE)
static line_tile_fn *const line_tiles[2][8][2][2] = {FOR_EACH_RUN(LINE_TILE)};

/* The lines that are read next, of one array or two, are fetched while this one is worked on: a part with each tile.
 * The processor does not by itself, as a tile goes through them with large steps. */
typedef struct {
    const char *next[2];
    ptrdiff_t cache_lines[2]; /* with each tile */
} Ahead;

INLINE void fetch_ahead(Ahead *a) {
    for (ptrdiff_t i = 0; i < a->cache_lines[0]; i++, a->next[0] += 64) __builtin_prefetch(a->next[0]);
    for (ptrdiff_t i = 0; i < a->cache_lines[1]; i++, a->next[1] += 64) __builtin_prefetch(a->next[1]);
}

/* From each tile of a line on, so much of the lines that come next is fetched that they are there in time. */
INLINE Ahead ahead_of(const RowGather *g, ptrdiff_t vectors, ptrdiff_t other_row) {
    const ptrdiff_t tiles = (g->grid_width + LINE_PIXELS - 1) / LINE_PIXELS *
                            ((vectors + LINE_VECTORS - 1) / LINE_VECTORS);
    const ptrdiff_t numbers = 64 * tiles / (ptrdiff_t)sizeof(real); /* of a cache line with each tile */
    return (Ahead){.cache_lines = {(g->row * g->stride_y + numbers - 1) / numbers,
        (other_row + numbers - 1) / numbers}};
}

/* The vectors that the filters of all groups make. */
INLINE ptrdiff_t count_lanes(const RowGather *g, const FilterMatrix *f, const GroupRuns *r) {
    Lanes lanes = {};
    ptrdiff_t vectors = 0;
    for (ptrdiff_t k = 0; k < r->groups * f->columns; k += lanes.count, vectors++) fill_lanes(g, f, r, k, &lanes);
    return vectors;
}

/* Of what kind the tile is that begins with vector v. */
INLINE int kind_of(const Lanes *lanes, ptrdiff_t v, ptrdiff_t vectors) {
    return lanes[v].kind == WHOLE && v + LINE_VECTORS <= vectors &&
        lanes[v + LINE_VECTORS - 1].kind == WHOLE ? WHOLE : MIXED;
}

static void grouped(const RowGather *g, const FilterMatrix *f, const GroupRuns *r, const RowTarget *target,
                    const void *bias, int activation, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t vectors = count_lanes(g, f, r), size = g->taps * g->length * r->width * LANES;
    Lanes *lanes = thread_scratch((size_t)vectors * (sizeof(Lanes) + sizeof(real) * (size_t)size));
    real *weights = (real *)(lanes + vectors);
    for (ptrdiff_t v = 0, k = 0; v < vectors; k += lanes[v++].count) {
        fill_lanes(g, f, r, k, &lanes[v]);
        pack_lanes(g, f, r, &lanes[v], weights + v * size);
    }
    const ptrdiff_t behind = (const char *)target->residual - (const char *)target->target;
    Ahead ahead = ahead_of(g, vectors, 0);
    LineTile t = {.gather = g, .weights_step = size, .column_step = r->width > 1 ? 1 : g->stride_x,
                  .pixel = target->pixel, .residual = target->residual ? &behind : NULL, .activation = activation};
    line_tile_fn *const(*tiles)[2] = line_tiles[r->width > 1 ? g->stride_x - 1 : 0][r->width];
    for (ptrdiff_t line = first; line < last; line++) {
        const ptrdiff_t n = line / g->grid_height, i = line % g->grid_height;
        t.y = i * g->stride_y;
        const real *source = (const real *)g->source + n * g->image + t.y * g->row;
        real *out = (real *)target->target + n * target->image + i * target->row;
        ahead.next[0] = (const char *)(source + (g->tap_y[g->taps - 1] + g->stride_y) * g->row);
        for (ptrdiff_t v = 0; v < vectors;) {
            const int kind = kind_of(lanes, v, vectors);
            t.lanes = &lanes[v];
            t.weights = weights + v * size;
            t.bias = bias ? (const real *)bias + t.lanes->first : NULL;
            for (ptrdiff_t j = 0; j < g->grid_width; j += t.count) {
                fetch_ahead(&ahead);
                t.count = at_most(LINE_PIXELS, g->grid_width - j);
                t.x = j * g->stride_x;
                t.source = source + t.x * g->pixel + t.lanes->channel;
                t.out = out + j * target->pixel + t.lanes->first;
                tiles[kind][t.count > LINE_PIXELS / 2](&t);
            }
            v += kind == WHOLE ? LINE_VECTORS : 1;
        }
    }
}

#endif
