"""`legato speak`: text from an argument, a file or stdin, spoken as it arrives."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from legato.cli import INTERRUPTED
from legato.cli.notices import Notices, tell_on_stderr
from legato.cli.report import print_json, print_metrics
from legato.cli.speech import (
    Backend,
    CastFile,
    ChunkSizing,
    Device,
    EngineDevice,
    EngineName,
    JsonLine,
    Language,
    LexiconFile,
    OutputFile,
    Policy,
    Quiet,
    Rate,
    Speech,
    Trace,
    VoiceName,
    Volume,
)
from legato.cli.text_input import Stdin, WholeText, from_file, has_words
from legato.errors import OutputError, UsageError
from legato.events import Event, TraceWriter
from legato.streaming_pipeline import Narrator
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
    out: OutputFile = None,
    engine: EngineName = "espeak",
    engine_device: EngineDevice = "",
    voice: VoiceName = "",
    language: Language = "en",
    rate: Rate = 1.0,
    volume: Volume = 1.0,
    backend: Backend = "auto",
    device: Device = "",
    policy: Policy = "measured",
    sizing: ChunkSizing = "mission",
    lexicon: LexiconFile = None,
    cast: CastFile = None,
    trace: Trace = None,
    json_line: JsonLine = False,
    quiet: Quiet = False,
) -> int:
    """Speak text, without a gap: an argument, a file, or stdin as it is written."""
    source = _source(text, file)
    speech = Speech(
        out=out,
        engine=engine,
        engine_device=engine_device,
        voice=voice,
        language=language,
        rate=rate,
        volume=volume,
        backend=backend,
        device=device,
        policy=policy,
        sizing=sizing,
        lexicon=lexicon,
        cast=cast,
    )
    settings = speech.settings()
    output = speech.open_output()
    notices = Notices((lambda _: None) if quiet else tell_on_stderr)
    try:
        narrator = speech.narrator(output, settings, quiet)
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
