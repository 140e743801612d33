// Softmax of rows: each row is shared by `lanes` threads (a power of 2), and its sums are seen by all of them.
#include "common.cuh"

struct SoftmaxShape {
    int rows, columns, lanes;
};

// The thread's row, or the last one where there are fewer (then nothing is written), and its first column.
struct Place {
    int lane, row;
    int64 begin;
    bool there;
    __device__ Place(const SoftmaxShape &s) {
        lane = threadIdx.x % s.lanes, row = blockIdx.x * (256 / s.lanes) + threadIdx.x / s.lanes;
        there = row < s.rows, row = min(row, s.rows - 1);
        begin = (int64)row * s.columns;
    }
};

struct Sum {
    __device__ static real of(real a, real b) { return a + b; }
};
struct Maximum {
    __device__ static real of(real a, real b) { return a > b ? a : b; }
};

// Of the lanes of a row, for all of them, in the same order for each. All threads of the block meet here.
template <class Operation> __device__ inline real over_lanes(real value, int lanes) {
    __shared__ real warps[8];
    for (int mask = min(lanes, 32) / 2; mask; mask /= 2) value = Operation::of(value, shfl_xor(value, mask));
    if (lanes <= 32) return value;
    __syncthreads(); // the last call has been read
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    const int count = lanes / 32, first = threadIdx.x / lanes * count;
    value = warps[first];
    for (int i = 1; i < count; i++) value = Operation::of(value, warps[first + i]);
    return value;
}

// What turns a row into its logarithms: x - largest - log_sum.
struct Logarithm {
    real largest, sum, log_sum;
    __device__ Logarithm(const real *x, const Place &my, const SoftmaxShape &s) {
        largest = x[my.begin], sum = 0;
        for (int c = my.lane; c < s.columns; c += s.lanes) largest = Maximum::of(largest, x[my.begin + c]);
        largest = over_lanes<Maximum>(largest, s.lanes);
        for (int c = my.lane; c < s.columns; c += s.lanes) sum += exp(x[my.begin + c] - largest);
        sum = over_lanes<Sum>(sum, s.lanes);
        log_sum = log(sum);
    }
    __device__ real of(real x) const { return x - largest - log_sum; }
};

extern "C" __global__ void __launch_bounds__(256)
softmax_forward(const real *x, real *out, int logarithm, SoftmaxShape s) {
    const Place my(s);
    const Logarithm log_y(x, my, s);
    if (!my.there) return;
    for (int c = my.lane; c < s.columns; c += s.lanes) {
        const real value = x[my.begin + c];
        out[my.begin + c] = logarithm ? log_y.of(value) : exp(value - log_y.largest) / log_y.sum;
    }
}

extern "C" __global__ void __launch_bounds__(256)
softmax_grad(const real *gy, const real *y, real *out, int logarithm, SoftmaxShape s) {
    const Place my(s);
    real sum = 0;
    for (int c = my.lane; c < s.columns; c += s.lanes)
        sum += logarithm ? gy[my.begin + c] : gy[my.begin + c] * y[my.begin + c];
    sum = over_lanes<Sum>(sum, s.lanes);
    if (!my.there) return;
#pragma unroll 1
    for (int c = my.lane; c < s.columns; c += s.lanes) {
        const real g = gy[my.begin + c], value = y[my.begin + c];
        out[my.begin + c] = logarithm ? g - exp(value) * sum : value * (g - sum);
    }
}

// Of labels and targets one is given, of which t = targets * keep + even. A label that is none makes NaN of its loss
// and gradient.
extern "C" __global__ void __launch_bounds__(256)
cross_entropy(const real *x, const int64 *labels OR_NULL, const real *targets OR_NULL, real *losses,
              real *gradient OR_NULL, real keep, real even, real scale, SoftmaxShape s) {
    const Place my(s);
    const Logarithm log_y(x, my, s);
    const int64 label = labels ? labels[my.row] : 0;
    const bool known = label >= 0 && label < s.columns;
    const auto target = [&](int c) -> real {
        if (!labels) return targets[my.begin + c] * keep + even;
        return known ? c == label : sqrt((real)-1);
    };
    real loss = 0, sum = 0;
#pragma unroll 1
    for (int c = my.lane; c < s.columns; c += s.lanes) {
        const real t = target(c);
        sum += t;
        if (t != 0) loss -= t * log_y.of(x[my.begin + c]);
    }
    loss = over_lanes<Sum>(loss, s.lanes), sum = over_lanes<Sum>(sum, s.lanes);
    if (!my.there) return;
    if (my.lane == 0) losses[my.row] = loss;
    if (!gradient) return;
#pragma unroll 1
    for (int c = my.lane; c < s.columns; c += s.lanes)
        gradient[my.begin + c] = (exp(log_y.of(x[my.begin + c])) * sum - target(c)) * scale;
}
