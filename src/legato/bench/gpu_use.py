"""How busy the GPU is while something runs, as NVIDIA's driver counts it (NVML).

NVML tells the share of the last 1/6 to 1 s in which any kernel ran. The package `nvidia-ml-py`
is optional; without it, without a driver or without CUDA nothing is measured.
"""

from __future__ import annotations

import threading
from importlib import import_module
from statistics import mean
from types import TracebackType
from typing import Any, Self

_PERIOD_S = 0.2


class GpuUse:
    """A context manager; `percent` afterwards, or None where nothing was measured."""

    def __init__(self, index: int = 0, *, wanted: bool = True) -> None:
        self.percent: float | None = None
        self._samples: list[int] = []
        self._ended = threading.Event()
        self._nvml: Any = None
        self._handle: Any = None
        if wanted:
            self._nvml, self._handle = _open(index)
        self._thread = threading.Thread(target=self._watch, name="gpu-use", daemon=True)

    def __enter__(self) -> Self:
        if self._nvml is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._nvml is None:
            return
        self._thread.join()
        self._nvml.nvmlShutdown()
        if self._samples:
            self.percent = round(mean(self._samples), 1)

    def _watch(self) -> None:
        while not self._ended.wait(_PERIOD_S):
            self._samples.append(self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)


def _open(index: int) -> tuple[Any, Any]:
    """NVML and the device's handle, or nothing twice."""
    try:
        nvml: Any = import_module("pynvml")
    except ImportError:
        return None, None
    try:
        nvml.nvmlInit()
        return nvml, nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError:  # no driver, or no such device
        return None, None
