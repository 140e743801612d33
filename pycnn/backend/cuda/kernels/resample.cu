// Images at other sizes and places: a thread for each result, the channels of a pixel side by side in a warp.
#include "common.cuh"

struct ResizeShape {
    int height, width, to_height, to_width, channels; // of the image before and after
};
struct ImageShape {
    int height, width, channels;
};

// Element i of an array (N, height, width, channels).
struct Pixel {
    int64 n;
    int y, x, c;
    __device__ Pixel(int64 i, int height, int width, int channels) {
        const int64 pixel = quotient(i, channels), row = quotient(pixel, width);
        c = (int)(i - pixel * channels), x = (int)(pixel - row * width);
        n = quotient(row, height), y = (int)(row - n * height);
    }
};

// Of place i along an axis the source: `low` with 1 - weight, the one after it with weight. In integers, exactly.
struct Taps {
    int low, high;
    real weight;
    __device__ Taps(int i, int size, int count, int bilinear) {
        const int64 twice = 2 * (int64)count, place = (2 * (int64)i + 1) * size; // in units of 1 / twice
        if (bilinear) {
            const int64 moved = max(place - count, (int64)0);
            low = min((int)quotient(moved, twice), size - 1), high = min(low + 1, size - 1);
            weight = low < size - 1 ? (real)(moved - low * twice) / twice : 0;
        } else
            low = high = (int)quotient(place, twice), weight = 0;
    }
    __device__ real of(int h) const { return (low == h ? 1 - weight : 0) + (high == h ? weight : 0); }
};

// Places along an axis of `count` that may take something from h.
struct Takers {
    int first, last;
    __device__ Takers(int h, int size, int count) {
        const int64 twice = 2 * (int64)size;
        first = h == 0 ? 0 : max((int)quotient((2 * (int64)h - 1) * count, twice) - 1, 0);
        last = h == size - 1 ? count : min((int)quotient((2 * (int64)h + 3) * count, twice) + 1, count);
    }
};

extern "C" __global__ void __launch_bounds__(256)
resize2d_forward(const real *x, real *out, ResizeShape s, int bilinear, int64 count) {
    FOR_EACH(int64, i, count) {
        const Pixel at(i, s.to_height, s.to_width, s.channels);
        const Taps y(at.y, s.height, s.to_height, bilinear), across(at.x, s.width, s.to_width, bilinear);
        const real *image = x + at.n * s.height * s.width * s.channels + at.c;
        const auto pixel = [&](int h, int w) { return image[((int64)h * s.width + w) * s.channels]; };
        real value = pixel(y.low, across.low);
        if (bilinear) {
            const real left = 1 - across.weight, right = across.weight;
            value = (1 - y.weight) * (left * value + right * pixel(y.low, across.high)) +
                    y.weight * (left * pixel(y.high, across.low) + right * pixel(y.high, across.high));
        }
        out[i] = value;
    }
}

extern "C" __global__ void __launch_bounds__(256)
resize2d_input_grad(const real *gy, real *out, ResizeShape s, int bilinear, int64 count) {
    FOR_EACH(int64, i, count) {
        const Pixel at(i, s.height, s.width, s.channels);
        const Takers rows(at.y, s.height, s.to_height), columns(at.x, s.width, s.to_width);
        const real *image = gy + at.n * s.to_height * s.to_width * s.channels + at.c;
        real sum = 0;
        for (int p = rows.first; p < rows.last; p++) {
            const real down = Taps(p, s.height, s.to_height, bilinear).of(at.y);
            if (down == 0) continue;
            real across = 0;
            for (int q = columns.first; q < columns.last; q++) {
                const real weight = Taps(q, s.width, s.to_width, bilinear).of(at.x);
                if (weight != 0) across += weight * image[((int64)p * s.to_width + q) * s.channels];
            }
            sum += down * across;
        }
        out[i] = sum;
    }
}

enum { CONSTANT, NEAREST, REFLECT, WRAP };

// Where index i of an axis is taken from, i of any sign.
__device__ inline int folded_index(int64 i, int size, int mode) {
    if (i >= 0 && i < size) return (int)i;
    if (mode <= NEAREST) return i < 0 ? 0 : size - 1;
    const int64 period = mode == REFLECT ? 2 * (int64)size : size, j = (i % period + period) % period;
    return (int)(j < size ? j : period - 1 - j);
}

// A coordinate near enough for an integer; one that is no number is as far as one can be.
__device__ inline double within_reach(double place) { return fmin(fmax(place, -1e15), 1e15); }

extern "C" __global__ void __launch_bounds__(256)
affine2d_forward(const real *x, const double *matrices, real *out, ImageShape s, int bilinear, int mode,
                 real fill_value, int64 count) {
    FOR_EACH(int64, i, count) {
        const Pixel at(i, s.height, s.width, s.channels);
        const double *m = matrices + 6 * at.n;
        const double column = within_reach(m[0] * at.x + m[1] * at.y + m[2]);
        const double row = within_reach(m[3] * at.x + m[4] * at.y + m[5]);
        const real *image = x + at.n * s.height * s.width * s.channels + at.c;
        const auto pixel = [&](int64 h, int64 w) {
            if (mode == CONSTANT && (h < 0 || h >= s.height || w < 0 || w >= s.width)) return fill_value;
            const int from_row = folded_index(h, s.height, mode), from_column = folded_index(w, s.width, mode);
            return image[((int64)from_row * s.width + from_column) * s.channels];
        };
        if (!bilinear) {
            out[i] = pixel((int64)floor(row + 0.5), (int64)floor(column + 0.5));
            continue;
        }
        const double top = floor(row), left = floor(column);
        const real down = (real)(row - top), right = (real)(column - left);
        const int64 h = (int64)top, w = (int64)left;
        const real above = (1 - right) * pixel(h, w) + right * pixel(h, w + 1);
        const real below = (1 - right) * pixel(h + 1, w) + right * pixel(h + 1, w + 1);
        out[i] = (1 - down) * above + down * below;
    }
}
