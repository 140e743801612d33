cdef int threads_for(double work) noexcept nogil
