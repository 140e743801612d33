/* All but convolutions: compiled once for each instruction set and dtype, with PYCNN_VARIANT in the name of what it
   exports. */
#include "activation.h"
#include "arithmetic.h"
#include "avg_pool.h"
#include "extreme_pool.h"
#include "norm.h"
#include "optimizer.h"
#include "recurrent.h"
#include "resample.h"
#include "roi.h"
#include "roi_sample.h"
#include "softmax.h"

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

void VARIANT(fill_others)(Kernels *k) {
    k->extreme_pool_forward = extreme_pool_forward;
    k->extreme_pool_grad = extreme_pool_grad;
    k->avg_pool_forward = avg_pool_forward;
    k->avg_pool_grad = avg_pool_grad;
    k->activation_forward = activation_forward;
    k->activation_grad = activation_grad;
    k->softmax_forward = softmax_forward;
    k->softmax_grad = softmax_grad;
    k->cross_entropy = cross_entropy;
    k->add = add;
    k->add_clipped = add_clipped;
    k->multiply = multiply;
    k->multiply_grad = multiply_grad;
    k->sum_rows = sum_rows;
    k->sum_deviations = sum_deviations;
    k->sum_gradients = sum_gradients;
    k->sum_slices = sum_slices;
    k->combine_moments = combine_moments;
    k->batch_norm_terms = batch_norm_terms;
    k->batch_norm_grad_terms = batch_norm_grad_terms;
    k->normalize = normalize;
    k->normalize_grad = normalize_grad;
    k->resize = resize;
    k->resize_grad = resize_grad;
    k->affine = affine;
    k->roi_plan_bytes = roi_plan_bytes;
    k->roi_plan = roi_plan;
    k->roi_pool_forward = roi_pool_forward;
    k->roi_pool_grad = roi_pool_grad;
    k->roi_sample_forward = roi_sample_forward;
    k->roi_sample_grad = roi_sample_grad;
    k->roi_sample_rois_grad = roi_sample_rois_grad;
    k->lstm_step = lstm_step;
    k->lstm_step_grad = lstm_step_grad;
    k->gru_step = gru_step;
    k->gru_step_grad = gru_step_grad;
    k->sgd = sgd;
    k->adam = adam;
    k->rmsprop = rmsprop;
    k->sum_of_squares = sum_of_squares;
    k->multiply_add = multiply_add;
}
