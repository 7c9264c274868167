"""`legato speak`: text from an argument, a file or stdin, spoken as it arrives."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated, cast

import typer

from legato.audio.audio_output import AudioOutput
from legato.audio.files import FileOutput
from legato.audio.outputs import make_output
from legato.audio.policies import policy_named
from legato.cli import INTERRUPTED
from legato.cli.loading_view import LoadingView
from legato.cli.notices import Notices, tell_on_stderr
from legato.cli.report import print_json, print_metrics
from legato.cli.text_input import Stdin, WholeText, from_file, has_words
from legato.errors import OutputError, UnknownDevice, UsageError
from legato.events import Event, TraceWriter
from legato.streaming_pipeline import Narrator, NarratorSettings
from legato.text.lexicon import Lexicon
from legato.text.semantic_chunker import ChunkerSettings
from legato.text.sizing import Sizing
from legato.utterance import Utterance

_LOOK_S = 0.1
_NO_WORDS = "there is nothing to speak: the text has no letters or digits"


def speak(  # noqa: PLR0917 - one parameter per option
    text: Annotated[
        str | None, typer.Argument(help="What to say; - or nothing reads stdin.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="Speak a UTF-8 text file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write a .wav (exact), .flac, .ogg, .opus or .mp3."),
    ] = None,
    engine: Annotated[
        str, typer.Option(envvar="LEGATO_ENGINE", help="What speaks: see legato doctor.")
    ] = "espeak",
    engine_device: Annotated[
        str, typer.Option(help="Where xtts computes: auto, cpu or cuda. Sound: --device.")
    ] = "",
    voice: Annotated[
        str, typer.Option(envvar="LEGATO_VOICE", help="Its id or name: see legato voices.")
    ] = "",
    language: Annotated[
        str, typer.Option(envvar="LEGATO_LANGUAGE", help="Of the text: en, de, zh-cn, ...")
    ] = "en",
    rate: Annotated[float, typer.Option(help="Speed of speech.", min=0.25, max=4)] = 1.0,
    volume: Annotated[float, typer.Option(help="1 leaves samples exact.", min=0, max=4)] = 1.0,
    backend: Annotated[
        str, typer.Option(envvar="LEGATO_BACKEND", help="See legato devices; null plays nothing.")
    ] = "auto",
    device: Annotated[
        str, typer.Option(envvar="LEGATO_DEVICE", help="Its id or name: see legato devices.")
    ] = "",
    policy: Annotated[
        str, typer.Option(help="When to begin and to hold: fixed or measured.")
    ] = "measured",
    sizing: Annotated[
        str, typer.Option(help="Length of chunks: mission, adaptive or scheduled.")
    ] = "mission",
    lexicon: Annotated[
        Path | None, typer.Option(help="Pronunciations, TOML: word -> respelling.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every event as JSONL.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Metrics as the last line.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show nothing but errors.")] = False,
) -> int:
    """Speak text, without a gap: an argument, a file, or stdin as it is written."""
    source = _source(text, file)
    settings = NarratorSettings(
        policy=policy_named(policy),
        chunker=ChunkerSettings(sizing=cast("Sizing", sizing)),  # which checks it
        lexicon=None if lexicon is None else Lexicon.load(lexicon),
        volume=volume,
    )
    # A sound server that hangs is asked in one long call, which no handler could interrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    output = _output(out, backend, device)
    signal.signal(signal.SIGINT, _interrupt_once)
    notices = Notices((lambda _: None) if quiet else tell_on_stderr)
    try:
        with LoadingView(quiet=quiet) as loading:  # Narrator returns when the engine is ready
            narrator = Narrator(
                output,
                engine=engine,
                engine_options={"device": engine_device} if engine_device else None,
                voice=voice,
                language=language,
                rate=rate,
                settings=settings,
                listener=loading,
            )
        with (
            narrator,
            TraceWriter(trace, narrator.events) if trace else nullcontext() as writer,
        ):
            narrator.events.subscribe(notices)
            if writer is not None:
                writer.write(narrator.described())
            utterance = _say(narrator, source, live=not quiet and _on_terminal())
            metrics = narrator.metrics()
            if writer is not None:
                writer.write(Event(narrator.described().t_s, "metrics", detail=metrics.as_dict()))
    except KeyboardInterrupt:
        return INTERRUPTED
    if not has_words(utterance.text):
        raise UsageError(_NO_WORDS)
    if not quiet:
        print_metrics(metrics)
    if json_line:
        print_json(metrics.as_dict())
    if writer is not None and writer.failure:
        raise OutputError(f"the trace is incomplete: {writer.failure}")
    notices.tell_mended()
    notices.raise_losses()
    return 0


def _interrupt_once(_signal: int, _frame: FrameType | None) -> None:
    """Ctrl-C ends the run in order; more of them do not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _source(text: str | None, file: Path | None) -> Iterable[str]:
    if text is not None and file is not None:
        raise UsageError("give a text or a file (-f), not both")
    if file is None and text in (None, "-"):
        if text is None and sys.stdin is not None and sys.stdin.isatty():
            raise UsageError('nothing to speak: give a text, -f FILE, or "-" for stdin')
        return Stdin()
    whole = WholeText(text or "") if file is None else from_file(file)
    if not has_words(whole.text):
        raise UsageError(_NO_WORDS)
    return whole


def _output(out: Path | None, backend: str, device: str) -> AudioOutput:
    if out is None:
        if device and backend == "null":
            raise UnknownDevice("the null backend has no devices: leave --device out")
        return make_output(f"{backend}:{device}" if device else backend)
    try:
        return FileOutput(out)
    except OutputError as error:  # nothing is opened yet: the name itself is wrong
        raise UsageError(str(error)) from error


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _say(narrator: Narrator, source: Iterable[str], live: bool) -> Utterance:
    """Speak to the end; on a terminal, show what is spoken and the lead meanwhile."""
    try:
        if not live:
            utterance = narrator.say(source)
            utterance.wait()
            return utterance
        from legato.cli.live_view import LiveView  # noqa: PLC0415 - only where it is shown

        with LiveView(narrator) as view:
            utterance = narrator.say(source)
            while not utterance.wait(_LOOK_S):
                view.refresh()
        return utterance
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from here on it ends by itself, at once
