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

/* The taps of all output columns, once for all rows: divisions are slow. */
static const Taps *column_taps(ptrdiff_t size, ptrdiff_t out_size, int bilinear) {
    Taps *taps = thread_scratch(sizeof(Taps) * (size_t)out_size);
    for (ptrdiff_t j = 0; j < out_size; j++) taps[j] = taps_at(j, size, out_size, bilinear);
    return taps;
}

static void resize(const void *x, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *y, ptrdiff_t out_height,
                   ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last) {
    const Taps *columns = column_taps(width, out_width, bilinear);
    for (ptrdiff_t row = first; row < last; row++) {
        const Taps v = taps_at(row % out_height, height, out_height, bilinear);
        const real *image = (const real *)x + row / out_height * height * width * channels;
        const real *above = image + v.low * width * channels, *below = image + v.high * width * channels;
        real *restrict out = (real *)y + row * out_width * channels;
        for (ptrdiff_t j = 0; j < out_width; j++, out += channels) {
            const Taps u = columns[j];
            const ptrdiff_t l = u.low * channels, h = u.high * channels;
            for (ptrdiff_t c = 0; c < channels; c++) {
                const real top = above[l + c] + u.share * (above[h + c] - above[l + c]);
                const real bottom = below[l + c] + u.share * (below[h + c] - below[l + c]);
                out[c] = top + v.share * (bottom - top);
            }
        }
    }
}

static void resize_grad(const void *gy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *gx,
                        ptrdiff_t out_height, ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t size = height * width * channels;
    const Taps *columns = column_taps(width, out_width, bilinear);
    memset((real *)gx + first * size, 0, sizeof(real) * (size_t)((last - first) * size));
    for (ptrdiff_t row = first * out_height; row < last * out_height; row++) {
        const Taps v = taps_at(row % out_height, height, out_height, bilinear);
        real *image = (real *)gx + row / out_height * size;
        real *above = image + v.low * width * channels, *below = image + v.high * width * channels;
        const real *g = (const real *)gy + row * out_width * channels;
        for (ptrdiff_t j = 0; j < out_width; j++, g += channels) {
            const Taps u = columns[j];
            const ptrdiff_t l = u.low * channels, h = u.high * channels;
            for (ptrdiff_t c = 0; c < channels; c++) { /* the four may be the same place */
                const real top = g[c] * (1 - v.share), bottom = g[c] * v.share;
                above[l + c] += top * (1 - u.share);
                above[h + c] += top * u.share;
                below[l + c] += bottom * (1 - u.share);
                below[h + c] += bottom * u.share;
            }
        }
    }
}

/* The index that `at` stands for outside [0, size), or -1 where the fill value does. */
INLINE ptrdiff_t fold(ptrdiff_t at, ptrdiff_t size, int fill_mode) {
    if (at >= 0 && at < size) return at;
    switch (fill_mode) {
    case FILL_NEAREST: return at < 0 ? 0 : size - 1;
    case FILL_WRAP: return (at % size + size) % size;
    case FILL_REFLECT: {
        const ptrdiff_t period = 2 * size, place = (at % period + period) % period;
        return place < size ? place : period - 1 - place;
    }
    default: return -1;
    }
}

INLINE real pixel_at(const real *image, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t y, ptrdiff_t x,
                     ptrdiff_t c, int fill_mode, real fill_value) {
    const ptrdiff_t v = fold(y, height, fill_mode), u = fold(x, width, fill_mode);
    return v < 0 || u < 0 ? fill_value : image[(v * width + u) * channels + c];
}

/* Far coordinates are cut before they become integers: everything there is fill, edge or a repetition. */
INLINE double within_reach(double at, ptrdiff_t size, int fill_mode) {
    const double period = 2.0 * (double)size;
    if (at >= -period && at <= 2 * period) return at;
    if (fill_mode == FILL_REFLECT || fill_mode == FILL_WRAP) return at - period * floor(at / period);
    return at < 0 ? -period : 2 * period;
}

static void affine(const void *x_, const double *matrices, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                   void *y_, int bilinear, int fill_mode, double fill_value, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const ptrdiff_t n = row / height, v = row % height;
        const double *m = matrices + 6 * n;
        const real *image = (const real *)x_ + n * height * width * channels, fill = (real)fill_value;
        real *out = (real *)y_ + row * width * channels;
        for (ptrdiff_t u = 0; u < width; u++, out += channels) {
            const double at_x = within_reach(m[0] * (double)u + m[1] * (double)v + m[2], width, fill_mode);
            const double at_y = within_reach(m[3] * (double)u + m[4] * (double)v + m[5], height, fill_mode);
            const double shift = bilinear ? 0 : 0.5;
            const double floor_x = floor(at_x + shift), floor_y = floor(at_y + shift);
            const ptrdiff_t x0 = (ptrdiff_t)floor_x, y0 = (ptrdiff_t)floor_y;
            if (!bilinear) {
                for (ptrdiff_t c = 0; c < channels; c++)
                    out[c] = pixel_at(image, height, width, channels, y0, x0, c, fill_mode, fill);
                continue;
            }
            const real sx = (real)(at_x - floor_x), sy = (real)(at_y - floor_y);
            if (x0 >= 0 && y0 >= 0 && x0 + 1 < width && y0 + 1 < height) {
                const real *above = image + (y0 * width + x0) * channels, *below = above + width * channels;
                for (ptrdiff_t c = 0; c < channels; c++) {
                    const real top = above[c] + sx * (above[c + channels] - above[c]);
                    const real bottom = below[c] + sx * (below[c + channels] - below[c]);
                    out[c] = top + sy * (bottom - top);
                }
                continue;
            }
            for (ptrdiff_t c = 0; c < channels; c++) {
                const real a = pixel_at(image, height, width, channels, y0, x0, c, fill_mode, fill);
                const real b = pixel_at(image, height, width, channels, y0, x0 + 1, c, fill_mode, fill);
                const real d = pixel_at(image, height, width, channels, y0 + 1, x0, c, fill_mode, fill);
                const real e = pixel_at(image, height, width, channels, y0 + 1, x0 + 1, c, fill_mode, fill);
                const real top = a + sx * (b - a), bottom = d + sx * (e - d);
                out[c] = top + sy * (bottom - top);
            }
        }
    }
}

#endif
