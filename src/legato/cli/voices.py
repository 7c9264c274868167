"""`legato voices`: what an engine can speak with."""

from __future__ import annotations

from typing import Annotated

import typer

from legato.cli.report import print_json
from legato.errors import UnknownLanguage
from legato.synthesis.engines import create_engine


def voices(
    engine: Annotated[str, typer.Option(help="Which engine: see legato doctor.")] = "espeak",
    language: Annotated[str, typer.Option(help="Only voices of this language.")] = "",
    json_line: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """List the voices of an engine."""
    running = create_engine(engine)
    try:
        known = running.info.voices
    finally:
        running.close()
    shown = [
        voice
        for voice in known
        if not language
        or any(code.split("-")[0] == language.split("-")[0] for code in voice.languages)
    ]
    if language and not shown:
        raise UnknownLanguage(f"{engine} has no voice for language {language!r}")
    if json_line:
        rows = [
            {"id": v.id, "name": v.name, "languages": list(v.languages), "gender": v.gender}
            for v in shown
        ]
        print_json({"engine": engine, "voices": rows})
        return 0
    width = max((len(voice.id) for voice in shown), default=0)
    for voice in shown:
        print(f"{voice.id:<{width}}  {', '.join(voice.languages):<16}  {voice.name}")
    return 0
