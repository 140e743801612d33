/* The register tile: up to TILE_ROWS rows by one or two vectors of columns. It knows no stride, padding or thread.
 *
 * gemm_tile    sums over runs: row i of the tile is  sum_r sum_k rows[r][i][k] * panel[r*length + k][:]
 * outer_tile   sums over pixels: row i of the tile is  sum_p rows[p][i] * panel[p][:]
 *
 * Both keep every accumulator in a register from the first product to the only store. The sizes of a tile are
 * compile-time constants, and every loop over them is unrolled by a pragma: without it gcc keeps the
 * accumulators in memory.
 */
#ifndef PYCNN_TILE_H
#define PYCNN_TILE_H

#include "vector.h"

typedef void gemm_tile_fn(const real *const *rows, ptrdiff_t runs, ptrdiff_t length, const real *panel, vec *sums);
typedef void outer_tile_fn(const real *const *rows, ptrdiff_t first, ptrdiff_t pixels, const real *panel, vec *sums);

INLINE void gemm_tile(const int MR, const int NV, const real *const *rows, ptrdiff_t runs, ptrdiff_t length,
                      const real *panel, vec *sums) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    for (ptrdiff_t r = 0; r < runs; r++, rows += MR) {
        const real *row[TILE_ROWS];
        UNROLL for (int i = 0; i < MR; i++) row[i] = rows[i];
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

INLINE void outer_tile(const int MR, const int NV, const real *const *rows, ptrdiff_t first, ptrdiff_t pixels,
                       const real *panel, vec *sums) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    for (ptrdiff_t p = 0; p < pixels; p++, panel += NV * LANES) {
        const real *row = rows[p] + first;
        vec b[TILE_VECTORS];
        UNROLL for (int v = 0; v < NV; v++) b[v] = load(panel + v * LANES);
        UNROLL for (int i = 0; i < MR; i++) {
            const vec a = splat(row[i]);
            UNROLL for (int v = 0; v < NV; v++) sum[i][v] += a * b[v];
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sums[i * NV + v] = sum[i][v];
}

/* One function for each size of tile: gemm_tiles[rows - 1][vectors - 1] and outer_tiles alike. */
#define TILE_SIZE(MR, NV)                                                                                       \
    static void gemm_tile_##MR##x##NV(const real *const *rows, ptrdiff_t runs, ptrdiff_t length,                  \
                                      const real *panel, vec *sums) {                                             \
        gemm_tile(MR, NV, rows, runs, length, panel, sums);                                                       \
    }                                                                                                             \
    static void outer_tile_##MR##x##NV(const real *const *rows, ptrdiff_t first, ptrdiff_t pixels,                \
                                       const real *panel, vec *sums) {                                            \
        outer_tile(MR, NV, rows, first, pixels, panel, sums);                                                     \
    }
#if TILE_ROWS == 14
#define FOR_EACH_TILE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#else
#define FOR_EACH_TILE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
#define DEFINE_TILES(MR) TILE_SIZE(MR, 1) TILE_SIZE(MR, 2)
#define GEMM_TILES(MR) {gemm_tile_##MR##x1, gemm_tile_##MR##x2},
#define OUTER_TILES(MR) {outer_tile_##MR##x1, outer_tile_##MR##x2},

FOR_EACH_TILE_ROWS(DEFINE_TILES)
static gemm_tile_fn *const gemm_tiles[TILE_ROWS][TILE_VECTORS] = {FOR_EACH_TILE_ROWS(GEMM_TILES)};
static outer_tile_fn *const outer_tiles[TILE_ROWS][TILE_VECTORS] = {FOR_EACH_TILE_ROWS(OUTER_TILES)};

#endif
