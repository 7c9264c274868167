"""How it sounds and where: the options that the commands that speak share."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, cast

import typer

from legato.audio.audio_output import AudioOutput
from legato.audio.files import FileOutput
from legato.audio.outputs import make_output
from legato.audio.policies import policy_named
from legato.cli.loading_view import LoadingView
from legato.config import variable
from legato.errors import OutputError, UnknownDevice, UsageError
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.text.cast import Cast
from legato.text.lexicon import Lexicon
from legato.text.semantic_chunker import ChunkerSettings
from legato.text.sizing import Sizing

OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write a .wav (exact), .flac, .ogg, .opus or .mp3."),
]
EngineName = Annotated[
    str,
    typer.Option("--engine", envvar=variable("engine"), help="What speaks: see legato doctor."),
]
EngineDevice = Annotated[
    str,
    typer.Option(
        "--engine-device",
        envvar=variable("engine_device"),
        help="Where xtts computes: auto, cpu or cuda. Sound: --device.",
    ),
]
VoiceName = Annotated[
    str,
    typer.Option("--voice", envvar=variable("voice"), help="Its id or name: see legato voices."),
]
Language = Annotated[
    str,
    typer.Option("--language", envvar=variable("language"), help="Of the text: en, de, zh-cn, ..."),
]
Rate = Annotated[
    float,
    typer.Option("--rate", envvar=variable("rate"), help="Speed of speech.", min=0.25, max=4),
]
Volume = Annotated[
    float,
    typer.Option(
        "--volume", envvar=variable("volume"), help="1 leaves samples exact.", min=0, max=4
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        envvar=variable("backend"),
        help="See legato devices; null plays nothing.",
    ),
]
Device = Annotated[
    str,
    typer.Option("--device", envvar=variable("device"), help="Its id or name: see legato devices."),
]
Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        envvar=variable("policy"),
        help="When to begin and to hold: fixed or measured.",
    ),
]
ChunkSizing = Annotated[
    str,
    typer.Option(
        "--sizing",
        envvar=variable("sizing"),
        help="Length of chunks: mission, adaptive or scheduled.",
    ),
]
LexiconFile = Annotated[
    Path | None,
    typer.Option(
        "--lexicon",
        envvar=variable("lexicon"),
        help="Pronunciations, TOML: word -> respelling.",
    ),
]
CastFile = Annotated[
    Path | None,
    typer.Option(
        "--cast", envvar=variable("cast"), help="Voices of a story's speakers, TOML: see the docs."
    ),
]
Trace = Annotated[Path | None, typer.Option("--trace", help="Write every event as JSONL.")]
JsonLine = Annotated[bool, typer.Option("--json", help="Metrics as the last line.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show nothing but errors.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """The values of those options."""

    out: Path | None
    engine: str
    engine_device: str
    voice: str
    language: str
    rate: float
    volume: float
    backend: str
    device: str
    policy: str
    sizing: str
    lexicon: Path | None
    cast: Path | None

    def settings(self) -> NarratorSettings:
        """Raises UsageError for a file that cannot be read, and for names that nothing has."""
        return NarratorSettings(
            policy=policy_named(self.policy),
            chunker=ChunkerSettings(sizing=cast("Sizing", self.sizing)),  # which checks it
            lexicon=None if self.lexicon is None else Lexicon.load(self.lexicon),
            cast=None if self.cast is None else Cast.load(self.cast),
            volume=self.volume,
        )

    def open_output(self) -> AudioOutput:
        """The device or the file. From here on Ctrl-C ends the run in order.

        Raises UsageError kinds, and OutputError where it cannot be opened.
        """
        # A sound server that hangs is asked in one long call, which no handler could interrupt.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        output = self._output()
        signal.signal(signal.SIGINT, _interrupt_once)
        return output

    def narrator(self, output: AudioOutput, settings: NarratorSettings, quiet: bool) -> Narrator:
        """Who speaks, ready to; a terminal shows meanwhile how far the engine's start is."""
        with LoadingView(quiet=quiet) as loading:
            return Narrator(
                output,
                engine=self.engine,
                engine_options={"device": self.engine_device} if self.engine_device else None,
                voice=self.voice,
                language=self.language,
                rate=self.rate,
                settings=settings,
                listener=loading,
            )

    def _output(self) -> AudioOutput:
        if self.out is None:
            if self.device and self.backend == "null":
                raise UnknownDevice("the null backend has no devices: leave --device out")
            return make_output(f"{self.backend}:{self.device}" if self.device else self.backend)
        try:
            return FileOutput(self.out)
        except OutputError as error:  # nothing is opened yet: the name itself is wrong
            raise UsageError(str(error)) from error


def _interrupt_once(_signal: int, _frame: FrameType | None) -> None:
    """Ctrl-C ends the run in order; more of them do not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
