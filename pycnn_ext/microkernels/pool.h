/* What both kinds of pooling share: windows along an axis, rows of few channels. Channels lie along the vector. */
#ifndef PYCNN_POOL_H
#define PYCNN_POOL_H

#include "kernels.h"
#include "vector.h"

typedef struct {
    ptrdiff_t begin, end;
} Span;

/* From the windows that hold an earlier place, {0, 0} at first, to those of place `at`, without a division, which is
 * slow. Window i of `windows` covers i*stride - before + [0, size). */
INLINE void slide(Span *held, ptrdiff_t at, ptrdiff_t size, ptrdiff_t stride, ptrdiff_t before, ptrdiff_t windows) {
    while (held->begin * stride - before + size <= at) held->begin++;
    while (held->end < windows && held->end * stride - before <= at) held->end++;
}

/* Rows of all images, one by one: row y of an image, the windows that hold it, and the row of all windows that those of
 * the image begin at. */
typedef struct {
    ptrdiff_t y, grid;
    Span windows;
} ImageRow;

INLINE void slide_row(const PoolShape *s, ImageRow *row) {
    slide(&row->windows, row->y, s->pool_height, s->stride_y, s->top, s->grid_height);
}

static ImageRow image_row_at(const PoolShape *s, ptrdiff_t row) {
    ImageRow at = {.y = row % s->height, .grid = row / s->height * s->grid_height};
    slide_row(s, &at);
    return at;
}

INLINE void next_image_row(const PoolShape *s, ImageRow *row) {
    if (++row->y == s->height) *row = (ImageRow){.grid = row->grid + s->grid_height};
    slide_row(s, row);
}

/* The windows that hold each column; so many bytes follow. */
static Span *column_windows(const PoolShape *s, size_t more) {
    Span *spans = thread_scratch(sizeof(Span) * (size_t)s->width + more), held = {0, 0};
    for (ptrdiff_t x = 0; x < s->width; x++) {
        slide(&held, x, s->pool_width, s->stride_x, s->left, s->grid_width);
        spans[x] = held;
    }
    return spans;
}

/* Rows of few channels are read and written by whole vectors, which pixels begin and end in. For such a vector of a row
 * of the image and the k-th window of each pixel: lane l takes number lane[l] from `from` on in the row of windows,
 * where its pixel is column place[l] of the window; or NOWHERE, if fewer windows hold it. */
typedef struct {
    ivec lane, place;
    ptrdiff_t from;
} Pick;

enum { NOWHERE = -256 }; /* with the first place of a row added, less than any place */

/* All lanes of a vector lie in one, for the windows of the next pixel are the same or one further. */
INLINE int few_channels(const PoolShape *s) { return s->channels <= LANES; }

INLINE ptrdiff_t vectors_for(ptrdiff_t numbers) { return (numbers + LANES - 1) / LANES; }

/* Pick k of vector v is picks[v*depth + k]. So many bytes follow. */
static Pick *row_picks(const PoolShape *s, ptrdiff_t depth, size_t more) {
    const ptrdiff_t channels = s->channels, vectors = vectors_for(s->width * channels);
    Pick *picks = thread_scratch(sizeof(Pick) * (size_t)(vectors * depth) + more);
    for (ptrdiff_t k = 0; k < depth; k++) {
        Pick *p = picks + k;
        ptrdiff_t l = 0;
        Span held = {0, 0};
        for (ptrdiff_t x = 0; x < s->width; x++) {
            slide(&held, x, s->pool_width, s->stride_x, s->left, s->grid_width);
            const ptrdiff_t j = at_most(held.begin + k, s->grid_width - 1);
            const integer place = held.begin + k < held.end ? (integer)(x + s->left - j * s->stride_x) : NOWHERE;
            for (ptrdiff_t c = 0; c < channels; c++) {
                p->lane[l] = (integer)(j * channels + c), p->place[l] = place;
                if (++l == LANES) p += depth, l = 0;
            }
        }
        for (; l && l < LANES; l++) p->lane[l] = p->lane[l - 1], p->place[l] = NOWHERE;
    }
    const ptrdiff_t last = s->grid_width * channels - LANES;
    for (Pick *p = picks; p < picks + vectors * depth; p++) { /* from the first number, if it has a vector behind it */
        integer from = last > 0 ? (integer)last : 0;
        for (ptrdiff_t l = 0; l < LANES; l++) from = p->lane[l] < from ? p->lane[l] : from;
        p->lane -= from, p->from = from;
    }
    return picks;
}

/* The part [*begin, *end) of a window that lies inside [0, limit), counted from the window's start. */
INLINE void window_inside(ptrdiff_t start, ptrdiff_t size, ptrdiff_t limit, ptrdiff_t *begin, ptrdiff_t *end) {
    *begin = start < 0 ? -start : 0;
    *end = at_most(size, limit - start);
}

/* Of several rows at once the processor does not guess what is read next: so many bytes, some way behind `p`, are asked
 * for here. */
INLINE void fetch_ahead_of(const void *p, size_t size) {
    enum { AHEAD_BYTES = 4096, LINE = 64 };
    for (size_t i = 0; i < size; i += LINE) __builtin_prefetch((const char *)p + AHEAD_BYTES + i);
}

/* Whether an image does not stay in L2, so that its rows come from further away. */
INLINE int comes_from_far(const PoolShape *s) { return is_far(s->height * s->width * s->channels); }

INLINE vec pool_load(const real *p, ptrdiff_t n) { return n == LANES ? load(p) : load_first(p, n); }

INLINE void pool_store(real *p, vec v, ptrdiff_t n) {
    if (n == LANES) store(p, v);
    else store_first(p, v, n);
}

/* Channels go by vectors of n, LANES or all of fewer channels: where that of channel c begins. The last may begin in
 * the one before, and then writes the same once more: masks take longer. */
INLINE ptrdiff_t begin_of(ptrdiff_t c, ptrdiff_t channels, ptrdiff_t n) { return at_most(c, channels - n); }

INLINE vec pick(const Pick *p, const real *row, ptrdiff_t n) {
    return __builtin_shuffle(pool_load(row + p->from, n), p->lane);
}

#endif
