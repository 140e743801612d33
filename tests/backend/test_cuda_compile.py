"""Every kernel compiles for every architecture that is supported, within its registers, with nothing spilled.

NVRTC needs neither a GPU nor a driver: pip install "cupy-cuda13x>=14.2,<15" "cuda-toolkit[nvrtc,cudart,crt]==13.*"
"""

import os
import re

import pytest
from cuda_emulator import backend as cuda_emulated
from cuda_emulator import machine
from helpers import peer

ARCHITECTURES = (75, 80, 90, 120)
REGISTERS = 128
"""Of a thread, so that two blocks of 256 are on a multiprocessor at a time."""
MORE_REGISTERS = {
    f"conv2d_{member}_{precision}_{tile}": (232, "sums of a large tile, as many as keep tensor cores busy")
    for member in ("forward", "input_grad", "filter_grad")
    for precision in ("exact", "tf32", "half")
    for tile in ("128x64", "128x128")
}
"""Kernels that may have more, with what they do with it: {"name": (registers, "why")}."""

SOURCES = cuda_emulated.load().sources
_KERNEL = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
    r".*?Used (\d+) registers",
    re.DOTALL,
)


def compiler():
    """NVRTC; without it skip, or fail if peers are required."""
    nvrtc = peer("cupy").cuda.nvrtc
    try:
        nvrtc.getVersion()
    except (RuntimeError, ImportError) as error:
        if os.environ.get("PYCNN_REQUIRE_PEERS") == "1":
            pytest.fail(f"PYCNN_REQUIRE_PEERS=1, and NVRTC does not load: {error}")
        pytest.skip(f"NVRTC does not load: {error}")
    return nvrtc


def compile_for(architecture, code):
    """For each kernel (bytes on the stack, bytes spilled, registers), as ptxas reports them."""
    nvrtc = compiler()
    program = nvrtc.createProgram(code, "kernels.cu", (), ())
    options = ("--std=c++17", "-ftz=true", f"-arch=sm_{architecture}", "--ptxas-options=-v")
    try:
        nvrtc.compileProgram(program, options)
        log = nvrtc.getProgramLog(program)
        assert len(nvrtc.getCUBIN(program)) > 1000
    except nvrtc.NVRTCError:
        raise AssertionError(nvrtc.getProgramLog(program)) from None
    finally:
        nvrtc.destroyProgram(program)
    return {
        name: (int(stack), int(stores) + int(loads), int(r)) for name, stack, stores, loads, r in _KERNEL.findall(log)
    }


def modules():
    """Each source with each dtype that its kernels differ in."""
    for source in SOURCES.names():
        parameters = [p for kernel in SOURCES.signatures(source).values() for p in kernel.parameters]
        differ = any(p.dtype in ("real", "wide") for p in parameters)
        for dtype in SOURCES.dtypes(source) if differ else ["float32"]:
            yield source, dtype


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("source", "dtype"), list(modules()))
def test_kernels_compile_within_their_registers(source, dtype, architecture):
    found = compile_for(architecture, SOURCES.text(source, dtype))
    assert set(found) == set(SOURCES.signatures(source))
    for name, (stack, spilled, registers) in found.items():
        allowed, _ = MORE_REGISTERS.get(name, (REGISTERS, ""))
        assert (spilled, stack) == (0, 0), f"{name} spills {spilled} bytes, and has {stack} on the stack"
        assert registers <= allowed, f"{name} needs {registers} registers of {allowed}"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a >= 80])
def test_the_instructions_behind_common_cuh_compile(architecture, dtype):
    code = SOURCES.expand((machine.HERE / "wrappers.cu").read_text(encoding="utf-8"), dtype)
    assert set(compile_for(architecture, code)) == set(re.findall(r"__launch_bounds__.*\n(\w+)", code))


def test_a_spill_is_seen():
    code = """extern "C" __global__ void __launch_bounds__(1024) greedy(const double *x, double *out) {
        double a[64];
        for (int i = 0; i < 64; i++) a[i] = x[i * 1024 + threadIdx.x];
        __syncthreads();
        for (int i = 0; i < 64; i++) out[i * 1024 + threadIdx.x] = a[i] * a[63 - i];
    }"""
    stack, spilled, registers = compile_for(80, code)["greedy"]
    assert spilled > 0
    assert stack > 0
    assert registers <= 64
