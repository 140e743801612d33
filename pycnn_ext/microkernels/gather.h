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

INLINE void advance(const RowGather *g, Position *at) {
    if (++at->j == g->grid_width) {
        at->j = 0;
        if (++at->i == g->grid_height) {
            at->i = 0;
            at->n++;
        }
    }
}

/* What is the same for all pixels: offsets of the taps, and the smallest and largest tap. */
typedef struct {
    ptrdiff_t *offset;
    ptrdiff_t min_y, max_y, min_x, max_x;
} TapOffsets;

/* Fill *o, its offsets in the memory that the caller lends. */
static void tap_offsets(const RowGather *g, TapOffsets *o, ptrdiff_t *memory) {
    o->offset = memory;
    o->min_y = o->max_y = g->tap_y[0];
    o->min_x = o->max_x = g->tap_x[0];
    for (ptrdiff_t t = 0; t < g->taps; t++) {
        const ptrdiff_t y = g->tap_y[t], x = g->tap_x[t];
        o->offset[t] = y * g->row + x * g->pixel;
        if (y < o->min_y) o->min_y = y;
        if (y > o->max_y) o->max_y = y;
        if (x < o->min_x) o->min_x = x;
        if (x > o->max_x) o->max_x = x;
    }
}

/* rows[t*tap_step + p*row_step] = pointer to tap t of the p-th row from *at on, for p < count; *at moves on. */
INLINE void gather_rows(const RowGather *g, const TapOffsets *o, Position *at, ptrdiff_t count, ptrdiff_t tap_step,
                        ptrdiff_t row_step, const real **rows) {
    for (ptrdiff_t p = 0; p < count; p++, rows += row_step, advance(g, at)) {
        const ptrdiff_t y = at->i * g->stride_y, x = at->j * g->stride_x;
        const real *base = (const real *)g->source + at->n * g->image + y * g->row + x * g->pixel;
        const int inside = y + o->min_y >= 0 && y + o->max_y < g->height && x + o->min_x >= 0 && x + o->max_x < g->width;
        if (inside) {
            for (ptrdiff_t t = 0; t < g->taps; t++) rows[t * tap_step] = base + o->offset[t];
        } else {
            for (ptrdiff_t t = 0; t < g->taps; t++) {
                const size_t v = (size_t)(y + g->tap_y[t]), u = (size_t)(x + g->tap_x[t]); /* negatives are huge */
                rows[t * tap_step] = v < (size_t)g->height && u < (size_t)g->width ? base + o->offset[t] : g->zeros;
            }
        }
    }
}

INLINE real *target_row(const RowTarget *target, Position at) {
    return (real *)target->target + at.n * target->image + at.i * target->row + at.j * target->pixel;
}

/* Length of part `index` when `count` things are cut into `parts` of nearly equal size, and where it begins. */
INLINE ptrdiff_t part_begin(ptrdiff_t count, ptrdiff_t parts, ptrdiff_t index) {
    return count / parts * index + at_most(index, count % parts);
}

#endif
