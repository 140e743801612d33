/* What the compiled kernels offer: one table of functions an instruction set and dtype. Serial C; threads are above.
 *
 * All sizes and strides count elements, not bytes. Pointers are to float or double, as the table says.
 */
#ifndef PYCNN_KERNELS_H
#define PYCNN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Of a name, the one for the instruction set and dtype that is compiled. */
#define JOINED(name, variant) name##_##variant
#define EXPANDED(name, variant) JOINED(name, variant)
#define VARIANT(name) EXPANDED(name, PYCNN_VARIANT)

enum { FILL_CONSTANT, FILL_NEAREST, FILL_REFLECT, FILL_WRAP };
enum { LINEAR, RELU, RELU6, SIGMOID, TANH, LEAKY_RELU, ELU, SELU, GELU, GELU_TANH, SILU, SOFTPLUS };

/* Where the rows of a matrix lie in a batch of images: row (n, i, j), tap t begins at
 * source[n][i*stride_y + tap_y[t]][j*stride_x + tap_x[t]], or is a row of zeros outside the image.
 * This indirection is the only place that knows padding, stride and dilation. */
typedef struct {
    const void *source, *zeros;
    ptrdiff_t image, row, pixel;   /* strides of the source */
    ptrdiff_t height, width;       /* of the source */
    ptrdiff_t grid_height, grid_width; /* rows (i, j) an image */
    ptrdiff_t stride_y, stride_x;
    ptrdiff_t taps;
    const int *tap_y, *tap_x;
    ptrdiff_t length; /* contiguous numbers a tap */
} RowGather;

/* Where results go: row (n, i, j) is target + n*image + i*row + j*pixel. Of the residual, which may be NULL, gemm adds
 * what lies at the same place. What `streams` is so large that it is written past the caches, by whole cache lines. */
typedef struct {
    void *target;
    const void *residual;
    ptrdiff_t image, row, pixel;
    int streams;
} RowTarget;

/* Filters as a matrix for each group: entry (t, k, column) is weights[tap_offset[t] + group*`group` + k*step +
 * column*column_step]; one of the steps is 1. Group i takes the columns of the rows from i*length on. Where
 * pack_filters has packed them already, gemm reads that. */
typedef struct {
    const void *weights, *packed;
    const ptrdiff_t *tap_offset;
    ptrdiff_t group, step, column_step, columns;
} FilterMatrix;

/* Lines that runs of numbers are added up to: line i of image n is target + n*image + i*row, of so many numbers, and
 * run j begins at its number j*step - before. What lies outside the line is left out. */
typedef struct {
    void *target;
    ptrdiff_t image, row, numbers, step, before;
} LineTarget;

/* A filter gradient: of each group, rows^T @ gradient, summed over pixels, as sums[group*sums_group + row*sums_row +
 * column] with a row for each tap and number of it, and a column for each filter; or, if `turned`, the other way
 * round. */
typedef struct {
    RowGather gather;
    const void *gradient;
    ptrdiff_t gradient_pixel, filters; /* filters of one group */
    int turned;
    ptrdiff_t sums_group, sums_row;
} FilterGrad;

/* Taps by runs of `width` side by side, `tap_step` numbers apart in the filters, for so many groups. tap_y, tap_x and
 * tap_offset are then those of the first of each run. */
typedef struct {
    ptrdiff_t groups, width, tap_step;
} GroupRuns;

/* Winograd's algorithm with m x m outputs a tile of r x r filters, stride 1: images (height, width, channels), with
 * `top` and `left` padding before, to (out_height, out_width, filters). r, m: 3, 4 or 5, 2 or 3, 2. */
typedef struct {
    ptrdiff_t height, width, channels, out_height, out_width, filters, top, left;
    ptrdiff_t kernel, outputs, taps;  /* r, m, m + r - 1 */
    ptrdiff_t dilation_y, dilation_x;
    ptrdiff_t tiles_y, tiles_x, tiles; /* of one remainder of rows and columns, by the dilation; of an image */
    const void *zeros;                /* a pixel outside: as many as the more of channels and filters, and a vector */
} Winograd;

/* Sliding windows without weights. Window (i, j) covers rows i*stride_y - top + [0, pool_height), columns alike. */
typedef struct {
    ptrdiff_t height, width, channels, grid_height, grid_width;
    ptrdiff_t pool_height, pool_width, stride_y, stride_x, top, bottom, left, right;
} PoolShape;

/* Regions (image, x1, y1, x2, y2) of maps (images, height, width, channels), which `scale` takes them to, by bins. The
 * samples of bins are those of a warp, or of an alignment, whose settings follow. */
typedef struct {
    ptrdiff_t images, height, width, channels, bins_y, bins_x;
    double scale;
    int warps, aligned;
    ptrdiff_t sampling_ratio;
} RoiShape;

/* y = act((x - center)*scale + shift + residual) by column, and the gradient of y. */
typedef struct {
    ptrdiff_t columns;
    int activation;
    const void *x, *center, *scale, *shift;
    const void *gy;
    const void *y;  /* NULL without a residual: computed again */
    void *g, *gx;   /* where gy*act'(y) goes, and g*scale, or NULL */
} BatchNorm;

/* A recurrent net over whole sequences. Arrays are (samples, steps, ...), the states before the first step, product, gh
 * and gc (samples, ...). product = what the state gives to the gates of the step at hand, gh and gc = gradients of the
 * states at hand; inner and gr a GRU has, the states c an LSTM. */
typedef struct {
    ptrdiff_t steps, units;
    const unsigned char *mask; /* steps that are seen, NULL for all */
    const void *x, *first_h, *first_c;
    void *product, *h, *c, *gates, *inner;
    const void *gy;
    void *gh, *gc, *gx, *gr;
} Recurrence;

typedef void (*recurrent_step)(const Recurrence *, ptrdiff_t step, ptrdiff_t first, ptrdiff_t last);

/* Greedy suppression, in rounds: candidates that are left, with the keys that they are ordered by, and the best of them
 * in their order; columns of either (see boxes.h), and of the boxes that this round keeps what others are compared with
 * (5 numbers each) and their indices. */
typedef struct {
    const void *boxes;
    void *left, *best, *spare, *columns, *kept;
    ptrdiff_t stride;
    int64_t *indices;
    double threshold;
} Suppression;

/* The settings of an optimizer's step; each uses some */
typedef struct {
    double rate, keep; /* step size; what p is first multiplied by, for decay */
    double momentum, beta_1, beta_2, rho, epsilon;
    int nesterov;
} Update;

typedef struct {
    ptrdiff_t panel;          /* columns of a full register tile */
    ptrdiff_t narrow;         /* columns that a product of one row sums in registers: one task has them all */
    ptrdiff_t winograd_tiles; /* that winograd_forward takes at most */

    /* Filters as gemm reads them, panels [first, last) counted through all groups, to their places in `packed`: as many
     * numbers as packed_size tells, for filters of `depth` numbers. */
    ptrdiff_t (*packed_size)(const FilterMatrix *, ptrdiff_t depth, ptrdiff_t groups);
    void (*pack_filters)(const FilterMatrix *, ptrdiff_t taps, ptrdiff_t length, ptrdiff_t first, ptrdiff_t last,
                         void *packed);
    /* target rows [first, last), columns of panels [first_panel, last_panel) = act(rows @ filters + bias + residual) */
    void (*gemm)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *bias, int activation,
                 ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group, ptrdiff_t last_group, ptrdiff_t first_panel,
                 ptrdiff_t last_panel);
    /* out (rows, columns) = act(a (rows, depth) @ b + bias), b (depth, columns) or, if `transposed`, (columns, depth),
     * for few rows and the columns [first, last) */
    void (*thin_product)(const void *a, ptrdiff_t rows, ptrdiff_t depth, const void *b, ptrdiff_t columns,
                         int transposed, const void *bias, int activation, void *out, ptrdiff_t first, ptrdiff_t last);
    /* The sums of pixels [first, last) for groups [first_group, last_group), of those the rows [first_row, last_row)
     * and the columns of panels [first_panel, last_panel) */
    void (*gemm_filter_grad)(const FilterGrad *, ptrdiff_t first, ptrdiff_t last, ptrdiff_t first_group,
                             ptrdiff_t last_group, ptrdiff_t first_row, ptrdiff_t last_row, ptrdiff_t first_panel,
                             ptrdiff_t last_panel, void *sums);
    /* target[columns][rows] = sum over s, in order, of partials[s][rows][columns] */
    void (*sum_transposed)(const void *partials, ptrdiff_t slices, ptrdiff_t slice_size, ptrdiff_t partial_row,
                           ptrdiff_t columns, ptrdiff_t rows, void *target, ptrdiff_t target_row);
    /* Lines [first, last) of all images: the runs of a line are the products of gathered rows, a grid's line of them */
    void (*gemm_scatter)(const RowGather *, const FilterMatrix *, const LineTarget *, ptrdiff_t first, ptrdiff_t last);
    /* target rows [first, last) = rows @ filters + bias for few filters of many channels, and one group */
    void (*dots)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *bias, ptrdiff_t first,
                 ptrdiff_t last);
    /* The same as gemm and gemm_filter_grad for few filters and one group, with taps that are not merged: lines
     * [first, last) of the grid, counted through all images; partial[taps*length][filters] */
    void (*planar)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *bias, int activation,
                   ptrdiff_t first, ptrdiff_t last);
    void (*planar_filter_grad)(const RowGather *, const void *gradient, ptrdiff_t filters, ptrdiff_t first,
                               ptrdiff_t last, void *partial);
    /* The same by groups of few channels: lines [first, last) of the grid, counted through all images; the filter
     * gradient has weights (taps, length, filters) of its own, of f it reads the offsets and steps */
    void (*grouped)(const RowGather *, const FilterMatrix *, const GroupRuns *, const RowTarget *, const void *bias,
                    int activation, ptrdiff_t first, ptrdiff_t last);
    void (*grouped_filter_grad)(const RowGather *, const FilterMatrix *, const GroupRuns *, const void *gradient,
                                ptrdiff_t first, ptrdiff_t last, void *partial);

    /* Winograd; tiles are counted through all images. out = act(conv(image, weights) + bias + residual), with weights
     * [r][r][channels][filters], or if `adjoint` of weights[r][r][filters][channels] turned by 180 degrees: the input
     * gradient; or with weights NULL of what winograd_filters has left, panel by panel, in `transformed`:
     * winograd_filters_size numbers. */
    ptrdiff_t (*winograd_filters_size)(const Winograd *);
    void (*winograd_filters)(const Winograd *, const void *weights, int adjoint, ptrdiff_t panel, void *transformed);
    void (*winograd_forward)(const Winograd *, const void *image, const void *weights, int adjoint,
                             const void *transformed, void *out, const void *bias, const void *residual, int activation,
                             ptrdiff_t first_tile, ptrdiff_t last_tile, ptrdiff_t first_panel, ptrdiff_t last_panel);
    /* The gradient of channels [first, last), columns of one panel: winograd_sums numbers by adding up tiles, aligned
     * to 64 bytes, then the weights of as many slices of the tiles, `slice` numbers apart. */
    ptrdiff_t (*winograd_sums)(const Winograd *, ptrdiff_t channels);
    void (*winograd_filter_grad)(const Winograd *, const void *image, const void *gradient, void *sums,
                                 ptrdiff_t first_tile, ptrdiff_t last_tile, ptrdiff_t panel, ptrdiff_t first,
                                 ptrdiff_t last);
    void (*winograd_filter_grad_finish)(const Winograd *, const void *sums, ptrdiff_t slices, ptrdiff_t slice,
                                        ptrdiff_t panel, ptrdiff_t first, ptrdiff_t last, void *weights);

    /* Pooling: output rows [first, last) of all images (input rows, for gradients). index is uint8 or int32
     * (index_bytes 1, 4), or is not written (0). */
    void (*extreme_pool_forward)(const PoolShape *, const void *x, void *y, void *index, int index_bytes, int minimum,
                                 ptrdiff_t first, ptrdiff_t last);
    void (*extreme_pool_grad)(const PoolShape *, const void *gy, const void *index, int index_bytes, void *gx,
                              ptrdiff_t first, ptrdiff_t last);
    void (*avg_pool_forward)(const PoolShape *, const void *x, void *y, int count_pad, ptrdiff_t first, ptrdiff_t last);
    void (*avg_pool_grad)(const PoolShape *, const void *gy, void *gx, int count_pad, ptrdiff_t first, ptrdiff_t last);

    /* Elementwise over [first, last); softmax over rows [first, last). */
    void (*activation_forward)(const void *x, void *y, int name, double alpha, ptrdiff_t first, ptrdiff_t last);
    void (*activation_grad)(const void *gy, const void *x, const void *y, void *gx, int name, double alpha,
                            ptrdiff_t first, ptrdiff_t last);
    void (*softmax_forward)(const void *x, void *y, ptrdiff_t columns, int logarithm, ptrdiff_t first, ptrdiff_t last);
    void (*softmax_grad)(const void *gy, const void *y, void *gx, ptrdiff_t columns, int logarithm, ptrdiff_t first,
                         ptrdiff_t last);
    double (*cross_entropy)(const void *x, const int64_t *labels, const void *targets, ptrdiff_t columns,
                            double smoothing, double scale, void *losses, void *gx, ptrdiff_t first, ptrdiff_t last);

    /* Arithmetic: numbers [first, last) of a (outer, middle, inner) and of y, which may be a, with b (outer, inner). */
    void (*add)(const void *a, const void *b, void *y, ptrdiff_t middle, ptrdiff_t inner, ptrdiff_t first,
                ptrdiff_t last);
    void (*add_clipped)(const void *a, const void *b, double low, double high, void *y, ptrdiff_t middle,
                        ptrdiff_t inner, ptrdiff_t first, ptrdiff_t last);
    void (*multiply)(const void *a, const void *b, void *y, ptrdiff_t middle, ptrdiff_t inner, ptrdiff_t first,
                     ptrdiff_t last);
    /* Rows [first, last) of g and a (middle, inner): sums (inner) = sum of g*a and, with b (inner), ga = g*b; without b
     * ga is not written, without a the sum is that of g. */
    void (*multiply_grad)(const void *g, const void *a, const void *b, void *ga, ptrdiff_t inner, ptrdiff_t first,
                          ptrdiff_t last, void *sums);

    /* Sums over the rows of x (rows, columns), numbers [first, last) of it: of x; moments (3, columns) = centres near
     * the means, sums of x - center and of its square; of g = gy*act'(y) and of g*(x - center), which also leaves g
     * there and g*scale in gx where they are not NULL. */
    void (*sum_rows)(const void *x, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, void *sums);
    void (*sum_deviations)(const void *x, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, void *moments);
    void (*sum_gradients)(const BatchNorm *, ptrdiff_t first, ptrdiff_t last, void *sums, void *products);
    /* target[i] = sum over s of partials[s*size + i], in the order of s, for i in [first, last) */
    void (*sum_slices)(const void *partials, ptrdiff_t slices, ptrdiff_t size, void *target, ptrdiff_t first,
                       ptrdiff_t last);
    /* By channel: mean and variance from moments (slices, 3, columns), slice s of rows [rows*s/slices,
     * rows*(s+1)/slices); center, scale and shift (3, columns) of a batch norm; and what normalize_grad takes (2,
     * columns), from sums (2, channels), whose second half becomes the gradient of gamma. */
    void (*combine_moments)(const void *moments, ptrdiff_t slices, ptrdiff_t columns, ptrdiff_t channels,
                            ptrdiff_t numbers, void *mean, void *variance);
    void (*batch_norm_terms)(const void *mean, const void *variance, const void *gamma, const void *beta,
                             double epsilon, ptrdiff_t channels, ptrdiff_t columns, void *terms);
    void (*batch_norm_grad_terms)(void *sums, const void *variance, double epsilon, ptrdiff_t numbers,
                                  ptrdiff_t channels, ptrdiff_t columns, void *terms);
    /* y as in BatchNorm, and gx = scale*(g - mean - (x - center)*slope), for numbers [first, last) */
    void (*normalize)(const BatchNorm *, const void *residual, void *y, ptrdiff_t first, ptrdiff_t last);
    void (*normalize_grad)(const BatchNorm *, const void *mean, const void *slope, void *gx, ptrdiff_t first,
                           ptrdiff_t last);

    /* Boxes (n, 4), see boxes.h: columns[5][stride], which are filled for whole tiles of box_tile boxes; out (rows, n)
     * for rows [first, last) of the boxes a. Suppression begins in so many bytes for n candidates; of those left the
     * best become a round; candidates [first, last), from a tile's begin on, go if they overlap kept boxes; of the
     * best some are kept; the others are left. What they return are numbers of boxes. */
    ptrdiff_t box_tile;
    void (*box_columns)(const void *boxes, ptrdiff_t n, void *columns, ptrdiff_t stride);
    void (*box_iou)(const void *a, const void *columns, ptrdiff_t stride, ptrdiff_t n, void *out, ptrdiff_t first,
                    ptrdiff_t last);
    size_t (*nms_bytes)(ptrdiff_t n);
    void (*nms_begin)(Suppression *, void *memory, const void *scores, const int64_t *members, ptrdiff_t n);
    ptrdiff_t (*nms_best)(Suppression *, ptrdiff_t left, ptrdiff_t want);
    void (*nms_suppress)(const Suppression *, int of_best, ptrdiff_t first, ptrdiff_t last, ptrdiff_t kept);
    ptrdiff_t (*nms_keep)(const Suppression *, ptrdiff_t first, ptrdiff_t last, ptrdiff_t kept);
    ptrdiff_t (*nms_left)(const Suppression *, ptrdiff_t n);
    size_t (*order_bytes)(ptrdiff_t n);
    void (*order_falling)(const void *scores, ptrdiff_t n, void *work, int64_t *order);

    /* Images: rows [first, last) of all results. */
    void (*resize)(const void *x, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *y, ptrdiff_t out_height,
                   ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last);
    void (*resize_grad)(const void *gy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, void *gx,
                        ptrdiff_t out_height, ptrdiff_t out_width, int bilinear, ptrdiff_t first, ptrdiff_t last);
    void (*affine)(const void *x, const double *matrices, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                   void *y, int bilinear, int fill_mode, double fill_value, ptrdiff_t first, ptrdiff_t last);

    /* Max pooling first plans, in so many bytes, an order of the strips (region, row of bins): strips [first, last) of
     * the results, and of gradients of images channels [first, last) of one image. index holds the winner's pixel, or
     * -1, in 2 or 4 bytes; forward there may be none, of 0 bytes. All others: regions [first, last) of the results. */
    size_t (*roi_plan_bytes)(const RoiShape *, ptrdiff_t regions);
    void (*roi_plan)(const RoiShape *, const void *rois, ptrdiff_t regions, void *plan);
    void (*roi_pool_forward)(const RoiShape *, const void *x, const void *rois, ptrdiff_t regions, void *plan, void *y,
                             void *index, int bytes, ptrdiff_t first, ptrdiff_t last);
    void (*roi_pool_grad)(const RoiShape *, const void *gy, ptrdiff_t regions, void *plan, const void *index, int bytes,
                          void *gx, ptrdiff_t image, ptrdiff_t first, ptrdiff_t last);
    void (*roi_sample_forward)(const RoiShape *, const void *x, const void *rois, void *y, ptrdiff_t first,
                               ptrdiff_t last);
    void (*roi_sample_grad)(const RoiShape *, const void *gy, const void *rois, ptrdiff_t count, void *gx,
                            ptrdiff_t image, ptrdiff_t first, ptrdiff_t last);
    void (*roi_sample_rois_grad)(const RoiShape *, const void *gy, const void *x, const void *rois, void *grads,
                                 ptrdiff_t first, ptrdiff_t last);

    /* Steps of recurrent nets, samples [first, last); see recurrent.h. */
    recurrent_step lstm_step, lstm_step_grad, gru_step, gru_step_grad;

    /* Optimizers: elements [first, last) of p, g and the states, in place; see optimizer.h for which arrays there
       are. */
    void (*sgd)(void *const *arrays, const Update *, ptrdiff_t first, ptrdiff_t last);
    void (*adam)(void *const *arrays, const Update *, ptrdiff_t first, ptrdiff_t last);
    void (*rmsprop)(void *const *arrays, const Update *, ptrdiff_t first, ptrdiff_t last);
    double (*sum_of_squares)(const void *x, ptrdiff_t first, ptrdiff_t last);

    /* Arithmetic and nothing else, for benchmarks: so many rounds of multiply-adds; returns how many each made. */
    ptrdiff_t (*multiply_add)(ptrdiff_t rounds, void *sink);
} Kernels;

/* The table for float (is_double 0) or double in the instruction set chosen by select_isa, or NULL before that. */
const Kernels *kernels(int is_double);

/* Choose an instruction set by name ("base", "avx2", "avx512"); returns 0, or -1 if this processor lacks it. */
int select_isa(const char *name);
const char *best_isa(void);

/* At least this many bytes, aligned to 64, of the calling thread's own; valid until its next call. NULL: no memory. */
void *thread_scratch(size_t bytes);

/* Let malloc keep up to 256 MiB of freed memory and reuse it for arrays of up to 32 MiB. By default glibc gives them
 * back after every training step, and the next step spends a tenth of its time on page faults. */
void keep_freed_memory(void);

#endif
