/* Average pooling: rows first, which lie side by side in memory, then columns. */
#ifndef PYCNN_AVG_POOL_H
#define PYCNN_AVG_POOL_H

#include "pool.h"

/* Places that count along one axis: those with data, and with count_pad those of the padding asked for. */
INLINE ptrdiff_t counted(ptrdiff_t start, ptrdiff_t size, ptrdiff_t limit, ptrdiff_t after, int count_pad) {
    if (count_pad) return at_most(start + size, limit + after) - start;
    return at_most(start + size, limit) - (start < 0 ? 0 : start);
}

/* to[i] = sum over r of from[r*step + i], of rows that are far away in memory or not */
INLINE void add_rows(const real *from, ptrdiff_t rows, ptrdiff_t step, ptrdiff_t count, const int far, real *to) {
    const ptrdiff_t n = at_most(LANES, count);
    for (ptrdiff_t i = 0; i < count; i += n) {
        const ptrdiff_t at = begin_of(i, count, n);
        for (ptrdiff_t r = 0; r < rows && far; r++) fetch_ahead_of(from + r * step + at, sizeof(vec));
        vec sum = rows ? pool_load(from + at, n) : (vec){};
        for (ptrdiff_t r = 1; r < rows; r++) sum += pool_load(from + r * step + at, n);
        pool_store(to + at, sum, n);
    }
}

/* shares[j] = 1 / places that count in window (i, j), for the row of windows that begins at `top` */
INLINE void row_shares(const PoolShape *s, ptrdiff_t top, int count_pad, real *shares) {
    const ptrdiff_t rows = counted(top, s->pool_height, s->height, s->bottom, count_pad);
    for (ptrdiff_t j = 0; j < s->grid_width; j++)
        shares[j] = 1 / (real)(rows * counted(j * s->stride_x - s->left, s->pool_width, s->width, s->right, count_pad));
}

/* First the rows of the windows, which lie side by side in memory, then the columns. */
static void avg_pool_forward(const PoolShape *s, const void *x, void *y_, int count_pad, ptrdiff_t first,
                             ptrdiff_t last) {
    const int far = comes_from_far(s), few = few_channels(s);
    const ptrdiff_t image_row = s->width * s->channels, channels = s->channels;
    const lane_mask inside = first_lanes(channels);
    Span *windows = thread_scratch(sizeof(Span) * (size_t)s->grid_width +
                                   sizeof(real) * (size_t)(image_row + s->grid_width));
    real *summed = (real *)(windows + s->grid_width), *shares = summed + image_row;
    for (ptrdiff_t j = 0; j < s->grid_width; j++) {
        const ptrdiff_t left = j * s->stride_x - s->left;
        windows[j] = (Span){(left > 0 ? left : 0) * channels, at_most(left + s->pool_width, s->width) * channels};
    }
    for (ptrdiff_t row = first; row < last; row++) {
        const real *image = (const real *)x + row / s->grid_height * s->height * image_row;
        const ptrdiff_t top = row % s->grid_height * s->stride_y - s->top;
        ptrdiff_t r0, r1;
        window_inside(top, s->pool_height, s->height, &r0, &r1);
        add_rows(image + (top + r0) * image_row, r1 - r0, image_row, image_row, far, summed);
        row_shares(s, top, count_pad, shares);
        real *y = (real *)y_ + row * s->grid_width * channels;
        for (ptrdiff_t j = 0; j < s->grid_width && few; j++, y += channels) { /* with one mask for all */
            vec sum = load_masked(summed + windows[j].begin, inside);
            for (ptrdiff_t q = windows[j].begin + channels; q < windows[j].end; q += channels)
                sum += load_masked(summed + q, inside);
            store_masked(y, sum * shares[j], inside);
        }
        for (ptrdiff_t j = 0; j < s->grid_width && !few; j++, y += channels) {
            for (ptrdiff_t i = 0; i < channels; i += LANES) {
                const ptrdiff_t c = begin_of(i, channels, LANES);
                vec sum = load(summed + windows[j].begin + c);
                for (ptrdiff_t q = windows[j].begin + channels; q < windows[j].end; q += channels)
                    sum += load(summed + q + c);
                store(y + c, sum * shares[j]);
            }
        }
    }
}

/* factors[j*channels + c] = share of window (i, j), for the row of windows i that begins at `top` */
static void row_factors(const PoolShape *s, ptrdiff_t top, int count_pad, real *factors) {
    const ptrdiff_t rows = counted(top, s->pool_height, s->height, s->bottom, count_pad);
    for (ptrdiff_t j = 0; j < s->grid_width; j++, factors += s->channels) {
        const ptrdiff_t columns = counted(j * s->stride_x - s->left, s->pool_width, s->width, s->right, count_pad);
        const real share = 1 / (real)(rows * columns);
        for (ptrdiff_t c = 0; c < s->channels; c++) factors[c] = share;
    }
}

/* Of so many windows a pixel: the numbers that it picks, summed. */
INLINE void sum_picks(const Pick *picks, const ptrdiff_t depth, const real *from, real *to, ptrdiff_t numbers) {
    for (ptrdiff_t f = 0; f < numbers; f += LANES, picks += depth) {
        vec sum = {};
        UNROLL for (ptrdiff_t k = 0; k < depth; k++)
            sum += (vec)((ivec)pick(picks + k, from, LANES) & (picks[k].place != NOWHERE));
        if (f + LANES <= numbers) store(to + f, sum);
        else store_first(to + f, sum, numbers - f);
    }
}

/* First the rows of windows that hold a row of the image, then their columns. Rows in the same windows are the same. */
static void avg_pool_grad(const PoolShape *s, const void *gy_, void *gx, int count_pad, ptrdiff_t first,
                          ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, numbers = s->width * channels, windows = s->grid_width * channels;
    const ptrdiff_t depth = (s->pool_width + s->stride_x - 1) / s->stride_x;
    const int few = few_channels(s);
    const size_t more = sizeof(real) * (size_t)(2 * (windows + LANES));
    const Pick *picks = few ? row_picks(s, depth, more) : NULL;
    const Span *columns = few ? NULL : column_windows(s, more);
    real *factors = few ? (real *)(picks + vectors_for(numbers) * depth) : (real *)(columns + s->width);
    real *summed = factors + windows + LANES;
    ptrdiff_t rows_counted = 0; /* for which the factors are */
    Span before = {0, 0};
    ImageRow at = image_row_at(s, first);
    for (ptrdiff_t row = first; row < last; row++, next_image_row(s, &at)) {
        const Span rows = at.windows;
        real *out = (real *)gx + row * numbers;
        const int none = rows.begin >= rows.end;
        const int same = row > first && at.y && rows.begin == before.begin && rows.end == before.end;
        before = rows;
        if (none) memset(out, 0, sizeof(real) * (size_t)numbers);
        else if (same) memcpy(out, out - numbers, sizeof(real) * (size_t)numbers);
        if (none || same) continue;
        for (ptrdiff_t i = rows.begin; i < rows.end; i++) {
            const real *gy = (const real *)gy_ + (at.grid + i) * windows;
            const ptrdiff_t top = i * s->stride_y - s->top;
            const ptrdiff_t counts = counted(top, s->pool_height, s->height, s->bottom, count_pad);
            if (counts != rows_counted) row_factors(s, top, count_pad, factors);
            rows_counted = counts;
            for (ptrdiff_t f = 0; f < windows; f += LANES) {
                const vec g = load_first(gy + f, windows - f) * load(factors + f);
                store(summed + f, i == rows.begin ? g : g + load(summed + f));
            }
        }
        if (!few)
            for (const Span *j = columns; j < columns + s->width; j++, out += channels)
                add_rows(summed + j->begin * channels, j->end - j->begin, channels, channels, 0, out);
        else if (depth == 1) sum_picks(picks, 1, summed, out, numbers);
        else if (depth == 2) sum_picks(picks, 2, summed, out, numbers);
        else sum_picks(picks, depth, summed, out, numbers);
    }
}

#endif
