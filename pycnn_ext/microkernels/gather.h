/* Row pointers of pixels and taps: the indirection between images and matrices. */
#ifndef PYCNN_GATHER_H
#define PYCNN_GATHER_H

#include "kernels.h"
#include "vector.h"

/* A walk over the rows (n, i, j) of a gather, in order. */
typedef struct {
    ptrdiff_t n, i, j;
} Position;

INLINE Position position_of(const RowGather *g, ptrdiff_t index) {
    const ptrdiff_t grid = g->grid_height * g->grid_width;
    const ptrdiff_t rest = index % grid;
    return (Position){index / grid, rest / g->grid_width, rest % g->grid_width};
}

INLINE void advance(const RowGather *g, Position *at, ptrdiff_t steps) { /* steps stay within the row of the grid */
    at->j += steps;
    if (at->j == g->grid_width) {
        at->j = 0;
        if (++at->i == g->grid_height) {
            at->i = 0;
            at->n++;
        }
    }
}

#define RAMP 16

/* What is the same for all pixels: offsets of the taps, their extremes, and the columns j in [first, last) of the grid
 * whose taps all lie between the left and right edges. */
typedef struct {
    ptrdiff_t *offset;
    ptrdiff_t min_y, max_y, first, last;
    ptrdiff_t ramp[RAMP]; /* from a pixel to the p-th after it in its row, in bytes */
} TapOffsets;

/* Fill *o, its offsets in the memory that the caller lends. */
static void tap_offsets(const RowGather *g, TapOffsets *o, ptrdiff_t *memory) {
    ptrdiff_t min_x = g->tap_x[0], max_x = g->tap_x[0];
    o->offset = memory;
    o->min_y = o->max_y = g->tap_y[0];
    for (ptrdiff_t t = 0; t < g->taps; t++) {
        const ptrdiff_t y = g->tap_y[t], x = g->tap_x[t];
        o->offset[t] = y * g->row + x * g->pixel;
        if (y < o->min_y) o->min_y = y;
        if (y > o->max_y) o->max_y = y;
        if (x < min_x) min_x = x;
        if (x > max_x) max_x = x;
    }
    for (ptrdiff_t p = 0; p < RAMP; p++) o->ramp[p] = p * g->stride_x * g->pixel * (ptrdiff_t)sizeof(real);
    o->first = min_x < 0 ? (-min_x + g->stride_x - 1) / g->stride_x : 0;
    o->last = max_x < g->width ? (g->width - 1 - max_x) / g->stride_x + 1 : 0;
    if (o->last > g->grid_width) o->last = g->grid_width;
    if (o->first > o->last) o->first = o->last;
}

/* rows[t*tap_step + p*row_step] = pointer to tap t of the p-th row from *at on, for p < count; *at moves on.
 * By runs of one row of the grid, in which either all taps of all pixels are inside the image or each is asked. */
INLINE void gather_rows(const RowGather *g, const TapOffsets *o, Position *at, ptrdiff_t count,
                        const ptrdiff_t tap_step, const ptrdiff_t row_step, const real **rows) {
    const ptrdiff_t step = g->stride_x * g->pixel;
    while (count > 0) {
        const ptrdiff_t y = at->i * g->stride_y, x = at->j * g->stride_x;
        const real *base = (const real *)g->source + at->n * g->image + y * g->row + x * g->pixel;
        const int inside_y = y + o->min_y >= 0 && y + o->max_y < g->height;
        const int inside = inside_y && at->j >= o->first && at->j < o->last;
        const ptrdiff_t end = inside ? o->last : inside_y && at->j < o->first ? o->first : g->grid_width;
        const ptrdiff_t run = at_most(count, end - at->j);
        for (ptrdiff_t t = 0; t < g->taps; t++) {
            const real *from = base + o->offset[t];
            const real **to = rows + t * tap_step;
            if (inside) {
                for (ptrdiff_t q = 0; q < run; q += RAMP, from += RAMP * step)
                    for (ptrdiff_t p = 0; p < at_most(RAMP, run - q); p++)
                        to[(q + p) * row_step] = (const real *)((const char *)from + o->ramp[p]);
            } else {
                const size_t v = (size_t)(y + g->tap_y[t]); /* negatives are huge */
                for (ptrdiff_t p = 0; p < run; p++) {
                    const size_t u = (size_t)(x + p * g->stride_x + g->tap_x[t]);
                    to[p * row_step] = v < (size_t)g->height && u < (size_t)g->width ? from + p * step : g->zeros;
                }
            }
        }
        rows += run * row_step;
        count -= run;
        advance(g, at, run);
    }
}

/* gather_rows for a tile of `count` rows: rows[t*count + p]. If the tile before it had as many (*before, else 0), all
 * of them with all taps inside the image, and this one goes on in the same row, each pointer moves by as much. */
INLINE void gather_tile(const RowGather *g, const TapOffsets *o, Position *at, ptrdiff_t count, ptrdiff_t *before,
                        const real **rows) {
    const ptrdiff_t y = at->i * g->stride_y, bytes = count * g->stride_x * g->pixel * (ptrdiff_t)sizeof(real);
    const int inside = y + o->min_y >= 0 && y + o->max_y < g->height && at->j >= o->first && at->j + count <= o->last;
    if (inside && at->j && count == *before) {
        for (ptrdiff_t i = 0; i < g->taps * count; i++) rows[i] = (const real *)((const char *)rows[i] + bytes);
        advance(g, at, count);
    } else {
        gather_rows(g, o, at, count, count, 1, rows);
    }
    *before = inside ? count : 0;
}

/* Taps [first, last) of a tile. */
typedef struct {
    ptrdiff_t first, last;
} Taps;

/* Those outside of which all `count` rows of a tile lie in the padding, above the image or below it above all. */
INLINE Taps taps_inside(const RowGather *g, const real *const *rows, ptrdiff_t count) {
    ptrdiff_t first = 0, last = g->taps * count;
    while (first < last && rows[first] == g->zeros) first++;
    while (last > first && rows[last - 1] == g->zeros) last--;
    return (Taps){first / count, (last + count - 1) / count};
}

/* out[p] = where the result of the p-th row from `at` on goes */
INLINE void target_rows(const RowGather *g, const RowTarget *target, Position at, ptrdiff_t count, real **out) {
    while (count > 0) {
        const ptrdiff_t run = at_most(count, g->grid_width - at.j);
        real *base = (real *)target->target + at.n * target->image + at.i * target->row + at.j * target->pixel;
        for (ptrdiff_t p = 0; p < run; p++) out[p] = base + p * target->pixel;
        out += run;
        count -= run;
        advance(g, &at, run);
    }
}

/* `count` things in `parts` parts of nearly equal size, the larger ones first. Made once: divisions are slow. */
typedef struct {
    ptrdiff_t parts, size, larger;
} Parts;

INLINE Parts divide(ptrdiff_t count, ptrdiff_t most) {
    const ptrdiff_t parts = (count + most - 1) / most;
    return (Parts){parts, parts ? count / parts : 0, parts ? count % parts : 0};
}

INLINE ptrdiff_t part_size(Parts p, ptrdiff_t index) { return p.size + (index < p.larger); }
INLINE ptrdiff_t part_begin(Parts p, ptrdiff_t index) { return p.size * index + at_most(index, p.larger); }

#endif
