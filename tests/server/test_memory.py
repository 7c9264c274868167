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


GARBAGE = """
import gc
from pathlib import Path
from legato.server.memory import give_memory_back, tidy, trim

class Listener:
    def __init__(self):
        self.itself, self.block = self, bytearray(60_000)

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

give_memory_back()
gc.disable()
for _ in range(1_000):
    last = Listener()
trim()
before = resident_mb()
tidy()
print(before - resident_mb())
"""


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heaps of glibc")


def given_back_mb(script: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def test_what_is_free_below_the_last_block_goes_back() -> None:
    assert given_back_mb(HOLES) > 40.0


def test_what_only_a_collection_frees_goes_back_too() -> None:
    assert given_back_mb(GARBAGE) > 40.0
