/* Products of few rows by a matrix: what counts is that the matrix is read from memory once, in its own order.
 *
 *   thin_rows        out[i][c] = sum_k a[i][k] * b[k][c]: a few lines of b at a time are added to all columns
 *   narrow_row       the same of one row and few columns, whose sums stay in registers
 *   thin_transposed  out[i][c] = sum_k a[i][k] * b[c][k]: dot products along the lines of b
 */
#ifndef PYCNN_THIN_H
#define PYCNN_THIN_H

#include "activation.h"
#include "vector.h"

#define THIN 4 /* rows of a, and lines of b, that are taken together */

/* rows [0, R) of out += lines [0, lines) of b, for columns [first, last) */
INLINE void add_lines(const int R, const real *a, ptrdiff_t depth, const real *b, ptrdiff_t columns, ptrdiff_t lines,
                      real *out, ptrdiff_t first, ptrdiff_t last) {
    vec factor[THIN][THIN];
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int k = 0; k < THIN; k++) factor[i][k] = k < lines ? splat(a[i * depth + k]) : (vec){};
    for (ptrdiff_t c = first; c < last; c += LANES) {
        const ptrdiff_t n = at_most(LANES, last - c);
        vec line[THIN];
        UNROLL for (int k = 0; k < THIN; k++) {
            const real *from = b + (k < lines ? k : 0) * columns + c;
            __builtin_prefetch(from + THIN * columns);
            line[k] = n == LANES ? load(from) : load_first(from, n);
        }
        UNROLL for (int i = 0; i < R; i++) {
            real *to = out + i * columns + c;
            vec sum = n == LANES ? load(to) : load_first(to, n);
            UNROLL for (int k = 0; k < THIN; k++) sum += factor[i][k] * line[k];
            if (n == LANES) store(to, sum);
            else store_first(to, sum, n);
        }
    }
}

#define NARROW 8 /* vectors of columns */

/* out[c] = sum over k of a[k] * b[k][c] for NV vectors of columns, by KS sums each, so that none waits for another */
INLINE void narrow_sums(const int NV, const int KS, const real *a, ptrdiff_t depth, const real *b, ptrdiff_t columns,
                        real *out) {
    const lane_mask inside = first_lanes(columns - (NV - 1) * LANES);
    vec sum[NARROW] = {};
    ptrdiff_t k = 0;
    for (; k + KS <= depth; k += KS)
        UNROLL for (int s = 0; s < KS; s++) {
            const vec factor = splat(a[k + s]);
            UNROLL for (int v = 0; v + 1 < NV; v++)
                sum[s * NV + v] += factor * load(b + (k + s) * columns + v * LANES);
            sum[s * NV + NV - 1] += factor * load_masked(b + (k + s) * columns + (NV - 1) * LANES, inside);
        }
    for (; k < depth; k++)
        UNROLL for (int v = 0; v < NV; v++)
            sum[v] += splat(a[k]) * load_first(b + k * columns + v * LANES, columns - v * LANES);
    UNROLL for (int s = 1; s < KS; s++)
        UNROLL for (int v = 0; v < NV; v++) sum[v] += sum[s * NV + v];
    UNROLL for (int v = 0; v < NV; v++) store_first(out + v * LANES, sum[v], columns - v * LANES);
}

static void narrow_row(const real *a, ptrdiff_t depth, const real *b, ptrdiff_t columns, real *out) {
    switch ((columns + LANES - 1) / LANES) {
    case 1: narrow_sums(1, 8, a, depth, b, columns, out); break;
    case 2: narrow_sums(2, 4, a, depth, b, columns, out); break;
    case 3: narrow_sums(3, 2, a, depth, b, columns, out); break;
    case 4: narrow_sums(4, 2, a, depth, b, columns, out); break;
    case 5: narrow_sums(5, 1, a, depth, b, columns, out); break;
    case 6: narrow_sums(6, 1, a, depth, b, columns, out); break;
    case 7: narrow_sums(7, 1, a, depth, b, columns, out); break;
    default: narrow_sums(8, 1, a, depth, b, columns, out);
    }
}

static void thin_rows(const real *a, ptrdiff_t rows, ptrdiff_t depth, const real *b, ptrdiff_t columns, real *out,
                      ptrdiff_t first, ptrdiff_t last) {
    if (rows == 1 && columns <= NARROW * LANES) {
        narrow_row(a, depth, b, columns, out);
        return;
    }
    for (ptrdiff_t i = 0; i < rows; i++) memset(out + i * columns + first, 0, sizeof(real) * (size_t)(last - first));
    for (ptrdiff_t k = 0; k < depth; k += THIN) {
        const ptrdiff_t lines = at_most(THIN, depth - k);
        for (ptrdiff_t i = 0; i < rows; i += THIN) {
            const real *left = a + i * depth + k, *right = b + k * columns;
            switch (at_most(THIN, rows - i)) {
            case 1: add_lines(1, left, depth, right, columns, lines, out + i * columns, first, last); break;
            case 2: add_lines(2, left, depth, right, columns, lines, out + i * columns, first, last); break;
            case 3: add_lines(3, left, depth, right, columns, lines, out + i * columns, first, last); break;
            default: add_lines(4, left, depth, right, columns, lines, out + i * columns, first, last);
            }
        }
    }
}

INLINE real sum_lanes(vec v) {
    real sum = 0;
    for (ptrdiff_t l = 0; l < LANES; l++) sum += v[l];
    return sum;
}

/* out[0..R)[0..THIN) = dot products of R rows of a with `lines` lines of b */
INLINE void dot_products(const int R, const real *a, ptrdiff_t depth, const real *b, ptrdiff_t lines, real *out,
                         ptrdiff_t columns) {
    vec sum[THIN][THIN] = {};
    for (ptrdiff_t k = 0; k < depth; k += LANES) {
        const ptrdiff_t n = at_most(LANES, depth - k);
        vec line[THIN];
        UNROLL for (int c = 0; c < THIN; c++) line[c] = load_first(b + (c < lines ? c : 0) * depth + k, n);
        UNROLL for (int i = 0; i < R; i++) {
            const vec row = load_first(a + i * depth + k, n);
            UNROLL for (int c = 0; c < THIN; c++) sum[i][c] += row * line[c];
        }
    }
    for (ptrdiff_t i = 0; i < R; i++)
        for (ptrdiff_t c = 0; c < lines; c++) out[i * columns + c] = sum_lanes(sum[i][c]);
}

static void thin_transposed(const real *a, ptrdiff_t rows, ptrdiff_t depth, const real *b, ptrdiff_t columns, real *out,
                            ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t c = first; c < last; c += THIN) {
        const ptrdiff_t lines = at_most(THIN, last - c);
        for (ptrdiff_t i = 0; i < rows; i += THIN) {
            const real *left = a + i * depth, *right = b + c * depth;
            real *to = out + i * columns + c;
            switch (at_most(THIN, rows - i)) {
            case 1: dot_products(1, left, depth, right, lines, to, columns); break;
            case 2: dot_products(2, left, depth, right, lines, to, columns); break;
            case 3: dot_products(3, left, depth, right, lines, to, columns); break;
            default: dot_products(4, left, depth, right, lines, to, columns);
            }
        }
    }
}

static void thin_product(const void *a, ptrdiff_t rows, ptrdiff_t depth, const void *b, ptrdiff_t columns,
                         int transposed, const void *bias, int activation, void *out_, ptrdiff_t first,
                         ptrdiff_t last) {
    real *out = out_;
    (transposed ? thin_transposed : thin_rows)(a, rows, depth, b, columns, out, first, last);
    for (ptrdiff_t i = 0; i < rows && (bias || activation != LINEAR); i++)
        for (ptrdiff_t c = first; c < last; c += LANES) {
            const ptrdiff_t n = at_most(LANES, last - c);
            vec y = load_first(out + i * columns + c, n);
            if (bias) y += load_first((const real *)bias + c, n);
            activate(&y, 1, activation);
            store_first(out + i * columns + c, y, n);
        }
}

#endif
