// Parameter updates: a block takes some elements of one of the many arrays that a launch is given.
#include "common.cuh"

#define SHARE 4096 // elements of a block

// What a block has: elements first, first + 256, ... of one array.
struct Piece {
    int array;
    int64 first, last;
    __device__ Piece(const Integers &sizes, const Integers &first_blocks, int count) {
        int low = 0, high = count; // the last array that begins at this block or before
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            if (first_blocks.at[middle] <= blockIdx.x)
                low = middle;
            else
                high = middle;
        }
        array = low;
        const int64 begin = (blockIdx.x - first_blocks.at[low]) * SHARE;
        first = begin + threadIdx.x, last = min(begin + SHARE, sizes.at[low]);
    }
};

extern "C" __global__ void __launch_bounds__(256)
sgd_update(Arrays params, Arrays grads, Arrays velocities OR_NULL, Integers sizes, Integers first_blocks, int count,
           real rate, real momentum, int nesterov, real keep) {
    const Piece mine(sizes, first_blocks, count);
    real *p = params.at[mine.array], *v = velocities.at[mine.array];
    const real *g = grads.at[mine.array];
    for (int64 i = mine.first; i < mine.last; i += 256) {
        real step = -rate * g[i];
        if (v) {
            const real velocity = momentum * v[i] + step;
            v[i] = velocity;
            step = nesterov ? momentum * velocity + step : velocity;
        }
        p[i] = keep * p[i] + step;
    }
}

extern "C" __global__ void __launch_bounds__(256)
adam_update(Arrays params, Arrays grads, Arrays first_moments, Arrays second_moments, Arrays largest OR_NULL,
            Integers sizes, Integers first_blocks, int count, real rate, real new_1, real new_2, real epsilon,
            real keep) {
    const Piece mine(sizes, first_blocks, count);
    real *p = params.at[mine.array], *m = first_moments.at[mine.array], *v = second_moments.at[mine.array];
    real *top = largest.at[mine.array];
    const real *g = grads.at[mine.array];
    for (int64 i = mine.first; i < mine.last; i += 256) {
        const real gradient = g[i], first = m[i] + (gradient - m[i]) * new_1;
        real second = v[i] + (gradient * gradient - v[i]) * new_2;
        m[i] = first, v[i] = second;
        if (top) top[i] = second = top[i] > second ? top[i] : second;
        p[i] = keep * p[i] - rate * first / (sqrt(second) + epsilon);
    }
}

extern "C" __global__ void __launch_bounds__(256)
rmsprop_update(Arrays params, Arrays grads, Arrays squares, Arrays momenta OR_NULL, Arrays averages OR_NULL,
               Integers sizes, Integers first_blocks, int count, real rate, real rho, real new_share, real momentum,
               real epsilon, real keep) {
    const Piece mine(sizes, first_blocks, count);
    real *p = params.at[mine.array], *v = squares.at[mine.array];
    real *b = momenta.at[mine.array], *a = averages.at[mine.array];
    const real *g = grads.at[mine.array];
#pragma unroll 1
    for (int64 i = mine.first; i < mine.last; i += 256) {
        const real gradient = g[i], square = rho * v[i] + new_share * gradient * gradient;
        real denominator = square + epsilon;
        v[i] = square;
        if (a) {
            const real average = rho * a[i] + new_share * gradient;
            a[i] = average, denominator -= average * average;
        }
        real step = rate * gradient / sqrt(denominator);
        if (b) b[i] = step = momentum * b[i] + step;
        p[i] = keep * p[i] - step;
    }
}

// The sum of what the threads of a block have, for all of them.
__device__ inline double sum_of_block(double sum, double *sums) {
    sums[threadIdx.x] = sum;
    for (int step = 128; step; step /= 2) {
        __syncthreads();
        if (threadIdx.x < step) sums[threadIdx.x] += sums[threadIdx.x + step];
    }
    __syncthreads();
    return sums[0];
}

// The sum of squares of each block's elements.
extern "C" __global__ void __launch_bounds__(256)
sums_of_squares(Arrays arrays, double *out, Integers sizes, Integers first_blocks, int count) {
    __shared__ double sums[256];
    const Piece mine(sizes, first_blocks, count);
    const real *a = arrays.at[mine.array];
    double sum = 0;
    for (int64 i = mine.first; i < mine.last; i += 256) sum += (double)a[i] * a[i];
    sum = sum_of_block(sum, sums);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// Arrays scaled so that no norm is above a limit; squares are the sums of this launch's blocks, or of all there are.
extern "C" __global__ void __launch_bounds__(256)
clip_norms(Arrays arrays, Arrays out, const double *squares, Integers sizes, Integers first_blocks, int count,
           int64 together, double limit) {
    __shared__ double sums[256];
    const Piece mine(sizes, first_blocks, count);
    const int64 end = mine.array + 1 < count ? first_blocks.at[mine.array + 1] : gridDim.x;
    const int64 first = together ? 0 : first_blocks.at[mine.array], last = together ? together : end;
    double square = 0;
    for (int64 i = first + threadIdx.x; i < last; i += 256) square += squares[i];
    square = sum_of_block(square, sums);
    const real factor = square <= limit * limit ? 1 : limit / sqrt(square), *a = arrays.at[mine.array];
    real *y = out.at[mine.array];
    for (int64 i = mine.first; i < mine.last; i += 256) y[i] = factor * a[i];
}
