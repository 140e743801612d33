"""The ``.cu`` files: their text as it is compiled, and the signatures of their kernels as they stand in it.

How a file in ``kernels/`` is written, which this module and ``launch.py`` rely on:

- ``#include "common.cuh"`` (or another file of the folder) is replaced by that file's text, so that what CuPy keeps on
  disk always belongs to what was compiled. Nothing else is included: NVRTC has no headers.
- ``real`` is the dtype: float, double, or in the files of ``HALF_WIDE`` also float16 and bfloat16, which numbers are in
  memory only. ``wide`` is what is computed in: ``real`` itself, but float for these two. All else has one type:
  ``int``, ``int64``, ``float``, ``double``, ``uint8``.
- A kernel is written in full, never by a macro: ``extern "C" __global__ void __launch_bounds__(THREADS) name(...) {``
  with the literal number of threads of a block, which are counted along x alone and are whole warps.
- Arrays are pointers: ``const real *x`` is read, ``real *out`` is written; ``real *out OR_NULL`` may be None.
- Scalars are passed by value, floating ones as ``wide``. Many integers are one ``struct Name { int a, b, c; };`` of
  nothing but int.
- ``Arrays list`` is a list of at most MANY arrays of type real, ``Arrays list OR_NULL`` may be None, and ``Integers``
  a list of at most MANY integers (``common.cuh``).
- Shared memory of fixed size is ``__shared__ real tile[8][9];``, of a size that the host chooses
  ``DYNAMIC_SHARED(real, tile)``. Shuffles, cp.async and mma are the functions of ``common.cuh``.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parent / "kernels"
REAL = {"float32": "float", "float64": "double", "float16": "float16", "bfloat16": "bfloat16"}
"""What ``real`` stands for in the module of each dtype."""
WIDE = REAL | {"float16": "float", "bfloat16": "float"}
"""What ``wide`` stands for."""
HALF_WIDE = ("activation", "arithmetic", "conv", "conv_grouped", "conv_half", "matmul", "norm", "pool")
"""Files whose kernels take numbers of 16 bits."""
MANY = 64  # as in common.cuh
ARRAYS = np.dtype([("at", np.uint64, MANY)])
INTEGERS = np.dtype([("at", np.int64, MANY)])

_INCLUDE = re.compile(r'^#include "(.+\.cuh)"\n', re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRUCT = re.compile(r"struct (\w+) \{((?:\s*int [^;]+;)+)\s*\};")
_KERNEL = re.compile(r'extern "C" __global__ void __launch_bounds__\((\d+)[^)]*\)\s*(\w+)\(([^)]*)\)')
_PARAMETER = re.compile(r"(const )?(\w+) (\*?)(\w+)( OR_NULL)?")
_TYPES = {
    "int": np.int32,
    "int64": np.int64,
    "float": np.float32,
    "double": np.float64,
    "uint8": np.uint8,
    "Arrays": ARRAYS,
    "Integers": INTEGERS,
}


class Parameter(NamedTuple):
    """One argument of a kernel."""

    name: str
    dtype: object  # numpy.dtype, structured for a struct; or the name "real" or "wide"
    is_array: bool
    is_written: bool
    may_be_none: bool


class Signature(NamedTuple):
    """What a kernel takes."""

    name: str
    threads: int  # of a block
    parameters: tuple


def names():
    """The files that hold kernels, without ``.cu``."""
    return sorted(path.stem for path in FOLDER.glob("*.cu"))


def dtypes(name):
    """The names of the dtypes that ``real`` may be in a file."""
    half = ("float16", "bfloat16") if name in HALF_WIDE else ()
    return half if name == "conv_half" else ("float32", "float64", *half)


def text(name, dtype):
    """The whole source of a file for one dtype, nothing included any more."""
    return expand((FOLDER / f"{name}.cu").read_text(encoding="utf-8"), dtype)


def expand(body, dtype="float32"):
    """A source with the definitions of ``real`` and ``wide``, and each file that it includes where it does so first."""
    seen = set()

    def included(match):
        file = match[1]
        if file in seen:
            return ""
        seen.add(file)
        return _INCLUDE.sub(included, (FOLDER / file).read_text(encoding="utf-8"))

    macros = f"PYCNN_REAL {REAL[dtype]}", f"PYCNN_WIDE {WIDE[dtype]}", f"REAL_IS_{REAL[dtype].upper()} 1"
    return "".join(f"#define {macro}\n" for macro in macros) + _INCLUDE.sub(included, body)


@cache
def signatures(name):
    """The kernels of a file: a dict from name to ``Signature``."""
    code = _COMMENT.sub("", text(name, "float32"))
    types = {key: np.dtype(value) for key, value in _TYPES.items()} | {"real": "real", "wide": "wide"}
    for struct, fields in _STRUCT.findall(code):
        fields = re.findall(r"\w+", re.sub(r"\bint\b", "", fields))
        types[struct] = np.dtype([(field, np.int32) for field in fields])
    found = {}
    for threads, kernel, parameters in _KERNEL.findall(code):
        parameters = tuple(_parameter(kernel, " ".join(p.split()), types) for p in parameters.split(","))
        found[kernel] = Signature(kernel, int(threads), parameters)
    if len(found) != code.count("__global__"):
        raise SyntaxError(f"{name}.cu has a kernel that is not written as {__name__} says. Found: {sorted(found)}")
    return found


def _parameter(kernel, declaration, types):
    match = _PARAMETER.fullmatch(declaration)
    if match is None or match[2] not in types:
        raise SyntaxError(f"a parameter of {kernel} is not as {__name__} says. Found: {declaration!r}")
    const, ctype, star, name, or_null = match.groups()
    return Parameter(name, types[ctype], bool(star), bool(star) and not const, bool(or_null))
