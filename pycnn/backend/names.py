"""Names that kernels take: of activations, and of ways to join numbers."""

REDUCTIONS = ("add", "maximum", "minimum", "multiply")
"""How ``update_at`` joins numbers, by the names of NumPy's functions."""

FUSED_ACTIVATIONS = ("linear", "relu", "relu6", "sigmoid", "tanh")
"""Activations that conv2d_forward and matmul apply on their way out; their derivative follows from y alone."""

ACTIVATIONS = (*FUSED_ACTIVATIONS, "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "softplus")
"""All elementwise activations. ``alpha`` is the slope of leaky_relu (x < 0) and the scale of elu; others ignore it.
``gelu`` is exact (erf), ``gelu_tanh`` its tanh form."""
