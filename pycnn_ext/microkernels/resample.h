/* Images at other sizes and places. Pixel centres lie at half-integers. */
#ifndef PYCNN_RESAMPLE_H
#define PYCNN_RESAMPLE_H

#include <math.h>

#include "kernels.h"
#include "vector.h"

/* The two source pixels of one output coordinate, and the share of the second. Nearest has share 0. */
typedef struct {
    ptrdiff_t low, high;
    real share;
} Taps;

INLINE Taps taps_at(ptrdiff_t i, ptrdiff_t size, ptrdiff_t out_size, int bilinear) {
    if (!bilinear) {
        const ptrdiff_t low = at_most((2 * i + 1) * size / (2 * out_size), size - 1);
        return (Taps){low, low, 0};
    }
    double at = ((double)i + 0.5) * (double)size / (double)out_size - 0.5;
    at = at < 0 ? 0 : at > (double)(size - 1) ? (double)(size - 1) : at;
    const ptrdiff_t low = (ptrdiff_t)at;
    return (Taps){low, at_most(low + 1, size - 1), (real)(at - (double)low)};
}

/* The taps of all output columns, once for all rows: divisions are slow. Behind them is room for `numbers`. */
static Taps *column_taps(ptrdiff_t size, ptrdiff_t out_size, int bilinear, ptrdiff_t numbers) {
    Taps *taps = thread_scratch(sizeof(Taps) * (size_t)out_size + sizeof(real) * (size_t)numbers);
    for (ptrdiff_t j = 0; j < out_size; j++) taps[j] = taps_at(j, size, out_size, bilinear);
    return taps;
}

/* out[i] = a[i] + share*(b[i] - a[i]) */
INLINE void mix(const real *a, const real *b, real share, ptrdiff_t count, real *out) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = a[i] + share * (b[i] - a[i]);
}

INLINE void resize_row(const real *row, const Taps *columns, ptrdiff_t out_width, const ptrdiff_t channels, real *out) {
    for (ptrdiff_t j = 0; j < out_width; j++)
        mix(row + columns[j].low * channels, row + columns[j].high * channels, columns[j].share, channels,
            out + j * channels);
}

/* First between the two rows, then between columns. */
static void resize(const void *x, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *y, ptrdiff_t out_height,
                   ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t row_size = width * channels;
    Taps *columns = column_taps(width, out_width, bilinear, row_size);
    real *mixed = (real *)(columns + out_width);
    for (ptrdiff_t row = first; row < last; row++) {
        const Taps v = taps_at(row % out_height, height, out_height, bilinear);
        const real *image = (const real *)x + row / out_height * height * row_size, *above = image + v.low * row_size;
        real *out = (real *)y + row * out_width * channels;
        if (v.share != 0) mix(above, image + v.high * row_size, v.share, row_size, mixed);
        const real *from = v.share != 0 ? mixed : above;
        if (channels == 1) resize_row(from, columns, out_width, 1, out);
        else if (channels == 3) resize_row(from, columns, out_width, 3, out);
        else resize_row(from, columns, out_width, channels, out);
    }
}

/* y = a*x, or y += a*x */
INLINE void scaled_row(int adds, real a, const real *restrict x, ptrdiff_t count, real *restrict y) {
    if (adds)
        for (ptrdiff_t i = 0; i < count; i++) y[i] += a * x[i];
    else
        for (ptrdiff_t i = 0; i < count; i++) y[i] = a * x[i];
}

/* Each output column to its two source columns, which may be one */
INLINE void resize_row_grad(const real *row, const Taps *columns, ptrdiff_t out_width, const ptrdiff_t channels,
                            real *out) {
    for (ptrdiff_t j = 0; j < out_width; j++, row += channels) {
        scaled_row(1, 1 - columns[j].share, row, channels, out + columns[j].low * channels);
        if (columns[j].share != 0) scaled_row(1, columns[j].share, row, channels, out + columns[j].high * channels);
    }
}

/* First the output rows that a source row is a tap of, then the columns. */
static void resize_grad(const void *gy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *gx,
                        ptrdiff_t out_height, ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t row_size = out_width * channels;
    const Taps *columns = column_taps(width, out_width, bilinear, row_size);
    real *mixed = (real *)(columns + out_width);
    for (ptrdiff_t row = first, next = 0; row < last; row++) {
        const ptrdiff_t y = row % height;
        const real *image = (const real *)gy + row / height * out_height * row_size;
        real *out = (real *)gx + row * width * channels;
        memset(out, 0, sizeof(real) * (size_t)(width * channels));
        if (!y) next = 0;
        while (next < out_height && taps_at(next, height, out_height, bilinear).high < y) next++;
        int found = 0;
        for (ptrdiff_t i = next; i < out_height; i++) {
            const Taps v = taps_at(i, height, out_height, bilinear);
            if (v.low > y) break;
            const real weight = (v.low == y ? 1 - v.share : 0) + (v.high == y ? v.share : 0);
            scaled_row(found, weight, image + i * row_size, row_size, mixed);
            found = 1;
        }
        if (!found) continue;
        if (channels == 1) resize_row_grad(mixed, columns, out_width, 1, out);
        else if (channels == 3) resize_row_grad(mixed, columns, out_width, 3, out);
        else resize_row_grad(mixed, columns, out_width, channels, out);
    }
}

/* The index that `at`, not further than two periods away, stands for outside [0, size); -1 where the fill value
   does. */
INLINE ptrdiff_t fold(ptrdiff_t at, ptrdiff_t size, int fill_mode) {
    if (at >= 0 && at < size) return at;
    if (fill_mode == FILL_NEAREST) return at < 0 ? 0 : size - 1;
    if (fill_mode != FILL_WRAP && fill_mode != FILL_REFLECT) return -1;
    const ptrdiff_t period = fill_mode == FILL_WRAP ? size : 2 * size; /* no division: these are slow */
    while (at < 0) at += period;
    while (at >= period) at -= period;
    return at < size ? at : 2 * size - 1 - at;
}

INLINE const real *pixel_at(const real *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t y,
                            ptrdiff_t x, int fill_mode, const real *fill) {
    const ptrdiff_t v = fold(y, height, fill_mode), u = fold(x, width, fill_mode);
    return v < 0 || u < 0 ? fill : image + (v * width + u) * channels;
}

#define BLOCK 64 /* pixels whose places are computed at a time, by vectors */

/* Where in the image the pixels of a block lie: whole coordinates, and the shares of the next row and column */
typedef struct {
    int32_t x[BLOCK], y[BLOCK];
    real share_x[BLOCK], share_y[BLOCK];
} Places;

/* Coordinate offset + u*step for u in [first, first + count). Far ones are cut before they become integers: everything
 * there is fill, edge or a repetition. */
INLINE void places_along(double step, double offset, ptrdiff_t first, ptrdiff_t count, ptrdiff_t size, int bilinear,
                         int repeats, int32_t *restrict whole, real *restrict share) {
    const double period = 2.0 * (double)size, shift = bilinear ? 0 : 0.5;
    for (int i = 0; i < (int)count; i++) {
        double at = step * (double)((int)first + i) + offset;
        const double folded = repeats ? at - period * floor(at / period) : at;
        at = at >= -period && at <= 2 * period ? at : folded;
        at = at >= -period ? at : -period; /* so is what is not a number */
        at = at <= 2 * period ? at : 2 * period;
        const double low = floor(at + shift);
        whole[i] = (int32_t)low;
        share[i] = (real)(at - low);
    }
}

INLINE void affine_pixels(const real *image, const Places *at, ptrdiff_t count, ptrdiff_t height, ptrdiff_t width,
                          const ptrdiff_t channels, int bilinear, int fill_mode, const real *fill, real *out) {
    for (ptrdiff_t i = 0; i < count; i++, out += channels) {
        const ptrdiff_t x = at->x[i], y = at->y[i];
        if (!bilinear) {
            const real *pixel = pixel_at(image, height, width, channels, y, x, fill_mode, fill);
            for (ptrdiff_t c = 0; c < channels; c++) out[c] = pixel[c];
            continue;
        }
        const real sx = at->share_x[i], sy = at->share_y[i];
        const real *a, *b, *d, *e;
        if ((size_t)x < (size_t)(width - 1) && (size_t)y < (size_t)(height - 1)) { /* negatives are huge */
            a = image + (y * width + x) * channels, b = a + channels;
            d = a + width * channels, e = d + channels;
        } else {
            a = pixel_at(image, height, width, channels, y, x, fill_mode, fill);
            b = pixel_at(image, height, width, channels, y, x + 1, fill_mode, fill);
            d = pixel_at(image, height, width, channels, y + 1, x, fill_mode, fill);
            e = pixel_at(image, height, width, channels, y + 1, x + 1, fill_mode, fill);
        }
        for (ptrdiff_t c = 0; c < channels; c++) {
            const real top = a[c] + sx * (b[c] - a[c]), bottom = d[c] + sx * (e[c] - d[c]);
            out[c] = top + sy * (bottom - top);
        }
    }
}

/* The vector of pixels that a row is mirrored by: so many, and which number of as many pixels each lane takes. */
typedef struct {
    ivec lane;
    ptrdiff_t pixels;
} Mirror;

INLINE Mirror mirror_of(ptrdiff_t channels) {
    Mirror m = {.pixels = LANES / channels};
    for (ptrdiff_t x = 0; x < m.pixels; x++)
        for (ptrdiff_t c = 0; c < channels; c++)
            m.lane[x * channels + c] = (integer)((m.pixels - 1 - x) * channels + c);
    return m;
}

/* From right to left; the last vector may write once more what the one before wrote. */
INLINE void mirror_row(const Mirror m, const real *row, ptrdiff_t width, ptrdiff_t channels, real *out) {
    const ptrdiff_t last = width - m.pixels;
    if (m.pixels < 2 || last < 0) {
        for (ptrdiff_t x = 0; x < width; x++)
            for (ptrdiff_t c = 0; c < channels; c += LANES)
                store_first(out + x * channels + c, load_first(row + (width - 1 - x) * channels + c, channels - c),
                            channels - c);
        return;
    }
    const ptrdiff_t n = m.pixels * channels;
    for (ptrdiff_t x = 0; x < last + m.pixels; x += m.pixels) {
        const ptrdiff_t at = at_most(x, last);
        store_first(out + at * channels, __builtin_shuffle(load_first(row + (last - at) * channels, n), m.lane), n);
    }
}

/* Whether a row that begins at column `offset` shows row y whole, as it is (1) or mirrored (-1); else 0. */
INLINE int shows_row(const double *m, double offset, double y, ptrdiff_t height, ptrdiff_t width) {
    if (m[3] != 0 || !(y >= 0 && y < (double)height)) return 0;
    return m[0] == 1 && offset == 0 ? 1 : m[0] == -1 && offset == (double)(width - 1) ? -1 : 0;
}

static void affine(const void *x, const double *matrices, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                   void *y, int bilinear, int fill_mode, double fill_value, ptrdiff_t first, ptrdiff_t last) {
    const int repeats = fill_mode == FILL_REFLECT || fill_mode == FILL_WRAP;
    real *fill = thread_scratch(sizeof(real) * (size_t)channels);
    for (ptrdiff_t c = 0; c < channels; c++) fill[c] = (real)fill_value;
    Places at;
    const Mirror mirror = mirror_of(channels);
    ptrdiff_t n = first / height, line = first % height; /* counted on: divisions are slow */
    for (ptrdiff_t row = first; row < last; row++, line++) {
        if (line == height) line = 0, n++;
        const double *m = matrices + 6 * n, v = (double)line;
        const real *image = (const real *)x + n * height * width * channels;
        const double shown = floor(m[4] * v + m[5] + 0.5);
        const int whole = bilinear ? 0 : shows_row(m, m[1] * v + m[2], shown, height, width);
        if (whole) {
            const real *from = image + (ptrdiff_t)shown * width * channels;
            real *to = (real *)y + row * width * channels;
            if (whole < 0) mirror_row(mirror, from, width, channels, to);
            else memcpy(to, from, sizeof(real) * (size_t)(width * channels));
            continue;
        }
        for (ptrdiff_t u = 0; u < width; u += BLOCK) {
            const ptrdiff_t count = at_most(BLOCK, width - u);
            real *out = (real *)y + (row * width + u) * channels;
            places_along(m[0], m[1] * v + m[2], u, count, width, bilinear, repeats, at.x, at.share_x);
            places_along(m[3], m[4] * v + m[5], u, count, height, bilinear, repeats, at.y, at.share_y);
            if (channels == 1) affine_pixels(image, &at, count, height, width, 1, bilinear, fill_mode, fill, out);
            else if (channels == 3) affine_pixels(image, &at, count, height, width, 3, bilinear, fill_mode, fill, out);
            else affine_pixels(image, &at, count, height, width, channels, bilinear, fill_mode, fill, out);
        }
    }
}

#endif
