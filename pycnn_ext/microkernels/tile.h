/* The register tile: some rows by one to TILE_VECTORS vectors of columns. It knows no stride, padding or thread.
 *
 * gemm_tile    row i of the tile is  sum_r sum_k rows[r][i][first + k] * panel[r*length + k][:]
 * outer_tile   row i of the tile is  sum_l sum_p left[l*left_line + p*left_step + i] * panel[l*panel_line +
 * p*panel_step + :]
 *
 * and with `add` what was there is added to. Both keep every accumulator in a register from the first product to the
 * only store. The sizes of a tile are compile-time constants, and every loop over them is unrolled by a pragma: without
 * it gcc keeps the accumulators in memory. With AVX-512, tiles of 9x3 and 6x4 take the fewest instructions a
 * multiply-add (1.55, against 1.71 of 12x2), which counts where a neighbour shares the core.
 */
#ifndef PYCNN_TILE_H
#define PYCNN_TILE_H

#include "vector.h"

#if VECTOR_BYTES == 64 /* 32 registers: rows*vectors accumulators, vectors of the panel, one broadcast */
#define TILE_VECTORS 4
#define TILE_ROWS 12 /* more row pointers than that do not fit the general registers */
static const ptrdiff_t tile_rows[TILE_VECTORS + 1] = {0, 12, 12, 9, 6};
#define FOR_EACH_TILE(X) \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) X(8, 1) X(9, 1) X(10, 1) X(11, 1) X(12, 1)           \
    X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2) X(7, 2) X(8, 2) X(9, 2) X(10, 2) X(11, 2) X(12, 2)           \
    X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(5, 3) X(6, 3) X(7, 3) X(8, 3) X(9, 3)                                      \
    X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(5, 4) X(6, 4)
#else /* 16 registers */
#define TILE_VECTORS 2
#define TILE_ROWS 6
static const ptrdiff_t tile_rows[TILE_VECTORS + 1] = {0, 6, 6};
#define FOR_EACH_TILE(X) \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2)
#endif
#define TILE_SUMS 27 /* at most so many vectors a tile */
#define PANEL (TILE_VECTORS * LANES) /* columns of a full tile */

typedef void gemm_tile_fn(const real *const *rows, ptrdiff_t first, ptrdiff_t runs, ptrdiff_t length, const real *panel,
                          int add, vec *sums);
typedef void outer_tile_fn(const real *left, const real *panel, ptrdiff_t lines, ptrdiff_t pixels, ptrdiff_t left_step,
                           ptrdiff_t panel_step, ptrdiff_t left_line, ptrdiff_t panel_line, int add, real *sums,
                           ptrdiff_t sums_row);

INLINE void gemm_tile(const int MR, const int NV, const real *const *rows, ptrdiff_t first, ptrdiff_t runs,
                      ptrdiff_t length, const real *panel, int add, vec *sums) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = add ? sums[i * NV + v] : (vec){};
    for (ptrdiff_t r = 0; r < runs; r++, rows += MR) {
        const real *row[TILE_ROWS];
        UNROLL for (int i = 0; i < MR; i++) row[i] = rows[i] + first;
        for (ptrdiff_t k = 0; k < length; k++, panel += NV * LANES) {
            vec b[TILE_VECTORS];
            UNROLL for (int v = 0; v < NV; v++) b[v] = load(panel + v * LANES);
            UNROLL for (int i = 0; i < MR; i++) {
                const vec a = splat(row[i][k]);
                UNROLL for (int v = 0; v < NV; v++) sum[i][v] += a * b[v];
            }
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sums[i * NV + v] = sum[i][v];
}

INLINE void outer_tile(const int MR, const int NV, const real *left, const real *panel, ptrdiff_t lines,
                       ptrdiff_t pixels, ptrdiff_t left_step, ptrdiff_t panel_step, ptrdiff_t left_line,
                       ptrdiff_t panel_line, int add, real *sums, ptrdiff_t sums_row) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    if (add) {
        const real *from = sums;
        UNROLL for (int i = 0; i < MR; i++, from += sums_row)
            UNROLL for (int v = 0; v < NV; v++) sum[i][v] = load(from + v * LANES);
    } else {
        UNROLL for (int i = 0; i < MR; i++)
            UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    }
    for (ptrdiff_t l = 0; l < lines; l++, left += left_line, panel += panel_line) {
        const real *row = left, *column = panel;
        for (ptrdiff_t p = 0; p < pixels; p++, row += left_step, column += panel_step) {
            vec b[TILE_VECTORS];
            UNROLL for (int v = 0; v < NV; v++) b[v] = load(column + v * LANES);
            UNROLL for (int i = 0; i < MR; i++) {
                const vec a = splat(row[i]);
                UNROLL for (int v = 0; v < NV; v++) sum[i][v] += a * b[v];
            }
        }
    }
    asm("" : "+r"(sums)); /* so that no address is kept from above: registers are few */
    UNROLL for (int i = 0; i < MR; i++, sums += sums_row)
        UNROLL for (int v = 0; v < NV; v++) store(sums + v * LANES, sum[i][v]);
}

/* One function for each size of tile: gemm_tiles[vectors][rows] and outer_tiles alike. */
#define DEFINE_TILE(MR, NV)                                                                                      \
    static void gemm_tile_##MR##x##NV(const real *const *rows, ptrdiff_t first, ptrdiff_t runs, ptrdiff_t length, \
                                      const real *panel, int add, vec *sums) {                                   \
        gemm_tile(MR, NV, rows, first, runs, length, panel, add, sums);                                          \
    }                                                                                                            \
    static void outer_tile_##MR##x##NV(const real *left, const real *panel, ptrdiff_t lines, ptrdiff_t pixels,   \
                                       ptrdiff_t left_step, ptrdiff_t panel_step, ptrdiff_t left_line,           \
                                       ptrdiff_t panel_line, int add, real *sums, ptrdiff_t sums_row) {          \
        outer_tile(MR, NV, left, panel, lines, pixels, left_step, panel_step, left_line, panel_line, add, sums,  \
                   sums_row);                                                                                    \
    }
#define GEMM_TILE(MR, NV) [NV][MR] = gemm_tile_##MR##x##NV,
#define OUTER_TILE(MR, NV) [NV][MR] = outer_tile_##MR##x##NV,

FOR_EACH_TILE(DEFINE_TILE)
static gemm_tile_fn *const gemm_tiles[TILE_VECTORS + 1][TILE_ROWS + 1] = {FOR_EACH_TILE(GEMM_TILE)};
static outer_tile_fn *const outer_tiles[TILE_VECTORS + 1][TILE_ROWS + 1] = {FOR_EACH_TILE(OUTER_TILE)};

/* Vectors that a panel has whose columns begin at `first`. */
INLINE ptrdiff_t vectors_of(ptrdiff_t columns, ptrdiff_t first) {
    return columns - first >= PANEL ? TILE_VECTORS : (columns - first + LANES - 1) / LANES;
}

#endif
