"""Memory of the host, as the operating system tells of it."""

import os
from pathlib import Path


def host_memory(held=0):
    """``memory_info`` of a backend on the CPU that keeps ``held`` bytes; None for what the system does not tell."""
    return {"used": _resident(), "held": held, "free": _available(), "total": _total()}


def _resident():
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else None


def _available():
    meminfo = Path("/proc/meminfo")
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), None)


def _total():
    names = getattr(os, "sysconf_names", {})
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if "SC_PHYS_PAGES" in names else None
