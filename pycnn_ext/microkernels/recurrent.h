/* Steps of recurrent nets: what follows their matrix products, elementwise. A row is a step of a sample, of `units`
 * numbers for each gate, gate after gate. */
#ifndef PYCNN_RECURRENT_H
#define PYCNN_RECURRENT_H

#include "activation.h"

/* Numbers [u, u + n) of a row, n at most LANES. */
INLINE vec take(const real *row, ptrdiff_t u, ptrdiff_t n) {
    return n < LANES ? load_first(row + u, n) : load(row + u);
}
INLINE void put(real *row, ptrdiff_t u, ptrdiff_t n, vec v) {
    if (n < LANES) store_first(row + u, v, n);
    else store(row + u, v);
}

/* The offset of a step's row among all samples' steps. */
INLINE ptrdiff_t place_of(const Recurrence *s, ptrdiff_t sample, ptrdiff_t step) { return sample * s->steps + step; }
INLINE int is_seen(const Recurrence *s, ptrdiff_t at) { return !s->mask || s->mask[at]; }
/* The state before a step. */
INLINE const real *before(const Recurrence *s, const void *first, const void *states, ptrdiff_t sample, ptrdiff_t at) {
    if (at == sample * s->steps) return (const real *)first + sample * s->units;
    return (const real *)states + (at - 1) * s->units;
}

/* Leave a sample's state as it was. */
static void stay(const real *from, real *to, ptrdiff_t units) { memcpy(to, from, sizeof(real) * (size_t)units); }

/* A step that was not seen has no gradient, and hands on that of its state. */
static void pass_by(const real *gy, real *gh, ptrdiff_t units) {
    for (ptrdiff_t u = 0; u < units; u++) gh[u] += gy[u];
}

/* gates = i, f, g, o of x + product; c = f c + i g and h = o tanh(c). */
static void lstm_step(const Recurrence *s, ptrdiff_t step, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t units = s->units;
    for (ptrdiff_t sample = first; sample < last; sample++) {
        const ptrdiff_t at = place_of(s, sample, step);
        const real *x = (const real *)s->x + at * 4 * units, *r = (const real *)s->product + sample * 4 * units;
        const real *c = before(s, s->first_c, s->c, sample, at);
        real *h = (real *)s->h + at * units, *new_c = (real *)s->c + at * units;
        real *gates = (real *)s->gates + at * 4 * units;
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
        if (!is_seen(s, at)) {
            stay(before(s, s->first_h, s->h, sample, at), h, units);
            stay(c, new_c, units);
        }
    }
}

/* gx, from the gradients of a step's output and of its states, gh and gc; leaves there those of the states before it,
 * but for what comes through the product. */
static void lstm_step_grad(const Recurrence *s, ptrdiff_t step, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t units = s->units;
    for (ptrdiff_t sample = first; sample < last; sample++) {
        const ptrdiff_t at = place_of(s, sample, step);
        const real *gates = (const real *)s->gates + at * 4 * units, *gy = (const real *)s->gy + at * units;
        const real *c = before(s, s->first_c, s->c, sample, at), *new_c = (const real *)s->c + at * units;
        real *gh = (real *)s->gh + sample * units, *gc = (real *)s->gc + sample * units;
        real *gx = (real *)s->gx + at * 4 * units;
        if (!is_seen(s, at)) {
            memset(gx, 0, sizeof(real) * (size_t)(4 * units));
            pass_by(gy, gh, units);
            continue;
        }
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec in = take(gates, u, n), keep = take(gates + units, u, n), change = take(gates + 2 * units, u, n);
            const vec out = take(gates + 3 * units, u, n), shown = vector_tanh(take(new_c, u, n));
            const vec g = take(gh, u, n) + take(gy, u, n), state = take(gc, u, n) + g * out * (1 - shown * shown);
            put(gx, u, n, state * change * in * (1 - in));
            put(gx + units, u, n, state * take(c, u, n) * keep * (1 - keep));
            put(gx + 2 * units, u, n, state * in * (1 - change * change));
            put(gx + 3 * units, u, n, g * shown * out * (1 - out));
            put(gc, u, n, state * keep);
            put(gh, u, n, (vec){});
        }
    }
}

/* gates = z, k of x + product and g = tanh(x + gate k * inner), inner being the product's; h = z h + (1 - z) g. */
static void gru_step(const Recurrence *s, ptrdiff_t step, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t units = s->units;
    for (ptrdiff_t sample = first; sample < last; sample++) {
        const ptrdiff_t at = place_of(s, sample, step);
        const real *x = (const real *)s->x + at * 3 * units, *r = (const real *)s->product + sample * 3 * units;
        const real *h = before(s, s->first_h, s->h, sample, at);
        real *new_h = (real *)s->h + at * units, *inner = (real *)s->inner + at * units;
        real *gates = (real *)s->gates + at * 3 * units;
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec keep = vector_sigmoid(take(x, u, n) + take(r, u, n));
            const vec reset = vector_sigmoid(take(x + units, u, n) + take(r + units, u, n));
            const vec given = take(r + 2 * units, u, n);
            const vec change = vector_tanh(take(x + 2 * units, u, n) + reset * given);
            put(gates, u, n, keep);
            put(gates + units, u, n, reset);
            put(gates + 2 * units, u, n, change);
            put(inner, u, n, given);
            put(new_h, u, n, keep * take(h, u, n) + (1 - keep) * change);
        }
        if (!is_seen(s, at)) stay(h, new_h, units);
    }
}

/* gx and gr, that of the product; leaves in gh what does not come through the product. */
static void gru_step_grad(const Recurrence *s, ptrdiff_t step, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t units = s->units;
    for (ptrdiff_t sample = first; sample < last; sample++) {
        const ptrdiff_t at = place_of(s, sample, step);
        const real *gates = (const real *)s->gates + at * 3 * units, *gy = (const real *)s->gy + at * units;
        const real *h = before(s, s->first_h, s->h, sample, at), *inner = (const real *)s->inner + at * units;
        real *gx = (real *)s->gx + at * 3 * units, *gr = (real *)s->gr + at * 3 * units;
        real *gh = (real *)s->gh + sample * units;
        if (!is_seen(s, at)) {
            memset(gx, 0, sizeof(real) * (size_t)(3 * units));
            memset(gr, 0, sizeof(real) * (size_t)(3 * units));
            pass_by(gy, gh, units);
            continue;
        }
        for (ptrdiff_t u = 0; u < units; u += LANES) {
            const ptrdiff_t n = at_most(units - u, LANES);
            const vec keep = take(gates, u, n), reset = take(gates + units, u, n);
            const vec change = take(gates + 2 * units, u, n), g = take(gh, u, n) + take(gy, u, n);
            const vec g_keep = g * (take(h, u, n) - change) * keep * (1 - keep);
            const vec g_change = g * (1 - keep) * (1 - change * change);
            const vec g_reset = g_change * take(inner, u, n) * reset * (1 - reset);
            put(gx, u, n, g_keep);
            put(gr, u, n, g_keep);
            put(gx + units, u, n, g_reset);
            put(gr + units, u, n, g_reset);
            put(gx + 2 * units, u, n, g_change);
            put(gr + 2 * units, u, n, g_change * reset);
            put(gh, u, n, g * keep);
        }
    }
}

#endif
