/* Steps of recurrent nets: what follows their matrix products, elementwise. Rows are samples, of `units` numbers for
 * each gate, gate after gate. */
#ifndef PYCNN_RECURRENT_H
#define PYCNN_RECURRENT_H

#include "activation.h"

/* Numbers [u, u + n) of a row, n at most LANES. */
INLINE vec take(const real *row, ptrdiff_t u, ptrdiff_t n) {
    return n < LANES ? load_first(row + u, n) : load(row + u);
}
INLINE void put(real *row, ptrdiff_t u, ptrdiff_t n, vec v) {
    if (n < LANES)
        store_first(row + u, v, n);
    else
        store(row + u, v);
}

/* gates = i, f, c, o of x + r; new_c = f c + i g and h = o tanh(new_c), for rows [first, last). */
static void lstm_step(ptrdiff_t units, const void *x_, const void *r_, const void *c_, void *h_, void *new_c_,
                      void *gates_, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *x = (const real *)x_ + row * 4 * units, *r = (const real *)r_ + row * 4 * units;
        const real *c = (const real *)c_ + row * units;
        real *h = (real *)h_ + row * units, *new_c = (real *)new_c_ + row * units;
        real *gates = (real *)gates_ + row * 4 * units;
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            vec z[4];
            UNROLL for (int k = 0; k < 4; k++) z[k] = take(x + k * units, u, n) + take(r + k * units, u, n);
            const vec in = vector_sigmoid(z[0]), keep = vector_sigmoid(z[1]), out = vector_sigmoid(z[3]);
            const vec change = vector_tanh(z[2]), state = keep * take(c, u, n) + in * change;
            put(gates, u, n, in);
            put(gates + units, u, n, keep);
            put(gates + 2 * units, u, n, change);
            put(gates + 3 * units, u, n, out);
            put(new_c, u, n, state);
            put(h, u, n, out * vector_tanh(state));
        }
    }
}

/* gz = gradients of x and of r, gc_before = that of c, from those of h and of new_c. */
static void lstm_step_grad(ptrdiff_t units, const void *gates_, const void *c_, const void *new_c_, const void *gh_,
                           const void *gc_, void *gz_, void *gc_before_, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *gates = (const real *)gates_ + row * 4 * units, *c = (const real *)c_ + row * units;
        const real *new_c = (const real *)new_c_ + row * units, *gh = (const real *)gh_ + row * units;
        const real *gc = (const real *)gc_ + row * units;
        real *gz = (real *)gz_ + row * 4 * units, *gc_before = (real *)gc_before_ + row * units;
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec in = take(gates, u, n), keep = take(gates + units, u, n), change = take(gates + 2 * units, u, n);
            const vec out = take(gates + 3 * units, u, n), shown = vector_tanh(take(new_c, u, n));
            const vec g = take(gh, u, n), state = take(gc, u, n) + g * out * (1 - shown * shown);
            put(gz, u, n, state * change * in * (1 - in));
            put(gz + units, u, n, state * take(c, u, n) * keep * (1 - keep));
            put(gz + 2 * units, u, n, state * in * (1 - change * change));
            put(gz + 3 * units, u, n, g * shown * out * (1 - out));
            put(gc_before, u, n, state * keep);
        }
    }
}

/* gates = z, r of x + r and g = tanh(x + gate r * r); new_h = z h + (1 - z) g. */
static void gru_step(ptrdiff_t units, const void *x_, const void *r_, const void *h_, void *new_h_, void *gates_,
                     ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *x = (const real *)x_ + row * 3 * units, *r = (const real *)r_ + row * 3 * units;
        const real *h = (const real *)h_ + row * units;
        real *new_h = (real *)new_h_ + row * units, *gates = (real *)gates_ + row * 3 * units;
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec keep = vector_sigmoid(take(x, u, n) + take(r, u, n));
            const vec reset = vector_sigmoid(take(x + units, u, n) + take(r + units, u, n));
            const vec change = vector_tanh(take(x + 2 * units, u, n) + reset * take(r + 2 * units, u, n));
            put(gates, u, n, keep);
            put(gates + units, u, n, reset);
            put(gates + 2 * units, u, n, change);
            put(new_h, u, n, keep * take(h, u, n) + (1 - keep) * change);
        }
    }
}

/* gx, gr, gh_before = gradients of x, r and h, from that of new_h. */
static void gru_step_grad(ptrdiff_t units, const void *gates_, const void *r_, const void *h_, const void *gh_,
                          void *gx_, void *gr_, void *gh_before_, ptrdiff_t first, ptrdiff_t last) {
    for (ptrdiff_t row = first; row < last; row++) {
        const real *gates = (const real *)gates_ + row * 3 * units, *r = (const real *)r_ + row * 3 * units;
        const real *h = (const real *)h_ + row * units, *gh = (const real *)gh_ + row * units;
        real *gx = (real *)gx_ + row * 3 * units, *gr = (real *)gr_ + row * 3 * units;
        real *gh_before = (real *)gh_before_ + row * units;
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec keep = take(gates, u, n), reset = take(gates + units, u, n);
            const vec change = take(gates + 2 * units, u, n), g = take(gh, u, n);
            const vec g_keep = g * (take(h, u, n) - change) * keep * (1 - keep);
            const vec g_change = g * (1 - keep) * (1 - change * change);
            const vec g_reset = g_change * take(r + 2 * units, u, n) * reset * (1 - reset);
            put(gx, u, n, g_keep);
            put(gr, u, n, g_keep);
            put(gx + units, u, n, g_reset);
            put(gr + units, u, n, g_reset);
            put(gx + 2 * units, u, n, g_change);
            put(gr + 2 * units, u, n, g_change * reset);
            put(gh_before, u, n, g * keep);
        }
    }
}

#endif
