/* Parameter updates, in place. Plain loops, which the compiler vectorises. Decay comes before the step. */
#ifndef PYCNN_OPTIMIZER_H
#define PYCNN_OPTIMIZER_H

#include <math.h>

#include "kernels.h"
#include "vector.h"

/* arrays: p, g and the velocity or NULL */
static void sgd(void *const *arrays, const Update *u, ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = arrays[0], *restrict v = arrays[2];
    const real *restrict g = arrays[1];
    const real rate = (real)u->rate, momentum = (real)u->momentum, keep = (real)u->keep;
    if (!v) {
        for (ptrdiff_t i = first; i < last; i++) p[i] = p[i] * keep - rate * g[i];
    } else if (u->nesterov) {
        for (ptrdiff_t i = first; i < last; i++) {
            v[i] = momentum * v[i] - rate * g[i];
            p[i] = p[i] * keep + momentum * v[i] - rate * g[i];
        }
    } else {
        for (ptrdiff_t i = first; i < last; i++) {
            v[i] = momentum * v[i] - rate * g[i];
            p[i] = p[i] * keep + v[i];
        }
    }
}

/* arrays: p, g, m, v and the largest v or NULL */
static void adam(void *const *arrays, const Update *u, ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = arrays[0], *restrict m = arrays[2], *restrict v = arrays[3], *restrict vhat = arrays[4];
    const real *restrict g = arrays[1];
    const real rate = (real)u->rate, toward_1 = (real)(1 - u->beta_1), toward_2 = (real)(1 - u->beta_2);
    const real epsilon = (real)u->epsilon, keep = (real)u->keep;
    if (!vhat) {
        for (ptrdiff_t i = first; i < last; i++) {
            m[i] += (g[i] - m[i]) * toward_1;
            v[i] += (g[i] * g[i] - v[i]) * toward_2;
            p[i] = p[i] * keep - rate * m[i] / (R(sqrt)(v[i]) + epsilon);
        }
    } else {
        for (ptrdiff_t i = first; i < last; i++) {
            m[i] += (g[i] - m[i]) * toward_1;
            v[i] += (g[i] * g[i] - v[i]) * toward_2;
            vhat[i] = vhat[i] > v[i] ? vhat[i] : v[i];
            p[i] = p[i] * keep - rate * m[i] / (R(sqrt)(vhat[i]) + epsilon);
        }
    }
}

/* arrays: p, g, v, momenta or NULL, averages or NULL */
static void rmsprop(void *const *arrays, const Update *u, ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = arrays[0], *restrict v = arrays[2], *restrict b = arrays[3], *restrict a = arrays[4];
    const real *restrict g = arrays[1];
    const real rate = (real)u->rate, rho = (real)u->rho, momentum = (real)u->momentum, epsilon = (real)u->epsilon;
    const real keep = (real)u->keep;
    for (ptrdiff_t i = first; i < last; i++) {
        v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
        real variance = v[i];
        if (a) {
            a[i] = rho * a[i] + (1 - rho) * g[i];
            variance -= a[i] * a[i];
        }
        real step = rate * g[i] / R(sqrt)(variance + epsilon);
        if (b) step = b[i] = momentum * b[i] + step;
        p[i] = p[i] * keep - step;
    }
}

/* Sum of squares of x, in four vectors of partial sums. */
static double sum_of_squares(const void *x_, ptrdiff_t first, ptrdiff_t last) {
    enum { SUMS = 4 };
    const real *x = x_;
    vec sums[SUMS] = {};
    for (ptrdiff_t i = first; i < last; i += SUMS * LANES) {
        UNROLL for (ptrdiff_t j = 0; j < SUMS; j++) {
            if (i + j * LANES >= last) break;
            const vec v = load_first(x + i + j * LANES, last - i - j * LANES);
            sums[j] += v * v;
        }
    }
    sums[0] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double sum = 0;
    for (ptrdiff_t l = 0; l < LANES; l++) sum += (double)sums[0][l];
    return sum;
}

#endif
