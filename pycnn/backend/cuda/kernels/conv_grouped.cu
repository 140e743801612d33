// Convolutions in groups of few channels: a thread for STRIP results side by side in a row, neighbours in a warp take
// neighbouring channels. For filter gradients, a thread for TAPS of (tap, c) of a filter.
#include "conv.cuh"

#define STRIP 4
#define TAPS 9
#define LINES 8 // warps of a block, which share its pixels out among them

// Sums over the taps and the channels of a group. `all` channels are of a place of source, `results` of one of the
// result; the filters of source channel 0 and this channel of the result begin at w, those of the next `step` on.
struct Strip {
    int channel, j, i, n;
    wide sum[STRIP];
    __device__ Strip(int number, const Axes &axes, int results) : sum{} {
        const int strips = (axes.x.count + STRIP - 1) / STRIP;
        channel = number % results, number /= results;
        j = number % strips * STRIP, number /= strips;
        i = number % axes.y.count, n = number / axes.y.count;
    }
    __device__ wide take_first() {
        const wide first = sum[0];
#pragma unroll
        for (int e = 1; e < STRIP; e++) sum[e - 1] = sum[e];
        return first;
    }
    __device__ void add(const real *source, int all, int channels, const Axes &axes, const real *w, int filter_width,
                        int64 tap_size, int step) {
        for (int ty = 0; ty < axes.y.taps; ty++) {
            const int y = axes.y.first + i * axes.y.stride + ty * axes.y.step;
            if ((unsigned)y >= (unsigned)axes.y.size) continue;
            const int64 line = ((int64)n * axes.y.size + y) * axes.x.size;
            const int r = axes.y.filter_first + ty * axes.y.filter_step;
            for (int tx = 0; tx < axes.x.taps; tx++) {
                const int x = axes.x.first + j * axes.x.stride + tx * axes.x.step;
                const real *filter = w + (r * filter_width + axes.x.filter_first + tx * axes.x.filter_step) * tap_size;
                for (int c = 0; c < channels; c++) {
                    const wide factor = filter[(int64)c * step];
#pragma unroll
                    for (int e = 0; e < STRIP; e++) {
                        const int place = x + e * axes.x.stride;
                        if ((unsigned)place < (unsigned)axes.x.size)
                            sum[e] += source[(line + place) * all + c] * factor;
                    }
                }
            }
        }
    }
};

extern "C" __global__ void __launch_bounds__(256)
conv2d_forward_grouped(const real *x, const real *w, const real *bias OR_NULL, const real *residual OR_NULL, real *out,
                       ConvShape s, int activation, int count) {
    const Axes axes = forward_axes(s);
    const int results = s.outs * s.groups;
    FOR_EACH(int, number, count) {
        Strip strip(number, axes, results);
        const int k = strip.channel;
        strip.add(x + k / s.outs * s.ins, s.ins * s.groups, s.ins, axes, w + k, s.filter_width, (int64)s.ins * results,
                  results);
        const int64 line = (int64)strip.n * s.grid_height + strip.i;
#pragma unroll 1 // the activations are long
        for (int e = 0; e < STRIP && strip.j + e < s.grid_width; e++) {
            const int64 at = (line * s.grid_width + strip.j + e) * results + k;
            const wide sum = strip.take_first() + (bias ? (wide)bias[k] : 0) + (residual ? (wide)residual[at] : 0);
            out[at] = fused_activation(sum, activation);
        }
    }
}

extern "C" __global__ void __launch_bounds__(256)
conv2d_input_grad_grouped(const real *gy, const real *w, real *out, ConvShape s) {
    const Axes axes = phase_axes(s, blockIdx.z);
    const int results = s.ins * s.groups, all = s.outs * s.groups;
    const int count = s.batch * axes.y.count * ((axes.x.count + STRIP - 1) / STRIP) * results;
    FOR_EACH(int, number, count) {
        Strip strip(number, axes, results);
        const int group = strip.channel / s.ins, c = strip.channel % s.ins;
        strip.add(gy + group * s.outs, all, s.outs, axes, w + (int64)c * all + group * s.outs, s.filter_width,
                  (int64)s.ins * all, 1);
        const int y = axes.y.out_first + strip.i * axes.y.out_stride;
#pragma unroll
        for (int e = 0; e < STRIP; e++)
            if (strip.j + e < axes.x.count) {
                const int x = axes.x.out_first + (strip.j + e) * axes.x.out_stride;
                out[(((int64)strip.n * s.height + y) * s.width + x) * results + strip.channel] = strip.sum[e];
            }
    }
}

// Grid: filters by 32, (tap, c) by TAPS, slices of the pixels.
extern "C" __global__ void __launch_bounds__(256)
conv2d_filter_grad_grouped(const real *x, const real *gy, wide *out, ConvShape s, int pixels) {
    __shared__ wide sums[LINES][TAPS][32];
    const int lane = threadIdx.x % 32, line = threadIdx.x / 32;
    const int all = s.ins * s.groups, filters = s.outs * s.groups, rows = s.filter_height * s.filter_width * s.ins;
    const int k = blockIdx.x * 32 + lane, group = min(k, filters - 1) / s.outs, first = blockIdx.y * TAPS;
    const Slice slice(s, blockIdx.z, pixels);
    wide sum[TAPS] = {};
    int tap_y[TAPS], tap_x[TAPS], channel[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        const int tap = (first + t) / s.ins;
        tap_y[t] = first + t < rows ? tap / s.filter_width * s.dilation_y - s.top : NOWHERE;
        tap_x[t] = tap % s.filter_width * s.dilation_x - s.left;
        channel[t] = group * s.ins + (first + t) % s.ins;
    }
    for (int pixel = slice.first + line; pixel < slice.last && k < filters; pixel += LINES) {
        const wide slope = gy[(int64)pixel * filters + k];
        const int q = pixel % s.grid_width, above = pixel / s.grid_width;
        const int p = above % s.grid_height, n = above / s.grid_height;
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            const int h = p * s.stride_y + tap_y[t], w = q * s.stride_x + tap_x[t];
            if ((unsigned)h < (unsigned)s.height && (unsigned)w < (unsigned)s.width)
                sum[t] += x[((int64)(n * s.height + h) * s.width + w) * all + channel[t]] * slope;
        }
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++) sums[line][t][lane] = sum[t];
    __syncthreads();
    for (int t = line; t < TAPS; t += LINES) {
        wide total = 0;
#pragma unroll
        for (int i = 0; i < LINES; i++) total += sums[i][t][lane];
        if (k < filters && first + t < rows) out[((int64)blockIdx.z * rows + first + t) * filters + k] = total;
    }
}
