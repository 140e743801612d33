/* Winograd's minimal filtering (Lavin and Gray, CVPR 2016): m x m outputs of an r x r filter from a tile of t x t
 * inputs, t = m + r - 1, with t*t multiplications a channel instead of m*m*r*r.
 *
 *   transformed tile    V = B^T d B       d: t x t pixels of the image
 *   transformed filter  U = G g G^T       g: r x r
 *   outputs             Y = A^T M A       M[p] = sum over channels of V[p] * U[p], a matrix product for each place p
 *
 * The input gradient is the same with the filters turned and transposed; the gradient of the filters is the exact
 * adjoint: G^T (sum over tiles of V^T (A gy A^T)) G.
 *
 * Lanes are channels (of images) or columns (of filters). Tiles and channels go through in blocks so small that what is
 * transformed of them, and the sums M, stay in L2. Filters of few channels stay there too, for all blocks of tiles of a
 * task; others are transformed anew for each block, which takes less time than to read them transformed, four times as
 * many numbers, from memory. Layouts, of one panel of columns:
 *   U [place][channel][column]   V [place][tile][channel]   M [place][tile][column]
 * with SKEW numbers between places.
 */
#ifndef PYCNN_WINOGRAD_H
#define PYCNN_WINOGRAD_H

#include "activation.h"
#include "tile.h"
#include "winograd_transforms.h"

#define BLOCK_TILES 36    /* that go through together, at most */
#define BLOCK_CHANNELS 32 /* that are transformed at a time */
#define GRAD_TILES 24     /* the same of the filter gradient */
#define SKEW LANES        /* between places, so that they do not all fall into one set of the cache */

/* From one place to the next of an array [place][rows][columns]. */
INLINE ptrdiff_t place_step(ptrdiff_t rows, ptrdiff_t columns) { return rows * columns + SKEW; }

/* u[place][channel][width], channels [first, first + count) of panel j, from weights[r][r][channel][filter], or if
 * `adjoint` from weights[r][r][filter][channel] turned by 180 degrees */
static void transform_filters(const Winograd *s, const Transforms *f, const real *weights, int adjoint, ptrdiff_t j,
                              ptrdiff_t first, ptrdiff_t count, real *u) {
    const ptrdiff_t vectors = vectors_of(s->filters, j * PANEL), width = vectors * LANES;
    const ptrdiff_t taps = s->kernel * s->kernel, tap = s->channels * s->filters;
    const ptrdiff_t step = place_step(count, width);
    for (ptrdiff_t c = 0; c < count; c += LANES) {
        const ptrdiff_t channels = at_most(LANES, count - c);
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const ptrdiff_t column = j * PANEL + v * LANES, valid = at_most(LANES, s->filters - column);
            const real *from = weights + (adjoint ? column * s->channels + first + c :
                                                 (first + c) * s->filters + column);
            const ptrdiff_t next = v + 1 < vectors ? LANES : (LANES * s->filters - (vectors - 1) * LANES);
            vec block[MOST_WEIGHTS][LANES]; /* [tap][channel] */
            for (ptrdiff_t t = 0; t < taps && adjoint; t++) {
                const real *turned = from + (taps - 1 - t) * tap;
                for (ptrdiff_t i = 0; i < LANES; i++) {
                    if (vectors > 1) __builtin_prefetch(turned + (i + LANES) * s->channels);
                    block[t][i] = i < valid ? load_first(turned + i * s->channels, channels) : (vec){};
                }
                transpose(block[t]);
            }
            for (ptrdiff_t i = 0; i < channels; i++) {
                vec g[MOST_WEIGHTS];
                for (ptrdiff_t t = 0; t < taps; t++) {
                    const real *at = from + t * tap + i * s->filters;
                    if (!adjoint) __builtin_prefetch(at + next); /* rows lie too far apart for the processor to guess */
                    g[t] = adjoint ? block[t][i] : valid == LANES ? load(at) : load_first(at, valid);
                }
                f->filter(g, u + (c + i) * width + v * LANES, step);
            }
        }
    }
}

/* Where a tile lies: its image, and the row and column of its first output. With a dilation the next ones lie so far
 * apart: every remainder of rows and columns is a convolution without. */
typedef struct {
    ptrdiff_t n, y, x;
} Tile;

static Tile tile_at(const Winograd *s, ptrdiff_t index) {
    const ptrdiff_t grid = s->tiles_y * s->tiles_x, n = index / s->tiles, rest = index % s->tiles;
    const ptrdiff_t remainder = rest / grid, y = rest % grid / s->tiles_x, x = rest % s->tiles_x;
    return (Tile){n, remainder / s->dilation_x + y * s->outputs * s->dilation_y,
                  remainder % s->dilation_x + x * s->outputs * s->dilation_x};
}

/* pixels[i*side + j] = pixel (y + i*dilation_y, x + j*dilation_x) of image n, or zeros outside */
static void tile_pixels(const Winograd *s, const void *image, ptrdiff_t n, ptrdiff_t height, ptrdiff_t width,
                        ptrdiff_t channels, ptrdiff_t y, ptrdiff_t x, ptrdiff_t side, const real **pixels) {
    for (ptrdiff_t i = 0; i < side; i++)
        for (ptrdiff_t j = 0; j < side; j++, pixels++) {
            const ptrdiff_t v = y + i * s->dilation_y, u = x + j * s->dilation_x;
            const int inside = (size_t)v < (size_t)height && (size_t)u < (size_t)width; /* negatives are huge */
            *pixels = inside ? (const real *)image + ((n * height + v) * width + u) * channels : s->zeros;
        }
}

/* to[place][tile][channel] = transform of channels [first, first + count) of side x side pixels of each tile: the
 * inputs of the tiles, or (with `outputs`) their outputs */
static void transform_tiles(const Winograd *s, transform_fn *transform, int outputs, const void *image,
                            ptrdiff_t first_tile, ptrdiff_t tiles, ptrdiff_t first, ptrdiff_t count, ptrdiff_t row,
                            real *to) {
    const ptrdiff_t step = place_step(tiles, row), side = outputs ? s->outputs : s->taps;
    const ptrdiff_t height = outputs ? s->out_height : s->height, width = outputs ? s->out_width : s->width;
    const ptrdiff_t channels = outputs ? s->filters : s->channels, above = outputs ? 0 : s->top;
    const real *pixels[2][MOST_PLACES];
    for (ptrdiff_t i = 0; i <= tiles; i++) { /* one tile is asked for while that before it is transformed */
        const real **soon = pixels[i % 2], **now = pixels[1 - i % 2];
        if (i < tiles) {
            const Tile tile = tile_at(s, first_tile + i);
            tile_pixels(s, image, tile.n, height, width, channels, tile.y - above, tile.x - (outputs ? 0 : s->left),
                        side, soon);
        }
        for (ptrdiff_t p = 0; i < tiles && p < side * side; p++)
            for (ptrdiff_t c = 0; c < count; c += LANES) __builtin_prefetch(soon[p] + first + c);
        for (ptrdiff_t c = 0; i && c < count; c += LANES) {
            const ptrdiff_t valid = at_most(LANES, count - c);
            vec d[MOST_PLACES];
            for (ptrdiff_t p = 0; p < side * side; p++)
                d[p] = valid == LANES ? load(now[p] + first + c) : load_first(now[p] + first + c, valid);
            transform(d, to + (i - 1) * row + c, step);
        }
    }
}

/* m[place][tile][width] = v @ u, or more of it with `add` */
static void multiply_tiles(const Winograd *s, const real *v, ptrdiff_t tiles, ptrdiff_t row, const real *u,
                           ptrdiff_t vectors, ptrdiff_t channels, int add, real *m) {
    const Parts parts = divide(tiles, tile_rows[vectors]);
    const ptrdiff_t width = vectors * LANES, places = s->taps * s->taps;
    for (ptrdiff_t p = 0; p < places; p++) {
        const real *from = v + p * place_step(tiles, row), *panel = u + p * place_step(channels, width);
        real *to = m + p * place_step(tiles, width);
        for (ptrdiff_t part = 0; part < parts.parts; part++) {
            const ptrdiff_t rows = part_size(parts, part);
            const real *pointers[TILE_ROWS];
            for (ptrdiff_t i = 0; i < rows; i++, from += row) pointers[i] = from;
            gemm_tiles[vectors][rows](pointers, 0, 1, channels, panel, add, (vec *)to);
            to += rows * width;
        }
    }
}

/* Outputs of a tile that lie in the image, and where the first one begins. */
typedef struct {
    ptrdiff_t rows, columns, corner;
} Outputs;

static Outputs outputs_at(const Winograd *s, ptrdiff_t index) {
    const Tile tile = tile_at(s, index);
    return (Outputs){at_most(s->outputs, (s->out_height - tile.y + s->dilation_y - 1) / s->dilation_y),
                     at_most(s->outputs, (s->out_width - tile.x + s->dilation_x - 1) / s->dilation_x),
                     ((tile.n * s->out_height + tile.y) * s->out_width + tile.x) * s->filters};
}

/* out = act(A^T m A + bias + residual) for the columns of panel j */
static void finish_tiles(const Winograd *s, const Transforms *f, const real *m, ptrdiff_t first_tile, ptrdiff_t tiles,
                         ptrdiff_t j, const real *bias, const real *residual, int activation, real *out) {
    const ptrdiff_t vectors = vectors_of(s->filters, j * PANEL), width = vectors * LANES;
    const ptrdiff_t places = s->taps * s->taps, step = place_step(tiles, width), side = s->outputs;
    const ptrdiff_t next_row = s->dilation_y * s->out_width * s->filters, next = s->dilation_x * s->filters;
    Outputs soon = outputs_at(s, first_tile);
    for (ptrdiff_t i = 0; i < tiles; i++, m += width) {
        const ptrdiff_t rows = soon.rows, columns = soon.columns, corner = soon.corner + j * PANEL;
        if (i + 1 < tiles) soon = outputs_at(s, first_tile + i + 1); /* which is asked for meanwhile */
        for (ptrdiff_t a = 0; a < soon.rows; a++)
            for (ptrdiff_t b = 0; b < soon.columns; b++)
                for (ptrdiff_t c = 0; c < width; c += LANES)
                    __builtin_prefetch(out + soon.corner + j * PANEL + a * next_row + b * next + c, 1);
        for (ptrdiff_t c = 0; c < width; c += LANES) {
            const ptrdiff_t valid = at_most(LANES, s->filters - j * PANEL - c);
            vec sums[MOST_PLACES], y[MOST_OUTPUTS];
            for (ptrdiff_t p = 0; p < places; p++) sums[p] = load(m + p * step + c);
            f->output(sums, (real *)y, LANES);
            if (bias) {
                const vec b = load_first(bias + j * PANEL + c, valid);
                for (ptrdiff_t p = 0; p < side * side; p++) y[p] += b;
            }
            for (ptrdiff_t a = 0; residual && a < rows; a++)
                for (ptrdiff_t b = 0; b < columns; b++)
                    y[a * side + b] += load_first(residual + corner + a * next_row + b * next + c, valid);
            if (activation != LINEAR) activate(y, side * side, activation);
            for (ptrdiff_t a = 0; a < rows; a++)
                for (ptrdiff_t b = 0; b < columns; b++) {
                    real *to = out + corner + a * next_row + b * next + c;
                    if (valid == LANES) store(to, y[a * side + b]);
                    else store_first(to, y[a * side + b], valid);
                }
        }
    }
}

INLINE ptrdiff_t filters_step(const Winograd *s) { return s->taps * s->taps * place_step(BLOCK_CHANNELS, PANEL); }

static ptrdiff_t winograd_filters_size(const Winograd *s) {
    return (s->filters + PANEL - 1) / PANEL * divide(s->channels, BLOCK_CHANNELS).parts * filters_step(s);
}

static void winograd_filters(const Winograd *s, const void *weights, int adjoint, ptrdiff_t j, void *transformed) {
    const Parts chunks = divide(s->channels, BLOCK_CHANNELS);
    for (ptrdiff_t i = 0; i < chunks.parts; i++)
        transform_filters(s, find_transforms(s), weights, adjoint, j, part_begin(chunks, i), part_size(chunks, i),
                          (real *)transformed + (j * chunks.parts + i) * filters_step(s));
}

static void winograd_forward(const Winograd *s, const void *image, const void *weights, int adjoint,
                             const void *transformed, void *out, const void *bias, const void *residual, int activation,
                             ptrdiff_t first_tile, ptrdiff_t last_tile, ptrdiff_t first_panel, ptrdiff_t last_panel) {
    const Transforms *f = find_transforms(s);
    const ptrdiff_t places = s->taps * s->taps, panels = last_panel - first_panel;
    const Parts chunks = divide(s->channels, BLOCK_CHANNELS), blocks = divide(last_tile - first_tile, BLOCK_TILES);
    const int keeps = blocks.parts > 1; /* filters that are transformed */
    const ptrdiff_t v_size = places * place_step(BLOCK_TILES, BLOCK_CHANNELS), u_size = filters_step(s);
    const ptrdiff_t m_size = places * place_step(BLOCK_TILES, PANEL);
    const ptrdiff_t all_u = !weights ? 0 : keeps ? u_size * panels * chunks.parts : u_size;
    real *v = thread_scratch(sizeof(real) * (size_t)(v_size + m_size * panels + all_u));
    real *m = v + v_size, *u = m + m_size * panels; /* m and u: one after the other for each panel */
    for (ptrdiff_t block = 0; block < blocks.parts; block++) {
        const ptrdiff_t tile = first_tile + part_begin(blocks, block), tiles = part_size(blocks, block);
        for (ptrdiff_t chunk = 0; chunk < chunks.parts; chunk++) {
            const ptrdiff_t first = part_begin(chunks, chunk), count = part_size(chunks, chunk);
            const ptrdiff_t row = (count + LANES - 1) / LANES * LANES;
            transform_tiles(s, f->input, 0, image, tile, tiles, first, count, row, v);
            for (ptrdiff_t j = first_panel; j < last_panel; j++) {
                real *own = keeps ? u + ((j - first_panel) * chunks.parts + chunk) * u_size : u;
                const real *filters = (const real *)transformed + (j * chunks.parts + chunk) * u_size;
                if (weights && !(keeps && block)) transform_filters(s, f, weights, adjoint, j, first, count, own);
                multiply_tiles(s, v, tiles, row, weights ? own : filters, vectors_of(s->filters, j * PANEL), count,
                               chunk > 0, m + (j - first_panel) * m_size);
            }
        }
        for (ptrdiff_t j = first_panel; j < last_panel; j++)
            finish_tiles(s, f, m + (j - first_panel) * m_size, tile, tiles, j, bias, residual, activation, out);
    }
}

/* Sums that one task of winograd_filter_grad leaves, for so many channels of one panel. */
static ptrdiff_t winograd_sums(const Winograd *s, ptrdiff_t channels) {
    return s->taps * s->taps * place_step(channels, PANEL);
}

/* sums[place][channel][width] of panel j, channels [first, last), = sum over tiles of V^T @ (A gy A^T) */
static void winograd_filter_grad(const Winograd *s, const void *image, const void *gradient, void *sums,
                                 ptrdiff_t first_tile, ptrdiff_t last_tile, ptrdiff_t j, ptrdiff_t first,
                                 ptrdiff_t last) {
    const Transforms *f = find_transforms(s);
    const ptrdiff_t places = s->taps * s->taps, vectors = vectors_of(s->filters, j * PANEL), width = vectors * LANES;
    const ptrdiff_t columns = at_most(width, s->filters - j * PANEL), channels = last - first;
    const ptrdiff_t row = (channels + LANES - 1) / LANES * LANES;
    real *v = thread_scratch(sizeof(real) * (size_t)(places *
                                                     (place_step(GRAD_TILES, row) + place_step(GRAD_TILES, PANEL))));
    real *z = v + places * place_step(GRAD_TILES, row);
    const Parts blocks = divide(last_tile - first_tile, GRAD_TILES), parts = divide(channels, tile_rows[vectors]);
    for (ptrdiff_t block = 0; block < blocks.parts; block++) {
        const ptrdiff_t tile = first_tile + part_begin(blocks, block), tiles = part_size(blocks, block);
        transform_tiles(s, f->input, 0, image, tile, tiles, first, channels, row, v);
        transform_tiles(s, f->output_adjoint, 1, gradient, tile, tiles, j * PANEL, columns, width, z);
        for (ptrdiff_t p = 0; p < places; p++) {
            const real *left = v + p * place_step(tiles, row), *panel = z + p * place_step(tiles, width);
            real *to = (real *)sums + p * place_step(channels, width);
            for (ptrdiff_t part = 0; part < parts.parts; part++) {
                const ptrdiff_t rows = part_size(parts, part);
                outer_tiles[vectors][rows](left, panel, 1, tiles, row, vectors * LANES, 0, 0, block > 0, to, width);
                left += rows;
                to += rows * width;
            }
        }
    }
}

/* weights[r][r][channel][filter], channels [first, last) of panel j, = G^T (what the slices left, added up) G */
static void winograd_filter_grad_finish(const Winograd *s, const void *sums, ptrdiff_t slices, ptrdiff_t slice,
                                        ptrdiff_t j, ptrdiff_t first, ptrdiff_t last, void *weights) {
    const Transforms *f = find_transforms(s);
    const ptrdiff_t vectors = vectors_of(s->filters, j * PANEL), width = vectors * LANES;
    const ptrdiff_t taps = s->kernel * s->kernel, places = s->taps * s->taps, tap = s->channels * s->filters;
    const ptrdiff_t step = place_step(last - first, width);
    for (ptrdiff_t c = first; c < last; c++) {
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const real *from = (const real *)sums + (c - first) * width + v * LANES;
            const ptrdiff_t column = j * PANEL + v * LANES, valid = at_most(LANES, s->filters - column);
            vec u[MOST_PLACES], g[MOST_WEIGHTS];
            for (ptrdiff_t p = 0; p < places; p++) {
                u[p] = load(from + p * step);
                for (ptrdiff_t i = 1; i < slices; i++) u[p] += load(from + p * step + i * slice);
            }
            f->filter_adjoint(u, (real *)g, LANES);
            for (ptrdiff_t t = 0; t < taps; t++)
                store_first((real *)weights + t * tap + c * s->filters + column, g[t], valid);
        }
    }
}

#endif
