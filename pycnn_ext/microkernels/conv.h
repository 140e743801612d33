/* Convolution as matrix products over gathered rows.
 *
 *   forward       target rows  = gathered rows @ filters            (also dense layers and, with the filters
 *                                                                    transposed, stride-1 phases of input gradients)
 *   filter_grad   partial      = gathered rows^T @ gradient rows
 *   scatter       target      += gradient rows @ filters^T, at the places the rows were gathered from
 */
#ifndef PYCNN_CONV_H
#define PYCNN_CONV_H

#include "activation.h"
#include "gather.h"
#include "tile.h"

#define CHUNK 128 /* pixels whose gradients are packed at a time: 16 KiB a panel of floats, half of L1 */

INLINE ptrdiff_t vectors_of(ptrdiff_t columns, ptrdiff_t first) { return columns - first > LANES ? 2 : 1; }

/* Copy one panel of columns, from `first` on, into packed[taps*length][vectors*LANES], with zeros past the end. */
static void pack_panel(const FilterMatrix *f, ptrdiff_t taps, ptrdiff_t length, ptrdiff_t first, real *packed) {
    const ptrdiff_t width = vectors_of(f->columns, first) * LANES;
    const ptrdiff_t valid = at_most(width, f->columns - first);
    for (ptrdiff_t t = 0; t < taps; t++) {
        const real *w = (const real *)f->weights + f->tap_offset[t] + first * f->column_step;
        if (f->column_step == 1) {
            for (ptrdiff_t k = 0; k < length; k++, w += f->step, packed += width) {
                if (valid == PANEL) {
                    store(packed, load(w));
                    store(packed + LANES, load(w + LANES));
                } else {
                    for (ptrdiff_t c = 0; c < width; c++) packed[c] = c < valid ? w[c] : 0;
                }
            }
        } else {
            for (ptrdiff_t k = 0; k < length; k++, w += f->step, packed += width)
                for (ptrdiff_t c = 0; c < width; c++) packed[c] = c < valid ? w[c * f->column_step] : 0;
        }
    }
}

static void gemm(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const void *bias_, int activation,
                 ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_panel, ptrdiff_t last_panel) {
    const real *bias = bias_;
    const ptrdiff_t depth = g->taps * g->length;
    const ptrdiff_t packed_size = depth * PANEL * (last_panel - first_panel);
    real *packed = thread_scratch(sizeof(real) * (size_t)packed_size + sizeof(void *) * (size_t)(g->taps * (TILE_ROWS + 1)));
    const real **row = (const real **)(packed + packed_size);
    for (ptrdiff_t j = first_panel; j < last_panel; j++)
        pack_panel(f, g->taps, g->length, j * PANEL, packed + (j - first_panel) * depth * PANEL);
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(row + g->taps * TILE_ROWS));
    Position at = position_of(g, first);
    const ptrdiff_t tiles = (last - first + TILE_ROWS - 1) / TILE_ROWS;
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        const ptrdiff_t rows = part_begin(last - first, tiles, tile + 1) - part_begin(last - first, tiles, tile);
        real *out[TILE_ROWS];
        Position start = at;
        gather_rows(g, &offsets, &at, rows, rows, row);
        for (ptrdiff_t i = 0; i < rows; i++, advance(g, &start)) out[i] = target_row(target, start);
        for (ptrdiff_t j = first_panel; j < last_panel; j++) {
            const ptrdiff_t column = j * PANEL, vectors = vectors_of(f->columns, column);
            vec sums[TILE_ROWS * TILE_VECTORS];
            gemm_tiles[rows - 1][vectors - 1](row, g->taps, g->length, packed + (j - first_panel) * depth * PANEL, sums);
            for (ptrdiff_t v = 0; v < vectors; v++) {
                const ptrdiff_t c = column + v * LANES, valid = at_most(LANES, f->columns - c);
                const vec b = bias ? load_first(bias + c, valid) : (vec){};
                for (ptrdiff_t i = 0; i < rows; i++) sums[i * vectors + v] += b;
            }
            activate(sums, rows * vectors, activation);
            for (ptrdiff_t v = 0; v < vectors; v++) {
                const ptrdiff_t c = column + v * LANES, valid = at_most(LANES, f->columns - c);
                for (ptrdiff_t i = 0; i < rows; i++) {
                    if (valid == LANES) store(out[i] + c, sums[i * vectors + v]);
                    else store_first(out[i] + c, sums[i * vectors + v], valid);
                }
            }
        }
    }
}

static void gemm_filter_grad(const RowGather *g, const void *gradient_, ptrdiff_t columns, ptrdiff_t gradient_pixel,
                             ptrdiff_t first, ptrdiff_t last, ptrdiff_t panel, void *partial_, ptrdiff_t partial_row) {
    const real *gradient = (const real *)gradient_ + panel * PANEL;
    const ptrdiff_t vectors = vectors_of(columns, panel * PANEL), width = vectors * LANES;
    const ptrdiff_t valid = at_most(width, columns - panel * PANEL);
    const ptrdiff_t tiles = (g->length + TILE_ROWS - 1) / TILE_ROWS;
    real *packed = thread_scratch(sizeof(real) * (size_t)(CHUNK * PANEL) + sizeof(void *) * (size_t)((CHUNK + 1) * g->taps));
    const real **rows = (const real **)(packed + CHUNK * PANEL);
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(rows + CHUNK * g->taps));
    Position at = position_of(g, first);
    for (ptrdiff_t p = first; p < last; p += CHUNK) {
        const ptrdiff_t pixels = at_most(CHUNK, last - p);
        gather_rows(g, &offsets, &at, pixels, CHUNK, rows);
        for (ptrdiff_t i = 0; i < pixels; i++) {
            const real *row = gradient + (p + i) * gradient_pixel;
            for (ptrdiff_t c = 0; c < width; c++) packed[i * width + c] = c < valid ? row[c] : 0;
        }
        for (ptrdiff_t t = 0; t < g->taps; t++) {
            for (ptrdiff_t tile = 0; tile < tiles; tile++) {
                const ptrdiff_t begin = part_begin(g->length, tiles, tile);
                const ptrdiff_t count = part_begin(g->length, tiles, tile + 1) - begin;
                real *out = (real *)partial_ + (t * g->length + begin) * partial_row + panel * PANEL;
                vec sums[TILE_ROWS * TILE_VECTORS];
                outer_tiles[count - 1][vectors - 1](rows + t * CHUNK, begin, pixels, packed, sums);
                for (ptrdiff_t i = 0; i < count; i++, out += partial_row) {
                    for (ptrdiff_t v = 0; v < vectors; v++) {
                        const ptrdiff_t n = at_most(LANES, valid - v * LANES);
                        const vec sum = sums[i * vectors + v];
                        if (n == LANES) store(out + v * LANES, p == first ? sum : sum + load(out + v * LANES));
                        else store_first(out + v * LANES, p == first ? sum : sum + load_first(out + v * LANES, n), n);
                    }
                }
            }
        }
    }
}

static void gemm_scatter(const RowGather *g, const void *gradient, ptrdiff_t gradient_pixel, const FilterMatrix *f,
                         void *target, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t grid = g->grid_height * g->grid_width, depth = f->columns;
    const ptrdiff_t width = g->taps * g->length; /* columns of gradient @ filters^T */
    const ptrdiff_t panels = (width + PANEL - 1) / PANEL, padded = panels * PANEL;
    const ptrdiff_t packed_size = padded * (depth + TILE_ROWS);
    real *packed = thread_scratch(sizeof(real) * (size_t)packed_size + sizeof(ptrdiff_t) * (size_t)g->taps);
    real *product = packed + padded * depth;
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(packed + packed_size));
    for (ptrdiff_t j = 0; j < panels; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            for (ptrdiff_t c = 0; c < PANEL; c++) {
                const ptrdiff_t column = j * PANEL + c, t = column / g->length;
                packed[(j * depth + k) * PANEL + c] =
                    column < width ? ((const real *)f->weights)[f->tap_offset[t] + column % g->length * f->step + k] : 0;
            }
    Position at = position_of(g, first * grid);
    for (ptrdiff_t p = first * grid; p < last * grid;) {
        const ptrdiff_t rows = at_most(TILE_ROWS, last * grid - p);
        const real *row[TILE_ROWS];
        for (ptrdiff_t i = 0; i < rows; i++) row[i] = (const real *)gradient + (p + i) * gradient_pixel;
        for (ptrdiff_t j = 0; j < panels; j++) {
            vec sums[TILE_ROWS * TILE_VECTORS];
            gemm_tiles[rows - 1][TILE_VECTORS - 1](row, 1, depth, packed + j * depth * PANEL, sums);
            for (ptrdiff_t i = 0; i < rows; i++)
                for (ptrdiff_t v = 0; v < TILE_VECTORS; v++)
                    store(product + i * padded + j * PANEL + v * LANES, sums[i * TILE_VECTORS + v]);
        }
        for (ptrdiff_t i = 0; i < rows; i++, p++, advance(g, &at)) {
            const ptrdiff_t y = at.i * g->stride_y, x = at.j * g->stride_x;
            real *base = (real *)target + at.n * g->image + y * g->row + x * g->pixel;
            for (ptrdiff_t t = 0; t < g->taps; t++) {
                const size_t v = (size_t)(y + g->tap_y[t]), u = (size_t)(x + g->tap_x[t]);
                if (v >= (size_t)g->height || u >= (size_t)g->width) continue;
                const real *from = product + i * padded + t * g->length;
                real *to = base + offsets.offset[t];
                ptrdiff_t k = 0;
                for (; k + LANES <= g->length; k += LANES) store(to + k, load(to + k) + load(from + k));
                for (; k < g->length; k++) to[k] += from[k];
            }
        }
    }
}

#endif
