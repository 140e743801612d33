/* Pooling of regions: the largest value of each bin, and means of bilinear samples. Channels lie along the vector. */
#ifndef PYCNN_ROI_H
#define PYCNN_ROI_H

#include <math.h>

#include "extreme_pool.h"

#define ROI_VECTORS 4 /* channels go by so many vectors while there are as many */
#define ROI_FAR 1099511627776.0 /* 2^40: what lies further out counts as there */

/* The image of a region; -1 where there is none, or where a number is not finite. */
INLINE ptrdiff_t roi_image(const RoiShape *s, const real *roi) {
    real zero = 0;
    for (int i = 0; i < 5; i++) zero += roi[i] - roi[i];
    return zero == 0 && roi[0] >= 0 && roi[0] < (real)s->images ? (ptrdiff_t)roi[0] : -1;
}

INLINE ptrdiff_t to_integer(real v) {
    return (ptrdiff_t)(v > (real)ROI_FAR ? (real)ROI_FAR : v > (real)-ROI_FAR ? v : (real)-ROI_FAR);
}

INLINE ptrdiff_t clipped(ptrdiff_t i, ptrdiff_t size) { return i < 0 ? 0 : at_most(i, size); }

static void roi_bins(const RoiShape *s, real low, real high, ptrdiff_t size, ptrdiff_t count, Span *bins) {
    const real scale = (real)s->scale;
    const ptrdiff_t first = to_integer(R(round)(low * scale)), last = to_integer(R(round)(high * scale));
    const ptrdiff_t extent = last > first ? last - first + 1 : 1;
    for (ptrdiff_t p = 0; p < count; p++)
        bins[p] = (Span){clipped(first + p * extent / count, size),
                         clipped(first + ((p + 1) * extent + count - 1) / count, size)};
}

/* The bins of rows, and behind them those of columns */
static Span *roi_spans(const RoiShape *s, const real *roi, Span *rows) {
    Span *columns = rows + s->bins_y;
    roi_bins(s, roi[2], roi[4], s->height, s->bins_y, rows);
    roi_bins(s, roi[1], roi[3], s->width, s->bins_x, columns);
    return columns;
}

/* The largest of a bin that is not empty, and where, for `vectors` vectors of n channels. A NaN shows in the sum. */
INLINE void largest_of_bin(const int vectors, const Span rows, const Span columns, const real *image, ptrdiff_t width,
                           ptrdiff_t channels, ptrdiff_t n, real *y, int32_t *index) {
    vec best[ROI_VECTORS], sum[ROI_VECTORS];
    ivec place[ROI_VECTORS];
    const ptrdiff_t first = rows.begin * width + columns.begin;
    UNROLL for (int v = 0; v < vectors; v++) {
        best[v] = pool_load(image + first * channels + v * LANES, n);
        sum[v] = (vec){};
        place[v] = (ivec){} + (integer)first;
    }
    for (ptrdiff_t h = rows.begin; h < rows.end; h++) {
        const real *x = image + (h * width + columns.begin) * channels;
        for (ptrdiff_t w = columns.begin; w < columns.end; w++, x += channels) {
            const ivec here = (ivec){} + (integer)(h * width + w);
            UNROLL for (int v = 0; v < vectors; v++) {
                const vec value = pool_load(x + v * LANES, n);
                place[v] = (ivec)choose(value > best[v], (vec)here, (vec)place[v]);
                best[v] = larger(value, best[v]);
                sum[v] += value;
            }
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        if (any(sum[v] != sum[v])) {
            const Window w = {rows.begin, rows.end, columns.begin, columns.end, width * channels, channels, width};
            const Extreme found = extreme_or_nan(w, image + v * LANES, best[v], n);
            best[v] = found.best, place[v] = found.place;
        }
        pool_store(y + v * LANES, best[v], n);
        if (index) store_index(index, v * LANES, 4, place[v], n);
    }
}

static void roi_pool_forward(const RoiShape *s, const void *x, const void *rois, void *y_, int32_t *index,
                             ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, n = at_most(LANES, channels), many = ROI_VECTORS * LANES;
    const ptrdiff_t numbers = s->bins_y * s->bins_x * channels;
    Span *rows = thread_scratch(sizeof(Span) * (size_t)(s->bins_y + s->bins_x));
    for (ptrdiff_t r = first; r < last; r++) {
        const real *roi = (const real *)rois + 5 * r;
        const ptrdiff_t image = roi_image(s, roi);
        real *y = (real *)y_ + r * numbers;
        int32_t *at = index ? index + r * numbers : NULL;
        if (image < 0) {
            for (ptrdiff_t i = 0; i < numbers; i++) y[i] = (real)NAN;
            if (at) memset(at, -1, sizeof(int32_t) * (size_t)numbers);
            continue;
        }
        const Span *columns = roi_spans(s, roi, rows);
        const real *from = (const real *)x + image * s->height * s->width * channels;
        for (ptrdiff_t bin = 0; bin < s->bins_y * s->bins_x; bin++, y += channels, at += at ? channels : 0) {
            const Span v = rows[bin / s->bins_x], u = columns[bin % s->bins_x];
            if (v.begin >= v.end || u.begin >= u.end) {
                memset(y, 0, sizeof(real) * (size_t)channels);
                if (at) memset(at, -1, sizeof(int32_t) * (size_t)channels);
                continue;
            }
            ptrdiff_t c = 0;
            for (; c + many <= channels; c += many)
                largest_of_bin(ROI_VECTORS, v, u, from + c, s->width, channels, LANES, y + c, at ? at + c : NULL);
            for (; c < channels; c += n) {
                const ptrdiff_t b = begin_of(c, channels, n);
                largest_of_bin(1, v, u, from + b, s->width, channels, n, y + b, at ? at + b : NULL);
            }
        }
    }
}

/* Pixels of a bin up to which all channels are looked through for each of them, by vectors, if there are some of those;
 * in a larger bin every number of gy goes to its own place. Of a 38x63x512 map and 128 regions in ms, with a limit of
 * 0, 8, 30 and none: 7.7, 6.6, 8.9, 8.4. */
enum { FEW_PLACES = 8, MANY_CHANNELS = 64 };

static void empty_channels(const RoiShape *s, real *gx, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t i = 0; i < s->height * s->width; i++)
        memset(gx + i * s->channels + first, 0, sizeof(real) * (size_t)(last - first));
}

/* to[c] += gy[c] where the winner is this pixel */
INLINE void add_winners(const int32_t *index, int32_t place, const real *restrict gy, real *restrict to,
                        ptrdiff_t count) {
    for (ptrdiff_t c = 0; c < count; c++) to[c] += index[c] == place ? gy[c] : 0;
}

/* Channels [first, last) of one image: the sum over its regions, in their order. */
static void roi_pool_grad(const RoiShape *s, const void *gy_, const void *rois, ptrdiff_t count, const int32_t *index,
                          void *gx_, ptrdiff_t image, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, bins = s->bins_y * s->bins_x, width = last - first;
    real *gx = (real *)gx_ + image * s->height * s->width * channels;
    Span *rows = thread_scratch(sizeof(Span) * (size_t)(s->bins_y + s->bins_x));
    empty_channels(s, gx, first, last);
    for (ptrdiff_t r = 0; r < count; r++) {
        const real *roi = (const real *)rois + 5 * r;
        if (roi_image(s, roi) != image) continue;
        const Span *columns = roi_spans(s, roi, rows);
        for (ptrdiff_t bin = 0; bin < bins; bin++) {
            const Span v = rows[bin / s->bins_x], u = columns[bin % s->bins_x];
            const ptrdiff_t from = (r * bins + bin) * channels + first;
            const real *gy = (const real *)gy_ + from;
            const int32_t *at = index + from;
            if (v.begin >= v.end || u.begin >= u.end) continue;
            if ((v.end - v.begin) * (u.end - u.begin) > FEW_PLACES || width < MANY_CHANNELS) {
                for (ptrdiff_t c = 0; c < width; c++) gx[at[c] * channels + first + c] += gy[c];
                continue;
            }
            for (ptrdiff_t h = v.begin; h < v.end; h++)
                for (ptrdiff_t place = h * s->width + u.begin; place < h * s->width + u.end; place++)
                    add_winners(at, (int32_t)place, gy, gx + place * channels + first, width);
        }
    }
}

/* A product as it is rounded, never part of a fused multiply-add: where a sample lies decides what it sees. */
INLINE real rounded(real product) {
    __asm__("" : "+m"(product));
    return product;
}

/* A pixel along an axis, its weight in a bin, and the derivatives of that by the lower and the upper corner. */
typedef struct {
    ptrdiff_t pixel;
    real weight, by_low, by_high;
} Tap;

/* Taps of all bins of an axis; those of bin p are taps[bins[p].begin ... bins[p].end) */
typedef struct {
    Span *bins;
    Tap *taps;
} Taps1D;

/* Add to what the bin, whose taps begin at `first`, has of the pixel: one of the last two, if it has. */
INLINE ptrdiff_t add_tap(Tap *taps, ptrdiff_t first, ptrdiff_t end, const Tap more) {
    for (ptrdiff_t i = end - 1; i >= first && i >= end - 2; i--) {
        if (taps[i].pixel != more.pixel) continue;
        taps[i].weight += more.weight, taps[i].by_low += more.by_low, taps[i].by_high += more.by_high;
        return end;
    }
    taps[end] = more;
    return end + 1;
}

/* At most two for each sample on the map; where their number is chosen they are half a pixel apart or more. */
INLINE ptrdiff_t most_taps(const RoiShape *s, ptrdiff_t size, ptrdiff_t bins) {
    if (s->warps) return 2 * bins;
    return 2 * (s->sampling_ratio > 0 ? s->sampling_ratio * bins : bins + 2 * (size + 3));
}

static void align_taps(const RoiShape *s, real low, real high, ptrdiff_t size, ptrdiff_t bins, Taps1D t) {
    const real scale = (real)s->scale, offset = s->aligned ? (real)0.5 : 0;
    const real start = rounded(low * scale) - offset, asked = rounded(high * scale) - offset - start;
    const int least = !s->aligned && asked < 1; /* then the extent does not depend on the box */
    const real step = (least ? 1 : asked) / (real)bins;
    const ptrdiff_t samples = s->sampling_ratio > 0 ? s->sampling_ratio : to_integer(R(ceil)(step));
    ptrdiff_t end = 0;
    for (ptrdiff_t p = 0; p < bins; p++) {
        const real corner = start + rounded((real)p * step);
        ptrdiff_t i = 0, last = samples;
        if (step > 0) { /* only those near the map, for there may be millions */
            const real each = step / (real)samples;
            i = clipped(to_integer((-1 - corner) / each) - 2, samples);
            last = clipped(to_integer(((real)size - corner) / each) + 2, samples);
        }
        t.bins[p].begin = end;
        for (; i < last; i++) {
            const real within = (real)i + (real)0.5, at = corner + rounded(within * step) / (real)samples;
            if (!(at >= -1 && at <= (real)size)) continue;
            const real top = (real)(size - 1), place = at < 0 ? 0 : at > top ? top : at;
            const ptrdiff_t below = (ptrdiff_t)place, above = at_most(below + 1, size - 1);
            const real share = place - (real)below, slope = at > 0 && at < top ? scale / (real)samples : 0;
            const real moves = least ? 0 : ((real)p + within / (real)samples) / (real)bins; /* with high */
            const real by_low = slope * (1 - moves), by_high = slope * moves;
            end = add_tap(t.taps, t.bins[p].begin, end, (Tap){below, (1 - share) / (real)samples, -by_low, -by_high});
            end = add_tap(t.taps, t.bins[p].begin, end, (Tap){above, share / (real)samples, by_low, by_high});
        }
        t.bins[p].end = end;
    }
}

static void warp_taps(const RoiShape *s, real low, real high, ptrdiff_t size, ptrdiff_t bins, Taps1D t) {
    const real scale = (real)(s->scale * (double)(size - 1) / (double)size);
    ptrdiff_t end = 0;
    for (ptrdiff_t p = 0; p < bins; p++) {
        const real moves = bins > 1 ? (real)p / (real)(bins - 1) : (real)0.5;
        const real by_low = scale * (1 - moves), by_high = scale * moves;
        const real at = rounded(rounded(low * scale) * (1 - moves)) + rounded(rounded(high * scale) * moves);
        t.bins[p].begin = end;
        if (at > -1 && at < (real)size) {
            const ptrdiff_t below = (ptrdiff_t)R(floor)(at);
            const real share = at - (real)below;
            if (below >= 0) t.taps[end++] = (Tap){below, 1 - share, -by_low, -by_high};
            if (below + 1 < size) t.taps[end++] = (Tap){below + 1, share, by_low, by_high};
        }
        t.bins[p].end = end;
    }
}

typedef struct {
    Taps1D rows, columns;
} Taps2D;

/* Where the taps of a region find room */
static Taps2D room_for_taps(const RoiShape *s) {
    const ptrdiff_t of_rows = most_taps(s, s->height, s->bins_y), of_columns = most_taps(s, s->width, s->bins_x);
    Tap *taps = thread_scratch(sizeof(Tap) * (size_t)(of_rows + of_columns) +
                               sizeof(Span) * (size_t)(s->bins_y + s->bins_x));
    Span *spans = (Span *)(taps + of_rows + of_columns);
    return (Taps2D){{spans, taps}, {spans + s->bins_y, taps + of_rows}};
}

static void find_taps(const RoiShape *s, const real *roi, const Taps2D *t) {
    (s->warps ? warp_taps : align_taps)(s, roi[2], roi[4], s->height, s->bins_y, t->rows);
    (s->warps ? warp_taps : align_taps)(s, roi[1], roi[3], s->width, s->bins_x, t->columns);
}

#define FOR_TAPS(tap, axis, bin) \
    for (const Tap *tap = (axis).taps + (axis).bins[bin].begin; tap < (axis).taps + (axis).bins[bin].end; tap++)

INLINE void sample_bin(const int vectors, const Taps2D *t, ptrdiff_t p, ptrdiff_t q, const real *image, ptrdiff_t width,
                       ptrdiff_t channels, ptrdiff_t n, real *y) {
    vec sum[ROI_VECTORS] = {};
    FOR_TAPS(v, t->rows, p) {
        FOR_TAPS(u, t->columns, q) {
            const real *x = image + (v->pixel * width + u->pixel) * channels, weight = v->weight * u->weight;
            UNROLL for (int k = 0; k < vectors; k++) sum[k] += weight * pool_load(x + k * LANES, n);
        }
    }
    UNROLL for (int k = 0; k < vectors; k++) pool_store(y + k * LANES, sum[k], n);
}

static void roi_sample_forward(const RoiShape *s, const void *x, const void *rois, void *y_, ptrdiff_t first,
                               ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, n = at_most(LANES, channels), many = ROI_VECTORS * LANES;
    const ptrdiff_t bins = s->bins_y * s->bins_x;
    const Taps2D taps = room_for_taps(s);
    for (ptrdiff_t r = first; r < last; r++) {
        const real *roi = (const real *)rois + 5 * r;
        const ptrdiff_t image = roi_image(s, roi);
        real *y = (real *)y_ + r * bins * channels;
        if (image < 0) {
            for (ptrdiff_t i = 0; i < bins * channels; i++) y[i] = (real)NAN;
            continue;
        }
        find_taps(s, roi, &taps);
        const real *from = (const real *)x + image * s->height * s->width * channels;
        for (ptrdiff_t bin = 0; bin < bins; bin++, y += channels) {
            const ptrdiff_t p = bin / s->bins_x, q = bin % s->bins_x;
            ptrdiff_t c = 0;
            for (; c + many <= channels; c += many)
                sample_bin(ROI_VECTORS, &taps, p, q, from + c, s->width, channels, LANES, y + c);
            for (; c < channels; c += n) {
                const ptrdiff_t b = begin_of(c, channels, n);
                sample_bin(1, &taps, p, q, from + b, s->width, channels, n, y + b);
            }
        }
    }
}

/* to[c] += weight * gy[c] */
INLINE void add_weighted(real weight, const real *restrict gy, real *restrict to, ptrdiff_t count) {
    for (ptrdiff_t c = 0; c < count; c++) to[c] += weight * gy[c];
}

/* Channels [first, last) of one image, as roi_pool_grad */
static void roi_sample_grad(const RoiShape *s, const void *gy_, const void *rois, ptrdiff_t count, void *gx_,
                            ptrdiff_t image, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, bins = s->bins_y * s->bins_x;
    real *gx = (real *)gx_ + image * s->height * s->width * channels;
    const Taps2D taps = room_for_taps(s);
    empty_channels(s, gx, first, last);
    for (ptrdiff_t r = 0; r < count; r++) {
        const real *roi = (const real *)rois + 5 * r;
        if (roi_image(s, roi) != image) continue;
        find_taps(s, roi, &taps);
        for (ptrdiff_t bin = 0; bin < bins; bin++) {
            const real *gy = (const real *)gy_ + (r * bins + bin) * channels + first;
            FOR_TAPS(v, taps.rows, bin / s->bins_x) {
                FOR_TAPS(u, taps.columns, bin % s->bins_x) {
                    real *to = gx + (v->pixel * s->width + u->pixel) * channels + first;
                    add_weighted(v->weight * u->weight, gy, to, last - first);
                }
            }
        }
    }
}

/* Of a bin and n channels, sums over gy * (what y moves by with x1, y1, x2, y2) */
INLINE void corner_sums(const Taps2D *t, ptrdiff_t p, ptrdiff_t q, const real *image, ptrdiff_t width,
                        ptrdiff_t channels, vec gy, ptrdiff_t n, vec *sums) {
    FOR_TAPS(v, t->rows, p) {
        vec value = {}, by_x1 = {}, by_x2 = {};
        FOR_TAPS(u, t->columns, q) {
            const vec x = pool_load(image + (v->pixel * width + u->pixel) * channels, n);
            value += u->weight * x, by_x1 += u->by_low * x, by_x2 += u->by_high * x;
        }
        sums[0] += v->weight * (gy * by_x1), sums[1] += v->by_low * (gy * value);
        sums[2] += v->weight * (gy * by_x2), sums[3] += v->by_high * (gy * value);
    }
}

static void roi_sample_rois_grad(const RoiShape *s, const void *gy_, const void *x, const void *rois, void *grads,
                                 ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, bins = s->bins_y * s->bins_x;
    const Taps2D taps = room_for_taps(s);
    for (ptrdiff_t r = first; r < last; r++) {
        const real *roi = (const real *)rois + 5 * r;
        const ptrdiff_t image = roi_image(s, roi);
        real *grad = (real *)grads + 5 * r;
        memset(grad, 0, 5 * sizeof(real));
        if (image < 0) continue;
        find_taps(s, roi, &taps);
        const real *from = (const real *)x + image * s->height * s->width * channels;
        const real *gy = (const real *)gy_ + r * bins * channels;
        vec sums[4] = {};
        for (ptrdiff_t bin = 0; bin < bins; bin++, gy += channels) {
            for (ptrdiff_t c = 0; c < channels; c += LANES) {
                const ptrdiff_t n = at_most(LANES, channels - c);
                const vec g = pool_load(gy + c, n);
                corner_sums(&taps, bin / s->bins_x, bin % s->bins_x, from + c, s->width, channels, g, n, sums);
            }
        }
        for (int k = 0; k < 4; k++)
            for (ptrdiff_t l = 0; l < LANES; l++) grad[k + 1] += sums[k][l];
    }
}

#endif
