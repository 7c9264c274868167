"""The weights of a decode step where a CPU reads them fastest.

With one chunk, a step reads 1.5 GB once and computes next to nothing with it, so what counts is
how memory is walked through: each output's weights in a row, all products in the order of their use
in one block of huge pages. On two cores this takes 0.54 to 0.58 of the time of the checkpoint's own
layout (docs/BENCHMARKS.md). Results differ by rounding only.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch
from torch import Tensor

_HUGE_PAGE = 2 << 20
_FLOAT = 4
_LINE_FLOATS = 16  # a cache line, which oneDNN's loads are aligned to


def packed(weights: Sequence[Tensor], copied: Callable[[Tensor], None]) -> list[Tensor]:
    """The same float32 matrices as copies whose transposes are contiguous.

    weights: each (in, out), as GPT-2 keeps them. copied: is given each one that is not needed any
    more. Raises RuntimeError, as torch does, where there is no memory for them.
    """
    sizes = [-(-weight.numel() // _LINE_FLOATS) * _LINE_FLOATS for weight in weights]
    pieces = torch.split(_block(sum(sizes)), sizes)
    copies = []
    for weight, piece in zip(weights, pieces, strict=True):
        inputs, outputs = weight.shape
        rows = piece[: weight.numel()].view(outputs, inputs)
        rows.copy_(weight.t())
        copied(weight)
        copies.append(rows.t())
    return copies


def _block(count: int) -> Tensor:
    """(count,) float32, not yet written, in huge pages where Linux has them to give."""
    if not hasattr(mmap, "MADV_HUGEPAGE") or not count:
        return torch.empty(count)
    try:
        memory = mmap.mmap(-1, count * _FLOAT + _HUGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise RuntimeError(f"can't allocate memory: {count * _FLOAT} bytes") from error
    with suppress(OSError):  # a kernel built without them: ordinary pages do
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(memory, dtype=torch.float32)
    start = -whole.data_ptr() % _HUGE_PAGE // _FLOAT
    return whole[start : start + count]


def give_back(tensor: Tensor) -> None:
    """Let the system have the pages of a mapped file's tensor, which is read again if used again.

    For tensors of `load_checkpoint` only: others would lose what they hold. Does nothing but on
    Linux, where pages of a mapped file count as the process's own.
    """
    if not sys.platform.startswith("linux") or not tensor.is_contiguous():
        return
    page = mmap.PAGESIZE
    first = -(-tensor.data_ptr() // page) * page  # not those shared with its neighbours
    length = (tensor.data_ptr() + tensor.nbytes) // page * page - first
    if length > 0:
        # A refusal costs memory, nothing else.
        ctypes.CDLL(None).madvise(
            ctypes.c_void_p(first), ctypes.c_size_t(length), mmap.MADV_DONTNEED
        )
