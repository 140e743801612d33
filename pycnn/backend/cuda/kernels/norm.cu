// Batch normalisation of (rows, channels): each lane stays in its channel, whose numbers it keeps.
#include "activation.cuh"
#include "rows.cuh"

// Of some rows: how many, their mean, and the sum of squared deviations from it.
struct Moments {
    wide count, mean, squares;
    __device__ void operator+=(const Moments &other) {
        const wide all = count + other.count;
        if (all == 0) return;
        const wide share = other.count / all, delta = other.mean - mean;
        mean += delta * share;
        squares += other.squares + delta * delta * count * share;
        count = all;
    }
};

#define AT_ONCE 8 // rows whose moments are found by deviations from their own mean

// out (3, slices, channels)
extern "C" __global__ void __launch_bounds__(256)
moments_of_rows(const real *x, wide *out, Rows s) {
    __shared__ Moments shared[256];
    const Share my(s);
    Moments all = {};
    for (int row = my.first; row < my.last; row += AT_ONCE * s.lanes) {
        wide values[AT_ONCE];
        Moments some = {};
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            const bool there = row + i * s.lanes < my.last;
            values[i] = there ? (wide)x[my.begin + (int64)(row + i * s.lanes) * s.inner] : 0;
            some.count += there, some.mean += values[i];
        }
        some.mean /= some.count;
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            const wide deviation = row + i * s.lanes < my.last ? values[i] - some.mean : 0;
            some.squares += deviation * deviation;
        }
        all += some;
    }
    all = folded(all, shared, my, s.lanes);
    if (!my.writes()) return;
    const int64 next = (int64)s.slices * s.inner;
    out[my.result] = all.count, out[my.result + next] = all.mean, out[my.result + 2 * next] = all.squares;
}

// x (3, slices, channels) as above, the slices as rows
extern "C" __global__ void __launch_bounds__(256)
moments_of_slices(const wide *x, wide *mean, wide *variance, Rows s, wide count) {
    __shared__ Moments shared[256];
    const Share my(s);
    const int64 next = (int64)s.rows * s.inner;
    Moments all = {};
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        all += Moments{x[i], x[i + next], x[i + 2 * next]};
    }
    all = folded(all, shared, my, s.lanes);
    if (my.writes()) mean[my.output] = all.mean, variance[my.output] = all.squares / count;
}

// gamma * (x - mean) / deviation + beta of one channel
struct Channel {
    wide mean, inverse, gamma, beta;
    __device__ Channel(int c, const wide *means, const wide *variances, const wide *gammas, const wide *betas,
                       wide epsilon) {
        mean = means[c], inverse = 1 / sqrt(variances[c] + epsilon);
        gamma = gammas ? gammas[c] : 1, beta = betas ? betas[c] : 0;
    }
    __device__ wide normal(wide x) const { return (x - mean) * inverse; }
    __device__ wide value(wide x) const { return gamma * normal(x) + beta; }
};

// The slope of the activation at y, or where that was not kept at what y is without a residual.
__device__ inline wide slope_at(int64 i, wide x, const real *y, const Channel &channel, int activation) {
    if (activation == LINEAR) return 1;
    return fused_slope(y ? (wide)y[i] : fused_activation(channel.value(x), activation), activation);
}

extern "C" __global__ void __launch_bounds__(256)
batch_norm_forward(const real *x, const wide *mean, const wide *variance, const wide *gamma OR_NULL,
                   const wide *beta OR_NULL, const real *residual OR_NULL, real *out, Rows s, wide epsilon,
                   int activation) {
    const Share my(s);
    if (!my.there) return;
    const Channel channel(my.output, mean, variance, gamma, beta, epsilon);
#pragma unroll 4
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        const wide value = channel.value(x[i]);
        out[i] = fused_activation(residual ? value + residual[i] : value, activation);
    }
}

// out (2, slices, channels) = the sums of g and of g * normal, where g = gy behind the activation, which is kept, too
extern "C" __global__ void __launch_bounds__(256)
batch_norm_sums(const real *gy, const real *x, const real *y OR_NULL, const wide *mean, const wide *variance,
                const wide *gamma OR_NULL, const wide *beta OR_NULL, real *residual_grad OR_NULL, wide *out, Rows s,
                wide epsilon, int activation) {
    __shared__ wide sums[256], products[256];
    const Share my(s);
    const Channel channel(my.there ? my.output : 0, mean, variance, gamma, beta, epsilon);
    wide sum = 0, product = 0;
#pragma unroll 4
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        const wide g = gy[i] * slope_at(i, x[i], y, channel, activation);
        sum += g, product += g * channel.normal(x[i]);
        if (residual_grad) residual_grad[i] = g;
    }
    sum = folded(sum, sums, my, s.lanes), product = folded(product, products, my, s.lanes);
    if (my.writes()) out[my.result] = sum, out[my.result + (int64)s.slices * s.inner] = product;
}

// Without gbeta and ggamma mean and variance are constants.
extern "C" __global__ void __launch_bounds__(256)
batch_norm_grad(const real *gy, const real *x, const real *y OR_NULL, const wide *mean, const wide *variance,
                const wide *gamma OR_NULL, const wide *beta OR_NULL, const wide *gbeta OR_NULL,
                const wide *ggamma OR_NULL, real *out, Rows s, wide epsilon, int activation) {
    const Share my(s);
    if (!my.there) return;
    const Channel channel(my.output, mean, variance, gamma, beta, epsilon);
    const wide own = gbeta ? gbeta[my.output] / s.rows : 0, slope = ggamma ? ggamma[my.output] / s.rows : 0;
    const wide scale = channel.gamma * channel.inverse;
#pragma unroll 4
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        const wide g = gy[i] * slope_at(i, x[i], y, channel, activation);
        out[i] = scale * (g - own - channel.normal(x[i]) * slope);
    }
}
