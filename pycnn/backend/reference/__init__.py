"""The specification that runs: plain NumPy, slow and obvious. One file a family of ``backend/protocol.py``."""

from pycnn.backend.reference.activation import activation_forward, activation_grad
from pycnn.backend.reference.arithmetic import add, add_clipped, multiply, multiply_grad, sum_products
from pycnn.backend.reference.arrays import (
    asarray,
    free_pool,
    half_wide,
    is_array,
    memory_info,
    name,
    random_normal,
    random_uniform,
    to_numpy,
    update_at,
    upload,
    xp,
)
from pycnn.backend.reference.boxes import box_iou, nms
from pycnn.backend.reference.conv import conv2d_filter_grad, conv2d_forward, conv2d_input_grad, conv2d_prepare
from pycnn.backend.reference.matmul import matmul
from pycnn.backend.reference.norm import batch_norm_forward, batch_norm_grad, batch_norm_statistics, sum_rows
from pycnn.backend.reference.optimizer import adam_update, clip_norms, rmsprop_update, sgd_update
from pycnn.backend.reference.plans import record
from pycnn.backend.reference.pool import (
    avg_pool2d_forward,
    avg_pool2d_input_grad,
    extreme_pool2d_input_grad,
    max_pool2d_forward,
    min_pool2d_forward,
)
from pycnn.backend.reference.recurrent import gru_forward, gru_grad, lstm_forward, lstm_grad
from pycnn.backend.reference.resample import affine2d_forward, resize2d_forward, resize2d_input_grad
from pycnn.backend.reference.roi import (
    roi_align_forward,
    roi_align_input_grad,
    roi_align_rois_grad,
    roi_pool_forward,
    roi_pool_input_grad,
    roi_warp_forward,
    roi_warp_input_grad,
    roi_warp_rois_grad,
)
from pycnn.backend.reference.softmax import (
    cross_entropy,
    log_softmax_forward,
    log_softmax_grad,
    softmax_forward,
    softmax_grad,
)

__all__ = [
    "activation_forward",
    "activation_grad",
    "adam_update",
    "add",
    "add_clipped",
    "affine2d_forward",
    "asarray",
    "avg_pool2d_forward",
    "avg_pool2d_input_grad",
    "batch_norm_forward",
    "batch_norm_grad",
    "batch_norm_statistics",
    "box_iou",
    "clip_norms",
    "conv2d_filter_grad",
    "conv2d_forward",
    "conv2d_input_grad",
    "conv2d_prepare",
    "cross_entropy",
    "extreme_pool2d_input_grad",
    "free_pool",
    "gru_forward",
    "gru_grad",
    "half_wide",
    "is_array",
    "log_softmax_forward",
    "log_softmax_grad",
    "lstm_forward",
    "lstm_grad",
    "matmul",
    "max_pool2d_forward",
    "memory_info",
    "min_pool2d_forward",
    "multiply",
    "multiply_grad",
    "name",
    "nms",
    "random_normal",
    "random_uniform",
    "record",
    "resize2d_forward",
    "resize2d_input_grad",
    "rmsprop_update",
    "roi_align_forward",
    "roi_align_input_grad",
    "roi_align_rois_grad",
    "roi_pool_forward",
    "roi_pool_input_grad",
    "roi_warp_forward",
    "roi_warp_input_grad",
    "roi_warp_rois_grad",
    "sgd_update",
    "softmax_forward",
    "softmax_grad",
    "sum_products",
    "sum_rows",
    "to_numpy",
    "update_at",
    "upload",
    "xp",
]
