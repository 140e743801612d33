/* Parameter updates, in place. Plain loops, which the compiler vectorises. Decay comes before the step. */
#ifndef PYCNN_OPTIMIZER_H
#define PYCNN_OPTIMIZER_H

#include <math.h>

#include "activation.h"

static void sgd(void *p_, const void *g_, void *velocity, double rate_, double momentum_, int nesterov, double decay,
                ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = p_, *restrict v = velocity;
    const real *restrict g = g_;
    const real rate = (real)rate_, momentum = (real)momentum_, keep = (real)(1 - rate_ * decay);
    if (!velocity) {
        for (ptrdiff_t i = first; i < last; i++) p[i] = p[i] * keep - rate * g[i];
    } else if (nesterov) {
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

static void adam(void *p_, const void *g_, void *m_, void *v_, void *vhat_, double rate_, double beta_1, double beta_2,
                 double epsilon_, double keep_, ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = p_, *restrict m = m_, *restrict v = v_, *restrict vhat = vhat_;
    const real *restrict g = g_;
    const real rate = (real)rate_, toward_1 = (real)(1 - beta_1), toward_2 = (real)(1 - beta_2);
    const real epsilon = (real)epsilon_, keep = (real)keep_;
    if (!vhat_) {
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

static void rmsprop(void *p_, const void *g_, void *v_, void *momenta, void *averages, double rate_, double rho_,
                    double momentum_, double epsilon_, double decay, ptrdiff_t first, ptrdiff_t last) {
    real *restrict p = p_, *restrict v = v_, *restrict b = momenta, *restrict a = averages;
    const real *restrict g = g_;
    const real rate = (real)rate_, rho = (real)rho_, momentum = (real)momentum_, epsilon = (real)epsilon_;
    const real keep = (real)(1 - rate_ * decay);
    for (ptrdiff_t i = first; i < last; i++) {
        v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
        real variance = v[i];
        if (averages) {
            a[i] = rho * a[i] + (1 - rho) * g[i];
            variance -= a[i] * a[i];
        }
        real step = rate * g[i] / R(sqrt)(variance + epsilon);
        if (momenta) step = b[i] = momentum * b[i] + step;
        p[i] = p[i] * keep - step;
    }
}

#endif
