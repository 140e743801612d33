"""Thread count and fork hooks. The only user of omp.h beside regions.c."""

import os

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    static int processors_of_openmp(void) { return omp_get_num_procs(); }
    static int openmp_version(void) { return _OPENMP; }
    static void release_pool(void) { omp_pause_resource_all(omp_pause_soft); }
    #else
    static int processors_of_openmp(void) { return 0; }
    static int openmp_version(void) { return 0; }
    static void release_pool(void) { }
    #endif
    static _Thread_local int alone = 0;
    """
    int processors_of_openmp() nogil
    int openmp_version() nogil
    void release_pool() nogil
    int alone  # whether kernels that this Python thread calls run on it alone

cdef double SERIAL_WORK = 4e5  # multiply-adds, about, that are done before a second thread has woken up

cdef int count = 1


cdef int threads_for(double work) noexcept nogil:
    """Threads to use for so many multiply-adds (or what takes as long)."""
    return count if work > SERIAL_WORK and not alone else 1


def set_count(int value):
    """Use ``value`` threads from now on; a serial build always uses one."""
    global count
    count = value if openmp_version() else 1


def get_count():
    """Threads that kernels use which this Python thread calls."""
    return 1 if alone else count


def processors():
    """Processors that OpenMP found when it was loaded, which may have bound this thread to one of them; or 0."""
    return processors_of_openmp()


def set_alone(bint value):
    """Say whether kernels that this Python thread calls run on it alone; return what held before."""
    global alone
    before, alone = bool(alone), value
    return before


def openmp():
    """Date of the OpenMP standard compiled in, as yyyymm; 0 in a serial build."""
    return openmp_version()


# A forked child inherits no threads, but libgomp's pool would believe that it did, and wait for them for ever.
os.register_at_fork(before=lambda: release_pool())
