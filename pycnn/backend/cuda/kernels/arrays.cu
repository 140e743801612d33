// Places of an array that are written through indices, one after another where one is named several times.
#include "common.cuh"

enum { SET, ADD, MAXIMUM, MINIMUM, MULTIPLY };

template <class T> __device__ inline T joined(T old, T value, int how) {
    switch (how) {
    case ADD: return old + value;
    case MAXIMUM: return value > old || value != value ? value : old;
    case MINIMUM: return value < old || value != value ? value : old;
    case MULTIPLY: return old * value;
    default: return value;
    }
}

// target (places, inner), values (count / inner, inner); order sorts places and leaves equal ones as they come. The
// thread of the first of them takes all.
template <class T>
__device__ inline void update(T *target, const int64 *places, const int64 *order, const T *values, int how, int64 inner,
                              int64 count) {
    const int64 last = quotient(count, inner);
    FOR_EACH(int64, i, count) {
        const int64 first = quotient(i, inner), column = i - first * inner, place = places[order[first]];
        if (first > 0 && places[order[first - 1]] == place) continue;
        T value = target[place * inner + column];
        for (int64 next = first; next < last && places[order[next]] == place; next++)
            value = joined(value, values[order[next] * inner + column], how);
        target[place * inner + column] = value;
    }
}

extern "C" __global__ void __launch_bounds__(256)
update_at(real *target, const int64 *places, const int64 *order, const real *values, int how, int64 inner,
          int64 count) {
    update(target, places, order, values, how, inner, count);
}

extern "C" __global__ void __launch_bounds__(256)
update_integers_at(int64 *target, const int64 *places, const int64 *order, const int64 *values, int how, int64 inner,
                   int64 count) {
    update(target, places, order, values, how, inner, count);
}
