// Elementwise activations.
#include "activation.cuh"

extern "C" __global__ void __launch_bounds__(256)
activation_forward(const real *x, real *out, int name, wide alpha, int64 count) {
    FOR_EACH(int64, i, count) out[i] = activation_value(x[i], name, alpha);
}

extern "C" __global__ void __launch_bounds__(256)
activation_grad(const real *gy, const real *x OR_NULL, const real *y, real *out, int name, wide alpha, int64 count) {
    FOR_EACH(int64, i, count) {
        const wide slope = name <= TANH ? fused_slope(y[i], name) : activation_slope(x[i], name, alpha);
        out[i] = gy[i] * slope;
    }
}
