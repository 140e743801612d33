/* Convolution as matrix products over gathered rows.
 *
 *   gemm          target rows  = gathered rows @ filters        (also dense layers and, with the filters transposed,
 *                                                                the phases of input gradients)
 *   filter_grad   partial      = gradient rows^T @ gathered rows
 *   scatter       target      += gradient rows @ filters^T, at the places the rows were gathered from
 *
 * A panel is TILE_VECTORS vectors of columns, packed so that a tile reads it from end to end; only the last may
 * be narrower, and has tiles of more rows then.
 */
#ifndef PYCNN_CONV_H
#define PYCNN_CONV_H

#include "activation.h"
#include "gather.h"
#include "tile.h"

#define CHUNK 192 /* pixels that filter_grad packs at a time */

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

/* Add bias and residual, which lies `residual` bytes behind the target, apply the activation, and store `rows` rows of a
 * tile whose columns begin at `column`. */
INLINE void finish_vectors(const int NV, vec *sums, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t valid, const real *bias,
                           const ptrdiff_t *residual, int activation, real *const *out) {
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
        UNROLL for (int v = 0; v + 1 < NV; v++) store(to + v * LANES, sums[v]);
        if (valid == LANES) store(to + (NV - 1) * LANES, sums[NV - 1]);
        else store_first(to + (NV - 1) * LANES, sums[NV - 1], valid);
    }
}

static void finish_tile(vec *sums, ptrdiff_t rows, ptrdiff_t vectors, ptrdiff_t column, ptrdiff_t columns,
                        const real *bias, const ptrdiff_t *residual, int activation, real *const *out) {
    const ptrdiff_t valid = at_most(LANES, columns - column - (vectors - 1) * LANES);
    switch (vectors) {
    case 1: finish_vectors(1, sums, rows, column, valid, bias, residual, activation, out); break;
    case 2: finish_vectors(2, sums, rows, column, valid, bias, residual, activation, out); break;
    case 3: finish_vectors(3, sums, rows, column, valid, bias, residual, activation, out); break;
    case 4: finish_vectors(4, sums, rows, column, valid, bias, residual, activation, out); break;
    }
}

/* gemm for the panels [first_panel, last_panel) of every group from first_group on, all of equally many vectors */
static void gemm_panels(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const real *bias,
                        int activation, ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group, ptrdiff_t last_group,
                        ptrdiff_t first_panel, ptrdiff_t last_panel) {
    const ptrdiff_t vectors = vectors_of(f->columns, first_panel * PANEL), depth = g->taps * g->length;
    const ptrdiff_t panel_size = depth * vectors * LANES;
    const ptrdiff_t packed_size = panel_size * (last_panel - first_panel) * (last_group - first_group);
    real *packed = thread_scratch(sizeof(real) * (size_t)packed_size + sizeof(void *) * (size_t)(g->taps * (TILE_ROWS + 1)));
    const real **row = (const real **)(packed + packed_size);
    real *next = packed;
    for (ptrdiff_t group = first_group; group < last_group; group++)
        for (ptrdiff_t j = first_panel; j < last_panel; j++, next += panel_size)
            pack_panel(f, g->taps, g->length, group, j * PANEL, next);
    const ptrdiff_t behind = (const char *)target->residual - (const char *)target->target;
    const ptrdiff_t *residual = target->residual ? &behind : NULL;
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(row + g->taps * TILE_ROWS));
    Position at = position_of(g, first);
    const Parts tiles = divide(last - first, tile_rows[vectors]);
    for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
        const ptrdiff_t rows = part_size(tiles, tile);
        real *out[TILE_ROWS];
        target_rows(g, target, at, rows, out);
        gather_rows(g, &offsets, &at, rows, rows, 1, row);
        for (ptrdiff_t i = 0; i < rows && first_group; i++) out[i] += first_group * f->columns;
        const real *panel = packed;
        for (ptrdiff_t group = first_group; group < last_group; group++) {
            const real *group_bias = bias ? bias + group * f->columns : NULL;
            for (ptrdiff_t j = first_panel; j < last_panel; j++, panel += panel_size) {
                vec sums[TILE_SUMS];
                gemm_tiles[vectors][rows](row, group * g->length, g->taps, g->length, panel, 0, sums);
                finish_tile(sums, rows, vectors, j * PANEL, f->columns, group_bias, residual, activation, out);
            }
            for (ptrdiff_t i = 0; i < rows; i++) out[i] += f->columns;
        }
    }
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

/* Copy `full` vectors and `rest` numbers more. */
INLINE void copy_numbers(const real *from, real *to, const int full, ptrdiff_t rest) {
    UNROLL for (int v = 0; v < full; v++) store(to + v * LANES, load(from + v * LANES));
    if (rest) store_first(to + full * LANES, load_first(from + full * LANES, rest), rest);
}

/* to[p*step] = the `count` numbers from rows[p] + begin on, for p < pixels; count is at most a panel */
static void copy_rows(const real *const *rows, ptrdiff_t begin, ptrdiff_t pixels, ptrdiff_t count, real *to,
                      ptrdiff_t step) {
    const ptrdiff_t rest = count % LANES;
#define COPY(FULL) \
    case FULL: for (ptrdiff_t p = 0; p < pixels; p++, to += step) copy_numbers(rows[p] + begin, to, FULL, rest); break;
    switch (count / LANES) { COPY(0) COPY(1) COPY(2) COPY(3) COPY(4) }
#undef COPY
}

/* Copy columns [first, first + width) of the gathered rows, their taps side by side, into packed[pixels][width];
 * columns past the last tap are zero. */
static void pack_rows(const RowGather *g, const real *const *rows, ptrdiff_t pixels, ptrdiff_t first, ptrdiff_t width,
                      real *packed) {
    const ptrdiff_t end = at_most(first + width, g->taps * g->length);
    if (end < first + width) memset(packed, 0, sizeof(real) * (size_t)(pixels * width));
    for (ptrdiff_t c = first; c < end;) {
        const ptrdiff_t tap = c / g->length, begin = c % g->length, count = at_most(g->length - begin, end - c);
        copy_rows(rows + tap * CHUNK, begin, pixels, count, packed + c - first, width);
        c += count;
    }
}

/* target[d][k] = sum over s, in order, of partials[s][k][d], for d < depth and k < filters */
static void sum_transposed(const void *partials, ptrdiff_t slices, ptrdiff_t slice_size, ptrdiff_t partial_row,
                           ptrdiff_t depth, ptrdiff_t filters, void *target, ptrdiff_t target_row) {
    for (ptrdiff_t d = 0; d < depth; d += LANES) {
        const ptrdiff_t n = at_most(LANES, depth - d);
        for (ptrdiff_t k = 0; k < filters; k += LANES) {
            const ptrdiff_t m = at_most(LANES, filters - k);
            vec block[LANES] = {};
            for (ptrdiff_t i = 0; i < m; i++) {
                const real *from = (const real *)partials + (k + i) * partial_row + d;
                block[i] = load_first(from, n);
                for (ptrdiff_t s = 1; s < slices; s++) block[i] += load_first(from + s * slice_size, n);
            }
            transpose(block);
            real *to = (real *)target + d * target_row + k;
            for (ptrdiff_t l = 0; l < n; l++, to += target_row) store_first(to, block[l], m);
        }
    }
}

/* Where filter_grad works: the row pointers of a chunk of pixels, and what is packed of it */
typedef struct {
    const real **rows;      /* [tap][pixel] */
    const real **gradients; /* [pixel] */
    real *left;             /* [tile][pixel][filter of the tile] */
    real *panel;            /* [pixel][column of the panel] */
} Chunk;

/* sums += gradient^T @ rows for the panels [first_panel, last_panel), which have equally many vectors; sums is
 * [filter][sums_row] and begins at column `origin` */
static void filter_grad_panels(const RowGather *g, const Chunk *chunk, ptrdiff_t pixels, ptrdiff_t filters,
                               ptrdiff_t first_panel, ptrdiff_t last_panel, real *sums, ptrdiff_t sums_row,
                               ptrdiff_t origin, int first_chunk) {
    const ptrdiff_t depth = g->taps * g->length;
    const ptrdiff_t vectors = vectors_of(depth, first_panel * PANEL), width = vectors * LANES, height = tile_rows[vectors];
    const Parts tiles = divide(filters, height);
    for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
        const ptrdiff_t count = part_size(tiles, tile);
        copy_rows(chunk->gradients, part_begin(tiles, tile), pixels, count, chunk->left + tile * CHUNK * height, count);
    }
    for (ptrdiff_t j = first_panel; j < last_panel; j++) {
        const ptrdiff_t column = j * PANEL, valid = at_most(LANES, depth - column - width + LANES);
        pack_rows(g, chunk->rows, pixels, column, width, chunk->panel);
        for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
            const ptrdiff_t count = part_size(tiles, tile);
            real *out = sums + part_begin(tiles, tile) * sums_row + column - origin;
            vec tile_sums[TILE_SUMS], *sum = tile_sums;
            outer_tiles[vectors][count](chunk->left + tile * CHUNK * height, count, pixels, chunk->panel, 0, tile_sums);
            for (ptrdiff_t i = 0; i < count; i++, out += sums_row, sum += vectors) {
                real *tail = out + (vectors - 1) * LANES;
                for (ptrdiff_t v = 0; v + 1 < vectors; v++)
                    store(out + v * LANES, first_chunk ? sum[v] : sum[v] + load(out + v * LANES));
                store_first(tail, first_chunk ? sum[vectors - 1] : sum[vectors - 1] + load_first(tail, valid), valid);
            }
        }
    }
}

static void gemm_filter_grad(const RowGather *g_, const void *gradient, ptrdiff_t filters, ptrdiff_t gradient_pixel,
                             ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group, ptrdiff_t last_group,
                             ptrdiff_t first_panel, ptrdiff_t last_panel, void *partial, void *target,
                             ptrdiff_t target_row) {
    RowGather g = *g_;
    const ptrdiff_t depth = g.taps * g.length, full = at_most(last_panel, depth / PANEL);
    const ptrdiff_t origin = target ? first_panel * PANEL : 0, end = at_most(last_panel * PANEL, depth);
    const ptrdiff_t row = target ? end - origin : depth, groups = last_group - first_group;
    const ptrdiff_t own = target ? (filters * row * groups + LANES - 1) / LANES * LANES : 0;
    const ptrdiff_t left_size = CHUNK * (filters + TILE_ROWS), pointers = (CHUNK + 1) * g.taps + CHUNK;
    real *memory = thread_scratch(sizeof(real) * (size_t)(own + left_size + CHUNK * PANEL) +
                                  sizeof(void *) * (size_t)pointers);
    real *sums = target ? memory : (real *)partial + first_group * filters * depth;
    Chunk chunk = {.left = memory + own, .panel = memory + own + left_size}; /* CHUNK keeps both aligned */
    chunk.rows = (const real **)(chunk.panel + CHUNK * PANEL);
    chunk.gradients = chunk.rows + CHUNK * g.taps;
    TapOffsets offsets;
    tap_offsets(&g, &offsets, (ptrdiff_t *)(chunk.gradients + CHUNK));
    Position at = position_of(&g, first);
    g.source = (const real *)g.source + first_group * g.length;
    for (ptrdiff_t p = first; p < last; p += CHUNK) {
        const ptrdiff_t pixels = at_most(CHUNK, last - p);
        gather_rows(&g, &offsets, &at, pixels, CHUNK, 1, chunk.rows);
        for (ptrdiff_t i = 0; i < pixels; i++)
            chunk.gradients[i] = (const real *)gradient + (p + i) * gradient_pixel + first_group * filters;
        for (ptrdiff_t group = 0; group < groups; group++) {
            real *group_sums = sums + group * filters * row;
            if (first_panel < full)
                filter_grad_panels(&g, &chunk, pixels, filters, first_panel, full, group_sums, row, origin, p == first);
            if (full < last_panel)
                filter_grad_panels(&g, &chunk, pixels, filters, full, last_panel, group_sums, row, origin, p == first);
            for (ptrdiff_t i = 0; i < g.taps * CHUNK && group + 1 < groups; i++) chunk.rows[i] += g.length;
            for (ptrdiff_t i = 0; i < pixels; i++) chunk.gradients[i] += filters;
        }
    }
    for (ptrdiff_t group = 0; group < groups && target; group++)
        sum_transposed(sums + group * filters * row, 1, 0, row, end - origin, filters,
                       (real *)target + origin * target_row + (first_group + group) * filters, target_row);
}

static void gemm_scatter(const RowGather *g, const void *gradient, ptrdiff_t gradient_pixel, const FilterMatrix *f,
                         ptrdiff_t group, void *target, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t grid = g->grid_height * g->grid_width, depth = f->columns;
    const ptrdiff_t width = g->taps * g->length; /* columns of gradient @ filters^T */
    const ptrdiff_t panels = (width + PANEL - 1) / PANEL, padded = panels * PANEL;
    const ptrdiff_t packed_size = padded * (depth + TILE_ROWS);
    real *packed = thread_scratch(sizeof(real) * (size_t)packed_size + sizeof(ptrdiff_t) * (size_t)g->taps);
    real *product = packed + padded * depth;
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(packed + packed_size));
    for (ptrdiff_t j = 0; j < panels; j++) {
        const ptrdiff_t columns = vectors_of(width, j * PANEL) * LANES;
        for (ptrdiff_t c = 0; c < columns; c++) {
            const ptrdiff_t column = j * PANEL + c, t = at_most(column, width - 1) / g->length;
            const real *w = (const real *)f->weights + group * f->group + f->tap_offset[t] + column % g->length * f->step;
            for (ptrdiff_t k = 0; k < depth; k++) packed[j * PANEL * depth + k * columns + c] = column < width ? w[k] : 0;
        }
    }
    Position at = position_of(g, first * grid);
    for (ptrdiff_t p = first * grid; p < last * grid;) {
        const ptrdiff_t rows = at_most(tile_rows[TILE_VECTORS], last * grid - p);
        const real *row[TILE_ROWS];
        for (ptrdiff_t i = 0; i < rows; i++) row[i] = (const real *)gradient + (p + i) * gradient_pixel;
        for (ptrdiff_t j = 0; j < panels; j++) {
            const ptrdiff_t vectors = vectors_of(width, j * PANEL);
            vec sums[TILE_SUMS];
            gemm_tiles[vectors][rows](row, 0, 1, depth, packed + j * PANEL * depth, 0, sums);
            for (ptrdiff_t i = 0; i < rows; i++)
                for (ptrdiff_t v = 0; v < vectors; v++)
                    store(product + i * padded + j * PANEL + v * LANES, sums[i * vectors + v]);
        }
        for (ptrdiff_t i = 0; i < rows; i++, p++, advance(g, &at, 1)) {
            const ptrdiff_t y = at.i * g->stride_y, x = at.j * g->stride_x;
            real *base = (real *)target + at.n * g->image + y * g->row + x * g->pixel;
            for (ptrdiff_t t = 0; t < g->taps; t++) {
                const size_t v = (size_t)(y + g->tap_y[t]), u = (size_t)(x + g->tap_x[t]);
                if (v >= (size_t)g->height || u >= (size_t)g->width) continue;
                const real *from = product + i * padded + t * g->length;
                real *to = base + offsets.offset[t];
                for (ptrdiff_t k = 0; k < g->length; k += LANES) {
                    const ptrdiff_t n = at_most(LANES, g->length - k);
                    store_first(to + k, load_first(to + k, n) + load_first(from + k, n), n);
                }
            }
        }
    }
}

#endif
