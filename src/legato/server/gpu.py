"""What NVIDIA's driver tells of the GPUs, where there are any and `nvidia-ml-py` is installed."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from prometheus_client.core import Metric

from legato.server.figures import gauge


def gpu_gauges() -> list[Metric]:
    """How busy each GPU is, and how full its memory; nothing where that cannot be told."""
    nvml = _nvml()
    if nvml is None:
        return []
    busy: dict[tuple[str, ...], float] = {}
    used: dict[tuple[str, ...], float] = {}
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        with suppress(nvml.NVMLError):  # a GPU that is split does not tell how busy it is
            used[str(index),] = nvml.nvmlDeviceGetMemoryInfo(handle).used
            busy[str(index),] = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
    return [
        gauge("legato_gpu_busy_percent", "Time in which a kernel ran lately", ["gpu"], busy),
        gauge("legato_gpu_memory_bytes", "Memory in use, by anyone", ["gpu"], used),
    ]


@cache
def _nvml() -> Any:
    """The driver's library, opened once; None where there is none."""
    try:
        nvml: Any = import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return nvml
