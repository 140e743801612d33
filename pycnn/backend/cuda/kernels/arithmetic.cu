// Sums and products of two arrays, the second stretched to (outer, middle, inner) from (outer, inner).
#include "rows.cuh"

// Where element i of (outer, middle, inner) lies in (outer, inner).
__device__ inline int64 stretched(int64 i, int64 middle, int64 inner) {
    if (middle == 1) return i;
    const int64 row = quotient(i, inner);
    return quotient(row, middle) * inner + i - row * inner;
}

extern "C" __global__ void __launch_bounds__(256)
combine(const real *a, const real *b, real *out, int multiplies, int64 middle, int64 inner, int64 count) {
    FOR_EACH(int64, i, count) {
        const wide x = a[i], y = b[stretched(i, middle, inner)];
        out[i] = multiplies ? x * y : x + y;
    }
}

extern "C" __global__ void __launch_bounds__(256)
add_clipped(const real *a, const real *b, real *out, wide low, wide high, int64 middle, int64 inner, int64 count) {
    FOR_EACH(int64, i, count) {
        const wide sum = a[i] + b[stretched(i, middle, inner)];
        out[i] = sum < low ? low : sum > high ? high : sum; // NaN is neither
    }
}

// out (outer, slices, inner) = the sums of a * b, or of a, over the rows of each slice, divided
extern "C" __global__ void __launch_bounds__(256)
sum_products(const real *a, const real *b OR_NULL, wide *out, Rows s, wide divisor) {
    __shared__ wide sums[256];
    const Share my(s);
    wide sum = 0;
#pragma unroll 4
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        sum += b ? a[i] * b[i] : (wide)a[i];
    }
    sum = folded(sum, sums, my, s.lanes);
    if (my.writes()) out[my.result] = sum / divisor;
}

// ga = gy * b, b (outer, inner), and sums (outer, slices, inner) of gy * a
extern "C" __global__ void __launch_bounds__(256)
multiply_grad(const real *gy, const real *a, const real *b, real *ga, wide *out, Rows s) {
    __shared__ wide sums[256];
    const Share my(s);
    const wide factor = my.there ? (wide)b[my.output] : 0;
    wide sum = 0;
    for (int row = my.first; row < my.last; row += s.lanes) {
        const int64 i = my.begin + (int64)row * s.inner;
        const wide g = gy[i];
        sum += g * a[i];
        ga[i] = g * factor;
    }
    sum = folded(sum, sums, my, s.lanes);
    if (my.writes()) out[my.result] = sum;
}
