"""The kernels of a GPU's decode step: interpreted on a CPU, compiled where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

triton = pytest.importorskip("triton", reason="comes with torch on Linux alone")

_INTERPRETED = "TRITON_INTERPRET"
_HERE = Path(__file__)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, which runs them itself")
def test_interpreted_kernels_do_what_pytorch_does() -> None:
    """In a process of their own: Triton decides when it is imported what it does with a kernel."""
    environment = os.environ | {_INTERPRETED: "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.xtts.kernel_checks", "cpu"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=_HERE.parents[2],
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal") == 29


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_compiled_kernels_do_what_pytorch_does() -> None:
    from tests.xtts.kernel_checks import check_all  # noqa: PLC0415 - brings Triton

    assert check_all(torch.device("cuda")) == 29


def test_the_sampler_compiles_for_a_gpu_that_is_not_here() -> None:
    """A program shares 4 KiB, 8 with Triton 3.6; more would cost occupancy."""
    from legato.xtts import cuda_sampling  # noqa: PLC0415 - brings Triton

    kinds = {"logits": "*fp32", "seen": "*u8", "filters": "*fp32", "vocabulary": "i32"}
    kinds |= dict.fromkeys(("seeds", "steps", "tokens"), "*i64")
    made = _compiled(cuda_sampling._draw, kinds, {"block": 2_048}, num_warps=8)
    assert len(made.asm["cubin"]) > 0
    assert made.metadata.shared <= 8_192


def test_convolutions_compile_for_the_tensor_cores_of_a_gpu_that_is_not_here() -> None:
    """What a program shares must fit into what a processor of Hopper has."""
    from legato.xtts import cuda_convolution  # noqa: PLC0415 - brings Triton

    pointers = ("x", "high", "low", "bias", "first", "second", "out")
    kinds = dict.fromkeys(pointers, "*fp32") | {"slope": "fp32", "scale": "fp32"}
    for tile in (cuda_convolution._WIDE, cuda_convolution._NARROWEST):
        sizes = {
            "block_moments": tile.moments,
            "block_outputs": tile.outputs,
            "block_inputs": cuda_convolution.BLOCK_INPUTS,
        }
        stages = {"num_warps": tile.warps, "num_stages": tile.stages}
        made = _compiled(cuda_convolution._convolve, kinds, sizes, **stages)
        assert "wgmma.mma_async" in made.asm["ptx"]
        assert made.metadata.shared <= 232_448


def _compiled(kernel: Any, kinds: dict[str, str], sizes: dict[str, int], **options: int) -> Any:
    """A kernel for Hopper, which Triton's compiler needs none of. kinds: of arguments, else i32."""
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415
    from triton.compiler import ASTSource  # noqa: PLC0415

    signature = {name: kinds.get(name, "i32") for name in kernel.arg_names}
    signature |= dict.fromkeys(sizes, "constexpr")
    # Pointers and lengths are multiples of 16, as a GPU's allocator and the published widths are.
    aligned = {
        (place,): [["tt.divisibility", 16]]
        for place, kind in enumerate(signature.values())
        if kind not in ("fp32", "constexpr")
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=sizes, attrs=aligned)
    told = {"enable_fp_fusion": True, **options}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=told)
