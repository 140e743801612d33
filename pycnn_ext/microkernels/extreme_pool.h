/* Max and min pooling. The gradient gathers: every input pixel looks at the windows that hold it. */
#ifndef PYCNN_EXTREME_POOL_H
#define PYCNN_EXTREME_POOL_H

#include "pool.h"

typedef uint8_t bytes_vec __attribute__((vector_size(VECTOR_BYTES / sizeof(real))));
typedef int32_t ints_vec __attribute__((vector_size(VECTOR_BYTES / sizeof(real) * 4)));

/* Between lanes and bytes: what gcc makes of __builtin_convertvector goes lane by lane. */
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
INLINE ivec from_bytes(bytes_vec b) { return (ivec)_mm512_cvtepu8_epi32((__m128i)b); }
INLINE bytes_vec to_bytes(ivec v) { return (bytes_vec)_mm512_cvtepi32_epi8((__m512i)v); }
#elif defined(__AVX2__) && !defined(PYCNN_DOUBLE)
INLINE ivec from_bytes(bytes_vec b) {
    __m128i low = _mm_setzero_si128();
    memcpy(&low, &b, sizeof b);
    return (ivec)_mm256_cvtepu8_epi32(low);
}
INLINE bytes_vec to_bytes(ivec v) {
    const __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    const __m128i low = _mm_packus_epi16(shorts, shorts);
    bytes_vec b;
    memcpy(&b, &low, sizeof b);
    return b;
}
#else
INLINE ivec from_bytes(bytes_vec b) { return __builtin_convertvector(b, ivec); }
INLINE bytes_vec to_bytes(ivec v) { return __builtin_convertvector(v, bytes_vec); }
#endif

/* The first n lanes as bytes or ints; for bytes without a call to memcpy, which takes longer than the window. */
INLINE void store_index(void *index, ptrdiff_t at, int bytes, ivec places, ptrdiff_t n) {
    if (bytes == 1) {
        uint8_t *to = (uint8_t *)index + at;
        const bytes_vec b = to_bytes(places);
        if (n >= LANES) memcpy(to, &b, sizeof b);
        else {
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
            _mm_mask_storeu_epi8(to, first_lanes(n), (__m128i)b);
#else
            for (ptrdiff_t i = 0; i < n; i++) to[i] = b[i];
#endif
        }
    } else {
        const ints_vec b = __builtin_convertvector(places, ints_vec);
        memcpy((int32_t *)index + at, &b, (size_t)at_most(n, LANES) * 4);
    }
}

INLINE ivec load_index(const void *index, ptrdiff_t at, int bytes, ptrdiff_t n) {
    if (bytes == 1) {
        const uint8_t *from = (const uint8_t *)index + at;
        bytes_vec b = {};
        if (n >= LANES) memcpy(&b, from, sizeof b);
        else {
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
            b = (bytes_vec)_mm_maskz_loadu_epi8(first_lanes(n), from);
#else
            for (ptrdiff_t i = 0; i < n; i++) b[i] = from[i];
#endif
        }
        return from_bytes(b);
    }
    ints_vec b = {};
    memcpy(&b, (const int32_t *)index + at, (size_t)at_most(n, LANES) * 4);
    return __builtin_convertvector(b, ivec);
}

/* Part [r0, r1) x [q0, q1) of a window, whose places lie `row` and `column` numbers apart, counted from its corner. */
typedef struct {
    ptrdiff_t r0, r1, q0, q1, row, column;
    ptrdiff_t width; /* of the whole window: place (r, q) has the index r*width + q */
} Window;

typedef struct {
    vec best;
    ivec place;
} Extreme;

enum { WALKED = 4 };

/* The first NaN of n lanes, or where there is none the first that is `best`. */
static __attribute__((noinline)) Extreme extreme_or_nan(Window w, const real *corner, vec best, ptrdiff_t n) {
    ivec place = {}, found = {};
    for (int nan = 1; nan >= 0; nan--) {
        for (ptrdiff_t r = w.r0; r < w.r1; r++) {
            for (ptrdiff_t q = w.q0; q < w.q1; q++) {
                const vec x = load_first(corner + r * w.row + q * w.column, n);
                const ivec here = ~found & (nan ? x != x : x == best);
                place = (here & (integer)(r * w.width + q)) | (~here & place);
                best = choose(here, x, best);
                found |= here;
            }
        }
    }
    return (Extreme){best, place};
}

/* The largest of a window, for n lanes, and if `placed` which place it was. First the value, then where it is: neither
 * waits long for the place before. A NaN shows in the sum, as may infinities. */
INLINE Extreme extreme_value(const Window w, const real *corner, const int minimum, const int placed, ptrdiff_t n) {
    vec best = pool_load(corner + w.r0 * w.row + w.q0 * w.column, n), sum = {};
    UNROLL for (ptrdiff_t r = w.r0; r < w.r1; r++) {
        UNROLL for (ptrdiff_t q = w.q0; q < w.q1; q++) {
            const vec x = pool_load(corner + r * w.row + q * w.column, n);
            best = minimum ? smaller(x, best) : larger(x, best);
            sum += x;
        }
    }
    if (any(sum != sum)) return extreme_or_nan(w, corner, best, n);
    ivec place = {};
    if (!placed) return (Extreme){best, place};
    UNROLL for (ptrdiff_t r = w.r1 - 1; r >= w.r0; r--) { /* from the last to the first, which stays */
        UNROLL for (ptrdiff_t q = w.q1 - 1; q >= w.q0; q--) {
            const ivec here = pool_load(corner + r * w.row + q * w.column, n) == best;
            place = (here & (integer)(r * w.width + q)) | (~here & place);
        }
    }
    return (Extreme){best, place};
}

/* The same of WALKED vectors side by side, by one walk over a window of many places: they lie far apart. */
INLINE void extreme_walk(const Window w, const real *corner, const int minimum, real *y, void *index, ptrdiff_t at,
                         const int bytes) {
    vec best[WALKED];
    ivec place[WALKED];
    UNROLL for (int v = 0; v < WALKED; v++) {
        best[v] = load(corner + w.r0 * w.row + w.q0 * w.column + v * LANES);
        place[v] = (ivec){} + (integer)(w.r0 * w.width + w.q0);
    }
    for (ptrdiff_t r = w.r0; r < w.r1; r++) {
        for (ptrdiff_t q = w.q0; q < w.q1; q++) {
            UNROLL for (int v = 0; v < WALKED; v++) {
                const vec x = load(corner + r * w.row + q * w.column + v * LANES);
                const ivec here = (minimum ? x < best[v] : x > best[v]) | ((x != x) & (best[v] == best[v]));
                best[v] = choose(here, x, best[v]);
                place[v] = (here & (integer)(r * w.width + q)) | (~here & place[v]);
            }
        }
    }
    UNROLL for (int v = 0; v < WALKED; v++) {
        store(y + at + v * LANES, best[v]);
        if (bytes) store_index(index, at + v * LANES, bytes, place[v], LANES);
    }
}

INLINE void extreme_vector(const Window w, const real *corner, const int minimum, real *y, void *index, ptrdiff_t at,
                           const int bytes, ptrdiff_t n) {
    const Extreme e = extreme_value(w, corner, minimum, bytes, n);
    pool_store(y + at, e.best, n);
    if (bytes) store_index(index, at, bytes, e.place, n);
}

INLINE void extreme_channels(const Window w, const real *corner, ptrdiff_t channels, const int minimum, real *y,
                             void *index, ptrdiff_t at, const int bytes, const int many) {
    ptrdiff_t c = 0;
    for (; many && c + WALKED * LANES <= channels; c += WALKED * LANES)
        extreme_walk(w, corner + c, minimum, y, index, at + c, bytes);
    for (; c + LANES <= channels; c += LANES) extreme_vector(w, corner + c, minimum, y, index, at + c, bytes, LANES);
    if (c < channels) extreme_vector(w, corner + c, minimum, y, index, at + c, bytes, channels - c);
}

INLINE void extreme_pool_rows(const PoolShape *s, const ptrdiff_t rows, const ptrdiff_t columns, const real *x, real *y,
                              void *index, const int bytes, const int minimum, const int many, ptrdiff_t first,
                              ptrdiff_t last) {
    const size_t step = comes_from_far(s) ? sizeof(real) * (size_t)(s->stride_x * s->channels) : 0;
    const ptrdiff_t new_row = rows > s->stride_y ? rows - s->stride_y : 0; /* of the window, which the last had not */
    for (ptrdiff_t row = first; row < last; row++) {
        const real *image = x + row / s->grid_height * s->height * s->width * s->channels;
        const ptrdiff_t top = row % s->grid_height * s->stride_y - s->top;
        Window w = {.row = s->width * s->channels, .column = s->channels, .width = columns}, whole = w;
        whole.r1 = rows, whole.q1 = columns;
        window_inside(top, rows, s->height, &w.r0, &w.r1);
        for (ptrdiff_t j = 0; j < s->grid_width; j++) {
            const ptrdiff_t at = (row * s->grid_width + j) * s->channels, left = j * s->stride_x - s->left;
            const real *corner = image + (top * s->width + left) * s->channels;
            for (ptrdiff_t r = new_row; r < rows && step; r++) fetch_ahead_of(corner + r * w.row, step);
            window_inside(left, columns, s->width, &w.q0, &w.q1);
            if (w.r1 - w.r0 == rows && w.q1 - w.q0 == columns)
                extreme_channels(whole, corner, s->channels, minimum, y, index, at, bytes, many);
            else extreme_channels(w, corner, s->channels, minimum, y, index, at, bytes, many);
        }
    }
}

/* Windows of 2 x 2 and 3 x 3 have a loop of their own, and another where nobody asks for the index. */
static void extreme_pool_forward(const PoolShape *s, const void *x, void *y, void *index, int bytes, int minimum,
                                 ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t rows = s->pool_height, columns = s->pool_width;
#define CASE(SIZE, BYTES)                                                                                             \
    if (!minimum && bytes == BYTES && rows == SIZE && columns == SIZE)                                                \
        extreme_pool_rows(s, SIZE, SIZE, x, y, index, BYTES, 0, 0, first, last);
    CASE(2, 0)
    else CASE(2, 1)
    else CASE(3, 0)
    else CASE(3, 1)
    else extreme_pool_rows(s, rows, columns, x, y, index, bytes, minimum, 1, first, last);
#undef CASE
}

/* What the windows that hold a pixel send to it, for n lanes: window (i, j) of them lies `row` and `column` numbers on,
 * and for it the pixel is the place `place` - i*place_row - j*place_column. */
typedef struct {
    ptrdiff_t row, column;
    integer place, place_row, place_column;
} Senders;

INLINE void extreme_grad_vector(const Senders w, const ptrdiff_t rows, const ptrdiff_t columns, const real *gy,
                                const void *index, ptrdiff_t at, const int bytes, real *gx, ptrdiff_t n) {
    vec sum = {};
    UNROLL for (ptrdiff_t i = 0; i < rows; i++) {
        UNROLL for (ptrdiff_t j = 0; j < columns; j++) {
            const ptrdiff_t from = at + i * w.row + j * w.column;
            const integer place = w.place - (integer)i * w.place_row - (integer)j * w.place_column;
            sum += (vec)((ivec)pool_load(gy + from, n) & (load_index(index, from, bytes, n) == place));
        }
    }
    pool_store(gx, sum, n);
}

INLINE void extreme_grad_pixel(const Senders w, const ptrdiff_t rows, const ptrdiff_t columns, const real *gy,
                               const void *index, ptrdiff_t at, const int bytes, real *gx, ptrdiff_t channels) {
    for (ptrdiff_t i = 0; channels >= LANES && i < channels; i += LANES) {
        const ptrdiff_t c = begin_of(i, channels, LANES);
        extreme_grad_vector(w, rows, columns, gy, index, at + c, bytes, gx + c, LANES);
    }
    if (channels < LANES) extreme_grad_vector(w, rows, columns, gy, index, at, bytes, gx, channels);
}

/* Windows that do not overlap: each number of a row of windows is read once, and goes to its place or to none. */
INLINE void extreme_pool_spread(const PoolShape *s, const real *gy, const void *index, int bytes, real *gx,
                                const ptrdiff_t n, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t channels = s->channels, row_size = s->width * channels;
    const int gaps = s->stride_x > s->pool_width || s->left < 0 || s->grid_width * s->stride_x - s->left < s->width;
    ImageRow at = image_row_at(s, first);
    for (ptrdiff_t row = first; row < last; row++, next_image_row(s, &at)) {
        const Span i = at.windows;
        const int none = i.begin >= i.end;
        if (none || gaps) memset(gx + row * row_size, 0, sizeof(real) * (size_t)row_size);
        if (none) continue;
        const ptrdiff_t start = (at.y + s->top - i.begin * s->stride_y) * s->pool_width; /* of the row's first place */
        ptrdiff_t from = (at.grid + i.begin) * s->grid_width * channels;
        for (ptrdiff_t j = 0; j < s->grid_width; j++, from += channels) {
            ptrdiff_t q0, q1;
            const ptrdiff_t left = j * s->stride_x - s->left;
            window_inside(left, s->pool_width, s->width, &q0, &q1);
            real *to = gx + row * row_size + left * channels;
            for (ptrdiff_t k = 0; k < channels; k += n) {
                const ptrdiff_t c = begin_of(k, channels, n);
                const ivec place = load_index(index, from + c, bytes, n);
                const vec g = pool_load(gy + from + c, n);
                for (ptrdiff_t q = q0; q < q1; q++)
                    pool_store(to + q * channels + c, (vec)((ivec)g & (place == (integer)(start + q))), n);
            }
        }
    }
}

/* A row of an image of few channels, from so many rows of windows; n lanes of each can be read, fewer in tiny
   images. */
INLINE void extreme_grad_row(const Senders w, const Pick *picks, const ptrdiff_t depth, const ptrdiff_t rows,
                             const real *gy, const void *index, ptrdiff_t at, real *gx, ptrdiff_t numbers,
                             const ptrdiff_t n) {
    for (ptrdiff_t f = 0; f < numbers; f += LANES, picks += depth) {
        vec sum = {};
        UNROLL for (ptrdiff_t k = 0; k < depth; k++) {
            UNROLL for (ptrdiff_t i = 0; i < rows; i++) {
                const ivec place = picks[k].place + (w.place - (integer)i * w.place_row);
                const ivec found = load_index(index, at + i * w.row + picks[k].from, 1, n);
                const ivec here = __builtin_shuffle(found, picks[k].lane) == place;
                sum += (vec)((ivec)pick(picks + k, gy + at + i * w.row, n) & here);
            }
        }
        if (f + LANES <= numbers) store(gx + f, sum);
        else store_first(gx + f, sum, numbers - f);
    }
}

static void extreme_pool_grad_few(const PoolShape *s, const real *gy, const void *index, real *gx, ptrdiff_t first,
                                  ptrdiff_t last) {
    const ptrdiff_t depth = (s->pool_width + s->stride_x - 1) / s->stride_x, numbers = s->width * s->channels;
    const Pick *picks = row_picks(s, depth, 0);
    Senders w = {.row = s->grid_width * s->channels, .place_row = (integer)(s->stride_y * s->pool_width)};
    const int whole = w.row >= LANES;
    ImageRow image_row = image_row_at(s, first);
    for (ptrdiff_t row = first; row < last; row++, next_image_row(s, &image_row)) {
        const Span i = image_row.windows;
        const ptrdiff_t rows = i.end - i.begin, at = (image_row.grid + i.begin) * w.row;
        real *out = gx + row * numbers;
        w.place = (integer)((image_row.y + s->top - i.begin * s->stride_y) * s->pool_width);
#define CASE(DEPTH, ROWS)                           \
    if (whole && depth == DEPTH && rows == ROWS) \
        extreme_grad_row(w, picks, DEPTH, ROWS, gy, index, at, out, numbers, LANES);
        CASE(1, 1)
        else CASE(2, 1)
        else CASE(2, 2)
        else CASE(3, 3)
        else extreme_grad_row(w, picks, depth, rows, gy, index, at, out, numbers, at_most(w.row, LANES));
#undef CASE
    }
}

/* As many windows a pixel as 3 x 3 ones are with stride 2 and inside with stride 1 have loops of their own. */
INLINE void extreme_pool_grad_rows(const PoolShape *s, const real *gy, const void *index, const int bytes, real *gx,
                                   ptrdiff_t first, ptrdiff_t last) {
    if (s->stride_y >= s->pool_height && s->stride_x >= s->pool_width) {
        if (s->channels >= LANES) extreme_pool_spread(s, gy, index, bytes, gx, LANES, first, last);
        else extreme_pool_spread(s, gy, index, bytes, gx, s->channels, first, last);
        return;
    }
    const int far = comes_from_far(s);
    const Span *columns = column_windows(s, 0);
    const ptrdiff_t channels = s->channels;
    ImageRow image_row = image_row_at(s, first);
    for (ptrdiff_t row = first; row < last; row++, next_image_row(s, &image_row)) {
        const Span i = image_row.windows;
        const ptrdiff_t rows = i.end - i.begin, grid_row = image_row.grid + i.begin;
        const integer row_place = (integer)((image_row.y + s->top - i.begin * s->stride_y) * s->pool_width);
        Senders w = {.row = s->grid_width * channels, .column = channels};
        w.place_row = (integer)(s->stride_y * s->pool_width), w.place_column = (integer)s->stride_x;
        for (ptrdiff_t x = 0; x < s->width; x++) {
            const Span j = columns[x];
            const ptrdiff_t at = (grid_row * s->grid_width + j.begin) * channels, count = j.end - j.begin;
            real *out = gx + (row * s->width + x) * channels;
            if (far && (!x || j.begin > columns[x - 1].begin)) /* of the row of windows that none has looked at yet */
                fetch_ahead_of(gy + at + (rows - 1) * w.row, sizeof(real) * (size_t)channels);
            w.place = row_place + (integer)(x + s->left - j.begin * s->stride_x);
#define CASE(ROWS, COLUMNS)                             \
    if (bytes == 1 && rows == ROWS && count == COLUMNS) \
        extreme_grad_pixel(w, ROWS, COLUMNS, gy, index, at, 1, out, channels);
            CASE(1, 1)
            else CASE(1, 2)
            else CASE(2, 1)
            else CASE(2, 2)
            else CASE(3, 3)
            else extreme_grad_pixel(w, rows, count, gy, index, at, bytes, out, channels);
#undef CASE
        }
    }
}

static void extreme_pool_grad(const PoolShape *s, const void *gy, const void *index, int bytes, void *gx,
                              ptrdiff_t first, ptrdiff_t last) {
    if (bytes == 1 && few_channels(s)) extreme_pool_grad_few(s, gy, index, gx, first, last);
    else if (bytes == 1) extreme_pool_grad_rows(s, gy, index, 1, gx, first, last);
    else extreme_pool_grad_rows(s, gy, index, 4, gx, first, last);
}

#endif
