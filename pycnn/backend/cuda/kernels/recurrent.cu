// Steps of recurrent nets: what follows their matrix products. A row holds a gate's numbers after those of another.
#include "activation.cuh"

extern "C" __global__ void __launch_bounds__(256)
lstm_step(const real *x, const real *r, const real *c, real *h, real *new_c, real *gates, int units, int64 count) {
    FOR_EACH(int64, i, count) {
        const int64 row = i / units, at = row * 4 * units + (i - row * units);
        real gate = sigmoid(x[at + units] + r[at + units]); // one after the other, so that few are in registers
        gates[at + units] = gate;
        real state = gate * c[i];
        gate = sigmoid(x[at] + r[at]);
        gates[at] = gate;
        const real change = tanh(x[at + 2 * units] + r[at + 2 * units]);
        gates[at + 2 * units] = change;
        state += gate * change;
        new_c[i] = state;
        gate = sigmoid(x[at + 3 * units] + r[at + 3 * units]);
        gates[at + 3 * units] = gate;
        h[i] = gate * tanh(state);
    }
}

extern "C" __global__ void __launch_bounds__(256)
lstm_step_grad(const real *gates, const real *c, const real *new_c, const real *gh, const real *gc, real *gz,
               real *gc_before, int units, int64 count) {
    FOR_EACH(int64, i, count) {
        const int64 row = i / units, at = row * 4 * units + (i - row * units);
        const real in = gates[at], keep = gates[at + units], change = gates[at + 2 * units],
            out = gates[at + 3 * units];
        const real shown = tanh(new_c[i]), state = gc[i] + gh[i] * out * (1 - shown * shown);
        gz[at] = state * change * in * (1 - in);
        gz[at + units] = state * c[i] * keep * (1 - keep);
        gz[at + 2 * units] = state * in * (1 - change * change);
        gz[at + 3 * units] = gh[i] * shown * out * (1 - out);
        gc_before[i] = state * keep;
    }
}

extern "C" __global__ void __launch_bounds__(256)
gru_step(const real *x, const real *r, const real *h, real *new_h, real *gates, int units, int64 count) {
    FOR_EACH(int64, i, count) {
        const int64 row = i / units, at = row * 3 * units + (i - row * units);
        const real keep = sigmoid(x[at] + r[at]), reset = sigmoid(x[at + units] + r[at + units]);
        const real change = tanh(x[at + 2 * units] + reset * r[at + 2 * units]);
        gates[at] = keep;
        gates[at + units] = reset;
        gates[at + 2 * units] = change;
        new_h[i] = keep * h[i] + (1 - keep) * change;
    }
}

extern "C" __global__ void __launch_bounds__(256)
gru_step_grad(const real *gates, const real *r, const real *h, const real *gh, real *gx, real *gr, real *gh_before,
              int units, int64 count) {
    FOR_EACH(int64, i, count) {
        const int64 row = i / units, at = row * 3 * units + (i - row * units);
        const real keep = gates[at], reset = gates[at + units], change = gates[at + 2 * units];
        const real g_keep = gh[i] * (h[i] - change) * keep * (1 - keep);
        const real g_change = gh[i] * (1 - keep) * (1 - change * change);
        const real g_reset = g_change * r[at + 2 * units] * reset * (1 - reset);
        gx[at] = gr[at] = g_keep;
        gx[at + units] = gr[at + units] = g_reset;
        gx[at + 2 * units] = g_change;
        gr[at + 2 * units] = g_change * reset;
        gh_before[i] = gh[i] * keep;
    }
}
