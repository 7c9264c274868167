"""Weights as copies in huge pages: the same numbers, and no memory for both."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from legato.xtts.batch import out_of_memory
from legato.xtts.checkpoint import load_checkpoint
from legato.xtts.gpt import Gpt
from legato.xtts.packing import give_back, packed

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def matrices() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for shape in ((5, 3), (16, 64), (64, 16))]


def test_copies_are_equal_and_by_output() -> None:
    weights = matrices()
    done: list[Tensor] = []
    copies = packed(weights, done.append)
    assert [id(weight) for weight in done] == [id(weight) for weight in weights]
    for weight, copy in zip(weights, copies, strict=True):
        assert torch.equal(weight, copy)
        assert copy.t().is_contiguous()
        assert copy.data_ptr() % 64 == 0


def test_copies_follow_each_other_in_one_block() -> None:
    copies = packed(matrices(), lambda _: None)
    at = [copy.data_ptr() - copies[0].data_ptr() for copy in copies]
    assert at == [0, 64, 64 + 16 * 64 * 4]  # 15 numbers fill a line of 16
    if hasattr(mmap, "MADV_HUGEPAGE"):
        assert copies[0].data_ptr() % (2 << 20) == 0


def test_nothing_to_copy_is_no_error() -> None:
    assert packed([], lambda _: None) == []


def test_a_system_without_huge_pages_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    for weight, copy in zip(matrices(), packed(matrices(), lambda _: None), strict=True):
        assert torch.equal(weight, copy)


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="has no huge pages to ask for")
def test_no_memory_is_said_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", none_left)
    with pytest.raises(RuntimeError) as told:
        packed(matrices(), lambda _: None)
    assert out_of_memory(told.value)


def test_a_gpt_on_a_cpu_multiplies_by_copies(tiny_checkpoint: Path) -> None:
    checkpoint = load_checkpoint(tiny_checkpoint, verify=False)
    gpt = Gpt.from_checkpoint(checkpoint)
    weights = [gpt.get_parameter(f"gpt.{name}") for name in gpt.gpt.matrices()]
    assert len(weights) == 4 * gpt.config.layers
    assert all(weight.t().is_contiguous() for weight in weights)
    for name, weight in zip(gpt.gpt.matrices(), weights, strict=True):
        assert torch.equal(weight, checkpoint.tensors[f"gpt.gpt.{name}"])
    mapped = checkpoint.tensors["gpt.text_embedding.weight"]
    assert gpt.text_embedding.weight.data_ptr() == mapped.data_ptr()


def resident_kb(path: Path) -> int:
    """What a mapped file takes of this process's memory."""
    found, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            counts = line.endswith(str(path))
        elif counts and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found


@LINUX
def test_pages_that_are_given_back_cost_no_memory_and_keep_what_they_held(tmp_path: Path) -> None:
    path = tmp_path / "numbers.pth"
    whole = torch.arange(1 << 20, dtype=torch.float32)  # 4 MB
    torch.save(whole, path)
    mapped = torch.load(path, mmap=True, weights_only=True)
    assert mapped.sum() > 0
    assert resident_kb(path) > 4_000
    give_back(mapped)
    assert resident_kb(path) < 100
    assert torch.equal(mapped, whole)
