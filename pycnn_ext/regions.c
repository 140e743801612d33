/* Parallel regions of one thread, without OpenMP.
 *
 * libgomp makes a team even of one thread, and at its end wakes the others that there are not by a system call: .7 us,
 * as long as a small layer takes. The linker sends what the compiler made of `#pragma omp parallel` here (see
 * CMakeLists.txt). Within a region, even one of one thread, the loops of such a team would be taken for part of those
 * around it; a loop of dynamic tasks around it, outside of any region, cannot be told, and none of pycnn's is one.
 */
#include <omp.h>

typedef void region(void *data);
void __real_GOMP_parallel(region *body, void *data, unsigned threads, unsigned flags);
void __wrap_GOMP_parallel(region *body, void *data, unsigned threads, unsigned flags);

void __wrap_GOMP_parallel(region *body, void *data, unsigned threads, unsigned flags) {
    if (threads == 1 && !omp_get_level()) body(data);
    else __real_GOMP_parallel(body, data, threads, flags);
}
