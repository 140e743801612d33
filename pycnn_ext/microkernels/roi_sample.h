/* Pooling of regions by means of bilinear samples, and its gradients. Channels lie along the vector. */
#ifndef PYCNN_ROI_SAMPLE_H
#define PYCNN_ROI_SAMPLE_H

#include "roi.h"

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
