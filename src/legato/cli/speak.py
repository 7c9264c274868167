"""`legato speak`: text from an argument, a file or stdin, spoken as it arrives."""

from __future__ import annotations

import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from legato.audio.files import FileOutput
from legato.audio.outputs import make_output
from legato.audio.playout_policy import policy_named
from legato.cli.live_view import LiveView
from legato.cli.report import print_json, print_metrics
from legato.cli.text_input import Stdin, from_file, has_words
from legato.errors import OutputError, UsageError
from legato.events import TraceWriter
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.text.lexicon import Lexicon
from legato.text.semantic_chunker import ChunkerSettings
from legato.utterance import Utterance

_LOOK_S = 0.1


def speak(  # noqa: PLR0917 - one parameter per option
    text: Annotated[str | None, typer.Argument(help="What to say; - reads stdin.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="Speak a text file.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a WAV, FLAC, Ogg or MP3 file.")
    ] = None,
    engine: Annotated[str, typer.Option(envvar="LEGATO_ENGINE")] = "espeak",
    voice: Annotated[str, typer.Option(envvar="LEGATO_VOICE", help="See legato voices.")] = "",
    language: Annotated[str, typer.Option(envvar="LEGATO_LANGUAGE")] = "en",
    rate: Annotated[float, typer.Option(help="Speed of speech: 0.5 to 2.", min=0.25, max=4)] = 1.0,
    volume: Annotated[float, typer.Option(help="1 leaves samples exact.", min=0, max=4)] = 1.0,
    backend: Annotated[
        str, typer.Option(envvar="LEGATO_BACKEND", help="See legato devices; null plays nothing.")
    ] = "auto",
    device: Annotated[str, typer.Option(envvar="LEGATO_DEVICE")] = "",
    policy: Annotated[str, typer.Option(help="fixed or measured.")] = "fixed",
    sizing: Annotated[str, typer.Option(help="mission, adaptive or scheduled.")] = "mission",
    lexicon: Annotated[Path | None, typer.Option(help="TOML: word -> respelling.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write events as JSONL.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Metrics as the last line.")] = False,
) -> int:
    """Speak text, without a gap: an argument, a file, or stdin as it is written."""
    source = _source(text, file)
    settings = NarratorSettings(
        policy=policy_named(policy),
        chunker=ChunkerSettings(sizing=sizing),  # type: ignore[arg-type]  # validated there
        lexicon=None if lexicon is None else Lexicon.load(lexicon),
        volume=volume,
    )
    output = FileOutput(out) if out is not None else make_output(_with_device(backend, device))
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        with (
            Narrator(
                output, engine=engine, voice=voice, language=language, rate=rate, settings=settings
            ) as narrator,
            TraceWriter(trace, narrator.events) if trace else nullcontext() as writer,
        ):
            utterance = narrator.say(source)
            _follow(narrator, utterance)
            metrics = narrator.metrics()
    except KeyboardInterrupt:
        return 130
    _check(source, utterance, writer)
    print_metrics(metrics)
    if json_line:
        print_json(metrics.as_dict())
    return 0


def _check(source: str | Stdin, utterance: Utterance, writer: TraceWriter | None) -> None:
    """Raise what was wrong with the input, now that all of it that can be is spoken."""
    if isinstance(source, Stdin) and source.error is not None:
        raise source.error
    if not has_words(utterance.text):
        raise UsageError("there is nothing to speak: the text has no letters or digits")
    if writer is not None and writer.failure:
        raise OutputError(f"the trace is incomplete: {writer.failure}")


def _interrupt_once(_signal: int, _frame: FrameType | None) -> None:
    """Ctrl-C ends the run in order; more of them do not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _source(text: str | None, file: Path | None) -> str | Stdin:
    if text is not None and file is not None:
        raise UsageError("give a text or a file (-f), not both")
    if file is not None:
        whole = from_file(file)
    elif text is not None and text != "-":
        whole = text
    elif text == "-" or not sys.stdin.isatty():
        return Stdin()
    else:
        raise UsageError('nothing to speak: give a text, -f FILE, or "-" for stdin')
    if not has_words(whole):
        raise UsageError("there is nothing to speak: the text has no letters or digits")
    return whole


def _with_device(backend: str, device: str) -> str:
    return f"{backend}:{device}" if device else backend


def _follow(narrator: Narrator, utterance: Utterance) -> None:
    """Wait for the end; on a terminal, show what is spoken and the lead meanwhile."""
    if not sys.stderr.isatty():
        while not utterance.wait(_LOOK_S):
            pass
        return
    with LiveView(narrator) as view:
        while not utterance.wait(_LOOK_S):
            view.refresh()
