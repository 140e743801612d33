"""Arrays between two pages that may not be touched: reading or writing beside one ends the process.

As a script, runs the CPU's kernels on such arrays: ``python guarded_arrays.py``; prints each call before it runs.
"""

import ctypes
import mmap

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_PAGE = mmap.PAGESIZE
_NO_ACCESS = 0


def guarded(array, at_end):
    """A copy of ``array`` that ends (or begins) exactly at a page that may not be touched."""
    pages = -(-array.nbytes // _PAGE) + 2
    memory = mmap.mmap(-1, pages * _PAGE)
    first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (first, first + (pages - 1) * _PAGE):
        if _libc.mprotect(page, _PAGE, _NO_ACCESS):
            raise OSError(ctypes.get_errno(), "mprotect")
    offset = (pages - 1) * _PAGE - array.nbytes if at_end else _PAGE
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy


def main():
    from conv_problems import random_conv_problem
    from kernel_calls import kernel_calls, run_call

    from pycnn.backend import cpu

    def announce_and_run(call, at_end):
        print(call.member, {name: a.shape for name, a in call.arrays.items()}, call.options, at_end, flush=True)
        call = call._replace(arrays={name: guarded(a, at_end) for name, a in call.arrays.items()})
        results = run_call(cpu, call)
        if call.member != "batch_norm_statistics":
            names = ("out", "index") if call.member in ("max_pool2d_forward", "min_pool2d_forward") else ("out",)
            run_call(cpu, call, **{n: guarded(y, at_end) for n, y in zip(names, results, strict=False)})

    for at_end in (True, False):
        for dtype in ("float32", "float64"):
            for call in kernel_calls(dtype):
                announce_and_run(call, at_end)
            template = kernel_calls(dtype)[0]
            for seed in range(150):
                problem = random_conv_problem(seed)
                x, w, bias, gy = problem.arrays(dtype)
                for member, arrays in (
                    ("conv2d_forward", {"x": x, "w": w, "bias": bias}),
                    ("conv2d_input_grad", {"gy": gy, "w": w}),
                    ("conv2d_filter_grad", {"x": x, "gy": gy}),
                ):
                    options = {"geometry": problem.geometry}
                    announce_and_run(template._replace(member=member, arrays=arrays, options=options), at_end)


if __name__ == "__main__":
    main()
