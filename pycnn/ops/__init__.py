"""Differentiable maths, one family a file, all names here in one flat namespace. NumPy arrays go in, Tensors come out.

arithmetic.py  + - * / ** maximum where     elementwise.py  exp log sqrt clip, comparisons    reduction.py  sum mean
shaping.py     reshape transpose concat     indexing.py     x[...] take scatter slice         creation.py   zeros ones
arranging.py   tile roll stacks meshgrid    sorting.py      sort top_k quantile unique        cumulative.py cumsum
activation.py  relu ... softmax             nonlinearity.py hard_sigmoid mish ...             logarithm.py  log2 exp2
trigonometry.py  tan sinh erf               product.py      dot einsum tensordot diag         linear.py     matmul
conv.py        conv2d                       window.py       Keras's conv and pools, 1-D too   pool.py       max_pool2d
norm.py        batch_norm                   normalization.py  norm normalize layer_norm...    dropout.py    dropout
resample.py    pad crop resize affine2d ... image.py        Keras's ops.image                 control.py    cond scan
loss.py        mse mae huber hinge ...      crossentropy.py those of the losses               entropy.py    Keras's
operators.py   the Tensor's operators and methods     promotion.py  which dtype     axes.py  which axes
roi.py         roi_pool roi_align roi_warp         recurrent.py  simple_rnn lstm gru
symbolic.py    operations on tensors without values: they become part of a graph

Names, arguments and defaults are those of ``keras.ops`` where Keras has the operation. On purpose different: integer
results (``argmax``, ``top_k``, integer arithmetic) have 64 bits, and a few functions take more than Keras's do.
"""

# ruff: noqa: F401

import sys as _sys
import types as _types

from pycnn import registration as _registration
from pycnn.ops import image, operators  # operators are attached to Tensor
from pycnn.ops import symbolic as _symbolic
from pycnn.ops.activation import (
    activation,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from pycnn.ops.arithmetic import (
    add,
    add_clipped,
    divide,
    floor_divide,
    maximum,
    minimum,
    mod,
    multiply,
    power,
    subtract,
    where,
)
from pycnn.ops.arranging import (
    append,
    array_split,
    depth_to_space,
    dsplit,
    dstack,
    fliplr,
    flipud,
    hsplit,
    hstack,
    meshgrid,
    ravel,
    roll,
    rot90,
    space_to_depth,
    tile,
    unstack,
    vsplit,
    vstack,
)
from pycnn.ops.control import (
    cond,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)
from pycnn.ops.conv import (
    conv2d,
    conv2d_transpose,
)
from pycnn.ops.creation import (
    arange,
    array,
    cast,
    convert_to_numpy,
    convert_to_tensor,
    copy,
    dtype,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    identity,
    is_tensor,
    linspace,
    logspace,
    multi_hot,
    ndim,
    one_hot,
    ones,
    ones_like,
    saturate_cast,
    shape,
    size,
    stop_gradient,
    tri,
    zeros,
    zeros_like,
)
from pycnn.ops.crossentropy import (
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from pycnn.ops.cumulative import (
    cumprod,
    cumsum,
    diff,
)
from pycnn.ops.dropout import (
    dropout,
)
from pycnn.ops.elementwise import (
    absolute,
    allclose,
    arctan,
    ceil,
    clip,
    cos,
    equal,
    exp,
    expm1,
    floor,
    greater,
    greater_equal,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    negative,
    not_equal,
    reciprocal,
    round,
    rsqrt,
    sign,
    signbit,
    sin,
    sqrt,
    square,
    trunc,
)
from pycnn.ops.entropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from pycnn.ops.indexing import (
    get_item,
    getitem,
    nonzero,
    scatter,
    scatter_update,
    segment_max,
    segment_sum,
    slice,
    slice_update,
    take,
    take_along_axis,
    unravel_index,
)
from pycnn.ops.linear import (
    dense,
    matmul,
)
from pycnn.ops.logarithm import (
    cbrt,
    divide_no_nan,
    exp2,
    fmod,
    heaviside,
    isin,
    log2,
    log10,
    logaddexp,
    nan_to_num,
)
from pycnn.ops.loss import (
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    smooth_l1,
    squared_hinge,
)
from pycnn.ops.nonlinearity import (
    celu,
    exponential,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    lecun_tanh,
    log_sigmoid,
    mish,
    soft_shrink,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)
from pycnn.ops.norm import (
    batch_norm,
)
from pycnn.ops.normalization import (
    batch_normalization,
    layer_normalization,
    norm,
    normalize,
    psnr,
    rms_normalization,
)
from pycnn.ops.pool import (
    avg_pool2d,
    global_avg_pool2d,
    global_max_pool2d,
    global_min_pool2d,
    max_pool2d,
    min_pool2d,
)
from pycnn.ops.product import (
    diag,
    diagonal,
    dot,
    einsum,
    inner,
    outer,
    tensordot,
    trace,
    tril,
    triu,
    vdot,
)
from pycnn.ops.recurrent import gru, lstm, simple_rnn
from pycnn.ops.reduction import (
    all,
    any,
    argmax,
    argmin,
    average,
    count_nonzero,
    logsumexp,
    max,
    mean,
    min,
    moments,
    prod,
    ptp,
    std,
    sum,
    var,
)
from pycnn.ops.resample import (
    affine2d,
    crop,
    mirror2d,
    pad,
    resize,
)
from pycnn.ops.roi import (
    roi_align,
    roi_pool,
    roi_warp,
)
from pycnn.ops.shaping import (
    broadcast_to,
    concatenate,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    repeat,
    reshape,
    split,
    squeeze,
    stack,
    swapaxes,
    transpose,
)
from pycnn.ops.sorting import (
    argpartition,
    argsort,
    bincount,
    digitize,
    histogram,
    in_top_k,
    median,
    percentile,
    quantile,
    searchsorted,
    sort,
    top_k,
    unique,
)
from pycnn.ops.trigonometry import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan2,
    arctanh,
    cosh,
    deg2rad,
    erf,
    erfc,
    hypot,
    rad2deg,
    sinh,
    tan,
)
from pycnn.ops.window import (
    average_pool,
    conv,
    conv_transpose,
    depthwise_conv,
    max_pool,
    separable_conv,
)

abs = absolute
amax, amin = max, min
concat = concatenate
hard_swish = hard_silu
permute = transpose
swish = silu
true_divide = divide
nn = numpy = linalg = _sys.modules[__name__]  # Keras's names for parts of the one namespace

__all__ = sorted(  # all functions, those of Python's own names among them
    name for name, thing in globals().items() if isinstance(thing, _types.FunctionType) and name[0] != "_"
)

_symbolic.trace(globals(), __all__)
__all__ += ["image"]

__getattr__ = _registration.hint_names(__name__, __all__)
