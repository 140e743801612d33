"""The GPU, by CuPy and kernels of our own: checked, allocated, launched. One file a family of ``backend/protocol.py``.

arrays.py   CuPy's arrays                                   launch.py    the one way to a kernel, all arguments checked
memory.py   what is in use, errors when there is none       plans.py     graphs of what is done again and again
sources.py  the .cu files, and how one is written           kernels/     CUDA C++; common.cuh hides what is PTX
uploads.py  batches that arrive while the GPU computes      cublas.py    CuPy's products, and what follows them
Tests compile every kernel for four architectures, and run all of them without a GPU (``tests/cuda_emulator``).
"""

from pycnn.backend.cuda.activation import activation_forward, activation_grad
from pycnn.backend.cuda.arithmetic import add, add_clipped, multiply, multiply_grad, sum_products
from pycnn.backend.cuda.arrays import (
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
from pycnn.backend.cuda.boxes import box_iou, nms
from pycnn.backend.cuda.conv import conv2d_filter_grad, conv2d_forward, conv2d_input_grad, conv2d_prepare
from pycnn.backend.cuda.matmul import matmul
from pycnn.backend.cuda.norm import batch_norm_forward, batch_norm_grad, batch_norm_statistics, sum_rows
from pycnn.backend.cuda.optimizer import adam_update, clip_norms, rmsprop_update, sgd_update
from pycnn.backend.cuda.plans import record
from pycnn.backend.cuda.pool import (
    avg_pool2d_forward,
    avg_pool2d_input_grad,
    extreme_pool2d_input_grad,
    max_pool2d_forward,
    min_pool2d_forward,
)
from pycnn.backend.cuda.recurrent import gru_forward, gru_grad, lstm_forward, lstm_grad
from pycnn.backend.cuda.resample import affine2d_forward, resize2d_forward, resize2d_input_grad
from pycnn.backend.cuda.roi import (
    roi_align_forward,
    roi_align_input_grad,
    roi_align_rois_grad,
    roi_pool_forward,
    roi_pool_input_grad,
    roi_warp_forward,
    roi_warp_input_grad,
    roi_warp_rois_grad,
)
from pycnn.backend.cuda.softmax import (
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
