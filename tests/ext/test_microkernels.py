"""The register tiles as gcc compiles them: every accumulator stays in a register."""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "pycnn_ext" / "microkernels"
OPTIONS = {
    "base": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
}
TILES = re.compile(r"^((?:gemm|outer|planar|planar_sum)_tile_\d+x\d+):$(.*?)^\s*\.cfi_endproc", re.M | re.S)
STORE = re.compile(r"^\s*v?mov[au]p[sd]\s+%[xyz]mm\d+, -?\w*\(%r(sp|bp)\)", re.M)

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("gcc") is None, reason="reads what gcc makes for x86-64"
)


def assembly(isa, dtype, folder=SOURCES):
    """What gcc makes of the tiles, as text."""
    double = ["-DPYCNN_DOUBLE"] if dtype == "double" else []
    command = ["gcc", "-S", "-o", "-", "-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC"]
    command += ["-fkeep-static-functions", *OPTIONS[isa], *double, "-x", "c", "-"]
    program = f'#include "{folder}/planar.h"'
    return subprocess.run(command, check=True, capture_output=True, text=True, input=program).stdout


def spills(body):
    """Whether a whole vector is stored on the stack: rbp points there in functions that say so."""
    return any(register == "sp" or re.search(r"mov\w?\s+%rsp, %rbp", body) for register in STORE.findall(body))


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("isa", OPTIONS)
def test_no_accumulator_is_kept_in_memory(isa, dtype):
    tiles = TILES.findall(assembly(isa, dtype))
    assert len(tiles) == 4 * (39 if isa == "avx512" else 12)
    spilling = [name for name, body in tiles if spills(body)]
    assert not spilling


def test_a_spill_would_be_seen(tmp_path):
    """The same tiles with their loops left rolled: gcc keeps the accumulators in memory."""
    for file in SOURCES.iterdir():
        text = file.read_text()
        (tmp_path / file.name).write_text(text.replace('_Pragma("GCC unroll 16")', ""))
    tiles = TILES.findall(assembly("avx2", "float", folder=tmp_path))
    assert any(spills(body) or "(%rsp)" in body for _, body in tiles)
