"""From what a user writes to an output: "auto", "null", "alsa:hw:0", "story.wav"."""

from __future__ import annotations

from pathlib import Path

from legato.audio.audio_output import PREFERENCE, AudioOutput
from legato.audio.files import FileOutput
from legato.audio.null import NullOutput

_BACKENDS = ("auto", "asio", *PREFERENCE)


def make_output(name: str) -> AudioOutput:
    """The output of that name, not open yet.

    A backend, with its device after a colon if not the default one; "null" plays nothing
    at a device's pace; a name with a suffix is a file. Raises UnknownBackend,
    UnknownDevice, NoAudioDevice, OutputError.
    """
    backend, _, device = name.partition(":")
    if name == "null":
        return NullOutput()
    if backend not in _BACKENDS and Path(name).suffix:
        return FileOutput(Path(name))
    # Only here is the native module needed: files and null work where it was not built.
    from legato.audio.native import NativeOutput  # noqa: PLC0415

    return NativeOutput(backend, device or None)
