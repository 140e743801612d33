/* Gradients of filters: products of two sides, summed over the pixels.
 *
 *   sums[l][r] = sum over pixels of left[pixel][l] * right[pixel][r]
 *
 * One side is the gathered rows, their taps side by side, the other the gradient; the right one fills vectors. Of a
 * chunk of pixels both are packed in strips, so that tiles read them from end to end. A strip of the right side is a
 * panel.
 */
#ifndef PYCNN_FILTER_GRAD_H
#define PYCNN_FILTER_GRAD_H

#include "gather.h"
#include "tile.h"

#ifndef CHUNK
/* pixels that are packed at a time, all of which stays in L2: with fewer, sums are read and written more often */
#define CHUNK 192
#endif
#define PIXELS_AHEAD 4 /* that are asked for: taps and strides leave the processor little to guess */
#define FEW_FILTERS 128   /* for which packing takes longer than tiles that read what lies apart */
#define ROWS_OF_A_TAP 8 /* that keep a tile busy */
#define LINE_NUMBERS 4096 /* of the gradient, at most, that tiles read again and again */
#define STRIP 12 /* rows of a strip of the left side: all tiles' heights divide it, or are one less than a divisor */

/* Of a chunk of pixels, where the numbers of one side lie: column c is number c % length of tap c / length. */
typedef struct {
    const real **rows; /* [tap][pixel] */
    ptrdiff_t taps, length;
} Side;

/* Numbers of one pixel that lie side by side before and after packing: packed[pixel][step] in one strip */
typedef struct {
    const real *const *rows;
    ptrdiff_t begin, count, step;
    real *packed;
} Run;

/* Numbers from a pixel to the next in a strip that has so many columns at most */
INLINE ptrdiff_t strip_step(ptrdiff_t columns, ptrdiff_t width) {
    return at_most(width, (columns + LANES - 1) / LANES * LANES);
}

INLINE ptrdiff_t strip_size(ptrdiff_t width) { return CHUNK * width + LANES; } /* the last store may reach beyond */

/* The runs of columns [first, last), packed in strips of `width`; returns how many they are. */
static ptrdiff_t find_runs(const Side *side, ptrdiff_t first, ptrdiff_t last, ptrdiff_t width, real *packed,
                           Run *runs) {
    ptrdiff_t count = 0;
    for (ptrdiff_t strip = first; strip < last; strip += width, packed += strip_size(width)) {
        const ptrdiff_t end = at_most(strip + width, last), step = strip_step(last - strip, width);
        for (ptrdiff_t c = strip; c < end; c += runs[count++].count) {
            const ptrdiff_t tap = c / side->length, begin = c % side->length;
            runs[count] = (Run){side->rows + tap * CHUNK, begin, at_most(side->length - begin, end - c), step,
                packed + c - strip};
        }
    }
    return count;
}

/* Pixel by pixel, as they lie in memory; in whole vectors, whose ends the next run or pixel overwrites. */
static void pack_runs(const Run *runs, ptrdiff_t count, ptrdiff_t pixels) {
    for (ptrdiff_t p = 0; p < pixels; p++) {
        const ptrdiff_t later = at_most(p + PIXELS_AHEAD, pixels - 1);
        for (const Run *r = runs; r < runs + count; r++) {
            const real *from = r->rows[p] + r->begin;
            for (ptrdiff_t i = 0; i < r->count; i += LANES) __builtin_prefetch(r->rows[later] + r->begin + i);
            real *to = r->packed + p * r->step;
            ptrdiff_t i = 0;
            for (; i + LANES <= r->count; i += LANES) store(to + i, load(from + i));
            if (i < r->count) store(to + i, load_first(from + i, r->count - i));
        }
    }
}

/* sums (rows, valid columns of a panel) = or += strips^T @ panel */
static void multiply_panel(const real *strips, ptrdiff_t rows, const real *panel, ptrdiff_t vectors, ptrdiff_t valid,
                           ptrdiff_t pixels, int add, real *sums, ptrdiff_t sums_row) {
    for (ptrdiff_t row = 0; row < rows; row += STRIP, strips += strip_size(STRIP)) {
        const ptrdiff_t step = strip_step(rows - row, STRIP);
        const Parts tiles = divide(at_most(STRIP, rows - row), tile_rows[vectors]);
        const real *left = strips;
        for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
            const ptrdiff_t count = part_size(tiles, tile);
            if (valid == vectors * LANES) {
                outer_tiles[vectors][count](left, panel, 1, pixels, step, vectors * LANES, 0, 0, add, sums, sums_row);
            } else {
                vec product[TILE_SUMS];
                outer_tiles[vectors][count](left, panel, 1, pixels, step, vectors * LANES, 0, 0, 0, (real *)product,
                                            vectors * LANES);
                for (ptrdiff_t i = 0; i < count; i++) {
                    for (ptrdiff_t v = 0; v < vectors; v++) {
                        const ptrdiff_t n = valid - v * LANES;
                        real *to = sums + i * sums_row + v * LANES;
                        store_first(to, add ? product[i * vectors + v] + load_first(to, n) : product[i * vectors + v],
                                    n);
                    }
                }
            }
            left += count;
            sums += count * sums_row;
        }
    }
}

/* Whether tiles read both sides where they are, for packing would not pay: few filters, and whole vectors on the right
 * side. Each tap is multiplied by itself, which takes enough rows, unless taps lie in one run inside of the image. */
static int needs_no_packing(const FilterGrad *f, const TapOffsets *o) {
    const RowGather *g = &f->gather;
    if (f->filters > FEW_FILTERS) return 0;
    if (f->turned) return g->length % LANES == 0;
    const int inside = o->first == 0 && o->last == g->grid_width && o->min_y >= 0 &&
                       (g->grid_height - 1) * g->stride_y + o->max_y < g->height;
    return f->filters % LANES == 0 && (inside || g->length >= ROWS_OF_A_TAP);
}

/* A part of [*first, *last), positions along an axis of the grid, whose tap lies in the image. */
INLINE void clip(ptrdiff_t *first, ptrdiff_t *last, ptrdiff_t stride, ptrdiff_t tap, ptrdiff_t size) {
    const ptrdiff_t begin = tap < 0 ? (-tap + stride - 1) / stride : 0, room = size - 1 - tap;
    const ptrdiff_t end = room < 0 ? 0 : room / stride + 1;
    if (*first < begin) *first = begin;
    if (*last > end) *last = end;
}

/* Numbers of the pixels of some lines: of the first of them, and the distance to the next in the line and below. */
typedef struct {
    const real *at;
    ptrdiff_t step, line;
} Pixels;

/* sums[rows][columns] = or += left^T @ right for the pixels of some lines */
static void multiply_in_place(Pixels left, ptrdiff_t rows, Pixels right, ptrdiff_t columns, ptrdiff_t lines,
                              ptrdiff_t pixels, int add, real *sums, ptrdiff_t sums_row) {
    if (rows <= 0) return;
    ptrdiff_t most = TILE_VECTORS; /* or as many as let one tile have all rows, if columns are many */
    while (columns > PANEL && rows <= TILE_ROWS && tile_rows[most] < rows) most--;
    for (ptrdiff_t column = 0, vectors; column < columns; column += vectors * LANES) {
        vectors = at_most(most, (columns - column) / LANES);
        const Parts tiles = divide(rows, tile_rows[vectors]);
        const real *from = left.at;
        real *to = sums + column;
        for (ptrdiff_t tile = 0; tile < tiles.parts; tile++) {
            const ptrdiff_t count = part_size(tiles, tile);
            outer_tiles[vectors][count](from, right.at + column, lines, pixels, left.step, right.step, left.line,
                                        right.line, add, to, sums_row);
            from += count, to += count * sums_row;
        }
    }
}

/* The sums of one group for `pixels` pixels from `first` on, by blocks of lines that stay in L1, tap by tap. */
static void sum_lines(const FilterGrad *f, ptrdiff_t first, ptrdiff_t pixels, ptrdiff_t group, ptrdiff_t first_row,
                      ptrdiff_t last_row, ptrdiff_t first_column, ptrdiff_t last_column, real *sums) {
    const RowGather *g = &f->gather;
    const ptrdiff_t most = LINE_NUMBERS / (g->grid_width * f->filters) + 1;
    Position at = position_of(g, first);
    for (ptrdiff_t end = first + pixels, add = 0; first < end; add = 1) {
        const ptrdiff_t count = at_most(end - first, g->grid_width - at.j);
        ptrdiff_t lines = 1; /* or more, if they are whole */
        if (count == g->grid_width) lines = at_most(at_most((end - first) / count, g->grid_height - at.i), most);
        for (ptrdiff_t tap = 0; tap < g->taps; tap++) {
            ptrdiff_t i = at.i, below = at.i + lines, j = at.j, right = at.j + count;
            clip(&i, &below, g->stride_y, g->tap_y[tap], g->height);
            clip(&j, &right, g->stride_x, g->tap_x[tap], g->width);
            const ptrdiff_t inside = i < below && j < right ? below - i : 0; /* lines; of none the sums are 0 */
            if (!inside && add) continue;
            const Pixels image = {(const real *)g->source + at.n * g->image +
                                      (i * g->stride_y + g->tap_y[tap]) * g->row +
                                      (j * g->stride_x + g->tap_x[tap]) * g->pixel + group * g->length,
                                  g->stride_x * g->pixel, g->stride_y * g->row};
            const Pixels gradient = {(const real *)f->gradient + group * f->filters +
                                         (first + (i - at.i) * g->grid_width + j - at.j) * f->gradient_pixel,
                                     f->gradient_pixel, g->grid_width * f->gradient_pixel};
            const ptrdiff_t begin = tap * g->length, end_of_tap = begin + g->length;
            if (f->turned) {
                const ptrdiff_t c = at_least(first_column, begin), columns = at_most(last_column, end_of_tap) - c;
                const Pixels rows = {gradient.at + first_row, gradient.step, gradient.line};
                const Pixels panel = {image.at + c - begin, image.step, image.line};
                multiply_in_place(rows, last_row - first_row, panel, columns, inside, right - j, (int)add,
                                  sums + first_row * f->sums_row + c, f->sums_row);
            } else {
                const ptrdiff_t r = at_least(first_row, begin), rows = at_most(last_row, end_of_tap) - r;
                const Pixels left = {image.at + r - begin, image.step, image.line};
                const Pixels panel = {gradient.at + first_column, gradient.step, gradient.line};
                multiply_in_place(left, rows, panel, last_column - first_column, inside, right - j, (int)add,
                                  sums + r * f->sums_row + first_column, f->sums_row);
            }
        }
        first += lines * count;
        at.i += lines - 1;
        advance(g, &at, count);
    }
}

static void gemm_filter_grad(const FilterGrad *f, ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group,
                             ptrdiff_t last_group, ptrdiff_t first_row, ptrdiff_t last_row, ptrdiff_t first_panel,
                             ptrdiff_t last_panel, void *sums) {
    RowGather g = f->gather;
    const ptrdiff_t depth = g.taps * g.length, width = f->turned ? depth : f->filters;
    const ptrdiff_t first_column = first_panel * PANEL, last_column = at_most(last_panel * PANEL, width);
    const ptrdiff_t strips = (last_row - first_row + STRIP - 1) / STRIP, panels = last_panel - first_panel;
    real *packed_left = thread_scratch(sizeof(real) * (size_t)(strips * strip_size(STRIP) +
                                                               panels * strip_size(PANEL)) +
                                       sizeof(Run) * (size_t)(strips + panels + 2 * g.taps) +
                                       sizeof(void *) * (size_t)((g.taps + 1) * CHUNK + g.taps));
    real *packed_right = packed_left + strips * strip_size(STRIP);
    Run *runs = (Run *)(packed_right + panels * strip_size(PANEL));
    const real **pointers = (const real **)(runs + strips + panels + 2 * g.taps);
    const Side rows = {pointers + CHUNK, g.taps, g.length}, gradient = {pointers, 1, f->filters};
    ptrdiff_t run_count = find_runs(f->turned ? &gradient : &rows, first_row, last_row, STRIP, packed_left, runs);
    run_count += find_runs(f->turned ? &rows : &gradient, first_column, last_column, PANEL, packed_right,
                           runs + run_count);
    TapOffsets offsets;
    tap_offsets(&g, &offsets, (ptrdiff_t *)(rows.rows + g.taps * CHUNK));
    if (needs_no_packing(f, &offsets)) {
        for (ptrdiff_t group = first_group; group < last_group; group++)
            sum_lines(f, first, last - first, group, first_row, last_row, first_column, last_column,
                      (real *)sums + group * f->sums_group);
        return;
    }
    Position at = position_of(&g, first);
    g.source = (const real *)g.source + first_group * g.length;
    const Parts chunks = divide(last - first, CHUNK);
    for (ptrdiff_t chunk = 0; chunk < chunks.parts; chunk++) {
        const ptrdiff_t pixels = part_size(chunks, chunk), p = first + part_begin(chunks, chunk);
        gather_rows(&g, &offsets, &at, pixels, CHUNK, 1, rows.rows);
        for (ptrdiff_t i = 0; i < pixels; i++)
            gradient.rows[i] = (const real *)f->gradient + (p + i) * f->gradient_pixel + first_group * f->filters;
        for (ptrdiff_t group = first_group; group < last_group; group++) {
            real *group_sums = (real *)sums + group * f->sums_group + first_row * f->sums_row;
            pack_runs(runs, run_count, pixels);
            for (ptrdiff_t j = 0; j < panels; j++) {
                const ptrdiff_t column = first_column + j * PANEL;
                multiply_panel(packed_left, last_row - first_row, packed_right + j * strip_size(PANEL),
                               vectors_of(width, column), at_most(PANEL, width - column), pixels, chunk > 0,
                               group_sums + column, f->sums_row);
            }
            for (ptrdiff_t i = 0; i < g.taps * CHUNK && group + 1 < last_group; i++) rows.rows[i] += g.length;
            for (ptrdiff_t i = 0; i < pixels; i++) gradient.rows[i] += f->filters;
        }
    }
}

/* target[c][r] = sum over s, in order, of partials[s][r][c], for r < rows and c < columns */
static void sum_transposed(const void *partials, ptrdiff_t slices, ptrdiff_t slice_size, ptrdiff_t partial_row,
                           ptrdiff_t columns, ptrdiff_t rows, void *target, ptrdiff_t target_row) {
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
        const ptrdiff_t n = at_most(LANES, columns - c);
        for (ptrdiff_t r = 0; r < rows; r += LANES) {
            const ptrdiff_t m = at_most(LANES, rows - r);
            vec block[LANES] = {};
            for (ptrdiff_t i = 0; i < m; i++) {
                const real *from = (const real *)partials + (r + i) * partial_row + c;
                block[i] = load_first(from, n);
                for (ptrdiff_t s = 1; s < slices; s++) block[i] += load_first(from + s * slice_size, n);
            }
            transpose(block);
            real *to = (real *)target + c * target_row + r;
            for (ptrdiff_t l = 0; l < n; l++, to += target_row) store_first(to, block[l], m);
        }
    }
}

#endif
