"""The device: .cu sources compiled by g++ (once, kept by content), and launches in guarded memory, in both orders.

Each array argument is copied to a room between pages that nothing may touch; what is left of the room must stay as it
was filled. A launch of at most ``BOTH`` threads is run twice, and must give the same bits: forward, each array at the
end of its room, and in reverse order, at the begin. A larger one is run in reverse only.
"""

import ctypes
import hashlib
import mmap
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
BOTH = 1 << 16
COMPILE = (
    *("g++", "-std=c++17", "-O2", "-shared", "-fPIC", "-w", "-fvisibility=hidden", "-fno-gnu-unique"),
    *("-fno-strict-aliasing", "-fno-ipa-reference", "-ffp-contract=off", "-fsanitize-undefined-trap-on-error"),
    "-fsanitize=bounds,alignment,shift,integer-divide-by-zero,signed-integer-overflow",
    *("-DPYCNN_EMULATED", "-include", "emulator.h", "-x", "c++", "-"),
)
FILL = 0xFF  # NaN as a float of any size
_GLOBAL = re.compile(r'extern "C" __global__ void __launch_bounds__\([^)]*\)\s*(\w+)\(')
_LIBC = ctypes.CDLL(None, use_errno=True)


@cache
def _array_type(element, length):
    """Of C arrays: made once, for each such class is a cycle that the collector of cyclic garbage would find."""
    return element * length


class EmulationError(RuntimeError):
    """A kernel did what it must not."""


def compiled(code):
    """The source as a loaded library, compiled unless the same has been before."""
    code = code.replace("#pragma unroll\n", "#pragma GCC unroll 16\n")
    code += "".join(f"\nCALLABLE({name})" for name in _GLOBAL.findall(code)) + "\n"
    content = "\0".join((*COMPILE, (HERE / "emulator.h").read_text(encoding="utf-8"), code))
    folder = Path(tempfile.gettempdir()) / f"pycnn-emulated-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.so"
    if not path.exists():
        own = path.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*COMPILE, "-o", own], cwd=HERE, input=code, text=True, capture_output=True, check=False)
        if done.returncode:
            raise EmulationError(f"g++ does not compile the kernels:\n{done.stderr}")
        own.replace(path)  # at once: other processes see all of it or nothing
    library = ctypes.PyDLL(str(path))
    library.emulate.restype = ctypes.c_char_p
    return library


class Guarded:
    """Bytes between two pages that must not be touched: at the end of the room between them, or at its begin.

    Up to 15 bytes lie between, so that the address modulo 16 is ``offset``, as on the device.
    """

    _free = {}  # memory to be used again, by pages

    def __init__(self, size, offset=0):
        self.pages = -(-(size + 32) // mmap.PAGESIZE)
        free = self._free.setdefault(self.pages, [])
        self.memory = free.pop() if free else self._reserve(self.pages)
        last = len(self.memory) - size - 16
        self.begins = last + ((offset - last) % 16 or 16), offset
        self.size = size

    @staticmethod
    def _reserve(pages):
        page = mmap.PAGESIZE
        memory = np.frombuffer(mmap.mmap(-1, (pages + 2) * page), np.uint8)
        for begin in (0, (pages + 1) * page):
            if _LIBC.mprotect(ctypes.c_void_p(memory.ctypes.data + begin), ctypes.c_size_t(page), 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        return memory[page : (pages + 1) * page]

    def fill(self, at_begin, content=FILL):
        begin = self.begins[at_begin]
        self.memory[:] = FILL
        self.inside = self.memory[begin : begin + self.size]
        self.inside[:] = content
        self.beside = self.memory[:begin], self.memory[begin + self.size :]

    def is_whole(self):
        return all((part == FILL).all() for part in self.beside)

    def release(self):
        self._free[self.pages].append(self.memory)


def _merged(spans):
    """Ranges of addresses, those that overlap as one."""
    merged = []
    for first, last in sorted(spans):
        if merged and first < merged[-1][1]:
            merged[-1][1] = max(last, merged[-1][1])
        elif last > first:
            merged.append([first, last])
    return merged


def launch(library, kernel, grid, threads, arguments, shared=0, by_address=()):
    """Run a kernel. Of its arguments those with a ``host`` are arrays (which is a ``numpy.ndarray``), others values.

    A value of unsigned integers of 64 bits holds addresses of arrays that ``by_address`` knows, and zeros.
    """
    if threads % 32 or not 0 < threads <= 1024:
        raise EmulationError(f"kernel {kernel}: a block is whole warps, at most 32. Received: {threads} threads")
    lists = {i: [by_address[p].host for p in addresses(a)] for i, a in enumerate(arguments) if len(addresses(a))}
    arrays = [a.host for a in arguments if hasattr(a, "host")] + [a for listed in lists.values() for a in listed]
    ranges = _merged((a.ctypes.data, a.ctypes.data + a.nbytes) for a in arrays)
    hosts = [
        np.ctypeslib.as_array(_array_type(ctypes.c_uint8, last - first).from_address(first)) for first, last in ranges
    ]
    copies = [Guarded(last - first, first % 16) for first, last in ranges]
    dynamic = Guarded(shared)
    results = []
    try:
        for reverse in (0, 1) if threads * int(np.prod(grid)) <= BOTH else (1,):
            for copy, host in zip(copies, hosts, strict=True):
                copy.fill(reverse, host)
            dynamic.fill(reverse)
            values = [np.array(_moved(a.host, ranges, copies) if hasattr(a, "host") else a) for a in arguments]
            for i, listed in lists.items():
                values[i]["at"][: len(listed)] = [_moved(a, ranges, copies) for a in listed]
            wrong = library.emulate(
                getattr(library, f"call_{kernel}"),
                _array_type(ctypes.c_void_p, len(values))(*(value.ctypes.data for value in values)),
                _array_type(ctypes.c_uint, 3)(*grid),
                threads,
                ctypes.c_void_p(dynamic.inside.ctypes.data),
                ctypes.c_size_t(shared),
                reverse,
            )
            if wrong:
                raise EmulationError(f"kernel {kernel}: {wrong.decode()}")
            if not all(memory.is_whole() for memory in (*copies, dynamic)):
                raise EmulationError(f"kernel {kernel} writes beside an array")
            results.append([copy.inside.copy() for copy in copies])
        if any((a != b).any() for a, b in zip(results[0], results[-1], strict=True)):
            raise EmulationError(f"kernel {kernel} gives other results when its threads run in another order")
        for host, result in zip(hosts, results[0], strict=True):
            host[:] = result
    finally:
        for memory in (*copies, dynamic):
            memory.release()


def addresses(value):
    """The addresses in a list of arrays, as the host gives it."""
    given = getattr(value, "dtype", None)
    listed = given is not None and given.names == ("at",) and given["at"].base == np.uint64
    return value["at"][value["at"] != 0].tolist() if listed else []


def _moved(array, ranges, copies):
    """Where the array lies in guarded memory: a pointer, null for an empty one."""
    for (first, last), copy in zip(ranges, copies, strict=True):
        if first <= array.ctypes.data < last:
            return np.uint64(copy.inside.ctypes.data + array.ctypes.data - first)
    return np.uint64(0)
