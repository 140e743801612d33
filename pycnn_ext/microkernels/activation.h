/* Elementwise functions on vectors. exp and tanh after Cephes (Moshier); in double erfc and log1p are libm's. */
#ifndef PYCNN_ACTIVATION_H
#define PYCNN_ACTIVATION_H

#include <math.h>

#include "kernels.h"
#include "vector.h"

#ifdef PYCNN_DOUBLE
#define MANTISSA 52
#define EXPONENT_BIAS 1023
#define EXP_LIMIT 800.0
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#else
#define MANTISSA 23
#define EXPONENT_BIAS 127
#define EXP_LIMIT 110.0f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#endif

/* 2^n for the integers n that a rounded vector carries in its low mantissa bits */
INLINE vec power_of_two(ivec n) { return (vec)((n + EXPONENT_BIAS) << MANTISSA); }

/* exp(r) - 1 for x = n*ln(2) + r, |r| <= ln(2)/2 and so exp(x) = 2^n * exp(r); |x| is at most EXP_LIMIT */
INLINE vec exp_of_rest(vec x, ivec *n) {
    const vec magic = splat((real)(1.5 * (double)((int64_t)1 << MANTISSA)));
    const vec shifted = x * (real)1.44269504088896340736 + magic; /* rounds to an integer in the low bits */
    *n = (ivec)shifted - (ivec)magic;
    const vec rounded = shifted - magic;
    const vec r = (x - rounded * (real)LN2_HIGH) - rounded * (real)LN2_LOW;
#ifdef PYCNN_DOUBLE
    static const real c[] = {1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0, 1 / 362880.0, 1 / 40320.0, 1 / 5040.0,
                             1 / 720.0,       1 / 120.0,      1 / 24.0,      1 / 6.0,      0.5};
#else
    static const real c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                             4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
#endif
    vec p = splat(c[0]);
    for (size_t i = 1; i < sizeof c / sizeof *c; i++) p = p * r + c[i];
    return p * r * r + r;
}

INLINE vec vector_exp(vec x) {
    x = larger(splat(-EXP_LIMIT), smaller(splat(EXP_LIMIT), x)); /* NaN stays */
    ivec n;
    const vec p = exp_of_rest(x, &n) + 1;
    const ivec half = n >> 1; /* in two steps, so that neither overflows before the result does */
    return p * power_of_two(half) * power_of_two(n - half);
}

INLINE vec vector_sigmoid(vec x) { return 1 / (1 + vector_exp(-x)); }

/* 1/d for d in [1, 2^100], to half a unit in the last place and a little: a division takes longer than all of tanh's
   rest. */
INLINE vec reciprocal(vec d) {
#if defined(__AVX512F__) && !defined(PYCNN_DOUBLE)
    const vec r = (vec)_mm512_rcp14_ps((__m512)d);
    return r + r * (1 - d * r); /* Newton's step */
#else
    return 1 / d;
#endif
}

/* A polynomial near 0, where the other form would cancel. */
INLINE vec vector_tanh(vec x) {
    const ivec sign = (ivec)x & (ivec)splat((real)-0.0);
    const vec size = smaller(splat(20), (vec)((ivec)x ^ sign)), z = x * x; /* NaN stays */
#ifdef PYCNN_DOUBLE
    const vec p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const vec q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    const vec near = x + x * z * (p / q);
#else
    vec p = z * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    const vec near = x + x * z * p;
#endif
    ivec n;
    const vec rest = exp_of_rest(size + size, &n), power = power_of_two(n);
    const vec far = 1 - 2 * reciprocal(power * rest + (power + 1)); /* exp(2*size) + 1, that is */
    return choose(size < (real)0.625, near, (vec)((ivec)far | sign));
}

INLINE vec vector_relu(vec x) { return choose(x < 0, (vec){}, x); } /* NaN stays */
INLINE vec vector_relu6(vec x) { return choose(x > 6, splat(6), vector_relu(x)); }

/* In place; the activations that a matrix product applies on its way out. */
INLINE void activate(vec *x, ptrdiff_t n, int activation) {
    switch (activation) {
    case RELU:
        for (ptrdiff_t i = 0; i < n; i++) x[i] = vector_relu(x[i]);
        break;
    case RELU6:
        for (ptrdiff_t i = 0; i < n; i++) x[i] = vector_relu6(x[i]);
        break;
    case SIGMOID:
        for (ptrdiff_t i = 0; i < n; i++) x[i] = vector_sigmoid(x[i]);
        break;
    case TANH:
        for (ptrdiff_t i = 0; i < n; i++) x[i] = vector_tanh(x[i]);
        break;
    }
}

#define SELU_ALPHA (real)1.6732632423543772848170429916717
#define SELU_SCALE (real)1.0507009873554804934193349852946
#define SQRT_HALF (real)0.70710678118654752440
#define INVERSE_SQRT_TWO_PI (real)0.39894228040143267794
#define GELU_SCALE (real)0.79788456080286535588 /* sqrt(2/pi) */
#define GELU_CUBIC (real)0.044715

#ifdef PYCNN_DOUBLE
INLINE vec normal_cdf(vec x) {
    for (ptrdiff_t i = 0; i < LANES; i++) x[i] = (real)0.5 * R(erfc)(-x[i] * SQRT_HALF);
    return x;
}

INLINE vec vector_softplus(vec x) { /* max(x, 0) + log1p(exp(-|x|)) */
    for (ptrdiff_t i = 0; i < LANES; i++) x[i] = (x[i] > 0 ? x[i] : 0) + R(log1p)(R(exp)(-R(fabs)(x[i])));
    return x;
}
#else
/* erfc(z) = t*exp(-z*z + p(t)), t = 1/(1 + z/2), to single precision (Press et al., Numerical Recipes, 6.2) */
INLINE vec normal_cdf(vec x) {
    static const real c[] = {0.17087277f,  -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                             -0.18628806f, 0.09678418f,  0.37409196f, 1.00002368f,  -1.26551223f};
    const vec z = choose(x < 0, -x, x) * SQRT_HALF, t = 1 / (1 + (real)0.5 * z);
    vec p = splat(c[0]);
    UNROLL for (size_t i = 1; i < sizeof c / sizeof *c; i++) p = p * t + c[i];
    const vec beyond = (real)0.5 * t * vector_exp(p - z * z);
    return choose(x > 0, 1 - beyond, beyond); /* NaN stays */
}

/* max(x, 0) + log(1 + e), e = exp(-|x|): log(1 + e) = 2*atanh(s), s = e/(2 + e) <= 1/3, whose series is short */
INLINE vec vector_softplus(vec x) {
    const vec e = vector_exp(choose(x < 0, x, -x)), s = e / (2 + e), square = s * s;
    vec series = splat((real)(1 / 15.0));
    UNROLL for (int odd = 13; odd > 0; odd -= 2) series = series * square + (real)(1.0 / odd);
    return vector_relu(x) + 2 * s * series;
}
#endif

INLINE vec activation_value(vec x, int name, real alpha) {
    switch (name) {
    case RELU: return vector_relu(x);
    case RELU6: return vector_relu6(x);
    case SIGMOID: return vector_sigmoid(x);
    case TANH: return vector_tanh(x);
    case LEAKY_RELU: return choose(x < 0, alpha * x, x);
    case ELU: return choose(x < 0, alpha * (vector_exp(x) - 1), x);
    case SELU: return SELU_SCALE * choose(x < 0, SELU_ALPHA * (vector_exp(x) - 1), x);
    case GELU: return x * normal_cdf(x);
    case GELU_TANH: return x * vector_sigmoid(2 * GELU_SCALE * (x + GELU_CUBIC * x * x * x));
    case SILU: return x * vector_sigmoid(x);
    case SOFTPLUS: return vector_softplus(x);
    default: return x;
    }
}

INLINE vec activation_slope(vec x, vec y, int name, real alpha) {
    switch (name) {
    case RELU: return choose(y > 0, splat(1), (vec){});
    case RELU6: return choose((y > 0) & (y < 6), splat(1), (vec){});
    case SIGMOID: return y * (1 - y);
    case TANH: return 1 - y * y;
    case LEAKY_RELU: return choose(x > 0, splat(1), splat(alpha));
    case ELU: return choose(x > 0, splat(1), y + alpha);
    case SELU: return choose(x > 0, splat(SELU_SCALE), y + SELU_SCALE * SELU_ALPHA);
    case GELU: return normal_cdf(x) + x * INVERSE_SQRT_TWO_PI * vector_exp((real)-0.5 * x * x);
    case GELU_TANH: { /* (1 + tanh(u)) / 2 is the sigmoid of 2u */
        const vec s = vector_sigmoid(2 * GELU_SCALE * (x + GELU_CUBIC * x * x * x));
        return s + x * s * (1 - s) * 2 * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
    }
    case SILU: {
        const vec s = vector_sigmoid(x);
        return s * (1 + x * (1 - s));
    }
    case SOFTPLUS: return vector_sigmoid(x);
    default: return splat(1);
    }
}

/* y[i] = f(x[i]) for i in [first, last); y may be x */
INLINE void activation_loop(const real *x, real *y, int name, real alpha, ptrdiff_t first, ptrdiff_t last) {
    ptrdiff_t i = first;
    for (; i + LANES <= last; i += LANES) store(y + i, activation_value(load(x + i), name, alpha));
    if (i < last) store_first(y + i, activation_value(load_first(x + i, last - i), name, alpha), last - i);
}

/* gx[i] = gy[i] * f'(x[i]); gx may be gy; x may be NULL for those that use y alone */
INLINE void activation_grad_loop(const real *gy, const real *x, const real *y, real *gx, int name, real alpha,
                                 ptrdiff_t first, ptrdiff_t last) {
    if (!x) x = y;
    ptrdiff_t i = first;
    for (; i + LANES <= last; i += LANES)
        store(gx + i, load(gy + i) * activation_slope(load(x + i), load(y + i), name, alpha));
    if (i < last) {
        const ptrdiff_t n = last - i;
        const vec slope = activation_slope(load_first(x + i, n), load_first(y + i, n), name, alpha);
        store_first(gx + i, load_first(gy + i, n) * slope, n);
    }
}

/* One loop a function, so that the choice is made once and not for each vector. */
#define FOR_EACH_ACTIVATION(X)                                                                                       \
    X(LINEAR) X(RELU) X(RELU6) X(SIGMOID) X(TANH) X(LEAKY_RELU) X(ELU) X(SELU) X(GELU) X(GELU_TANH) X(SILU)         \
    X(SOFTPLUS)

static inline void activation_forward(const void *x, void *y, int name, double alpha, ptrdiff_t first, ptrdiff_t last) {
    switch (name) {
#define CASE(NAME) case NAME: activation_loop(x, y, NAME, (real)alpha, first, last); break;
        FOR_EACH_ACTIVATION(CASE)
#undef CASE
    }
}

static inline void activation_grad(const void *gy, const void *x, const void *y, void *gx, int name, double alpha,
                            ptrdiff_t first, ptrdiff_t last) {
    switch (name) {
#define CASE(NAME) case NAME: activation_grad_loop(gy, x, y, gx, NAME, (real)alpha, first, last); break;
        FOR_EACH_ACTIVATION(CASE)
#undef CASE
    }
}

#endif
