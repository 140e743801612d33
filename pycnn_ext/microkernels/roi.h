/* Pooling of regions: the largest value of each bin. Channels lie along the vector. Samples: roi_sample.h. */
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

/* Bin p begins at first + floor(p*extent/count) and ends at first + ceil((p+1)*extent/count), excluded, in the map. */
static void roi_bins(const RoiShape *s, real low, real high, ptrdiff_t size, ptrdiff_t count, Span *bins) {
    const real scale = (real)s->scale;
    const ptrdiff_t first = to_integer(R(round)(low * scale)), last = to_integer(R(round)(high * scale));
    const ptrdiff_t extent = last > first ? last - first + 1 : 1, step = extent / count, more = extent % count;
    ptrdiff_t edge = first, rest = 0;
    for (ptrdiff_t p = 0; p < count; p++) {
        bins[p].begin = clipped(edge, size);
        edge += step, rest += more;
        if (rest >= count) edge++, rest -= count;
        bins[p].end = clipped(edge + (rest > 0), size);
    }
}

/* A row of bins of a region */
typedef struct {
    int32_t region, row;
} Strip;

/* Strips in the order in which they are pooled: image by image, those of no image last. */
typedef struct {
    Span *bins; /* of each region those of rows, then those of columns */
    Strip *strips;
    ptrdiff_t *ends; /* ends[k] of those of key k: an image, or one of its rows */
    ptrdiff_t keys;  /* of an image */
} RoiPlan;

/* Bytes of a map that stays in the cache. The strips of a larger one are taken from its top down, so that only the rows
 * about them have to: of a 38x63x512 map and 128 regions 5.9 instead of 9.3 ms forward, 11.3 instead of 15.2 backward.
 * In a smaller one y is gone through in its own order: 16 of 14x14x64, 512 regions, 1.7 instead of 2.0 ms. */
enum { CACHED = 512 * 1024 };

static RoiPlan roi_plan_in(const RoiShape *s, ptrdiff_t regions, void *memory) {
    RoiPlan p = {.bins = memory};
    p.keys = s->height * s->width * s->channels * (ptrdiff_t)sizeof(real) > CACHED ? s->height : 1;
    p.ends = (ptrdiff_t *)(p.bins + regions * (s->bins_y + s->bins_x));
    p.strips = (Strip *)(p.ends + s->images * p.keys + 1);
    return p;
}

static size_t roi_plan_bytes(const RoiShape *s, ptrdiff_t regions) {
    return (size_t)((char *)(roi_plan_in(s, regions, NULL).strips + regions * s->bins_y) - (char *)NULL);
}

/* The key of a strip */
INLINE ptrdiff_t strip_key(const RoiShape *s, const RoiPlan *p, ptrdiff_t image, ptrdiff_t top) {
    return image < 0 ? s->images * p->keys : image * p->keys + at_most(top, p->keys - 1);
}

static void roi_plan(const RoiShape *s, const void *rois, ptrdiff_t regions, void *memory) {
    const RoiPlan plan = roi_plan_in(s, regions, memory);
    const ptrdiff_t keys = s->images * plan.keys + 1;
    memset(plan.ends, 0, sizeof(ptrdiff_t) * (size_t)keys);
    for (int places = 0; places < 2; places++) { /* first how many strips each key has, then where they go */
        Span *rows = plan.bins;
        for (ptrdiff_t r = 0; r < regions; r++, rows += s->bins_y + s->bins_x) {
            const real *roi = (const real *)rois + 5 * r;
            const ptrdiff_t image = roi_image(s, roi);
            if (!places && image >= 0) {
                roi_bins(s, roi[2], roi[4], s->height, s->bins_y, rows);
                roi_bins(s, roi[1], roi[3], s->width, s->bins_x, rows + s->bins_y);
            }
            for (ptrdiff_t p = 0; p < s->bins_y; p++) {
                ptrdiff_t *end = plan.ends + strip_key(s, &plan, image, image < 0 ? 0 : rows[p].begin);
                if (places) plan.strips[*end] = (Strip){(int32_t)r, (int32_t)p};
                ++*end;
            }
        }
        ptrdiff_t begin = 0;
        for (ptrdiff_t k = 0; k < keys && !places; k++) {
            const ptrdiff_t strips = plan.ends[k];
            plan.ends[k] = begin, begin += strips;
        }
    }
}

typedef int16_t shorts_vec __attribute__((vector_size(VECTOR_BYTES / sizeof(real) * 2)));

/* The first n lanes, of 2 or 4 bytes; nothing where there are 0 */
INLINE void store_places(void *index, ptrdiff_t at, const int bytes, ivec places, ptrdiff_t n) {
    if (bytes == 4) store_index(index, at, 4, places, n);
    if (bytes != 2) return;
    const shorts_vec b = __builtin_convertvector(places, shorts_vec);
    if (n >= LANES) memcpy((int16_t *)index + at, &b, sizeof b);
    else memcpy((int16_t *)index + at, &b, (size_t)n * 2);
}

INLINE ivec load_places(const void *index, ptrdiff_t at, const int bytes, ptrdiff_t n) {
    if (bytes == 4) return load_index(index, at, 4, n);
    shorts_vec b = {};
    if (n >= LANES) memcpy(&b, (const int16_t *)index + at, sizeof b); /* a size that varies takes a call */
    else memcpy(&b, (const int16_t *)index + at, (size_t)n * 2);
    return __builtin_convertvector(b, ivec);
}

/* Of each lane `here` where value > best, else `place`. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE ivec place_of_larger(vec value, vec best, ivec here, ivec place) {
    const __mmask16 is_larger = _mm512_cmp_ps_mask((__m512)value, (__m512)best, _CMP_GT_OQ);
    return (ivec)_mm512_mask_mov_epi32((__m512i)place, is_larger, (__m512i)here);
}
#else
INLINE ivec place_of_larger(vec value, vec best, ivec here, ivec place) {
    return (ivec)choose(value > best, (vec)here, (vec)place);
}
#endif

/* Maps, their row and the distance of their pixels; where results go. */
typedef struct {
    const real *image;
    ptrdiff_t width, channels;
    real *y;
    void *index;
} Pooled;

/* The largest of a bin that is not empty, and where, for so many vectors of n channels from c on, the last of which
 * begins `last` further on. A NaN shows in the sum. */
INLINE void largest_of_bin(const Pooled *o, const int vectors, const int bytes, const Span rows, const Span columns,
                           ptrdiff_t c, ptrdiff_t last, ptrdiff_t n, ptrdiff_t to) {
    vec best[ROI_VECTORS], sum[ROI_VECTORS];
    ivec place[ROI_VECTORS];
    const ptrdiff_t first = rows.begin * o->width + columns.begin;
    const real *image = o->image + c;
#define OFFSET(v) ((v) == vectors - 1 ? last : (v) * LANES)
    UNROLL for (int v = 0; v < vectors; v++) {
        best[v] = sum[v] = pool_load(image + first * o->channels + OFFSET(v), n);
        place[v] = (ivec){} + (integer)first;
    }
    const ptrdiff_t width = columns.end - columns.begin, to_next_row = o->width - width;
    const real *x = image + first * o->channels;
    ptrdiff_t at = first, left = width;
    for (ptrdiff_t k = (rows.end - rows.begin) * width - 1; k > 0; k--) { /* not two: ends of short loops are slow */
        left--;
        const ptrdiff_t step = left ? 1 : 1 + to_next_row;
        left = left ? left : width;
        at += step, x += step * o->channels;
        const ivec here = (ivec){} + (integer)at;
        UNROLL for (int v = 0; v < vectors; v++) {
            const vec value = pool_load(x + OFFSET(v), n);
            place[v] = place_of_larger(value, best[v], here, place[v]);
            best[v] = larger(value, best[v]);
            sum[v] += value;
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        if (any(sum[v] != sum[v])) {
            const ptrdiff_t row = o->width * o->channels;
            const Window w = {rows.begin, rows.end, columns.begin, columns.end, row, o->channels, o->width};
            const Extreme found = extreme_or_nan(w, image + OFFSET(v), best[v], n);
            best[v] = found.best, place[v] = found.place;
        }
        pool_store(o->y + to + c + OFFSET(v), best[v], n);
        store_places(o->index, to + c + OFFSET(v), bytes, place[v], n);
    }
#undef OFFSET
}

/* All channels of a bin; the last of fewer vectors than ROI_VECTORS may begin in the one before. */
INLINE void pool_bin(const Pooled *o, const int bytes, const Span rows, const Span columns, ptrdiff_t to) {
    const ptrdiff_t many = ROI_VECTORS * LANES;
    ptrdiff_t c = 0;
    for (; c + many <= o->channels; c += many)
        largest_of_bin(o, ROI_VECTORS, bytes, rows, columns, c, many - LANES, LANES, to);
    const ptrdiff_t rest = o->channels - c, last = rest - LANES;
    if (!rest) return;
    if (rest <= LANES && o->channels >= LANES) largest_of_bin(o, 1, bytes, rows, columns, c + last, 0, LANES, to);
    else if (rest <= LANES) largest_of_bin(o, 1, bytes, rows, columns, c, 0, rest, to);
    else if (rest <= 2 * LANES) largest_of_bin(o, 2, bytes, rows, columns, c, last, LANES, to);
    else if (rest <= 3 * LANES) largest_of_bin(o, 3, bytes, rows, columns, c, last, LANES, to);
    else largest_of_bin(o, 4, bytes, rows, columns, c, last, LANES, to);
}

INLINE void pool_strips(const RoiShape *s, const real *x, const real *rois, const RoiPlan *plan, real *y, void *index,
                        const int bytes, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, numbers = s->bins_x * channels;
    Pooled o = {.width = s->width, .channels = channels, .y = y, .index = index};
    for (const Strip *strip = plan->strips + first; strip < plan->strips + last; strip++) {
        const Span *bins = plan->bins + strip->region * (s->bins_y + s->bins_x), rows = bins[strip->row];
        const ptrdiff_t image = roi_image(s, rois + 5 * strip->region);
        ptrdiff_t to = (strip->region * s->bins_y + strip->row) * numbers;
        if (image < 0) {
            for (ptrdiff_t i = 0; i < numbers; i++) y[to + i] = (real)NAN;
            if (bytes) memset((char *)index + to * bytes, -1, (size_t)(numbers * bytes));
            continue;
        }
        o.image = x + image * s->height * s->width * channels;
        for (const Span *columns = bins + s->bins_y, *end = columns + s->bins_x; columns < end;
             columns++, to += channels) {
            if (rows.begin < rows.end && columns->begin < columns->end) {
                pool_bin(&o, bytes, rows, *columns, to);
                continue;
            }
            memset(y + to, 0, sizeof(real) * (size_t)channels);
            if (bytes) memset((char *)index + to * bytes, -1, (size_t)(channels * bytes));
        }
    }
}

static void roi_pool_forward(const RoiShape *s, const void *x, const void *rois, ptrdiff_t regions, void *memory,
                             void *y, void *index, int bytes, ptrdiff_t first, ptrdiff_t last) {
    const RoiPlan plan = roi_plan_in(s, regions, memory);
    if (bytes == 2) pool_strips(s, x, rois, &plan, y, index, 2, first, last);
    else if (bytes == 4) pool_strips(s, x, rois, &plan, y, index, 4, first, last);
    else pool_strips(s, x, rois, &plan, y, index, 0, first, last);
}

static void empty_channels(const RoiShape *s, real *gx, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t pixels = s->height * s->width;
    if (last - first == s->channels) memset(gx, 0, sizeof(real) * (size_t)(pixels * s->channels));
    else
        for (ptrdiff_t i = 0; i < pixels; i++)
            memset(gx + i * s->channels + first, 0, sizeof(real) * (size_t)(last - first));
}

INLINE ptrdiff_t place_at(const void *index, ptrdiff_t c, const int bytes) {
    return bytes == 2 ? ((const int16_t *)index)[c] : ((const int32_t *)index)[c];
}

/* Every number to its own place. A few are read before they are written: the processor cannot know that no two are of
 * the same channel, and would wait for each of them, which the caches are slow with. */
INLINE void add_each(const RoiShape *s, const void *index, const int bytes, const real *gy, real *gx, ptrdiff_t first,
                     ptrdiff_t last) {
    enum { TOGETHER = 8 };
    ptrdiff_t c = first;
    for (; c + TOGETHER <= last; c += TOGETHER) {
        real *to[TOGETHER], sums[TOGETHER];
        UNROLL for (int k = 0; k < TOGETHER; k++) to[k] = gx + place_at(index, c + k, bytes) * s->channels + c + k;
        UNROLL for (int k = 0; k < TOGETHER; k++) sums[k] = *to[k] + gy[c + k];
        UNROLL for (int k = 0; k < TOGETHER; k++) *to[k] = sums[k];
    }
    for (; c < last; c++) gx[place_at(index, c, bytes) * s->channels + c] += gy[c];
}

/* To each of the few pixels of a bin what it has won, all channels in a row, by vectors */
INLINE void add_winners(const RoiShape *s, const Span rows, const Span columns, const void *index, const int bytes,
                        const real *gy, real *gx, ptrdiff_t count) {
    const ptrdiff_t whole = count / LANES * LANES;
    for (ptrdiff_t h = rows.begin; h < rows.end; h++) {
        for (ptrdiff_t place = h * s->width + columns.begin; place < h * s->width + columns.end; place++) {
            real *to = gx + place * s->channels;
            for (ptrdiff_t c = 0; c < whole; c += LANES) {
                const ivec is_winner = load_places(index, c, bytes, LANES) == (integer)place;
                store(to + c, load(to + c) + (vec)((ivec)load(gy + c) & is_winner));
            }
        }
    }
    add_each(s, index, bytes, gy, gx, whole, count);
}

/* Pixels of a bin up to which vectors are looked through for each of them, if there are some: one takes as long as two
 * numbers that go to their own places. In ms with a limit of 0, 4, 8, 18 in AVX-512: of a 38x63x512 map and 128 regions
 * 7.5, 8.4, 7.5, 8.7; of 16 of 14x14x64 and 512, 2.8, 2.1, 1.8, 1.8; of 2 of 25x25x256 and 128, 14x14 bins, 9.6, 6.7,
 * 5.9, 5.8; of 8 of 14x14x32 and 64 0.21 instead of 0.15. */
enum { FEW_PLACES = LANES / 2, MANY_CHANNELS = 2 * LANES };

INLINE void grad_strips(const RoiShape *s, const real *all_gy, const RoiPlan *plan, const void *index, const int bytes,
                        real *gx, ptrdiff_t image, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, width = last - first;
    const Strip *strip = plan->strips + (image ? plan->ends[image * plan->keys - 1] : 0);
    for (; strip < plan->strips + plan->ends[(image + 1) * plan->keys - 1]; strip++) {
        const Span *bins = plan->bins + strip->region * (s->bins_y + s->bins_x), rows = bins[strip->row];
        ptrdiff_t from = (strip->region * s->bins_y + strip->row) * s->bins_x * channels + first;
        for (const Span *columns = bins + s->bins_y, *end = columns + s->bins_x; columns < end;
             columns++, from += channels) {
            const ptrdiff_t places = (rows.end - rows.begin) * (columns->end - columns->begin);
            const real *gy = all_gy + from;
            const char *at = (const char *)index + from * bytes;
            if (rows.begin >= rows.end || columns->begin >= columns->end) continue;
            fetch_ahead_of(gy, sizeof(real) * (size_t)width);
            fetch_ahead_of(at, (size_t)(width * bytes));
            if (places <= FEW_PLACES && width >= MANY_CHANNELS)
                add_winners(s, rows, *columns, at, bytes, gy, gx + first, width);
            else add_each(s, at, bytes, gy, gx + first, 0, width);
        }
    }
}

/* Channels [first, last) of one image: the sum over its strips, in the order of the plan. */
static void roi_pool_grad(const RoiShape *s, const void *gy, ptrdiff_t regions, void *memory, const void *index,
                          int bytes, void *gx_, ptrdiff_t image, ptrdiff_t first, ptrdiff_t last) {
    const RoiPlan plan = roi_plan_in(s, regions, memory);
    real *gx = (real *)gx_ + image * s->height * s->width * s->channels;
    empty_channels(s, gx, first, last);
    if (bytes == 2) grad_strips(s, gy, &plan, index, 2, gx, image, first, last);
    else grad_strips(s, gy, &plan, index, 4, gx, image, first, last);
}

#endif
