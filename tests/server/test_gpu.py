from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from legato.server import gpu


@pytest.fixture(autouse=True)
def fresh() -> Any:
    gpu._nvml.cache_clear()
    yield
    gpu._nvml.cache_clear()


def driver(init: Any) -> SimpleNamespace:
    return SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=init,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=lambda index: SimpleNamespace(gpu=40 + index),
        nvmlDeviceGetMemoryInfo=lambda index: SimpleNamespace(used=1_000 + index),
    )


def test_each_gpu_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", driver(lambda: None))
    busy, used = gpu.gpu_gauges()
    assert [(s.labels, s.value) for s in busy.samples] == [({"gpu": "0"}, 40), ({"gpu": "1"}, 41)]
    assert [sample.value for sample in used.samples] == [1_000, 1_001]


def test_without_a_driver_or_its_package_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setitem(sys.modules, "pynvml", driver(fail))
    assert gpu.gpu_gauges() == []
    gpu._nvml.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu.gpu_gauges() == []


def test_what_a_gpu_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(index: int) -> None:
        raise RuntimeError(f"GPU {index} is split")

    split = driver(lambda: None)
    split.nvmlDeviceGetUtilizationRates = refuses
    monkeypatch.setitem(sys.modules, "pynvml", split)
    busy, used = gpu.gpu_gauges()
    assert busy.samples == []
    assert [sample.value for sample in used.samples] == [1_000, 1_001]
