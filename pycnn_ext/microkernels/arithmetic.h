/* Sums and products of arrays (outer, middle, inner) and operands (outer, inner) that are stretched along the middle;
 * two arrays of one shape are one row: outer = middle = 1. */
#ifndef PYCNN_ARITHMETIC_H
#define PYCNN_ARITHMETIC_H

#include "kernels.h"
#include "vector.h"

enum { ADD, MULTIPLY, ADD_CLIPPED };
enum { REPEATED = 128 }; /* numbers: shorter rows are repeated up to here, for loops over them to be long */

/* A sum is cut off at bounds[0] and bounds[1]; what is not a number stays so. */
INLINE vec combined(const int what, vec a, vec b, const real *bounds) {
    if (what == MULTIPLY) return a * b;
    return what == ADD ? a + b : smaller(splat(bounds[1]), larger(splat(bounds[0]), a + b));
}

/* With `one`, b is one number for all of a. */
INLINE void combine_few(const int what, const int one, const real *a, const real *b, const real *bounds, real *y,
                        ptrdiff_t count) {
    store_first(y, combined(what, load_first(a, count), one ? splat(*b) : load_first(b, count), bounds), count);
}

INLINE void combine_line(const int what, const int one, const real *a, const real *b, const real *bounds, real *y,
                         ptrdiff_t count) {
    const ptrdiff_t before = (ptrdiff_t)(-(uintptr_t)y % VECTOR_BYTES / sizeof(real)); /* y's first whole vector */
    const ptrdiff_t step = one ? 0 : 1;
    ptrdiff_t i = at_most(before, count);
    combine_few(what, one, a, b, bounds, y, i);
    for (; i + LANES <= count; i += LANES)
        store(y + i, combined(what, load(a + i), one ? splat(*b) : load(b + i), bounds));
    combine_few(what, one, a + i, b + step * i, bounds, y + i, count - i);
}

/* How often a row of `inner` numbers is repeated where it meets `middle` rows. */
INLINE ptrdiff_t repeats(ptrdiff_t middle, ptrdiff_t inner) {
    const ptrdiff_t many = at_most(middle, REPEATED / inner);
    return many > 1 ? many : 1;
}

/* The row so often, in a memory of REPEATED + LANES: first until a vector is full, each copy over what whole vectors
 * left behind the last, and then vectors of what is there. */
INLINE const real *repeat(const real *row, ptrdiff_t inner, ptrdiff_t times, real *memory) {
    if (times == 1) return row;
    const ptrdiff_t full = (LANES + inner - 1) / inner * inner;
    for (ptrdiff_t i = 0; i < full; i += inner)
        for (ptrdiff_t c = 0; c < inner; c += LANES) store(memory + i + c, load_first(row + c, inner - c));
    for (ptrdiff_t i = full; i < inner * times; i += LANES) store(memory + i, load(memory + i - full));
    return memory;
}

/* y = a and b combined, for the numbers [first, last) of a; y may be a. */
INLINE void combine(const int what, const real *a, const real *b, const real *bounds, real *y, ptrdiff_t middle,
                    ptrdiff_t inner, ptrdiff_t first, ptrdiff_t last) {
    real memory[REPEATED + LANES];
    const ptrdiff_t block = middle * inner, times = repeats(middle, inner), period = inner * times;
    for (ptrdiff_t i = first; i < last;) {
        const ptrdiff_t outer = i / block, begin = outer * block, end = at_most(begin + block, last);
        if (inner == 1) {
            combine_line(what, 1, a + i, b + outer, bounds, y + i, end - i);
            i = end;
            continue;
        }
        const real *row = repeat(b + outer * inner, inner, times, memory);
        for (ptrdiff_t place = (i - begin) % period; i < end; place = 0) {
            const ptrdiff_t count = at_most(period - place, end - i);
            combine_line(what, 0, a + i, row + place, bounds, y + i, count);
            i += count;
        }
    }
}

static void add(const void *a, const void *b, void *y, ptrdiff_t middle, ptrdiff_t inner, ptrdiff_t first,
                ptrdiff_t last) {
    combine(ADD, a, b, NULL, y, middle, inner, first, last);
}

static void add_clipped(const void *a, const void *b, double low, double high, void *y, ptrdiff_t middle,
                        ptrdiff_t inner, ptrdiff_t first, ptrdiff_t last) {
    const real bounds[2] = {(real)low, (real)high};
    combine(ADD_CLIPPED, a, b, bounds, y, middle, inner, first, last);
}

static void multiply(const void *a, const void *b, void *y, ptrdiff_t middle, ptrdiff_t inner, ptrdiff_t first,
                     ptrdiff_t last) {
    combine(MULTIPLY, a, b, NULL, y, middle, inner, first, last);
}

INLINE vec load_part(const real *p, ptrdiff_t n) { return n == LANES ? load(p) : load_first(p, n); }

/* sums += g*a (without a: g) over a few rows, one vector of each, n lanes of it; with b also y = g*b. */
INLINE void column_of_products(const int with_a, const int with_b, const real *g, const real *a, const real *b, real *y,
                               ptrdiff_t width, ptrdiff_t rows, ptrdiff_t n, real *sums) {
    enum { ROWS = 4 };
    vec sum = load_part(sums, n), factor = with_b ? load_part(b, n) : (vec){};
    UNROLL for (ptrdiff_t r = 0; r < ROWS; r++) {
        if (r >= rows) break;
        const vec v = load_part(g + r * width, n);
        sum += with_a ? v * load_part(a + r * width, n) : v;
        if (with_b && n == LANES) store(y + r * width, v * factor);
        else if (with_b) store_first(y + r * width, v * factor, n);
    }
    if (n == LANES) store(sums, sum);
    else store_first(sums, sum, n);
}

/* The same for all of the rows, `width` numbers each. */
INLINE void rows_of_products(const int with_a, const int with_b, const real *g, const real *a, const real *b, real *y,
                             ptrdiff_t width, ptrdiff_t rows, real *sums) {
    for (; rows > 0; rows -= 4, g += 4 * width, a += 4 * width, y += 4 * width) {
        ptrdiff_t c = 0;
        for (; c + LANES <= width; c += LANES)
            column_of_products(with_a, with_b, g + c, a + c, b + c, y + c, width, rows, LANES, sums + c);
        if (c < width)
            column_of_products(with_a, with_b, g + c, a + c, b + c, y + c, width, rows, width - c, sums + c);
    }
}

INLINE void sum_of_products(const int with_a, const int with_b, const real *g, const real *a, const real *b, real *y,
                            ptrdiff_t inner, ptrdiff_t rows, real *sums) {
    real factors[REPEATED + LANES], totals[REPEATED];
    const ptrdiff_t times = repeats(rows, inner), width = inner * times, rest = rows % times, whole = rows - rest;
    real *total = times > 1 ? totals : sums;
    if (with_b) b = repeat(b, inner, times, factors);
    memset(total, 0, sizeof(real) * (size_t)width);
    rows_of_products(with_a, with_b, g, a, b, y, width, whole / times, total);
    const ptrdiff_t at = whole * inner;
    if (rest) rows_of_products(with_a, with_b, g + at, a + at, b, y + at, rest * inner, 1, total);
    if (times > 1) {
        ptrdiff_t left = times;
        for (; left % 2 == 0; left /= 2)
            for (ptrdiff_t i = 0; i < left / 2 * inner; i++) totals[i] += totals[left / 2 * inner + i];
        for (ptrdiff_t c = 0; c < inner; c++) sums[c] = totals[c];
        for (ptrdiff_t t = 1; t < left; t++)
            for (ptrdiff_t c = 0; c < inner; c++) sums[c] += totals[t * inner + c];
    }
}

static void multiply_grad(const void *g_, const void *a_, const void *b, void *y, ptrdiff_t inner, ptrdiff_t first,
                          ptrdiff_t last, void *sums) {
    const real *g = (const real *)g_ + first * inner, *a = a_ ? (const real *)a_ + first * inner : g;
    real *gx = y ? (real *)y + first * inner : NULL;
    if (a_ && b) sum_of_products(1, 1, g, a, b, gx, inner, last - first, sums);
    else if (a_) sum_of_products(1, 0, g, a, sums, sums, inner, last - first, sums);
    else sum_of_products(0, 0, g, g, sums, sums, inner, last - first, sums);
}

#endif
