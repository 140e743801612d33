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
    from conv_problems import WINOGRAD_PROBLEMS, random_conv_problem
    from helpers import normal
    from kernel_calls import Call, kernel_calls, run_call

    from pycnn.backend import cpu
    from pycnn.backend.geometry import conv_geometry

    def announce_and_run(call, at_end):
        print(call.member, {name: a.shape for name, a in call.arrays.items()}, call.options, at_end, flush=True)
        call = call._replace(arrays={name: guarded(a, at_end) for name, a in call.arrays.items()})
        results = run_call(cpu, call)
        if call.member != "batch_norm_statistics":
            names = (
                ("out", "index")
                if call.member in ("max_pool2d_forward", "min_pool2d_forward", "roi_pool_forward")
                else ("out",)
            )
            run_call(cpu, call, **{n: guarded(y, at_end) for n, y in zip(names, results, strict=False)})

    def announce_convolutions(geometry, x, w, bias, gy, **options):
        for member, arrays in (
            ("conv2d_forward", {"x": x, "w": w, "bias": bias}),
            ("conv2d_input_grad", {"gy": gy, "w": w}),
            ("conv2d_filter_grad", {"x": x, "gy": gy}),
        ):
            announce_and_run(Call(member, arrays, {"geometry": geometry, **options}), at_end)

    for at_end in (True, False):
        for dtype in ("float32", "float64"):
            for call in kernel_calls(dtype):
                announce_and_run(call, at_end)
            for seed in range(150):
                problem = random_conv_problem(seed)
                announce_convolutions(problem.geometry, *problem.arrays(dtype))
            for x_shape, w_shape, padding, dilation in WINOGRAD_PROBLEMS.values():
                geometry = conv_geometry(x_shape, w_shape, padding=padding, dilation=dilation)
                shapes = (x_shape, w_shape, w_shape[3], geometry.output_shape(x_shape[0]))
                announce_convolutions(geometry, *(normal(shape, dtype) for shape in shapes), algorithm="winograd")


if __name__ == "__main__":
    main()
