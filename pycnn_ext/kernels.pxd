"""What the other modules need of the C kernels: the table, and the addresses of arrays."""

from libc.stdint cimport int32_t, int64_t

cdef extern from "kernels.h" nogil:
    ctypedef struct RowGather:
        const void *source
        const void *zeros
        ptrdiff_t image, row, pixel
        ptrdiff_t height, width
        ptrdiff_t grid_height, grid_width
        ptrdiff_t stride_y, stride_x
        ptrdiff_t taps
        const int *tap_y
        const int *tap_x
        ptrdiff_t length

    ctypedef struct RowTarget:
        void *target
        const void *residual
        ptrdiff_t image, row, pixel
        int streams

    ctypedef struct FilterMatrix:
        const void *weights
        const void *packed
        const ptrdiff_t *tap_offset
        ptrdiff_t group, step, column_step, columns

    ctypedef struct LineTarget:
        void *target
        ptrdiff_t image, row, numbers, step, before

    ctypedef struct FilterGrad:
        RowGather gather
        const void *gradient
        ptrdiff_t gradient_pixel, filters
        int turned
        ptrdiff_t sums_group, sums_row

    ctypedef struct GroupRuns:
        ptrdiff_t groups, width, tap_step

    ctypedef struct Winograd:
        ptrdiff_t height, width, channels, out_height, out_width, filters, top, left
        ptrdiff_t kernel, outputs, taps
        ptrdiff_t dilation_y, dilation_x
        ptrdiff_t tiles_y, tiles_x, tiles
        const void *zeros

    ctypedef struct PoolShape:
        ptrdiff_t height, width, channels, grid_height, grid_width
        ptrdiff_t pool_height, pool_width, stride_y, stride_x, top, bottom, left, right

    ctypedef struct RoiShape:
        ptrdiff_t images, height, width, channels, bins_y, bins_x
        double scale
        int warps, aligned
        ptrdiff_t sampling_ratio

    ctypedef struct BatchNorm:
        ptrdiff_t columns
        int activation
        const void *x
        const void *center
        const void *scale
        const void *shift
        const void *gy
        const void *y
        void *g
        void *gx

    ctypedef struct Recurrence:
        ptrdiff_t steps, units
        const unsigned char *mask
        const void *x
        const void *first_h
        const void *first_c
        void *product
        void *h
        void *c
        void *gates
        void *inner
        const void *gy
        void *gh
        void *gc
        void *gx
        void *gr

    ctypedef void (*recurrent_step)(const Recurrence *, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil

    ctypedef struct Suppression:
        const void *boxes
        int64_t *indices
        double threshold

    ctypedef struct Update:
        double rate, keep, momentum, beta_1, beta_2, rho, epsilon
        int nesterov

    ctypedef struct Kernels:
        ptrdiff_t panel, narrow, winograd_tiles
        ptrdiff_t (*packed_size)(const FilterMatrix *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*pack_filters)(const FilterMatrix *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*gemm)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *, int,
                     ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*thin_product)(const void *, ptrdiff_t, ptrdiff_t, const void *, ptrdiff_t, int, const void *, int, void *,
                             ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*gemm_filter_grad)(const FilterGrad *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t,
                                 ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*sum_transposed)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *,
                               ptrdiff_t) noexcept nogil
        void (*gemm_scatter)(const RowGather *, const FilterMatrix *, const LineTarget *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*planar)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *, int,
                       ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*planar_filter_grad)(const RowGather *, const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*dots)(const RowGather *, const FilterMatrix *, const RowTarget *, const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*grouped)(const RowGather *, const FilterMatrix *, const GroupRuns *, const RowTarget *, const void *, int,
                        ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*grouped_filter_grad)(const RowGather *, const FilterMatrix *, const GroupRuns *, const void *, ptrdiff_t,
                                    ptrdiff_t, void *) noexcept nogil
        ptrdiff_t (*winograd_filters_size)(const Winograd *) noexcept nogil
        void (*winograd_filters)(const Winograd *, const void *, int, ptrdiff_t, void *) noexcept nogil
        void (*winograd_forward)(const Winograd *, const void *, const void *, int, const void *, void *, const void *, const void *, int,
                                 ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        ptrdiff_t (*winograd_sums)(const Winograd *, ptrdiff_t) noexcept nogil
        void (*winograd_filter_grad)(const Winograd *, const void *, const void *, void *, ptrdiff_t, ptrdiff_t,
                                     ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*winograd_filter_grad_finish)(const Winograd *, const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t,
                                            ptrdiff_t, void *) noexcept nogil
        void (*extreme_pool_forward)(const PoolShape *, const void *, void *, void *, int, int, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*extreme_pool_grad)(const PoolShape *, const void *, const void *, int, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*avg_pool_forward)(const PoolShape *, const void *, void *, int, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*avg_pool_grad)(const PoolShape *, const void *, void *, int, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*activation_forward)(const void *, void *, int, double, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*activation_grad)(const void *, const void *, const void *, void *, int, double, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*softmax_forward)(const void *, void *, ptrdiff_t, int, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*softmax_grad)(const void *, const void *, void *, ptrdiff_t, int, ptrdiff_t, ptrdiff_t) noexcept nogil
        double (*cross_entropy)(const void *, const int64_t *, const void *, ptrdiff_t, double, double, void *, void *,
                                ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*add)(const void *, const void *, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*add_clipped)(const void *, const void *, double, double, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t,
                            ptrdiff_t) noexcept nogil
        void (*multiply)(const void *, const void *, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*multiply_grad)(const void *, const void *, const void *, void *, ptrdiff_t, ptrdiff_t, ptrdiff_t,
                              void *) noexcept nogil
        void (*sum_rows)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*sum_deviations)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*sum_gradients)(const BatchNorm *, ptrdiff_t, ptrdiff_t, void *, void *) noexcept nogil
        void (*sum_slices)(const void *, ptrdiff_t, ptrdiff_t, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*combine_moments)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *, void *) noexcept nogil
        void (*batch_norm_terms)(const void *, const void *, const void *, const void *, double, ptrdiff_t, ptrdiff_t,
                                 void *) noexcept nogil
        void (*batch_norm_grad_terms)(void *, const void *, double, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
        void (*normalize)(const BatchNorm *, const void *, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*normalize_grad)(const BatchNorm *, const void *, const void *, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        ptrdiff_t box_tile
        void (*box_columns)(const void *, ptrdiff_t, void *, ptrdiff_t) noexcept nogil
        void (*box_iou)(const void *, const void *, ptrdiff_t, ptrdiff_t, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        size_t (*nms_bytes)(ptrdiff_t) noexcept nogil
        void (*nms_begin)(Suppression *, void *, const void *, const int64_t *, ptrdiff_t) noexcept nogil
        ptrdiff_t (*nms_best)(Suppression *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*nms_suppress)(const Suppression *, bint, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        ptrdiff_t (*nms_keep)(const Suppression *, ptrdiff_t, ptrdiff_t, ptrdiff_t) noexcept nogil
        ptrdiff_t (*nms_left)(const Suppression *, ptrdiff_t) noexcept nogil
        size_t (*order_bytes)(ptrdiff_t) noexcept nogil
        void (*order_falling)(const void *, ptrdiff_t, void *, int64_t *) noexcept nogil
        void (*resize)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *, ptrdiff_t, ptrdiff_t, int,
                       ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*resize_grad)(const void *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *, ptrdiff_t, ptrdiff_t, int,
                            ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*affine)(const void *, const double *, ptrdiff_t, ptrdiff_t, ptrdiff_t, void *, int, int, double,
                       ptrdiff_t, ptrdiff_t) noexcept nogil
        size_t (*roi_plan_bytes)(const RoiShape *, ptrdiff_t) noexcept nogil
        void (*roi_plan)(const RoiShape *, const void *, ptrdiff_t, void *) noexcept nogil
        void (*roi_pool_forward)(const RoiShape *, const void *, const void *, ptrdiff_t, void *, void *, void *, int,
                                 ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*roi_pool_grad)(const RoiShape *, const void *, ptrdiff_t, void *, const void *, int, void *, ptrdiff_t,
                              ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*roi_sample_forward)(const RoiShape *, const void *, const void *, void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*roi_sample_grad)(const RoiShape *, const void *, const void *, ptrdiff_t, void *, ptrdiff_t, ptrdiff_t,
                                ptrdiff_t) noexcept nogil
        void (*roi_sample_rois_grad)(const RoiShape *, const void *, const void *, const void *, void *, ptrdiff_t,
                                     ptrdiff_t) noexcept nogil
        recurrent_step lstm_step, lstm_step_grad, gru_step, gru_step_grad
        void (*sgd)(void *const *, const Update *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*adam)(void *const *, const Update *, ptrdiff_t, ptrdiff_t) noexcept nogil
        void (*rmsprop)(void *const *, const Update *, ptrdiff_t, ptrdiff_t) noexcept nogil
        double (*sum_of_squares)(const void *, ptrdiff_t, ptrdiff_t) noexcept nogil
        ptrdiff_t (*multiply_add)(ptrdiff_t, void *) noexcept nogil

cdef const Kernels *table(char code) except NULL

cdef char code_of(object array) except 0

cdef void *address(object array, char code, bint writable=?) except? NULL
