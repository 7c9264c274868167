from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from legato.errors import EngineError
from legato.xtts.precision import check_float32, enforce_float32


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    """Whatever a test switches, the next begins in full float32."""
    yield
    enforce_float32()


def test_float32_is_enforced() -> None:
    torch.set_float32_matmul_precision("medium")
    enforce_float32()
    check_float32(nn.Linear(2, 2))
    assert torch.get_float32_matmul_precision() == "highest"


def test_tf32_is_noticed() -> None:
    torch.set_float32_matmul_precision("high")
    with pytest.raises(EngineError, match="TF32 products are on"):
        check_float32()


def test_tf32_convolutions_are_noticed() -> None:
    torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match="TF32 convolutions are on"):
        check_float32()


def test_autocast_is_noticed() -> None:
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.raises(EngineError, match="autocast is on"),
    ):
        check_float32()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused(kind: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to(kind)
    with pytest.raises(EngineError, match="half precision changes which token wins"):
        check_float32(model)


def test_half_precision_buffers_are_refused() -> None:
    model = nn.BatchNorm1d(2)
    model.running_mean = torch.zeros(2, dtype=torch.float16)
    with pytest.raises(EngineError, match="running_mean is in float16"):
        check_float32(model)
