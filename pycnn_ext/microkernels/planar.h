/* Convolution with few filters: pixels along the vector, since the filters would leave most of its lanes empty.
 *
 * A band of lines is copied into planes, one for each channel and each remainder of the column by the stride, with
 * the zeros of the padding. In a plane the numbers that a tap reads for neighbouring pixels are neighbours, too, so
 * the depth of the product (tap and channel) becomes a list of offsets into the planes.
 *
 *   planar               target        = planes * filters, a tile of some filters by some vectors of pixels
 *   planar_filter_grad   partial[d][k] = sum over pixels of planes[d] * gradient[k]
 */
#ifndef PYCNN_PLANAR_H
#define PYCNN_PLANAR_H

#include "activation.h"
#include "gather.h"
#include "tile.h"

#define PLANE_NUMBERS (16 * 1024) /* of a band: 64 KiB of floats */

/* The planes of a band: number (channel c, line y, column x) of the source, counted from the first tap's of the
 * band's first pixel, is at ((c*stride_x + x % stride_x)*height + y)*pitch + x / stride_x. */
typedef struct {
    ptrdiff_t min_y, min_x, span_y, span_x; /* of the taps */
    ptrdiff_t lines, height, pitch, size;   /* `lines` of the grid, at most, need `height` of the source */
} Planes;

static Planes planes_of(const RowGather *g, ptrdiff_t lines) {
    ptrdiff_t min_y = g->tap_y[0], max_y = min_y, min_x = g->tap_x[0], max_x = min_x;
    for (ptrdiff_t t = 1; t < g->taps; t++) {
        min_y = at_most(min_y, g->tap_y[t]), min_x = at_most(min_x, g->tap_x[t]);
        max_y = -at_most(-max_y, -g->tap_y[t]), max_x = -at_most(-max_x, -g->tap_x[t]);
    }
    Planes b = {min_y, min_x, max_y - min_y + 1, max_x - min_x + 1, lines, 0, 0, 0};
    b.pitch = (g->grid_width + LANES - 1) / LANES * LANES + (b.span_x - 1) / g->stride_x;
    const ptrdiff_t line_size = g->length * g->stride_x * b.pitch;
    const ptrdiff_t fit = (PLANE_NUMBERS / line_size - b.span_y) / g->stride_y + 1;
    b.lines = at_most(fit, lines) < 1 ? 1 : at_most(fit, lines);
    b.height = (b.lines - 1) * g->stride_y + b.span_y;
    b.size = line_size * b.height;
    return b;
}

/* offset[tap*length + channel] into the planes */
static void plane_offsets(const RowGather *g, const Planes *b, ptrdiff_t *offset) {
    for (ptrdiff_t t = 0; t < g->taps; t++) {
        const ptrdiff_t y = g->tap_y[t] - b->min_y, x = g->tap_x[t] - b->min_x;
        for (ptrdiff_t c = 0; c < g->length; c++)
            offset[t * g->length + c] =
                ((c * g->stride_x + x % g->stride_x) * b->height + y) * b->pitch + x / g->stride_x;
    }
}

/* to[c*plane + q] = from[q*step + c] for q in [0, count) and c in [0, channels) */
INLINE void split_channels(const real *from, ptrdiff_t step, ptrdiff_t count, ptrdiff_t channels, real *to,
                           ptrdiff_t plane) {
    if (step == 1) {
        memcpy(to, from, sizeof(real) * (size_t)count);
        return;
    }
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        const ptrdiff_t n = at_most(LANES, channels - c);
        for (ptrdiff_t q = 0; q < count; q += LANES) {
            const ptrdiff_t pixels = at_most(LANES, count - q);
            vec turned[LANES];
            load_turned(from + q * step + c, step, pixels, n, turned);
            for (ptrdiff_t i = 0; i < n; i++) store_first(to + (c + i) * plane + q, turned[i], pixels);
        }
    }
}

/* Copy what `lines` lines of image n from line i of the grid on read, with zeros outside. */
static void fill_planes(const RowGather *g, const Planes *b, ptrdiff_t n, ptrdiff_t i, ptrdiff_t lines, real *planes) {
    const ptrdiff_t top = i * g->stride_y + b->min_y, height = (lines - 1) * g->stride_y + b->span_y;
    const ptrdiff_t plane = g->stride_x * b->height * b->pitch, step = g->stride_x * g->pixel;
    memset(planes, 0, sizeof(real) * (size_t)b->size);
    for (ptrdiff_t p = 0; p < g->stride_x; p++) {
        const ptrdiff_t left = b->min_x + p; /* number q of a line is column left + q*stride_x, inside from `begin` */
        const ptrdiff_t begin = left < 0 ? at_most((-left + g->stride_x - 1) / g->stride_x, b->pitch) : 0;
        const ptrdiff_t inside = left < g->width ? at_most((g->width - 1 - left) / g->stride_x + 1, b->pitch) : 0;
        const ptrdiff_t end = inside > begin ? inside : begin;
        for (ptrdiff_t y = 0; y < height; y++) {
            if ((size_t)(top + y) >= (size_t)g->height) continue; /* negatives are huge */
            const real *from = (const real *)g->source + n * g->image + (top + y) * g->row
                + (left + begin * g->stride_x) * g->pixel;
            split_channels(from, step, end - begin, g->length, planes + (p * b->height + y) * b->pitch + begin, plane);
        }
    }
}

typedef void planar_tile_fn(const real *const *pixels, const ptrdiff_t *offset, ptrdiff_t depth, const real *weights,
                            vec *sums);
typedef void planar_sum_tile_fn(const real *planes, const ptrdiff_t *offset, ptrdiff_t line_step, const real *gradient,
                                ptrdiff_t plane_size, ptrdiff_t width, ptrdiff_t lines, vec *sums, ptrdiff_t sums_row);

/* sums[f][v] = sum over d of weights[d][f] * pixels[v][offset[d] + lane] */
INLINE void planar_tile(const int MR, const int NV, const real *const *pixels, const ptrdiff_t *offset, ptrdiff_t depth,
                        const real *weights, vec *sums) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    const real *pixel[TILE_VECTORS];
    UNROLL for (int v = 0; v < NV; v++) pixel[v] = pixels[v];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    for (ptrdiff_t d = 0; d < depth; d++, weights += MR) {
        vec b[TILE_VECTORS];
        UNROLL for (int v = 0; v < NV; v++) b[v] = load(pixel[v] + offset[d]);
        UNROLL for (int i = 0; i < MR; i++) {
            const vec a = splat(weights[i]);
            UNROLL for (int v = 0; v < NV; v++) sum[i][v] += a * b[v];
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sums[i * NV + v] = sum[i][v];
}

/* sums[i][v][lane] += planes[offset[i] + pixel] * gradient[v*plane_size + pixel], over `lines` lines of `width` pixels,
 * width a multiple of LANES; lane l takes the pixels l, l + LANES, ... */
INLINE void planar_sum_tile(const int MR, const int NV, const real *planes, const ptrdiff_t *offset,
                            ptrdiff_t line_step, const real *gradient, ptrdiff_t plane_size, ptrdiff_t width,
                            ptrdiff_t lines, vec *sums, ptrdiff_t sums_row) {
    vec sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sum[i][v] = (vec){};
    for (ptrdiff_t l = 0; l < lines; l++, planes += line_step) {
        for (ptrdiff_t j = 0; j < width; j += LANES, gradient += LANES) {
            vec b[TILE_VECTORS];
            UNROLL for (int v = 0; v < NV; v++) b[v] = load(gradient + v * plane_size);
            UNROLL for (int i = 0; i < MR; i++) {
                vec a = load(planes + offset[i] + j);
                IN_REGISTER(a);
                UNROLL for (int v = 0; v < NV; v++) sum[i][v] += a * b[v];
            }
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) sums[i * sums_row + v] += sum[i][v];
}

#define DEFINE_PLANAR_TILE(MR, NV)                                                                                    \
    static void planar_tile_##MR##x##NV(const real *const *pixels, const ptrdiff_t *offset, ptrdiff_t depth,          \
                                        const real *weights, vec *sums) {                                             \
        planar_tile(MR, NV, pixels, offset, depth, weights, sums);                                                    \
    }                                                                                                                 \
    static void planar_sum_tile_##MR##x##NV(const real *planes, const ptrdiff_t *offset, ptrdiff_t line_step,         \
                                            const real *gradient, ptrdiff_t plane_size, ptrdiff_t width,              \
                                            ptrdiff_t lines, vec *sums, ptrdiff_t sums_row) {                         \
        planar_sum_tile(MR, NV, planes, offset, line_step, gradient, plane_size, width, lines, sums, sums_row);       \
    }
#define PLANAR_TILE(MR, NV) [NV][MR] = planar_tile_##MR##x##NV,
#define PLANAR_SUM_TILE(MR, NV) [NV][MR] = planar_sum_tile_##MR##x##NV,

FOR_EACH_TILE(DEFINE_PLANAR_TILE)
static planar_tile_fn *const planar_tiles[TILE_VECTORS + 1][TILE_ROWS + 1] = {FOR_EACH_TILE(PLANAR_TILE)};
static planar_sum_tile_fn *const planar_sum_tiles[TILE_VECTORS + 1][TILE_ROWS + 1] = {FOR_EACH_TILE(PLANAR_SUM_TILE)};

/* The most vectors of pixels that a tile of so many filters has. */
INLINE ptrdiff_t tile_vectors(ptrdiff_t filters) {
    ptrdiff_t vectors = TILE_VECTORS;
    while (tile_rows[vectors] < filters) vectors--;
    return vectors;
}

/* Store filters [k, k + count) of a vector of pixels: turned, pixel by pixel. sums has one vector each `step`. */
INLINE void store_pixels(const vec *sums, ptrdiff_t step, ptrdiff_t count, ptrdiff_t pixels, real *to,
                         ptrdiff_t pixel) {
    for (ptrdiff_t k = 0; k < count; k += LANES, to += LANES) {
        const ptrdiff_t n = at_most(LANES, count - k);
        vec turned[LANES];
        UNROLL for (ptrdiff_t i = 0; i < LANES; i++) turned[i] = i < n ? sums[(k + i) * step] : (vec){};
        store_turned(turned, pixels, n, to, pixel);
    }
}

/* The filters [part_begin, ...) of all pixels of a band whose first line's results go to `target`. */
static void planar_band(const RowGather *g, const Planes *b, const real *planes, const ptrdiff_t *offset,
                        const real *weights, ptrdiff_t filters, ptrdiff_t lines, const real *bias, int activation,
                        real *target, const RowTarget *t) {
    const ptrdiff_t vectors = tile_vectors(filters), line_vectors = (g->grid_width + LANES - 1) / LANES;
    const ptrdiff_t all = lines * line_vectors;
    for (ptrdiff_t first = 0, line = 0, column = 0; first < all; first += vectors) {
        const ptrdiff_t count = at_most(vectors, all - first);
        const real *pixels[TILE_VECTORS];
        real *to[TILE_VECTORS];
        ptrdiff_t valid[TILE_VECTORS];
        vec sums[TILE_SUMS];
        for (ptrdiff_t v = 0; v < count; v++) {
            pixels[v] = planes + line * g->stride_y * b->pitch + column;
            to[v] = target + line * t->row + column * t->pixel;
            valid[v] = at_most(LANES, g->grid_width - column);
            column += LANES;
            if (column >= g->grid_width) column = 0, line++;
        }
        planar_tiles[count][filters](pixels, offset, g->taps * g->length, weights, sums);
        for (ptrdiff_t k = 0; k < filters && bias; k++)
            for (ptrdiff_t v = 0; v < count; v++) sums[k * count + v] += bias[k];
        if (activation != LINEAR) activate(sums, filters * count, activation);
        for (ptrdiff_t v = 0; v < count; v++) store_pixels(sums + v, count, filters, valid[v], to[v], t->pixel);
    }
}

static void planar(const RowGather *g, const FilterMatrix *f, const RowTarget *target, const void *bias_,
                   int activation, ptrdiff_t first, ptrdiff_t last) {
    const Planes b = planes_of(g, at_most(g->grid_height, last - first));
    const ptrdiff_t depth = g->taps * g->length;
    const Parts parts = divide(f->columns, TILE_ROWS);
    real *planes = thread_scratch(sizeof(real) * (size_t)(b.size + depth * f->columns) +
                                  sizeof(ptrdiff_t) * (size_t)(depth + 1));
    real *weights = planes + b.size;
    ptrdiff_t *offset = (ptrdiff_t *)(((uintptr_t)(weights + depth * f->columns) + sizeof *offset - 1) /
                                      sizeof *offset * sizeof *offset);
    plane_offsets(g, &b, offset);
    for (ptrdiff_t part = 0; part < parts.parts; part++) { /* [part][depth][filter of the part] */
        const ptrdiff_t begin = part_begin(parts, part), count = part_size(parts, part);
        for (ptrdiff_t d = 0; d < depth; d++)
            for (ptrdiff_t k = 0; k < count; k++)
                weights[depth * begin + d * count + k] =
                    ((const real *)f->weights)[f->tap_offset[d / g->length] + d % g->length * f->step +
                                               (begin + k) * f->column_step];
    }
    while (first < last) {
        const ptrdiff_t n = first / g->grid_height, i = first % g->grid_height;
        const ptrdiff_t lines = at_most(b.lines, at_most(last - first, g->grid_height - i));
        fill_planes(g, &b, n, i, lines, planes);
        for (ptrdiff_t part = 0; part < parts.parts; part++) {
            const ptrdiff_t begin = part_begin(parts, part);
            planar_band(g, &b, planes, offset, weights + depth * begin, part_size(parts, part), lines,
                        bias_ ? (const real *)bias_ + begin : NULL, activation,
                        (real *)target->target + n * target->image + i * target->row + begin, target);
        }
        first += lines;
    }
}

/* gradient[filter][line][pixel] of `lines` lines, with zeros from the grid's width to `width` */
static void gradient_planes(const RowGather *g, const real *gradient, ptrdiff_t filters, ptrdiff_t lines,
                            ptrdiff_t width, real *planes) {
    for (ptrdiff_t k = 0; k < filters; k += LANES) {
        const ptrdiff_t n = at_most(LANES, filters - k);
        for (ptrdiff_t l = 0; l < lines; l++) {
            for (ptrdiff_t j = 0; j < width; j += LANES) {
                const real *from = gradient + (l * g->grid_width + j) * filters + k;
                vec turned[LANES];
                load_turned(from, filters, at_most(LANES, g->grid_width - j), n, turned);
                for (ptrdiff_t i = 0; i < n; i++) store(planes + ((k + i) * lines + l) * width + j, turned[i]);
            }
        }
    }
}

static void planar_filter_grad(const RowGather *g, const void *gradient, ptrdiff_t filters, ptrdiff_t first,
                               ptrdiff_t last, void *partial) {
    const Planes b = planes_of(g, at_most(g->grid_height, last - first));
    const ptrdiff_t depth = g->taps * g->length, width = (g->grid_width + LANES - 1) / LANES * LANES;
    const Parts columns = divide(filters, TILE_VECTORS);
    const Parts rows = divide(depth, tile_rows[part_size(columns, 0)]);
    vec *sums = thread_scratch(sizeof(vec) * (size_t)(depth * filters) +
                               sizeof(real) * (size_t)(b.size + b.lines * filters * width) +
                               sizeof(ptrdiff_t) * (size_t)(depth + 1));
    real *gradients = (real *)(sums + depth * filters), *planes = gradients + b.lines * filters * width;
    ptrdiff_t *offset = (ptrdiff_t *)(((uintptr_t)(planes + b.size) + sizeof *offset - 1) /
                                      sizeof *offset * sizeof *offset);
    plane_offsets(g, &b, offset);
    memset(sums, 0, sizeof(vec) * (size_t)(depth * filters));
    while (first < last) {
        const ptrdiff_t n = first / g->grid_height, i = first % g->grid_height;
        const ptrdiff_t lines = at_most(b.lines, at_most(last - first, g->grid_height - i));
        fill_planes(g, &b, n, i, lines, planes);
        gradient_planes(g, (const real *)gradient + first * g->grid_width * filters, filters, lines, width, gradients);
        for (ptrdiff_t r = 0; r < rows.parts; r++) {
            for (ptrdiff_t c = 0; c < columns.parts; c++) {
                const ptrdiff_t d = part_begin(rows, r), k = part_begin(columns, c);
                planar_sum_tiles[part_size(columns, c)][part_size(rows, r)](
                    planes, offset + d, g->stride_y * b.pitch, gradients + k * lines * width, lines * width, width,
                    lines, sums + d * filters + k, filters);
            }
        }
        first += lines;
    }
    for (ptrdiff_t s = 0; s < depth * filters; s++) {
        real sum = 0;
        UNROLL for (int l = 0; l < LANES; l++) sum += sums[s][l];
        ((real *)partial)[s] = sum;
    }
}

#endif
