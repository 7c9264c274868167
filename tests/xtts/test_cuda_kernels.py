"""The kernels of a GPU's decode step: interpreted on a CPU, compiled where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    """Triton's compiler needs none. A program shares 4 KiB, 8 with Triton 3.6; more would cost
    occupancy.
    """
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415
    from triton.compiler import ASTSource  # noqa: PLC0415

    from legato.xtts import cuda_sampling  # noqa: PLC0415

    names = ("logits", "seen", "seeds", "steps", "filters", "tokens", "vocabulary", "block")
    kinds = ("*fp32", "*u8", "*i64", "*i64", "*fp32", "*i64", "i32", "constexpr")
    source = ASTSource(
        fn=cuda_sampling._draw,
        signature=dict(zip(names, kinds, strict=True)),
        constexprs={"block": 2_048},
    )
    options = {"num_warps": 8, "enable_fp_fusion": True}
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    assert len(made.asm["cubin"]) > 0
    assert made.metadata.shared <= 8_192
