"""Compiled CPU kernels. They know nothing of pycnn: the caller passes arrays and integers, they fill arrays.

kernels.pyx   the table of serial C kernels (microkernels/) and the instruction set in use
threads.pyx   thread count and fork hooks, the only user of omp.h
conv.pyx pool.pyx activation.pyx norm.pyx resample.pyx optimizer.pyx   one family each, parallel over tiles
"""
