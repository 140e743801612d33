/* Few filters of many channels: results as dot products along the channels of gathered rows, in which all lanes count.
 *
 * A tile has as many sums as a vector has lanes, of ROWS rows and FILTERS filters; turned, they are added up at once.
 */
#ifndef PYCNN_DOTS_H
#define PYCNN_DOTS_H

#include "gather.h"
#include "tile.h"

#define DOT_FILTERS 4 /* of a tile at most */

/* Of R rows, of which `count` are wanted, by F filters: to[r][f] = bias[r*F + f] + the sum over taps and channels of
 * rows[tap*LANES + r] * filters[tap][channels, in vectors][f]. Results that lie side by side are stored at once. */
INLINE void dot_tile(const int R, const int F, const real *const *rows, ptrdiff_t taps, ptrdiff_t length,
                     const real *filters, vec bias, ptrdiff_t count, int side_by_side, real *const *to) {
    vec sum[LANES] = {};
    const lane_mask rest = first_lanes(length % LANES);
    for (ptrdiff_t t = 0; t < taps; t++, rows += LANES) {
        ptrdiff_t k = 0;
        for (; k + LANES <= length; k += LANES, filters += F * LANES) {
            UNROLL for (int r = 0; r < R; r++) {
                const vec row = load(rows[r] + k);
                UNROLL for (int f = 0; f < F; f++) sum[r * F + f] += row * load(filters + f * LANES);
            }
        }
        if (k == length) continue;
        UNROLL for (int r = 0; r < R; r++) {
            const vec row = load_masked(rows[r] + k, rest);
            UNROLL for (int f = 0; f < F; f++) sum[r * F + f] += row * load(filters + f * LANES);
        }
        filters += F * LANES;
    }
    transpose(sum);
    UNROLL for (int step = 1; step < LANES; step *= 2) /* by pairs */
        UNROLL for (int i = 0; i + step < LANES; i += 2 * step) sum[i] += sum[i + step];
    sum[0] += bias;
    if (side_by_side) {
        store_first(to[0], sum[0], at_most(R, count) * F);
        return;
    }
    real results[LANES];
    store(results, sum[0]);
    UNROLL for (int r = 0; r < R; r++) {
        if (r == count) return;
        UNROLL for (int f = 0; f < F; f++) to[r][f] = results[r * F + f];
    }
}

typedef void dot_tile_fn(const real *const *rows, ptrdiff_t taps, ptrdiff_t length, const real *filters, vec bias,
                         ptrdiff_t count, int side_by_side, real *const *to);
#define DEFINE_DOT_TILE(F)                                                                                           \
    static void dot_tile_##F(const real *const *rows, ptrdiff_t taps, ptrdiff_t length, const real *filters,         \
                             vec bias, ptrdiff_t count, int side_by_side, real *const *to) {                         \
        dot_tile(LANES / F, F, rows, taps, length, filters, bias, count, side_by_side, to);                          \
    }
DEFINE_DOT_TILE(1)
DEFINE_DOT_TILE(2)
DEFINE_DOT_TILE(4)
static dot_tile_fn *const dot_tiles[DOT_FILTERS + 1] = {[1] = dot_tile_1, [2] = dot_tile_2, [4] = dot_tile_4};

/* How many filters the tiles from filter `begin` on have: powers of 2, so that the rows of a vector are, too. */
INLINE ptrdiff_t dot_filters(ptrdiff_t filters, ptrdiff_t begin) {
    ptrdiff_t count = at_most(DOT_FILTERS, LANES);
    while (begin + count > filters) count /= 2;
    return count;
}

/* [tap][channels, in vectors][filter of the part][lane], with zeros behind the last channel */
static void pack_dots(const RowGather *g, const FilterMatrix *f, ptrdiff_t first, ptrdiff_t count, real *packed) {
    for (ptrdiff_t t = 0; t < g->taps; t++)
        for (ptrdiff_t k = 0; k < g->length; k += LANES)
            for (ptrdiff_t i = 0; i < count; i++)
                for (ptrdiff_t l = 0; l < LANES; l++)
                    *packed++ = k + l < g->length ? ((const real *)f->weights)[f->tap_offset[t] + (k + l) * f->step +
                                                                               (first + i) * f->column_step]
                                                  : 0;
}

/* target rows [first, last) = rows @ filters + bias, of one group */
static void dots(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const void *bias, ptrdiff_t first,
                 ptrdiff_t last) {
    const ptrdiff_t depth = g->taps * ((g->length + LANES - 1) / LANES * LANES);
    vec *biases = thread_scratch((sizeof(vec) + sizeof(real) * (size_t)depth) * (size_t)f->columns +
                                 sizeof(void *) * (size_t)(g->taps * (LANES + 1)));
    real *packed = (real *)(biases + f->columns);
    const real **rows = (const real **)(packed + depth * f->columns);
    for (ptrdiff_t begin = 0, filters; begin < f->columns; begin += filters) {
        filters = dot_filters(f->columns, begin);
        pack_dots(g, f, begin, filters, packed + depth * begin);
        biases[begin] = (vec){};
        for (ptrdiff_t l = 0; l < LANES && bias; l++) biases[begin][l] = ((const real *)bias)[begin + l % filters];
    }
    TapOffsets offsets;
    tap_offsets(g, &offsets, (ptrdiff_t *)(rows + g->taps * LANES));
    const int side_by_side = target->pixel == f->columns && target->row == g->grid_width * target->pixel &&
                             target->image == g->grid_height * target->row && dot_filters(f->columns, 0) == f->columns;
    Position at = position_of(g, first);
    for (ptrdiff_t count; first < last; first += count) {
        real *to[LANES];
        count = at_most(LANES, last - first);
        target_rows(g, target, at, count, to);
        gather_rows(g, &offsets, &at, count, LANES, 1, rows);
        for (ptrdiff_t t = 0; t < g->taps; t++) /* what a tile reads beyond, and nobody stores */
            for (ptrdiff_t r = count; r < LANES; r++) rows[t * LANES + r] = rows[t * LANES];
        for (ptrdiff_t begin = 0, filters; begin < f->columns; begin += filters) {
            filters = dot_filters(f->columns, begin);
            for (ptrdiff_t row = 0; row < count; row += LANES / filters)
                dot_tiles[filters](rows + row, g->taps, g->length, packed + depth * begin, biases[begin], count - row,
                                   side_by_side, to + row);
            for (ptrdiff_t r = 0; r < count; r++) to[r] += filters;
        }
    }
}

#endif
