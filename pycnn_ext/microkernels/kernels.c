/* One instruction set, one dtype: compiled once for each pair, with PYCNN_TABLE naming what it exports. */
#include "activation.h"
#include "arithmetic.h"
#include "conv.h"
#include "filter_grad.h"
#include "grouped.h"
#include "grouped_filter_grad.h"
#include "norm.h"
#include "optimizer.h"
#include "planar.h"
#include "pool.h"
#include "resample.h"
#include "softmax.h"
#include "thin.h"
#include "winograd.h"

/* As many multiply-adds as the machine can do: enough independent sums to hide their latency. */
static ptrdiff_t multiply_add(ptrdiff_t rounds, void *sink) {
    enum { SUMS = 12 };
    vec sums[SUMS]; /* no two equal, else the compiler would keep one for all */
    for (int i = 0; i < SUMS; i++) sums[i] = splat((real)i);
    vec a = splat((real)0.999), b = splat((real)1e-3);
    for (ptrdiff_t r = 0; r < rounds; r++) {
        UNROLL for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * a + b;
        __asm__ volatile("" : "+x"(a), "+x"(b)); /* each round anew */
    }
    for (int i = 0; i < SUMS; i++) ((real *)sink)[0] += sums[i][0];
    return SUMS * LANES;
}

const Kernels PYCNN_TABLE = {
    .panel = PANEL,
    .winograd_tiles = BLOCK_TILES,
    .packed_size = packed_size,
    .pack_filters = pack_filters,
    .gemm = gemm,
    .thin_product = thin_product,
    .gemm_filter_grad = gemm_filter_grad,
    .sum_transposed = sum_transposed,
    .gemm_scatter = gemm_scatter,
    .planar = planar,
    .planar_filter_grad = planar_filter_grad,
    .grouped = grouped,
    .grouped_filter_grad = grouped_filter_grad,
    .winograd_filters_size = winograd_filters_size,
    .winograd_filters = winograd_filters,
    .winograd_forward = winograd_forward,
    .winograd_sums = winograd_sums,
    .winograd_filter_grad = winograd_filter_grad,
    .winograd_filter_grad_finish = winograd_filter_grad_finish,
    .extreme_pool_forward = extreme_pool_forward,
    .extreme_pool_grad = extreme_pool_grad,
    .avg_pool_forward = avg_pool_forward,
    .avg_pool_grad = avg_pool_grad,
    .activation_forward = activation_forward,
    .activation_grad = activation_grad,
    .softmax_forward = softmax_forward,
    .softmax_grad = softmax_grad,
    .cross_entropy = cross_entropy,
    .add = add,
    .multiply = multiply,
    .multiply_grad = multiply_grad,
    .sum_rows = sum_rows,
    .sum_deviations = sum_deviations,
    .sum_gradients = sum_gradients,
    .sum_slices = sum_slices,
    .combine_moments = combine_moments,
    .batch_norm_terms = batch_norm_terms,
    .batch_norm_grad_terms = batch_norm_grad_terms,
    .normalize = normalize,
    .normalize_grad = normalize_grad,
    .resize = resize,
    .resize_grad = resize_grad,
    .affine = affine,
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
    .sum_of_squares = sum_of_squares,
    .multiply_add = multiply_add,
};
