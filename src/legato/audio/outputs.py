"""From what a user writes to an output: "auto", "null", "alsa:hw:0", "story.wav"."""

from __future__ import annotations

from pathlib import Path

from legato.audio.audio_output import AudioOutput
from legato.audio.files import SUFFIXES, FileOutput
from legato.audio.null import NullOutput

LIVE_RATE_HZ = 48_000
"""What devices and browsers run at; live rings do too."""


def make_output(name: str) -> AudioOutput:
    """The output of that name, not open yet.

    A file name with a known suffix is written; "null" plays nothing at a device's pace;
    all else is a backend, with its device after a colon if not the default one. Raises
    UnknownBackend, UnknownDevice, NoAudioDevice, OutputError.
    """
    if Path(name).suffix.lower() in SUFFIXES:
        return FileOutput(Path(name))
    if name == "null":
        return NullOutput(LIVE_RATE_HZ)
    # Only here is the native module needed: files and null work where it was not built.
    from legato.audio.native import NativeOutput  # noqa: PLC0415

    backend, _, device = name.partition(":")
    return NativeOutput(backend or "auto", device or None)
