"""The contract between pycnn and a device: every kernel that a backend must have.

A backend is a package beside this file (``reference``, ``cpu``) with one module for each class below, of
the same name in lower case, holding functions of exactly these names and parameters, and an ``__init__``
that gathers them. The docstrings here are the specification; ``backend/reference`` is the same in NumPy.

What holds for all members:

- Arrays are C-contiguous or not, as they come: a backend makes contiguous what it needs.
- Activations are NHWC, filters HWIO, all arguments of one call of one floating dtype (float32 or float64).
- Where ``half_wide`` Conv, Matmul, Pool, Activation, Arithmetic and Norm take float16 and bfloat16, too: they compute
  in float32 and round results once. Float32 stay ``sum_rows``, ``sum_products``, the sum of ``multiply_grad``, filters'
  gradients, matmul's ``out`` where that is and a alone is transposed, statistics, gamma, beta and their gradients.
- ``out=`` is a C-contiguous array of the result's shape and dtype, which is filled and returned; without it
  the result is new. Except where said, ``out`` must not overlap an input.
- The same input gives the same bits, for any number of threads.
- Shapes are checked above, in ``ops`` and ``geometry``. A kernel may take them for granted.
"""

from typing import Protocol


class Arrays(Protocol):
    """Arrays of the device, and NumPy's functions on them."""

    name: str  # as ``set_backend`` takes it
    half_wide: bool  # whether kernels take float16 and bfloat16
    xp: object  # the array namespace, with NumPy's API: ``numpy`` or ``cupy``; for elementwise work off the hot path

    def asarray(x, dtype=None):
        """Bring ``x`` (array, nested list, number) to the device; a float array of ``dtype`` if given."""

    def upload(arrays):
        """Bring a list of the host's arrays, a batch, to the device, as they are; it may compute meanwhile."""

    def to_numpy(x, copy=False):
        """Bring a device array to the host as a ``numpy.ndarray``: the same memory where it can be, unless ``copy``."""

    def is_array(x):
        """Whether ``x`` is an array of this device."""

    def random_uniform(generator, shape, dtype):
        """Uniform numbers in [0, 1), an array of the device drawn from the host's ``numpy.random.Generator``.

        Of one state the same numbers on the same kind of device: on a GPU a key for its own generator is drawn.
        """

    def random_normal(generator, shape, dtype):
        """Normally distributed numbers of mean 0 and variance 1; otherwise as ``random_uniform``."""

    def update_at(target, index, values, reduction=None):
        """target[index] = values, in place, or that joined to what is there by one of ``names.REDUCTIONS``.

        ``target`` is C-contiguous, ``index`` is as NumPy takes it. Where it names a place several times all values
        count, in their order; without a reduction the last one does. Returns nothing.
        """

    def memory_info():
        """See ``pycnn.backend.memory_info``."""

    def free_pool():
        """Give back to the system what is kept for further arrays."""


class Conv(Protocol):
    """2-D cross-correlation and its two adjoints. ``geometry`` is a ``ConvGeometry``."""

    def conv2d_prepare(w, geometry, batch, algorithm="auto"):
        """Filters as ``conv2d_forward`` uses them inside, for images (batch, H, W, C), or None if that is w itself.

        A plan prepares those that seldom change, once, and gives them as ``prepared``: packed, or transformed.
        """

    def conv2d_forward(
        x, w, geometry, bias=None, residual=None, activation=None, algorithm="auto", prepared=None, out=None
    ):
        """y[n,p,q,k] = act(sum_{r,s,c} x[n, p*sh - top + r*dh, q*sw - left + s*dw, g(k)+c] * w[r,s,c,k]
        + bias[k] + residual[n,p,q,k]).

        x (N, H, W, C), w (R, S, C/groups, K), bias (K,) or None, residual (N, P, Q, K) or None, activation one of
        ``names.FUSED_ACTIVATIONS`` or None; x is 0 outside the image, g(k) = (k // (K/groups)) * C/groups.
        Returns (N, P, Q, K). ``prepared`` is what ``conv2d_prepare`` made of w for this call, or None.

        ``algorithm``: ``"direct"``, ``"winograd"`` (for what ``geometry.allows_winograd()``), or ``"auto"``: what is
        faster here, of which none but the direct one is used in float64. A backend may have but one.
        """

    def conv2d_input_grad(gy, w, geometry, algorithm="auto", out=None):
        """Adjoint of ``conv2d_forward`` in x: gy (N, P, Q, K), w (R, S, C/groups, K) -> (N, H, W, C).

        It is also the transposed convolution of gy with w.
        """

    def conv2d_filter_grad(x, gy, geometry, algorithm="auto", out=None):
        """Adjoint of ``conv2d_forward`` in w: x (N, H, W, C), gy (N, P, Q, K) -> (R, S, C/groups, K)."""


class Matmul(Protocol):
    """Matrix product."""

    def matmul(a, b, transpose_a=False, transpose_b=False, bias=None, activation=None, out=None):
        """act(A @ B + bias) for matrices: A = a or a.T (M, K), B = b or b.T (K, N), bias (N,) -> (M, N)."""


class Pool(Protocol):
    """Sliding windows without weights. ``geometry`` is a ``PoolGeometry``."""

    def max_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
        """Largest value of each window: x (N, H, W, C) -> y (N, P, Q, C), index (N, P, Q, C).

        Padding never wins. ``index`` is ``r*pool_width + s`` of the winner, uint8 for windows of at most 255
        places and int32 beyond; the first of equals in row order wins; a NaN wins over numbers (the first NaN).
        Without ``with_index``, and without an ``index`` to fill, it is None, which is faster.
        """

    def min_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
        """Smallest value of each window; otherwise as ``max_pool2d_forward``."""

    def extreme_pool2d_input_grad(gy, index, geometry, out=None):
        """Gradient of max and min pooling: gy, index (N, P, Q, C) -> (N, H, W, C)."""

    def avg_pool2d_forward(x, geometry, count_include_pad=False, out=None):
        """Mean of each window: x (N, H, W, C) -> (N, P, Q, C).

        The divisor is the number of places that hold data, and with ``count_include_pad`` also those of the
        padding asked for (not what ceil mode reaches beyond it).
        """

    def avg_pool2d_input_grad(gy, geometry, count_include_pad=False, out=None):
        """Adjoint of ``avg_pool2d_forward``: gy (N, P, Q, C) -> (N, H, W, C)."""


class Activation(Protocol):
    """Elementwise functions, by name: ``names.ACTIVATIONS``. ``alpha`` is the one parameter that some have."""

    def activation_forward(x, name, alpha=0.0, out=None):
        """Apply the activation ``name`` to each element; ``out`` may be ``x``."""

    def activation_grad(gy, x, y, name, alpha=0.0, out=None):
        """gy times the derivative at x, where y = activation_forward(x, name, alpha); ``out`` may be ``gy``.

        Those of ``names.FUSED_ACTIVATIONS`` use y alone, and x may be None.
        """


class Softmax(Protocol):
    """Softmax along the last axis, and its cross-entropy."""

    def softmax_forward(x, out=None):
        """exp(x - max) / sum(exp(x - max)) along the last axis, of any shape."""

    def softmax_grad(gy, y, out=None):
        """y * (gy - sum(gy * y)) along the last axis."""

    def log_softmax_forward(x, out=None):
        """x - max - log(sum(exp(x - max))) along the last axis."""

    def log_softmax_grad(gy, y, out=None):
        """gy - exp(y) * sum(gy) along the last axis."""

    def cross_entropy(x, targets, smoothing=0.0, mean=False, gradient=None, out=None):
        """-sum(t * log(softmax(x))) along the last axis of x (..., C) -> (...), or with ``mean`` the mean of all, ().

        Where t is 0 nothing is added, be the probability 0 or not.
        t is 1 at the label and 0 elsewhere for integer ``targets`` (...), or ``targets`` (..., C) itself, and of
        these t*(1 - smoothing) + smoothing/C. A label outside [0, C) makes its loss NaN. ``gradient``, an array like
        x, is filled with the derivative of the (mean) loss unless it is None. No mean of none: NaN.
        """


class Arithmetic(Protocol):
    """Sums and products of two arrays: b has a's shape, or is stretched to it along one run of neighbouring axes.

    Beside (N, H, W, C) that may be (C,), (N, 1, 1, C) or (N, H, W, 1); see ``backend.stretching``.
    """

    def add(a, b, out=None):
        """a + b, of a's shape; ``out`` may be ``a``."""

    def add_clipped(a, b, low, high, out=None):
        """a + b, of a's shape, where it is below low or above high that; NaN stays; ``out`` may be ``a``."""

    def multiply(a, b, out=None):
        """a * b, of a's shape; ``out`` may be ``a``."""

    def multiply_grad(gy, a, b, out=None):
        """Both gradients of ``multiply``: gy * b, of a's shape, in ``out``; and gy * a summed to the shape of b."""

    def sum_products(a, b, shape, out=None):
        """a * b (a itself where b is None), of one shape, summed to ``shape``: over what is stretched there to a's."""


class Norm(Protocol):
    """Sums and batch normalisation over all axes but the last (the channels)."""

    def sum_rows(x, out=None):
        """Sum over all axes but the last: x (..., C) -> (C,). The gradient of a bias."""

    def batch_norm_statistics(x):
        """Mean and biased variance of each channel: x (..., C) -> mean (C,), variance (C,).

        As accurate as deviations from the mean are; both are 0 where x is empty.
        """

    def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, residual=None, activation=None, out=None):
        """act(gamma * (x - mean) / sqrt(variance + epsilon) + beta + residual).

        gamma and beta (C,) or None (1 and 0), residual like x or None, activation one of
        ``names.FUSED_ACTIVATIONS`` or None; ``out`` may be ``x`` or ``residual``.
        """

    def batch_norm_grad(
        gy,
        x,
        mean,
        variance,
        gamma,
        epsilon,
        y=None,
        activation=None,
        out=None,
        residual_grad=None,
        beta=None,
        own_statistics=True,
    ):
        """Gradients of ``batch_norm_forward``: gx (..., C), ggamma (C,), gbeta (C,).

        Where ``own_statistics`` mean and variance are x's own, and gx flows through them too; otherwise they are
        constants. An ``activation`` needs ``y``, or where there was no residual ``beta`` instead, from which y is
        computed again: that is faster, for one array less is read. ``residual_grad`` is an array that takes the
        residual's gradient. ``out`` may be ``gy`` or ``x``, ``residual_grad`` may be ``gy``, but not ``out``.
        """


class Resample(Protocol):
    """Images at other sizes and places. Pixel centres lie at half-integers, as in every current framework."""

    def resize2d_forward(x, size, method, out=None):
        """Resize to ``size`` (height, width): x (N, H, W, C) -> (N, height, width, C).

        ``method`` is ``"nearest"`` (source ``floor((i + 1/2) * in/out)``) or ``"bilinear"`` (two taps an axis at
        ``(i + 1/2) * in/out - 1/2``, clamped to the edge; no antialiasing).
        """

    def resize2d_input_grad(gy, input_size, method, out=None):
        """Adjoint of ``resize2d_forward``: gy (N, height, width, C) -> (N, *input_size, C)."""

    def affine2d_forward(x, matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0, out=None):
        """Sample each image through its own affine map: x (N, H, W, C), matrices (N, 6) float64 -> (N, H, W, C).

        Output pixel (column u, row v) takes the input at column ``a*u + b*v + c`` and row ``d*u + e*v + f``,
        for matrices[n] = (a, b, c, d, e, f), in pixel indices. Outside the image ``fill_mode`` rules:
        ``"constant"`` (fill_value), ``"nearest"`` (edge), ``"reflect"`` (dcba|abcd|dcba), ``"wrap"`` (abcd|abcd).
        ``interpolation`` is ``"bilinear"`` or ``"nearest"`` (the pixel whose centre is nearest, halves up).
        """


class Boxes(Protocol):
    """Boxes x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, their overlaps, and the suppression of those that overlap.

    Overlaps have the same bits on every backend, so that all keep the same boxes: each operation is rounded by itself
    (no fused multiply-adds), in the order that is written here.
    """

    def box_iou(a, b, out=None):
        """Intersection over union of each pair: a (N, 4), b (M, 4) -> (N, M).

        inter / (area_a + area_b - inter), where inter = max(min(x2_a, x2_b) - max(x1_a, x1_b), 0) times the same of y,
        and area = (x2 - x1) * (y2 - y1); 0 where the union has no area.
        """

    def nms(boxes, scores, iou_threshold, labels=None, out=None):
        """Greedy non-maximum suppression: boxes (N, 4), scores (N,) -> indices (N,) int64 of those kept, then -1.

        Boxes are taken by score, falling, equals by index; each is kept unless it has box_iou > iou_threshold (rounded
        to the dtype) with a kept one, which with ``labels`` (N,) int64 must have the same label. No score is NaN.
        Memory grows with N, not with its square.
        """


class Roi(Protocol):
    """Pooling of regions of interest. ``geometry`` is a ``RoiGeometry``, whose batch and input size are those of x.

    rois (R, 5): index of the image, x1, y1, x2, y2, which ``spatial_scale`` takes to pixels of the map x (N, H, W, C);
    x and rois have one dtype. Results are (R, P, Q, C). A region of no image (an index outside [0, N)), or with a
    corner that is not finite, gives NaN, and no gradient.
    """

    def roi_pool_forward(x, rois, geometry, out=None, index=None, with_index=True):
        """Largest value of each bin (Fast R-CNN, section 2.1): y and index (R, P, Q, C).

        The corners are rounded, halves away from zero; a region is then max(x2 - x1 + 1, 1) pixels wide and bin q
        covers columns x1 + floor(q*width/Q) up to x1 + ceil((q+1)*width/Q), excluded, as far as there are any, in
        integers; rows alike. ``index`` is ``h*W + w`` of the winner; the first of equals in row order wins; a NaN wins
        over numbers (the first NaN). An empty bin gives 0 and the index -1. It is int32, or int16 where a backend would
        have that and the map has fewer than 2^15 pixels. Without ``with_index`` it is None.
        """

    def roi_pool_input_grad(gy, rois, index, geometry, out=None):
        """Gradient of ``roi_pool_forward`` in x: gy, index (R, P, Q, C) -> (N, H, W, C)."""

    def roi_align_forward(x, rois, geometry, out=None):
        """Mean of bilinear samples of each bin (Mask R-CNN, section 3): (R, P, Q, C).

        Along each axis a region from a = x1*scale - o to b = x2*scale - o, o = 1/2 where ``aligned``, else 0 and b at
        least a + 1, has Q bins of the width s = (b - a)/Q with n samples each: ``sampling_ratio``, or ceil(s) if that
        is not above 0. Sample i of bin q is at a + q*s + (i + 1/2)*s/n in pixel indices; one outside [-1, W] is 0,
        others are clamped to [0, W - 1]. No samples at all (b <= a): 0.
        """

    def roi_align_input_grad(gy, rois, geometry, out=None):
        """Adjoint of ``roi_align_forward`` in x: gy (R, P, Q, C) -> (N, H, W, C)."""

    def roi_align_rois_grad(gy, x, rois, geometry, out=None):
        """Gradient of ``roi_align_forward`` in rois, (R, 5), that of the index 0. n is constant, as is clamped."""

    def roi_warp_forward(x, rois, geometry, out=None):
        """One bilinear sample a bin, from edge to edge of the box (DenseCap, section 3.2.2): (R, P, Q, C).

        Of a box from x1 to x2 sample q is at (x1 + (x2 - x1)*q/(Q - 1))*scale*(W - 1)/W in pixel indices (its middle
        for Q = 1), with zeros outside: PyTorch's ``grid_sample`` with ``align_corners=True``, the box given in parts of
        the map.
        """

    def roi_warp_input_grad(gy, rois, geometry, out=None):
        """Adjoint of ``roi_warp_forward`` in x: gy (R, P, Q, C) -> (N, H, W, C)."""

    def roi_warp_rois_grad(gy, x, rois, geometry, out=None):
        """Gradient of ``roi_warp_forward`` in rois, (R, 5), that of the index 0."""


class Recurrent(Protocol):
    """Recurrent nets over sequences of N samples of T steps: x is the inputs' product with the kernel, and the bias.

    LSTM: gates i, f, g, o = sigmoid(x + h @ recurrent), of g tanh; c = f*c + i*g, h = o*tanh(c). GRU: r = h @ recurrent
    + bias, gates z, k = sigmoid(x + r), g = tanh(x + k*r); h = z*h + (1 - z)*g. Gates lie side by side. h, c (N, U) are
    states before the first step, all_h, all_c (N, T, U) after each; they stay where ``mask``, (N, T) bools, is False.
    """

    def lstm_forward(x, recurrent, h, c, mask=None, out=None):
        """x (N, T, 4U), recurrent (U, 4U) -> all_h, all_c, gates (N, T, 4U)."""

    def lstm_grad(gates, recurrent, c, all_c, gy, gc, mask=None, out=None):
        """Gradients of x, h and c, from gy, that of all_h (N, T, U), and gc, that of the last c (N, U)."""

    def gru_forward(x, recurrent, h, bias=None, mask=None, out=None):
        """x (N, T, 3U), recurrent (U, 3U), bias (3U,) -> all_h, gates (N, T, 3U), inner: r of the gate g, (N, T, U)."""

    def gru_grad(gates, inner, recurrent, h, all_h, gy, mask=None, out=None):
        """Gradients of x, of all r (N, T, 3U), and of h, from gy, that of all_h (N, T, U)."""


class Optimizer(Protocol):
    """Fused parameter updates, in place, over equally long lists of arrays. Returns nothing.

    Parameters and states are C-contiguous, as ``Variable`` keeps them; gradients are as they come.
    ``weight_decay`` is decoupled: p -= learning_rate * weight_decay * p, before the step (AdamW, Keras).
    """

    def sgd_update(params, grads, velocities, learning_rate, momentum, nesterov, weight_decay):
        """Keras's SGD: v = momentum*v - lr*g; p += v, or with Nesterov p += momentum*v - lr*g.

        ``velocities`` is None where momentum is 0.
        """

    def adam_update(params, grads, m, v, vhat, step, learning_rate, beta_1, beta_2, epsilon, weight_decay):
        """Adam (Kingma and Ba 2015, section 2, with epsilon-hat as Keras): for step t = 1, 2, ...

        m += (g - m)*(1 - beta_1); v += (g^2 - v)*(1 - beta_2);
        p -= lr * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon).
        ``vhat`` (None, or AMSGrad's arrays) holds the running maximum of v and then stands in its place.
        """

    def rmsprop_update(params, grads, v, momenta, averages, learning_rate, rho, momentum, epsilon, weight_decay):
        """Keras's RMSprop: v = rho*v + (1-rho)*g^2; d = v + epsilon (centred: v - a^2 + epsilon,
        a = rho*a + (1-rho)*g); step = lr*g/sqrt(d); with momentum: b = momentum*b + step, p -= b; else p -= step.

        ``momenta`` is None where momentum is 0, ``averages`` is None where it is not centred.
        """

    def clip_norms(arrays, limit, together):
        """The arrays, each scaled down where its norm is above ``limit``, or all where that of all ``together`` is.

        Returns a list; what need not be scaled may be the array that was given.
        """


class Plans(Protocol):
    """Computations that are repeated as they were recorded."""

    def record(function, inputs, tensors=(), fixed=False, changing=()):
        """Run ``function(*inputs)`` and return ``(result, plan)``; see ``backend.recording.record``.

        ``plan.run()`` fills the result anew from what the inputs hold then, with the same bits as the function;
        ``plan.direct(x, y)`` may without copies. After changes of ``fixed`` ``tensors`` comes ``plan.refresh()`` first.
        """


FAMILIES = (Arrays, Conv, Matmul, Pool, Activation, Softmax, Arithmetic, Norm, Resample, Boxes, Roi, Recurrent,
            Optimizer, Plans)  # fmt: skip
