/* Pooling, channels along the vector. Gradients gather: every input pixel looks at the windows that hold it. */
#ifndef PYCNN_POOL_H
#define PYCNN_POOL_H

#include "kernels.h"
#include "vector.h"

typedef uint8_t bytes_vec __attribute__((vector_size(VECTOR_BYTES / sizeof(real))));
typedef int32_t ints_vec __attribute__((vector_size(VECTOR_BYTES / sizeof(real) * 4)));

INLINE void store_index(void *index, ptrdiff_t at, int bytes, ivec places, ptrdiff_t n) {
    if (bytes == 1) {
        const bytes_vec b = __builtin_convertvector(places, bytes_vec);
        memcpy((uint8_t *)index + at, &b, (size_t)at_most(n, LANES));
    } else {
        const ints_vec b = __builtin_convertvector(places, ints_vec);
        memcpy((int32_t *)index + at, &b, (size_t)at_most(n, LANES) * 4);
    }
}

INLINE ivec load_index(const void *index, ptrdiff_t at, int bytes, ptrdiff_t n) {
    if (bytes == 1) {
        bytes_vec b = {};
        memcpy(&b, (const uint8_t *)index + at, (size_t)at_most(n, LANES));
        return __builtin_convertvector(b, ivec);
    }
    ints_vec b = {};
    memcpy(&b, (const int32_t *)index + at, (size_t)at_most(n, LANES) * 4);
    return __builtin_convertvector(b, ivec);
}

typedef struct {
    ptrdiff_t begin, end;
} Span;

/* The windows, of `windows`, that hold place `at`; window i covers i*stride - before + [0, size). */
INLINE Span windows_of(ptrdiff_t at, ptrdiff_t size, ptrdiff_t stride, ptrdiff_t before, ptrdiff_t windows) {
    const ptrdiff_t place = at + before;
    return (Span){place < size ? 0 : (place - size) / stride + 1, at_most(place / stride + 1, windows)};
}

/* The same for all columns, once for all rows: divisions are slow. */
static Span *column_windows(const PoolShape *s) {
    Span *spans = thread_scratch(sizeof(Span) * (size_t)s->width + sizeof(real) * (size_t)s->grid_width);
    for (ptrdiff_t x = 0; x < s->width; x++)
        spans[x] = windows_of(x, s->pool_width, s->stride_x, s->left, s->grid_width);
    return spans;
}

/* The part [*begin, *end) of a window that lies inside [0, limit), counted from the window's start. */
INLINE void window_inside(ptrdiff_t start, ptrdiff_t size, ptrdiff_t limit, ptrdiff_t *begin, ptrdiff_t *end) {
    *begin = start < 0 ? -start : 0;
    *end = at_most(size, limit - start);
}

/* n lanes are used; all loops call it with n == LANES where they can, so that the plain loads are taken. */
INLINE void extreme_window(const PoolShape *s, const real *image, ptrdiff_t top, ptrdiff_t left, ptrdiff_t c,
                           ptrdiff_t n, int minimum, vec *best, ivec *place) {
    ptrdiff_t r0, r1, q0, q1;
    window_inside(top, s->pool_height, s->height, &r0, &r1);
    window_inside(left, s->pool_width, s->width, &q0, &q1);
    for (ptrdiff_t r = r0; r < r1; r++) {
        for (ptrdiff_t q = q0; q < q1; q++) {
            const real *p = image + ((top + r) * s->width + left + q) * s->channels + c;
            const vec x = n == LANES ? load(p) : load_first(p, n);
            const ivec here = (ivec){} + (integer)(r * s->pool_width + q);
            if (r == r0 && q == q0) {
                *best = x;
                *place = here;
            } else {
                const ivec better = (minimum ? x < *best : x > *best) | ((x != x) & (*best == *best));
                *best = choose(better, x, *best);
                *place = (better & here) | (~better & *place);
            }
        }
    }
}

INLINE void extreme_pool_rows(const PoolShape *s, const real *x, real *y, void *index, int bytes, int minimum,
                              ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *image = x + row / s->grid_height * s->height * s->width * s->channels;
        const ptrdiff_t top = row % s->grid_height * s->stride_y - s->top;
        for (ptrdiff_t j = 0; j < s->grid_width; j++) {
            const ptrdiff_t out = (row * s->grid_width + j) * s->channels, left = j * s->stride_x - s->left;
            ptrdiff_t c = 0;
            vec best = {};
            ivec place = {};
            for (; c + LANES <= s->channels; c += LANES) {
                extreme_window(s, image, top, left, c, LANES, minimum, &best, &place);
                store(y + out + c, best);
                store_index(index, out + c, bytes, place, LANES);
            }
            if (c < s->channels) {
                extreme_window(s, image, top, left, c, s->channels - c, minimum, &best, &place);
                store_first(y + out + c, best, s->channels - c);
                store_index(index, out + c, bytes, place, s->channels - c);
            }
        }
    }
}

static void extreme_pool_forward(const PoolShape *s, const void *x, void *y, void *index, int bytes, int minimum,
                                 ptrdiff_t first, ptrdiff_t last) {
    if (bytes == 1 && !minimum) extreme_pool_rows(s, x, y, index, 1, 0, first, last);
    else extreme_pool_rows(s, x, y, index, bytes, minimum, first, last);
}

INLINE vec extreme_sum(const PoolShape *s, const real *gy, const void *index, int bytes, ptrdiff_t image_row,
                       ptrdiff_t y, ptrdiff_t x, Span rows, Span columns, ptrdiff_t c, ptrdiff_t n) {
    vec sum = {};
    for (ptrdiff_t i = rows.begin; i < rows.end; i++) {
        for (ptrdiff_t j = columns.begin; j < columns.end; j++) {
            const ptrdiff_t out = ((image_row + i) * s->grid_width + j) * s->channels + c;
            const integer place = (integer)((y + s->top - i * s->stride_y) * s->pool_width + x + s->left - j * s->stride_x);
            const ivec won = load_index(index, out, bytes, n) == place;
            sum += (vec)((ivec)(n == LANES ? load(gy + out) : load_first(gy + out, n)) & won);
        }
    }
    return sum;
}

INLINE void extreme_pool_grad_rows(const PoolShape *s, const real *gy, const void *index, int bytes, real *gx,
                                   ptrdiff_t first, ptrdiff_t last) {
    const Span *columns = column_windows(s);
    for (ptrdiff_t row = first; row < last; row++) {
        const ptrdiff_t y = row % s->height, image_row = row / s->height * s->grid_height;
        const Span i = windows_of(y, s->pool_height, s->stride_y, s->top, s->grid_height);
        for (ptrdiff_t x = 0; x < s->width; x++) {
            const Span j = columns[x];
            real *out = gx + (row * s->width + x) * s->channels;
            ptrdiff_t c = 0;
            for (; c + LANES <= s->channels; c += LANES)
                store(out + c, extreme_sum(s, gy, index, bytes, image_row, y, x, i, j, c, LANES));
            if (c < s->channels) {
                const ptrdiff_t n = s->channels - c;
                store_first(out + c, extreme_sum(s, gy, index, bytes, image_row, y, x, i, j, c, n), n);
            }
        }
    }
}

static void extreme_pool_grad(const PoolShape *s, const void *gy, const void *index, int bytes, void *gx,
                              ptrdiff_t first, ptrdiff_t last) {
    if (bytes == 1) extreme_pool_grad_rows(s, gy, index, 1, gx, first, last);
    else extreme_pool_grad_rows(s, gy, index, 4, gx, first, last);
}

/* Places that count along one axis: those with data, and with count_pad those of the padding asked for. */
INLINE ptrdiff_t counted(ptrdiff_t start, ptrdiff_t size, ptrdiff_t limit, ptrdiff_t after, int count_pad) {
    if (count_pad) return at_most(start + size, limit + after) - start;
    return at_most(start + size, limit) - (start < 0 ? 0 : start);
}

INLINE real window_share(const PoolShape *s, ptrdiff_t top, ptrdiff_t left, int count_pad) {
    return 1 / (real)(counted(top, s->pool_height, s->height, s->bottom, count_pad) *
                      counted(left, s->pool_width, s->width, s->right, count_pad));
}

INLINE vec window_sum(const PoolShape *s, const real *image, ptrdiff_t top, ptrdiff_t left, ptrdiff_t c, ptrdiff_t n) {
    ptrdiff_t r0, r1, q0, q1;
    window_inside(top, s->pool_height, s->height, &r0, &r1);
    window_inside(left, s->pool_width, s->width, &q0, &q1);
    vec sum = {};
    for (ptrdiff_t r = r0; r < r1; r++) {
        const real *p = image + ((top + r) * s->width + left) * s->channels + c;
        for (ptrdiff_t q = q0; q < q1; q++)
            sum += n == LANES ? load(p + q * s->channels) : load_first(p + q * s->channels, n);
    }
    return sum;
}

static void avg_pool_forward(const PoolShape *s, const void *x, void *y_, int count_pad, ptrdiff_t first,
                             ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *image = (const real *)x + row / s->grid_height * s->height * s->width * s->channels;
        const ptrdiff_t top = row % s->grid_height * s->stride_y - s->top;
        for (ptrdiff_t j = 0; j < s->grid_width; j++) {
            const ptrdiff_t left = j * s->stride_x - s->left;
            real *y = (real *)y_ + (row * s->grid_width + j) * s->channels;
            const real share = window_share(s, top, left, count_pad);
            ptrdiff_t c = 0;
            for (; c + LANES <= s->channels; c += LANES)
                store(y + c, window_sum(s, image, top, left, c, LANES) * share);
            if (c < s->channels) {
                const ptrdiff_t n = s->channels - c;
                store_first(y + c, window_sum(s, image, top, left, c, n) * share, n);
            }
        }
    }
}

/* shares[j] is that of window (i, j) for the row of windows at hand */
INLINE vec avg_grad_sum(const PoolShape *s, const real *gy, const real *shares, Span columns, ptrdiff_t c, ptrdiff_t n) {
    vec sum = {};
    for (ptrdiff_t j = columns.begin; j < columns.end; j++)
        sum += (n == LANES ? load(gy + j * s->channels + c) : load_first(gy + j * s->channels + c, n)) * shares[j];
    return sum;
}

static void avg_pool_grad(const PoolShape *s, const void *gy, void *gx, int count_pad, ptrdiff_t first,
                          ptrdiff_t last) {
    const Span *columns = column_windows(s);
    real *shares = (real *)(columns + s->width);
    for (ptrdiff_t row = first; row < last; row++) {
        const ptrdiff_t image_row = row / s->height * s->grid_height;
        const Span rows = windows_of(row % s->height, s->pool_height, s->stride_y, s->top, s->grid_height);
        real *out_row = (real *)gx + row * s->width * s->channels;
        if (rows.begin >= rows.end) memset(out_row, 0, sizeof(real) * (size_t)(s->width * s->channels));
        for (ptrdiff_t i = rows.begin; i < rows.end; i++) {
            const real *g = (const real *)gy + (image_row + i) * s->grid_width * s->channels;
            for (ptrdiff_t j = 0; j < s->grid_width; j++)
                shares[j] = window_share(s, i * s->stride_y - s->top, j * s->stride_x - s->left, count_pad);
            real *out = out_row;
            for (ptrdiff_t x = 0; x < s->width; x++, out += s->channels) {
                for (ptrdiff_t c = 0; c < s->channels; c += LANES) {
                    const ptrdiff_t n = at_most(LANES, s->channels - c);
                    const vec sum = n == LANES ? avg_grad_sum(s, g, shares, columns[x], c, LANES)
                                               : avg_grad_sum(s, g, shares, columns[x], c, n);
                    store_first(out + c, i == rows.begin ? sum : sum + load_first(out + c, n), n);
                }
            }
        }
    }
}

#endif
