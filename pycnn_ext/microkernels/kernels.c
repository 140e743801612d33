/* One instruction set, one dtype: compiled once for each pair, with PYCNN_TABLE naming what it exports. */
#include "activation.h"
#include "conv.h"
#include "depthwise.h"
#include "norm.h"
#include "optimizer.h"
#include "pool.h"
#include "resample.h"

const Kernels PYCNN_TABLE = {
    .panel = PANEL,
    .gemm = gemm,
    .gemm_filter_grad = gemm_filter_grad,
    .gemm_scatter = gemm_scatter,
    .depthwise = depthwise,
    .depthwise_filter_grad = depthwise_filter_grad,
    .extreme_pool_forward = extreme_pool_forward,
    .extreme_pool_grad = extreme_pool_grad,
    .avg_pool_forward = avg_pool_forward,
    .avg_pool_grad = avg_pool_grad,
    .activation_forward = activation_forward,
    .activation_grad = activation_grad,
    .softmax_forward = softmax_forward,
    .softmax_grad = softmax_grad,
    .sum_rows = sum_rows,
    .sum_squares = sum_squares,
    .sum_products = sum_products,
    .sum_slices = sum_slices,
    .normalize = normalize,
    .normalize_grad = normalize_grad,
    .resize = resize,
    .resize_grad = resize_grad,
    .affine = affine,
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
};
