"""The kernels of a GPU's decode step: interpreted on a CPU, compiled where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")

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
    assert done.stdout.count("equal") == 22


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_compiled_kernels_do_what_pytorch_does() -> None:
    from tests.xtts.kernel_checks import check_all  # noqa: PLC0415 - brings Triton

    assert check_all(torch.device("cuda")) == 22
