// Pooling of regions (image, x1, y1, x2, y2): a thread for each result, gradients of maps gathered from the regions of
// the image in their order, gradients of boxes by a block for each region.
#include "common.cuh"

struct RoiShape {
    int images, height, width, channels, bins_y, bins_x, sampling_ratio, aligned, warps;
};

// The image of a region; -1 where there is none, or where a number is not finite.
__device__ inline int image_of(const real *roi, const RoiShape &s) {
    real zero = 0;
    for (int i = 0; i < 5; i++) zero += roi[i] - roi[i];
    return zero == 0 && roi[0] >= 0 && roi[0] < (real)s.images ? (int)roi[0] : -1;
}

// Numbers further out count as `far`.
__device__ inline int64 to_integer(real v, int64 far) {
    return v > (real)far ? far : v > (real)-far ? (int64)v : -far;
}

// Number i of an array (outer, height, width, channels)
struct Place {
    int outer, y, x, c;
    __device__ Place(int i, int height, int width, int channels) {
        c = i % channels, i /= channels;
        x = i % width, i /= width;
        y = i % height, outer = i / height;
    }
};

struct Range {
    int first, last;
};

// Along an axis, a region of whole pixels in bins, of which bin p covers floor(p*extent/bins) ...
// ceil((p+1)*extent/bins).
struct Pixels {
    int64 first, extent;
    __device__ Pixels(real low, real high, real scale) {
        first = to_integer(round(low * scale), 1ll << 40);
        const int64 last = to_integer(round(high * scale), 1ll << 40);
        extent = max(last - first + 1, (int64)1);
    }
    __device__ Range bin(int p, int bins, int size) const {
        const int64 low = first + quotient(p * extent, bins),
                    high = first + quotient((p + 1) * extent + bins - 1, bins);
        return {(int)min(max(low, (int64)0), (int64)size), (int)min(max(high, (int64)0), (int64)size)};
    }
    __device__ Range bins_over(int pixel, int bins) const {
        const int64 t = pixel - first;
        if (t < 0 || t >= extent) return {0, 0};
        return {(int)quotient(t * bins, extent), (int)min(quotient((t + 1) * bins + extent - 1, extent), (int64)bins)};
    }
};

// The index of the winner, h*width + w or -1, goes into index, or nowhere.
extern "C" __global__ void __launch_bounds__(256)
roi_pool_forward(const real *x, const real *rois, real *out, int *index OR_NULL, RoiShape s, real scale, int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.bins_y, s.bins_x, s.channels);
        const real *roi = rois + 5 * at.outer;
        const int image = image_of(roi, s);
        real best = image < 0 ? (real)(0.0 / 0.0) : (real)0;
        int winner = -1;
        if (image >= 0) {
            const Range rows = Pixels(roi[2], roi[4], scale).bin(at.y, s.bins_y, s.height);
            const Range columns = Pixels(roi[1], roi[3], scale).bin(at.x, s.bins_x, s.width);
            for (int h = rows.first; h < rows.last; h++)
                for (int w = columns.first; w < columns.last; w++) {
                    const real value = x[(((int64)image * s.height + h) * s.width + w) * s.channels + at.c];
                    if (winner < 0 || value > best || (value != value && best == best)) {
                        best = value;
                        winner = h * s.width + w;
                    }
                }
        }
        out[i] = best;
        if (index) index[i] = winner;
    }
}

extern "C" __global__ void __launch_bounds__(256)
roi_pool_input_grad(const real *gy, const real *rois, const int *index, real *out, RoiShape s, real scale, int regions,
                    int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.height, s.width, s.channels);
        real sum = 0;
        for (int r = 0; r < regions; r++) {
            const real *roi = rois + 5 * r;
            if (image_of(roi, s) != at.outer) continue;
            const Range rows = Pixels(roi[2], roi[4], scale).bins_over(at.y, s.bins_y);
            if (rows.first >= rows.last) continue;
            const Range columns = Pixels(roi[1], roi[3], scale).bins_over(at.x, s.bins_x);
            for (int p = rows.first; p < rows.last; p++)
                for (int q = columns.first; q < columns.last; q++) {
                    const int64 bin = (((int64)r * s.bins_y + p) * s.bins_x + q) * s.channels + at.c;
                    if (index[bin] == at.y * s.width + at.x) sum += gy[bin];
                }
        }
        out[i] = sum;
    }
}

// A sample along an axis: two pixels, their weights, what these change by with its place, and how far that moves with
// the higher corner (the rest of the way with the lower one).
struct Sample {
    int pixel[2];
    real weight[2], slope[2], moves;
    __device__ real of(int wanted) const {
        return (pixel[0] == wanted ? weight[0] : (real)0) + (pixel[1] == wanted ? weight[1] : (real)0);
    }
};

// Samples of a region along an axis. Products are rounded before they are added to, for where a sample lies decides
// what it sees.
struct Axis {
    real low, high, scale, step;
    int size, bins, samples, warps, least; // so many samples a bin

    __device__ Axis(real x1, real x2, real scale_, int size, int bins, const RoiShape &s)
        : scale(scale_), size(size), bins(bins), samples(1), warps(s.warps), least(0) {
        if (warps) scale = scale * (real)(size - 1) / (real)size;
        const real offset = s.aligned && !warps ? (real)0.5 : (real)0;
        low = rounded_product(x1, scale) - offset;
        high = rounded_product(x2, scale) - offset;
        step = high - low;
        if (warps) return;
        least = !s.aligned && step < 1;
        step = (least ? (real)1 : step) / (real)bins;
        samples = s.sampling_ratio > 0 ? s.sampling_ratio : max((int)to_integer(ceil(step), (1 << 30) / bins), 0);
    }

    // Samples, counted through all bins, that may lie between two places
    __device__ void between(real from, real to, int &first, int &last) const {
        first = 0, last = samples * bins;
        if (warps || !(step > 0)) return;
        const real each = step / (real)samples;
        first = min(max((int)to_integer((from - low) / each, 1 << 30) - 3, first), last);
        last = min(max((int)to_integer((to - low) / each, 1 << 30) + 3, first), last);
    }

    // Those of bin p that may lie on the map; and those of all bins that may see a pixel
    __device__ void of_bin(int p, int &first, int &last) const {
        between(-1, (real)size, first, last);
        first = min(max(first, p * samples), (p + 1) * samples);
        last = min(max(last, p * samples), (p + 1) * samples);
    }
    __device__ void of_pixel(int pixel, int &first, int &last) const {
        between((real)(pixel - 1), (real)(pixel + 1), first, last);
    }

    __device__ Sample operator()(int number) const {
        const int p = number / samples;
        Sample t = {{0, 0}, {0, 0}, {0, 0}, 0};
        if (warps) {
            t.moves = bins > 1 ? (real)p / (real)(bins - 1) : (real)0.5;
            const real at = rounded_product(low, 1 - t.moves) + rounded_product(high, t.moves);
            if (!(at > -1 && at < (real)size)) return t;
            const int below = (int)floor(at);
            for (int k = 0; k < 2; k++)
                if (below + k >= 0 && below + k < size) {
                    t.pixel[k] = below + k;
                    t.weight[k] = k ? at - (real)below : 1 - (at - (real)below);
                    t.slope[k] = k ? scale : -scale;
                }
            return t;
        }
        const real within = (real)(number - p * samples) + (real)0.5;
        const real at = low + rounded_product((real)p, step) + rounded_product(within, step) / (real)samples;
        if (!(at >= -1 && at <= (real)size)) return t;
        const real top = (real)(size - 1), place = min(max(at, (real)0), top);
        const int below = (int)place;
        t.moves = least ? (real)0 : ((real)p + within / (real)samples) / (real)bins;
        t.pixel[0] = below, t.pixel[1] = min(below + 1, size - 1);
        t.weight[0] = (1 - (place - (real)below)) / (real)samples, t.weight[1] = (place - (real)below) / (real)samples;
        t.slope[1] = at > 0 && at < top ? scale / (real)samples : (real)0, t.slope[0] = -t.slope[1];
        return t;
    }
};

extern "C" __global__ void __launch_bounds__(256, 2)
roi_sample_forward(const real *x, const real *rois, real *out, RoiShape s, real scale, int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.bins_y, s.bins_x, s.channels);
        const real *roi = rois + 5 * at.outer;
        const int image = image_of(roi, s);
        real sum = image < 0 ? (real)(0.0 / 0.0) : (real)0;
        if (image >= 0) {
            const Axis rows(roi[2], roi[4], scale, s.height, s.bins_y, s);
            const Axis columns(roi[1], roi[3], scale, s.width, s.bins_x, s);
            const real *from = x + (int64)image * s.height * s.width * s.channels + at.c;
            int v, last_v, first_u, last_u;
            rows.of_bin(at.y, v, last_v);
            columns.of_bin(at.x, first_u, last_u);
            for (; v < last_v; v++) {
                const Sample row = rows(v);
                for (int u = first_u; u < last_u; u++) {
                    const Sample column = columns(u);
                    for (int k = 0; k < 4; k++)
                        sum += row.weight[k / 2] * column.weight[k % 2] *
                               from[((int64)row.pixel[k / 2] * s.width + column.pixel[k % 2]) * s.channels];
                }
            }
        }
        out[i] = sum;
    }
}

extern "C" __global__ void __launch_bounds__(256, 2)
roi_sample_input_grad(const real *gy, const real *rois, real *out, RoiShape s, real scale, int regions, int count) {
    FOR_EACH(int, i, count) {
        const Place at(i, s.height, s.width, s.channels);
        real sum = 0;
        for (int r = 0; r < regions; r++) {
            const real *roi = rois + 5 * r;
            if (image_of(roi, s) != at.outer) continue;
            const Axis rows(roi[2], roi[4], scale, s.height, s.bins_y, s);
            int v, last_v, first_u, last_u;
            rows.of_pixel(at.y, v, last_v);
            if (v >= last_v) continue;
            const Axis columns(roi[1], roi[3], scale, s.width, s.bins_x, s);
            columns.of_pixel(at.x, first_u, last_u);
            for (; v < last_v; v++) {
                const real weight = rows(v).of(at.y);
                if (weight == 0) continue;
                const int64 bins = ((int64)r * s.bins_y + v / rows.samples) * s.bins_x;
                for (int u = first_u; u < last_u; u++)
                    sum += weight * columns(u).of(at.x) *
                           gy[(bins + u / columns.samples) * s.channels + at.c];
            }
        }
        out[i] = sum;
    }
}

// Of each region, the sums over gy * (what the result moves by with x1, y1, x2, y2).
extern "C" __global__ void __launch_bounds__(256)
roi_sample_rois_grad(const real *gy, const real *x, const real *rois, real *out, RoiShape s, real scale) {
    __shared__ real shared[4][256];
    const real *roi = rois + 5 * blockIdx.x;
    const int image = image_of(roi, s), numbers = image < 0 ? 0 : s.bins_y * s.bins_x * s.channels, t = threadIdx.x;
    const Axis rows(roi[2], roi[4], scale, s.height, s.bins_y, s), columns(roi[1], roi[3], scale, s.width, s.bins_x, s);
    const real *from = x + (int64)max(image, 0) * s.height * s.width * s.channels;
    real sums[4] = {0, 0, 0, 0};
    for (int i = t; i < numbers; i += 256) {
        const Place at(i, s.bins_y, s.bins_x, s.channels);
        const real g = gy[(int64)blockIdx.x * numbers + i];
        int v, last_v, first_u, last_u;
        rows.of_bin(at.y, v, last_v);
        columns.of_bin(at.x, first_u, last_u);
        for (; v < last_v; v++) {
            const Sample row = rows(v);
            for (int u = first_u; u < last_u; u++) {
                const Sample column = columns(u);
                for (int k = 0; k < 4; k++) {
                    const int j = k / 2, l = k % 2;
                    const real value = g * from[((int64)row.pixel[j] * s.width + column.pixel[l]) * s.channels + at.c];
                    const real by_x = value * row.weight[j] * column.slope[l],
                               by_y = value * row.slope[j] * column.weight[l];
                    sums[0] += by_x * (1 - column.moves), sums[1] += by_y * (1 - row.moves);
                    sums[2] += by_x * column.moves, sums[3] += by_y * row.moves;
                }
            }
        }
    }
    for (int k = 0; k < 4; k++) shared[k][t] = sums[k];
    for (int half = 128; half; half /= 2) {
        __syncthreads();
        if (t < half)
            for (int k = 0; k < 4; k++) shared[k][t] += shared[k][t + half];
    }
    __syncthreads();
    if (t < 5) out[5 * blockIdx.x + t] = t ? shared[t - 1][0] : (real)0;
}
