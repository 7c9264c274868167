"""float32 from end to end, set and checked.

TF32 keeps 10 bits of a product's 23, and half precision as many: both change which token wins.
Only `cuda_convolution` uses it, three products for one in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from legato.errors import EngineError

# torch 2.9 renamed the switch of convolutions, and refuses a mixture of both names.
_RENAMED = hasattr(torch.backends, "fp32_precision")


def enforce_float32() -> None:
    """Make this process's matrix products and convolutions full float32. Cheap; call it once."""
    torch.set_float32_matmul_precision("highest")
    if _RENAMED:
        for layer in ("conv", "rnn"):
            getattr(torch.backends.cudnn, layer).fp32_precision = "ieee"
    else:
        torch.backends.cudnn.allow_tf32 = False


def check_float32(*models: nn.Module) -> None:
    """Raise EngineError where TF32, autocast or half precision could touch a result."""
    if torch.get_float32_matmul_precision() != "highest":
        raise EngineError("TF32 products are on: call legato.xtts.precision.enforce_float32 first")
    if _convolutions_in_tf32():
        raise EngineError(
            "TF32 convolutions are on: call legato.xtts.precision.enforce_float32 first"
        )
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        raise EngineError("autocast is on: Legato works in float32; leave the autocast block")
    for model in models:
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if tensor.is_floating_point() and tensor.dtype != torch.float32:
                kind = str(tensor.dtype).removeprefix("torch.")
                raise EngineError(
                    f"{type(model).__name__}.{name} is in {kind}: half precision changes which "
                    "token wins; load the model in float32"
                )


def _convolutions_in_tf32() -> bool:
    if _RENAMED:
        cudnn: Any = torch.backends.cudnn
        return bool(cudnn.conv.fp32_precision == "tf32")
    return torch.backends.cudnn.allow_tf32
