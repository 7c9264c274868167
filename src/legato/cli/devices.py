"""`legato devices`: the backends of this build and the sound devices they see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from legato.audio.audio_output import DeviceInfo
from legato.cli.report import print_json
from legato.errors import NoAudioDevice


def devices(
    backend: Annotated[str, typer.Option(help="Only this backend.")] = "",
    json_line: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """List sound devices; exit code 1 where there is none."""
    from legato.audio.native import list_backends, list_devices  # noqa: PLC0415 - may be absent

    found: dict[str, list[DeviceInfo]] = {}
    reasons: dict[str, str] = {}
    if backend:
        found[backend] = list_devices(backend)
    else:
        for known in list_backends():
            if known.available:
                found[known.name] = list_devices(known.name)
            else:
                reasons[known.name] = known.detail
    if json_line:
        rows = {name: [asdict(device) for device in listed] for name, listed in found.items()}
        print_json({"backends": rows, "unavailable": reasons})
    else:
        _print(found, reasons)
    if not any(found.values()):
        raise NoAudioDevice(
            "no sound device was found: start a sound server or connect a device, or write a "
            "file with `legato speak -o story.wav`"
        )
    return 0


def _print(found: dict[str, list[DeviceInfo]], reasons: dict[str, str]) -> None:
    for name, listed in found.items():
        print(name)
        for device in listed:
            mark = "*" if device.is_default else " "
            rate = f"{device.sample_rate_hz} Hz" if device.sample_rate_hz else ""
            shape = f"{device.channels} channels" if device.channels else ""
            print(f"  {mark} {device.id}  {device.name}  {shape} {rate}".rstrip())
    for name, reason in reasons.items():
        print(f"{name}\n    not available: {reason}")
