// Steps of recurrent nets: what follows their matrix products. Arrays are (samples, steps, numbers), gate after gate,
// and those of the step at hand (samples, numbers): product, h, c, their gradients, and gr, that of the product.
#include "activation.cuh"

// Of number i of the states: its place among all states and among all gates, and whether its step is seen.
#define PLACES(gate_count) \
    const int64 sample = i / units, unit = i - sample * units, row = sample * steps + step; \
    const int64 state = row * units + unit, at = row * gate_count * units + unit; \
    const int64 now = sample * gate_count * units + unit; \
    const bool seen = !mask || mask[row]

extern "C" __global__ void __launch_bounds__(256)
lstm_step(const real *x, const real *product, const uint8 *mask OR_NULL, real *h, real *c, real *all_h, real *all_c,
          real *gates, int units, int steps, int step, int64 count) {
    FOR_EACH(int64, i, count) {
        PLACES(4);
        real gate = sigmoid(x[at + units] + product[now + units]); // one after the other, so that few are in registers
        gates[at + units] = gate;
        real new_c = gate * c[i];
        gate = sigmoid(x[at] + product[now]);
        gates[at] = gate;
        const real change = tanh(x[at + 2 * units] + product[now + 2 * units]);
        gates[at + 2 * units] = change;
        new_c += gate * change;
        gate = sigmoid(x[at + 3 * units] + product[now + 3 * units]);
        gates[at + 3 * units] = gate;
        if (seen) {
            c[i] = new_c;
            h[i] = gate * tanh(new_c);
        }
        all_c[state] = c[i];
        all_h[state] = h[i];
    }
}

extern "C" __global__ void __launch_bounds__(256)
lstm_step_grad(const real *gates, const real *c, const real *all_c, const real *gy, const uint8 *mask OR_NULL, real *gh,
               real *gc, real *gx, real *gr, int units, int steps, int step, int64 count) {
    FOR_EACH(int64, i, count) {
        PLACES(4);
        const real in = gates[at], keep = gates[at + units];
        const real change = gates[at + 2 * units], out = gates[at + 3 * units];
        const real g = gh[i] + gy[state], shown = tanh(all_c[state]);
        const real inside = seen ? gc[i] + g * out * (1 - shown * shown) : real(0);
        const real parts[4] = {inside * change * in * (1 - in),
                               inside * (step ? all_c[state - units] : c[i]) * keep * (1 - keep),
                               inside * in * (1 - change * change), seen ? g * shown * out * (1 - out) : real(0)};
        for (int k = 0; k < 4; k++) gx[at + k * units] = gr[now + k * units] = parts[k];
        gh[i] = seen ? real(0) : g;
        if (seen) gc[i] = inside * keep;
    }
}

extern "C" __global__ void __launch_bounds__(256)
gru_step(const real *x, const real *product, const uint8 *mask OR_NULL, real *h, real *all_h, real *gates, real *inner,
         int units, int steps, int step, int64 count) {
    FOR_EACH(int64, i, count) {
        PLACES(3);
        const real keep = sigmoid(x[at] + product[now]), reset = sigmoid(x[at + units] + product[now + units]);
        const real given = product[now + 2 * units], change = tanh(x[at + 2 * units] + reset * given);
        gates[at] = keep;
        gates[at + units] = reset;
        gates[at + 2 * units] = change;
        inner[state] = given;
        if (seen) h[i] = keep * h[i] + (1 - keep) * change;
        all_h[state] = h[i];
    }
}

extern "C" __global__ void __launch_bounds__(256)
gru_step_grad(const real *gates, const real *inner, const real *h, const real *all_h, const real *gy,
              const uint8 *mask OR_NULL, real *gh, real *gx, real *gr, real *gr_now, int units, int steps, int step,
              int64 count) {
    FOR_EACH(int64, i, count) {
        PLACES(3);
        const real keep = gates[at], reset = gates[at + units], change = gates[at + 2 * units];
        const real whole = gh[i] + gy[state], g = seen ? whole : real(0);
        const real g_keep = g * ((step ? all_h[state - units] : h[i]) - change) * keep * (1 - keep);
        const real g_change = g * (1 - keep) * (1 - change * change);
        const real g_reset = g_change * inner[state] * reset * (1 - reset);
        gx[at] = gr[at] = gr_now[now] = g_keep;
        gx[at + units] = gr[at + units] = gr_now[now + units] = g_reset;
        gx[at + 2 * units] = g_change;
        gr[at + 2 * units] = gr_now[now + 2 * units] = g_change * reset;
        gh[i] = seen ? g * keep : whole;
    }
}
