/* Convolutions and matrix products: compiled once for each instruction set and dtype, as kernels.c is. */
#include "conv.h"
#include "dots.h"
#include "filter_grad.h"
#include "grouped.h"
#include "grouped_filter_grad.h"
#include "planar.h"
#include "thin.h"
#include "winograd.h"

void VARIANT(fill_convolutions)(Kernels *k) {
    k->panel = PANEL;
    k->narrow = NARROW * LANES;
    k->winograd_tiles = BLOCK_TILES;
    k->packed_size = packed_size;
    k->pack_filters = pack_filters;
    k->gemm = gemm;
    k->thin_product = thin_product;
    k->gemm_filter_grad = gemm_filter_grad;
    k->sum_transposed = sum_transposed;
    k->gemm_scatter = gemm_scatter;
    k->dots = dots;
    k->planar = planar;
    k->planar_filter_grad = planar_filter_grad;
    k->grouped = grouped;
    k->grouped_filter_grad = grouped_filter_grad;
    k->winograd_filters_size = winograd_filters_size;
    k->winograd_filters = winograd_filters;
    k->winograd_forward = winograd_forward;
    k->winograd_sums = winograd_sums;
    k->winograd_filter_grad = winograd_filter_grad;
    k->winograd_filter_grad_finish = winograd_filter_grad_finish;
}
