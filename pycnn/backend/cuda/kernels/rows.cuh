// An array seen as (outer, rows, inner): how blocks of 256 threads share its rows, and fold what they find in them.
#include "common.cuh"
#ifndef PYCNN_ROWS
#define PYCNN_ROWS

// outputs = outer * inner; each has so many lanes (a power of 2) in each of the slices that its rows are cut into.
struct Rows {
    int outputs, rows, inner, lanes, slices;
};

// What a thread has of it: rows first, first + lanes, ... of one output. Neighbours read what lies side by side.
struct Share {
    int output, lane, apart, first, last; // apart: how far the next lane of the same output is in the block
    int64 begin, result;                  // index of row 0, and of the result in (outer, slices, inner)
    bool there;
    __device__ Share(const Rows &s) {
        const int together = 256 / s.lanes, t = threadIdx.x, slice = blockIdx.y;
        apart = s.inner == 1 ? 1 : together;
        lane = s.inner == 1 ? t % s.lanes : t / together;
        output = blockIdx.x * together + (s.inner == 1 ? t / s.lanes : t % together);
        there = output < s.outputs;
        const int outer = output / s.inner, in = output % s.inner, per_slice = (s.rows + s.slices - 1) / s.slices;
        first = there ? slice * per_slice + lane : 0;
        last = there ? min((slice + 1) * per_slice, s.rows) : 0;
        begin = (int64)outer * s.rows * s.inner + in;
        result = ((int64)outer * s.slices + slice) * s.inner + in;
    }
    __device__ bool writes() const { return there && lane == 0; }
};

// The sum (by +=) over the lanes of an output, for the lane 0 of it. All threads of the block meet here.
template <class T> __device__ inline T folded(T value, T *shared, const Share &my, int lanes) {
    shared[threadIdx.x] = value;
    for (int step = lanes / 2; step; step /= 2) {
        __syncthreads();
        if (my.lane < step) shared[threadIdx.x] += shared[threadIdx.x + step * my.apart];
    }
    return shared[threadIdx.x];
}
#endif
