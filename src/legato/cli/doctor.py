"""`legato doctor`: what works on this machine, by trying it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated, Literal

import typer

from legato.cli.report import print_json
from legato.errors import LegatoError

Verdict = Literal["ok", "absent", "failed"]
_ENGINE_START_S = 8.0
_GPU_TIMEOUT_S = 5.0
_PACKAGES = ("legato", "numpy", "soxr", "soundfile", "espeakng-loader", "torch")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: a verdict, and one line of what was found."""

    topic: str
    verdict: Verdict
    line: str


def doctor(
    sound: Annotated[bool, typer.Option(help="Open devices and play a test tone.")] = True,
    json_line: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Say what works here: versions, engines, GPU, sound backends and their latencies."""
    with ThreadPoolExecutor(2) as pool:
        engines, gpu = pool.submit(_engines), pool.submit(_gpu)  # what may be slow, meanwhile
        backends = _backends(sound)
        tone = [_tone()] if sound else []
        findings = [_versions(), _interpreter(), *engines.result(), gpu.result(), *backends, *tone]
    if json_line:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        mark = {"ok": "ok    ", "absent": "-     ", "failed": "FAILED"}
        for finding in findings:
            print(f"{mark[finding.verdict]}  {finding.topic:<12}  {finding.line}")
    return 1 if any(finding.verdict == "failed" for finding in findings) else 0


def _versions() -> Finding:
    parts = [f"Python {platform.python_version()}", platform.platform(terse=True)]
    for package in _PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return Finding("versions", "ok", ", ".join(parts))


def _interpreter() -> Finding:
    """A free-threaded build loads no abi3 module, which looks like a missing one."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return Finding(
            "interpreter",
            "failed",
            "free-threaded Python does not load the native module: use the ordinary build",
        )
    return Finding("interpreter", "ok", f"{sys.implementation.name} with the GIL, {sys.executable}")


def _engines() -> list[Finding]:
    from legato.synthesis.engine_process import ProcessSettings  # noqa: PLC0415
    from legato.synthesis.engines import (  # noqa: PLC0415
        DEFAULT_ENGINE,
        create_engine,
        engine_names,
    )

    findings = []
    for name in engine_names():
        try:
            engine = create_engine(name, settings=ProcessSettings(start_s=_ENGINE_START_S))
            try:
                info = engine.info
            finally:
                engine.close()
        except LegatoError as error:
            # Other engines are optional: one without its weights is no fault of the machine.
            verdict: Verdict = "failed" if name == DEFAULT_ENGINE else "absent"
            findings.append(Finding(f"engine {name}", verdict, str(error)))
            continue
        marks = "exact" if info.exact_marks else "estimated"
        line = f"{info.sample_rate_hz} Hz, {len(info.voices)} voices, word marks {marks}"
        findings.append(Finding(f"engine {name}", "ok", line))
    return findings


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("gpu", "absent", "no NVIDIA driver; espeak needs none")
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            [tool, *query], capture_output=True, text=True, timeout=_GPU_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("gpu", "failed", f"nvidia-smi does not answer: {error}")
    return Finding("gpu", "ok", "; ".join(done.stdout.strip().splitlines()))


def _backends(sound: bool) -> list[Finding]:
    from legato.audio.native import list_backends  # noqa: PLC0415 - may not be built

    try:
        backends = list_backends()
    except LegatoError as error:
        return [Finding("sound", "absent", str(error))]
    findings = []
    for backend in backends:
        if not backend.available:
            findings.append(Finding(backend.name, "absent", backend.detail))
        elif not sound:
            findings.append(Finding(backend.name, "ok", "available (not opened)"))
        else:
            findings.append(_tried(backend.name, partial(_latencies, backend.name)))
    return findings


def _tried(topic: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(topic, "ok", look())
    except LegatoError as error:
        return Finding(topic, "failed", str(error))


def _latencies(backend: str) -> str:
    from legato.bench.device_check import measure_latencies  # noqa: PLC0415

    measured = measure_latencies(backend)
    return (
        f"{measured.device}, {measured.sample_rate_hz} Hz, output latency "
        f"{measured.latency_ms:.0f} ms, stop {measured.stop_ms:.1f} ms"
    )


def _tone() -> Finding:
    """Play a tone into a private null sink and hear it at its monitor, where PulseAudio is."""
    from legato.bench.device_check import tone_through_monitor  # noqa: PLC0415
    from legato.bench.pulse_sink import missing_tools  # noqa: PLC0415

    if find_spec("legato._native") is None:
        return Finding("test tone", "absent", "needs the native module")
    if missing := missing_tools():
        return Finding("test tone", "absent", f"needs {', '.join(missing)} to hear what it plays")
    return _tried("test tone", tone_through_monitor)
