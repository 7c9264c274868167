"""Memory goes back to the system: read from the kernel, in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HOLES = """
import ctypes
from pathlib import Path
from legato.server.memory import give_memory_back, trim

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

give_memory_back()
blocks = [libc.malloc(60_000) for _ in range(1_000)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 60_000)
for block in blocks[:-1]:
    libc.free(ctypes.c_void_p(block))
before = resident_mb()
assert trim()
print(before - resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heaps of glibc")
def test_what_is_free_below_the_last_block_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 40.0
