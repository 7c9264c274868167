"""`legato narrate`: language models tell a story aloud, and are talked to while they do."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from legato.cli import INTERRUPTED
from legato.cli.captions import Captions
from legato.cli.models import (
    BaseUrl,
    ModelChoice,
    ModelDevice,
    ModelExtra,
    NarratorModel,
    NarratorUrl,
    OpenerModel,
    OpenerUrl,
    ResumeWay,
    Temperature,
)
from legato.cli.notices import Notices, tell_on_stderr
from legato.cli.report import print_json, print_metrics
from legato.cli.session import HELP, Session
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
from legato.cli.terminal import can_talk, talk
from legato.cli.text_input import Stdin, given_or_from_file
from legato.cli.transcript_file import TranscriptFile
from legato.config import variable
from legato.errors import OutputError, UsageError
from legato.events import Event, TraceWriter
from legato.llm.narration import Narration, NarrationSettings


def narrate(  # noqa: PLR0917 - one parameter per option
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Have this answered, and leave.")
    ] = None,
    system: Annotated[
        str,
        typer.Option(
            "--system",
            envvar=variable("system"),
            help="What the models are told first; @FILE reads it from a file.",
        ),
    ] = "",
    opener_model: OpenerModel = "",
    narrator_model: NarratorModel = "",
    base_url: BaseUrl = "",
    opener_url: OpenerUrl = "",
    narrator_url: NarratorUrl = "",
    model_device: ModelDevice = "auto",
    temperature: Temperature = None,
    model_extra: ModelExtra = "",
    resume: ResumeWay = "no",
    transcript: Annotated[
        Path | None,
        typer.Option(
            "--transcript",
            envvar=variable("transcript"),
            help="Add each turn to a file: text, or JSON rows in a .jsonl.",
        ),
    ] = None,
    in_turn: Annotated[
        bool,
        typer.Option(
            "--in-turn",
            help="Answer the lines of stdin one after the other; else each interrupts.",
        ),
    ] = False,
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
    """Talk to language models that answer aloud; type while they speak to interrupt them."""
    choice = ModelChoice(
        opener_model=opener_model,
        narrator_model=narrator_model,
        base_url=base_url,
        opener_url=opener_url,
        narrator_url=narrator_url,
        model_device=model_device,
        temperature=temperature,
        model_extra=model_extra,
        resume=resume,
    )
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
    if prompt is not None and not prompt.strip():
        raise UsageError("the prompt is empty: say what the answer is to be about")
    settings, told_first = speech.settings(), given_or_from_file(system)
    lines = None if prompt is not None or can_talk() else _lines(Stdin())
    tell = (lambda _: None) if quiet else tell_on_stderr
    notices = Notices(tell)
    with ExitStack() as opened:
        gpu = choice.gpu_turns(engine, engine_device)
        written = None if transcript is None else opened.enter_context(TranscriptFile(transcript))
        opener, narrator = choice.make(opened)
        try:
            speaker = opened.enter_context(speech.narrator(speech.open_output(), settings, quiet))
            tracer = opened.enter_context(TraceWriter(trace, speaker.events)) if trace else None
            if tracer is not None:
                tracer.write(speaker.described())
            speaker.events.subscribe(notices)
            story = opened.enter_context(
                Narration(
                    opener=opener,
                    narrator=narrator,
                    speaker=speaker,
                    system=told_first,
                    settings=NarrationSettings(gpu=gpu),
                )
            )
            captions = Captions(speaker, _caption) if not quiet and _on_terminal() else None
            failed = tell_on_stderr if prompt is None else _raised_later
            session = Session(story, _say, tell, failed, captions=captions, transcript=written)
            opened.callback(session.close)
            code = _hold(session, prompt, lines, in_turn)
        except KeyboardInterrupt:
            return INTERRUPTED
        session.close()
        metrics = speaker.metrics()
        if tracer is not None:
            tracer.write(Event(speaker.clock.now_s(), "metrics", detail=metrics.as_dict()))
    if not quiet:
        print_metrics(metrics)
    if json_line:
        counts = {"turns": session.turns, "interrupts": session.interrupts}
        print_json(metrics.as_dict() | counts)
    if prompt is not None and session.failure is not None:
        raise session.failure
    if tracer is not None and tracer.failure:
        raise OutputError(f"the trace is incomplete: {tracer.failure}")
    if written is not None:
        written.raise_failure()
    notices.tell_mended()
    notices.raise_losses()
    return code


def _hold(session: Session, prompt: str | None, lines: Iterator[str] | None, in_turn: bool) -> int:
    """One answer, or a conversation on a terminal or over stdin; returns the exit code."""
    if prompt is not None:
        session.ask(prompt)
        session.wait()
    elif lines is None:
        _say(HELP)
        return talk(session)
    else:
        for line in lines:
            if in_turn or _is_file(sys.stdin.fileno()):
                session.wait()
            if not session.take(line):
                return 0
        session.wait()
    return 0 if session.failure is None else 1


def _lines(deltas: Iterable[str]) -> Iterator[str]:
    """Whole lines, as they come; the last one may lack its end."""
    begun = ""
    for delta in deltas:
        *whole, begun = (begun + delta).split("\n")
        yield from whole
    if begun:
        yield begun


def _is_file(number: int) -> bool:
    return stat.S_ISREG(os.fstat(number).st_mode)


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _raised_later(_: str) -> None:
    """One answer's failure ends the run, which tells it."""


def _caption(speaker: str, spoken: str) -> None:
    _say(f"{speaker}: {spoken}" if speaker else spoken)
