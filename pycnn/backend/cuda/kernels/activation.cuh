// Values and slopes of the activations, for kernels that apply them on their way out.
#include "common.cuh"
#ifndef PYCNN_ACTIVATION
#define PYCNN_ACTIVATION

// names.ACTIVATIONS, in its order
enum { LINEAR, RELU, RELU6, SIGMOID, TANH, LEAKY_RELU, ELU, SELU, GELU, GELU_TANH, SILU, SOFTPLUS };

#define SELU_SCALE ((wide)1.0507009873554804934193349852946)
#define SELU_ALPHA ((wide)1.6732632423543772848170429916717)
#define SQRT_HALF ((wide)0.70710678118654752440)
#define INVERSE_SQRT_TWO_PI ((wide)0.39894228040143267794)
#define SQRT_EIGHT_OVER_PI ((wide)1.5957691216057307118)
#define GELU_CUBIC ((wide)0.044715)

__device__ inline wide relu(wide x) { return x < 0 ? 0 : x; } // NaN stays
__device__ inline wide sigmoid(wide x) { return 1 / (1 + exp(-x)); }
__device__ inline wide normal_cdf(wide x) { return (wide)0.5 * erfc(-x * SQRT_HALF); }
__device__ inline wide gelu_gate(wide x) { return sigmoid(SQRT_EIGHT_OVER_PI * (x + GELU_CUBIC * x * x * x)); }

// names.FUSED_ACTIVATIONS: those that matrix products and convolutions end with
__device__ inline wide fused_activation(wide x, int name) {
    switch (name) {
    case RELU: return relu(x);
    case RELU6: return x > 6 ? 6 : relu(x);
    case SIGMOID: return sigmoid(x);
    case TANH: return tanh(x);
    default: return x;
    }
}

__device__ inline wide activation_value(wide x, int name, wide alpha) {
    switch (name) {
    case LEAKY_RELU: return x < 0 ? alpha * x : x;
    case ELU: return x < 0 ? alpha * expm1(x) : x;
    case SELU: return SELU_SCALE * (x < 0 ? SELU_ALPHA * expm1(x) : x);
    case GELU: return x * normal_cdf(x);
    case GELU_TANH: return x * gelu_gate(x);
    case SILU: return x * sigmoid(x);
    case SOFTPLUS: return relu(x) + log1p(exp(-fabs(x)));
    default: return fused_activation(x, name);
    }
}

// The derivative of the fused ones, from y alone.
__device__ inline wide fused_slope(wide y, int name) {
    switch (name) {
    case RELU: return y > 0;
    case RELU6: return y > 0 && y < 6;
    case SIGMOID: return y * (1 - y);
    case TANH: return 1 - y * y;
    default: return 1;
    }
}

__device__ inline wide activation_slope(wide x, int name, wide alpha) {
    const wide below = x < 0 ? x : 0;
    switch (name) {
    case LEAKY_RELU: return x > 0 ? 1 : alpha;
    case ELU: return x > 0 ? 1 : alpha * exp(below);
    case SELU: return SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * exp(below));
    case GELU: return normal_cdf(x) + x * INVERSE_SQRT_TWO_PI * exp((wide)-0.5 * x * x);
    case GELU_TANH: {
        const wide gate = gelu_gate(x);
        return gate + x * gate * (1 - gate) * SQRT_EIGHT_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
    }
    case SILU: {
        const wide gate = sigmoid(x);
        return gate * (1 + x * (1 - gate));
    }
    case SOFTPLUS: return sigmoid(x);
    default: return 1;
    }
}
#endif
