/* Convolution as matrix products over gathered rows.
 *
 *   gemm          target rows  = gathered rows @ filters        (also dense layers and, with the filters transposed,
 *                                                                the phases of input gradients)
 *   scatter       target line  = sum of runs = gradient rows @ filters^T; a run is what one pixel of the gradient adds
 * to
 *                                as many pixels of the line as the filters are wide
 *
 * A panel is TILE_VECTORS vectors of columns, packed so that a tile reads it from end to end; only the last may
 * be narrower, and has tiles of more rows then.
 */
#ifndef PYCNN_CONV_H
#define PYCNN_CONV_H

#include "activation.h"
#include "gather.h"
#include "tile.h"

/* rows of one tap that are asked for a tile in advance: short ones, of a source that comes from memory */
#define SHORT_ROW 512
#define ASKED_BYTES (4 << 20)
#define CACHE_LINE_NUMBERS (64 / (ptrdiff_t)sizeof(real))
#define AHEAD 8 /* rows of filters to fetch in advance: they are too far apart for the processor to guess */

/* Copy one panel of columns, from `first` on, into packed[taps*length][vectors*LANES], with zeros past `columns`. */
static void pack_panel(const FilterMatrix *f, ptrdiff_t taps, ptrdiff_t length, ptrdiff_t group, ptrdiff_t first,
                       real *packed) {
    const ptrdiff_t vectors = vectors_of(f->columns, first), width = vectors * LANES;
    const ptrdiff_t valid = at_most(width, f->columns - first);
    for (ptrdiff_t t = 0; t < taps; t++, packed += length * width) {
        const real *w = (const real *)f->weights + f->tap_offset[t] + group * f->group + first * f->column_step;
        if (f->column_step == 1) {
            for (ptrdiff_t k = 0; k < length; k++, w += f->step) {
                for (ptrdiff_t v = 0; v < vectors; v++) __builtin_prefetch(w + AHEAD * f->step + v * LANES);
                for (ptrdiff_t v = 0; v + 1 < vectors; v++) store(packed + k * width + v * LANES, load(w + v * LANES));
                store(packed + k * width + width - LANES, load_first(w + width - LANES, valid - width + LANES));
            }
            continue;
        }
        for (ptrdiff_t k = 0; k < length; k += LANES) { /* f->step is 1: the filters transposed, block by block */
            const ptrdiff_t n = at_most(LANES, length - k);
            for (ptrdiff_t v = 0; v < width; v += LANES) {
                vec block[LANES];
                for (ptrdiff_t c = 0; c < LANES; c++)
                    block[c] = v + c < valid ? load_first(w + (v + c) * f->column_step + k, n) : (vec){};
                transpose(block);
                for (ptrdiff_t i = 0; i < n; i++) store(packed + (k + i) * width + v, block[i]);
            }
        }
    }
}

/* Add bias and residual, which lies `residual` bytes behind the target, apply the activation, and store `rows` rows of
 * a tile whose columns begin at `column`. */
INLINE void finish_vectors(const int NV, vec *sums, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t valid, const real *bias,
                           const ptrdiff_t *residual, int activation, real *const *out, int streams) {
    if (bias) {
        UNROLL for (int v = 0; v < NV; v++) {
            const vec b = load_first(bias + column + v * LANES, v + 1 < NV ? LANES : valid);
            for (ptrdiff_t i = 0; i < rows; i++) sums[i * NV + v] += b;
        }
    }
    for (ptrdiff_t i = 0; residual && i < rows; i++) {
        const real *from = (const real *)((const char *)(out[i] + column) + *residual);
        UNROLL for (int v = 0; v + 1 < NV; v++) sums[i * NV + v] += load(from + v * LANES);
        sums[i * NV + NV - 1] += load_first(from + (NV - 1) * LANES, valid);
    }
    if (activation != LINEAR) activate(sums, rows * NV, activation);
    for (ptrdiff_t i = 0; i < rows; i++, sums += NV) {
        real *to = out[i] + column;
        if (streams) {
            UNROLL for (int v = 0; v < NV; v++) stream(to + v * LANES, sums[v]);
            continue;
        }
        UNROLL for (int v = 0; v + 1 < NV; v++) store(to + v * LANES, sums[v]);
        if (valid == LANES) store(to + (NV - 1) * LANES, sums[NV - 1]);
        else store_first(to + (NV - 1) * LANES, sums[NV - 1], valid);
    }
}

static void finish_tile(vec *sums, ptrdiff_t rows, ptrdiff_t vectors, ptrdiff_t column, ptrdiff_t columns,
                        const real *bias, const ptrdiff_t *residual, int activation, real *const *out,
                        int streams) {
    const ptrdiff_t valid = at_most(LANES, columns - column - (vectors - 1) * LANES);
    switch (vectors) {
    case 1: finish_vectors(1, sums, rows, column, valid, bias, residual, activation, out, streams); break;
    case 2: finish_vectors(2, sums, rows, column, valid, bias, residual, activation, out, streams); break;
    case 3: finish_vectors(3, sums, rows, column, valid, bias, residual, activation, out, streams); break;
    case 4: finish_vectors(4, sums, rows, column, valid, bias, residual, activation, out, streams); break;
    }
}

/* Where a panel lies among the packed filters of all groups. */
INLINE ptrdiff_t packed_place(const FilterMatrix *f, ptrdiff_t depth, ptrdiff_t group, ptrdiff_t panel) {
    return depth * (group * ((f->columns + LANES - 1) / LANES * LANES) + panel * PANEL);
}

static ptrdiff_t packed_size(const FilterMatrix *f, ptrdiff_t depth, ptrdiff_t groups) {
    return packed_place(f, depth, groups, 0);
}

static void pack_filters(const FilterMatrix *f, ptrdiff_t taps, ptrdiff_t length, ptrdiff_t first, ptrdiff_t last,
                         void *packed) {
    const ptrdiff_t panels = (f->columns + PANEL - 1) / PANEL;
    for (ptrdiff_t i = first; i < last; i++)
        pack_panel(f, taps, length, i / panels, i % panels * PANEL,
                   (real *)packed + packed_place(f, taps * length, i / panels, i % panels));
}

/* gemm for the panels [first_panel, last_panel) of every group from first_group on, all of equally many vectors */
static void gemm_panels(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const real *bias,
                        int activation, ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group, ptrdiff_t last_group,
                        ptrdiff_t first_panel, ptrdiff_t last_panel) {
    const ptrdiff_t vectors = vectors_of(f->columns, first_panel * PANEL), depth = g->taps * g->length;
    const ptrdiff_t tap_size = g->length * vectors * LANES, panel_size = g->taps * tap_size;
    const ptrdiff_t size = f->packed ? 0 : panel_size * (last_panel - first_panel) * (last_group - first_group);
    real *packed = thread_scratch(sizeof(real) * (size_t)size + sizeof(void *) * (size_t)(g->taps * (TILE_ROWS + 1)));
    const real **row = (const real **)(packed + size);
    real *next = packed;
    for (ptrdiff_t group = first_group; group < last_group && !f->packed; group++)
        for (ptrdiff_t j = first_panel; j < last_panel; j++, next += panel_size)
            pack_panel(f, g->taps, g->length, group, j * PANEL, next);
    const ptrdiff_t behind = (const char *)target->residual - (const char *)target->target;
    const ptrdiff_t *residual = target->residual ? &behind : NULL;
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(row + g->taps * TILE_ROWS));
    /* a target that is not in L2 is asked for before the products */
    const int far = !target->streams && is_far((last - first) * f->columns);
    const ptrdiff_t source_bytes = (last - first) * g->length * (ptrdiff_t)sizeof(real);
    const int asks = g->taps == 1 && g->length <= SHORT_ROW && source_bytes > ASKED_BYTES;
    Position at = position_of(g, first);
    ptrdiff_t before = 0;
    const Parts tiles = divide(last - first, tile_rows[vectors]);
    for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
        const ptrdiff_t rows = part_size(tiles, tile);
        real *out[TILE_ROWS];
        target_rows(g, target, at, rows, out);
        gather_tile(g, &offsets, &at, rows, &before, row);
        const Taps taps = before ? (Taps){0, g->taps} : taps_inside(g, row, rows);
        for (ptrdiff_t i = 0; i < rows && asks; i++)
            for (ptrdiff_t k = 0; k < g->length; k += CACHE_LINE_NUMBERS)
                __builtin_prefetch(row[i] + rows * g->stride_x * g->pixel + first_group * g->length + k);
        for (ptrdiff_t i = 0; i < rows && first_group; i++) out[i] += first_group * f->columns;
        const real *panel = packed;
        for (ptrdiff_t group = first_group; group < last_group; group++) {
            const real *group_bias = bias ? bias + group * f->columns : NULL;
            if (f->packed) panel = (const real *)f->packed + packed_place(f, depth, group, first_panel);
            for (ptrdiff_t j = first_panel; j < last_panel; j++, panel += panel_size) {
                vec sums[TILE_SUMS];
                for (ptrdiff_t i = 0; i < rows && far; i++)
                    for (ptrdiff_t v = 0; v < vectors; v++) __builtin_prefetch(out[i] + j * PANEL + v * LANES, 1);
                gemm_tiles[vectors][rows](row + taps.first * rows, group * g->length, taps.last - taps.first, g->length,
                                          panel + taps.first * tap_size, 0, sums);
                finish_tile(sums, rows, vectors, j * PANEL, f->columns, group_bias, residual, activation, out,
                            target->streams);
            }
            for (ptrdiff_t i = 0; i < rows; i++) out[i] += f->columns;
        }
    }
    if (target->streams) stores_are_done();
}

static void gemm(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const void *bias, int activation,
                 ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group, ptrdiff_t last_group, ptrdiff_t first_panel,
                 ptrdiff_t last_panel) {
    const ptrdiff_t full = at_most(last_panel, f->columns / PANEL);
    if (first_panel < full)
        gemm_panels(g, f, target, bias, activation, first, last, first_group, last_group, first_panel, full);
    if (full < last_panel)
        gemm_panels(g, f, target, bias, activation, first, last, first_group, last_group, full, last_panel);
}

/* to[0, numbers) = the sum of runs of `length` numbers, of which run j begins at to + j*step - before. They lie `row`
 * numbers apart, with at least LANES zeros before and after each. */
static void add_runs(const real *runs, ptrdiff_t row, ptrdiff_t count, ptrdiff_t length, ptrdiff_t step,
                     ptrdiff_t before, real *to, ptrdiff_t numbers) {
    ptrdiff_t first = 0, end = 0; /* the runs that reach a vector */
    for (ptrdiff_t s = 0; s < numbers; s += LANES) {
        while (first < count && first * step - before + length <= s) first++;
        while (end < count && end * step - before < s + LANES) end++;
        const real *from = runs + first * (row - step) + before + s;
        vec sum = {};
        for (ptrdiff_t j = first; j < end; j++, from += row - step) sum += load(from);
        store_first(to + s, sum, numbers - s);
    }
}

static void gemm_scatter(const RowGather *g, const FilterMatrix *f, const LineTarget *t, ptrdiff_t first,
                         ptrdiff_t last) {
    const ptrdiff_t depth = g->taps * g->length, panels = (f->columns + PANEL - 1) / PANEL;
    const ptrdiff_t width = packed_size(f, 1, 1), run = LANES + width + LANES;
    const Parts tiles = divide(g->grid_width, tile_rows[vectors_of(f->columns, 0)]);
    real *packed = thread_scratch(sizeof(real) * (size_t)(width * depth + run * g->grid_width) +
                                  sizeof(void *) * (size_t)(g->taps * (TILE_ROWS + 1)));
    real *runs = packed + width * depth;
    const real **row = (const real **)(runs + run * g->grid_width);
    pack_filters(f, g->taps, g->length, 0, panels, packed);
    memset(runs, 0, sizeof(real) * (size_t)(run * g->grid_width));
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(row + g->taps * TILE_ROWS));
    Position at = position_of(g, first * g->grid_width);
    for (ptrdiff_t line = first; line < last; line++) {
        real *target = (real *)t->target + at.n * t->image + at.i * t->row, *to = runs + LANES;
        for (ptrdiff_t tile = 0, before = 0; tile < tiles.parts; tile++) {
            const ptrdiff_t rows = part_size(tiles, tile);
            gather_tile(g, &offsets, &at, rows, &before, row);
            for (ptrdiff_t panel = 0; panel < panels; panel++) {
                const ptrdiff_t vectors = vectors_of(f->columns, panel * PANEL);
                vec sums[TILE_SUMS];
                gemm_tiles[vectors][rows](row, 0, g->taps, g->length, packed + packed_place(f, depth, 0, panel), 0,
                                          sums);
                for (ptrdiff_t i = 0; i < rows; i++)
                    for (ptrdiff_t v = 0; v < vectors; v++)
                        store(to + i * run + panel * PANEL + v * LANES, sums[i * vectors + v]);
            }
            to += rows * run;
        }
        add_runs(runs + LANES, run, g->grid_width, f->columns, t->step, t->before, target, t->numbers);
    }
}

#endif
