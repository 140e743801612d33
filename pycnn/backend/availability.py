"""What a GPU needs beside it: the package, the driver, the device, the compiler, looked for in this order."""

import ctypes
import importlib
import importlib.util
import sys
from functools import cache

_INSTALL = 'pip install "pycnn[cuda13]", or "pycnn[cuda12]" for a driver older than 580'
_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
_CUPY = ((14, 2), (15, 0))  # from, and below; as in pyproject.toml
_CAPABILITY = (7, 5)  # the oldest that kernels are compiled for in tests


@cache
def missing_for_cuda():
    """Say what the cuda backend lacks on this machine, and what to do, or return None if it lacks nothing.

    CuPy is imported only where a GPU has been found.
    """
    if importlib.util.find_spec("cupy") is None:
        return f"the package cupy is not installed: {_INSTALL}"
    return _missing_device() or _missing_compiler() or _too_old()


def describe_cuda():
    """Pairs of texts: the versions that the cuda backend works with, and each GPU; none where it cannot work."""
    if missing_for_cuda() is not None:
        return []
    cupy = importlib.import_module("cupy")
    runtime, driver = cupy.cuda.runtime, cupy.cuda.runtime.driverGetVersion()
    nvrtc = ".".join(map(str, cupy.cuda.nvrtc.getVersion()))
    versions = f"CuPy {cupy.__version__}, NVRTC {nvrtc}, a driver for CUDA {driver // 1000}.{driver % 1000 // 10}"
    lines = [("CUDA", versions)]
    for number in range(runtime.getDeviceCount()):
        has = runtime.getDeviceProperties(number)
        memory = has["totalGlobalMem"] / 2**30
        lines.append((f"GPU {number}", f"{has['name'].decode()}, sm_{has['major']}{has['minor']}, {memory:.1f} GiB"))
    return lines


def _missing_device():
    """Ask NVIDIA's driver itself."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return (
            f"there is no NVIDIA driver ({library} is not found): install it, from nvidia.com or the system's packages"
        )
    status, count = driver.cuInit(0), ctypes.c_int()
    if status == 0:
        status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status not in (0, _NO_DEVICE):
        return f"the NVIDIA driver does not start (error {status}): its version and the kernel's module must agree"
    if count.value == 0:
        return "the NVIDIA driver finds no GPU: nvidia-smi and the variable CUDA_VISIBLE_DEVICES say which there are"
    return None


def _missing_compiler():
    """CuPy as it is installed, and NVRTC, with which it compiles kernels."""
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # whatever a broken package raises
        return f"the package cupy does not load ({error}): {_INSTALL}"
    if not _CUPY[0] <= tuple(map(int, cupy.__version__.split(".")[:2])) < _CUPY[1]:
        first, end = (".".join(map(str, version)) for version in _CUPY)
        return f"CuPy from {first} to below {end} is needed, and {cupy.__version__} is installed: {_INSTALL}"
    try:
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, AttributeError, RuntimeError) as error:
        return f"the compiler NVRTC does not load ({error}): {_INSTALL}"
    return None


def _too_old():
    """What CuPy finds only at the first array, or the first kernel."""
    cuda = importlib.import_module("cupy").cuda
    runtime, compiler = cuda.runtime, cuda.nvrtc.getVersion()
    driver = divmod(runtime.driverGetVersion() // 10, 100)
    if driver[0] < compiler[0]:
        versions = f"the driver is for CUDA {driver[0]}.{driver[1]}, CuPy for {compiler[0]}.{compiler[1]}"
        return f"{versions}: install a newer driver" + (', or "pycnn[cuda12]"' if driver[0] == 12 else "")
    try:
        device = runtime.getDeviceProperties(runtime.getDevice())
    except RuntimeError as error:  # the driver's
        return f"the GPU does not answer ({error}): nvidia-smi says what it does"
    capability = device["major"], device["minor"]
    if capability < _CAPABILITY:
        least, found = (f"{major}.{minor}" for major, minor in (_CAPABILITY, capability))
        return f"compute capability {least} is needed, and {device['name'].decode()} has {found}: take a newer GPU"
    return None
