"""`legato voices`: what an engine can speak with, and voices of one's own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from legato.cli.loading_view import LoadingView
from legato.cli.notices import tell_on_stderr
from legato.cli.report import print_json
from legato.errors import LegatoError, UnknownLanguage, UsageError
from legato.synthesis.engines import create_engine
from legato.types import Voice

app = typer.Typer(help="List voices; make your own from clips of speech.")

_CLONING = "xtts"  # the engine that the added voices are for
_DEFAULT = "espeak"
_MANY = 4  # languages; more are counted, not named


@app.callback(invoke_without_command=True)
def voices(
    context: typer.Context,
    engine: Annotated[str, typer.Option(help="Which engine: see legato doctor.")] = "",
    language: Annotated[str, typer.Option(help="Only voices of this language.")] = "",
    json_line: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """List the voices of an engine; of espeak, and of XTTS where it has any, unless told."""
    if context.invoked_subcommand is not None:
        return 0
    chosen = engine or _DEFAULT
    shown = _of(_voices_of(chosen), language)
    more = [] if engine else _of(_further_voices(), language)
    if language and not (shown or more):
        raise UnknownLanguage(f"{chosen} has no voice for language {language!r}")
    if json_line:
        row: dict[str, Any] = {"engine": chosen, "voices": [_row(voice) for voice in shown]}
        print_json(row | ({_CLONING: [_row(voice) for voice in more]} if more else {}))
        return 0
    _print(shown)
    if more:
        print(f"\nwith --engine {_CLONING}:")
        _print(more)
    return 0


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    clips: Annotated[list[Path], typer.Argument(help="Speech of one person, best 6-30 s.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a voice of the name.")
    ] = False,
) -> int:
    """Make a voice of your own for XTTS from one clip of speech or several."""
    _check_packages()
    from legato.xtts.places import model_folder  # noqa: PLC0415 - these bring torch
    from legato.xtts.voice_cloning import clone_voice  # noqa: PLC0415
    from legato.xtts.voices import VoiceStore  # noqa: PLC0415

    with LoadingView() as loading:
        kept = clone_voice(
            name,
            clips,
            model_folder(),
            VoiceStore(),
            replace=replace,
            tell=tell_on_stderr,
            loading=loading.show,
        )
    print(f"{kept.stem}: kept in {kept}")
    return 0


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Which of your own voices.")]) -> int:
    """Remove one of your own voices."""
    _check_packages()
    from legato.xtts.voices import VoiceStore  # noqa: PLC0415

    VoiceStore().remove(name)
    return 0


def _voices_of(engine: str) -> tuple[Voice, ...]:
    """Without starting the engine where its voices are files. Raises UsageError."""
    if engine == _CLONING:
        known = _cloning_voices()
        if not known:
            from legato.xtts.places import model_folder  # noqa: PLC0415

            raise UsageError(
                f"there are no XTTS voices here (no weights in {model_folder()}): "
                "run `legato download xtts`"
            )
        return known
    running = create_engine(engine)
    try:
        return running.info.voices
    finally:
        running.close()


def _further_voices() -> tuple[Voice, ...]:
    """XTTS's, beside the default engine's: what is wrong with them is no reason to fail."""
    try:
        return _cloning_voices()
    except LegatoError as error:
        tell_on_stderr(f"XTTS voices are not listed: {error}")
        return ()


def _cloning_voices() -> tuple[Voice, ...]:
    """None where neither weights nor own voices are there; then torch need not be, either."""
    from legato.xtts.places import model_folder, voices_folder  # noqa: PLC0415

    if not (model_folder().exists() or voices_folder().exists()):
        return ()
    _check_packages()
    from legato.xtts.voice_catalogue import known_voices  # noqa: PLC0415
    from legato.xtts.voices import VoiceStore  # noqa: PLC0415

    return known_voices(model_folder(), VoiceStore())


def _check_packages() -> None:
    """Raises UsageError where the packages of the extra are not installed."""
    absent = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if absent:
        raise UsageError(f"XTTS needs {' and '.join(absent)}: pip install 'legato[xtts]'")


def _of(known: tuple[Voice, ...], language: str) -> list[Voice]:
    primary = language.partition("-")[0]
    return [
        voice
        for voice in known
        if not language or any(code.partition("-")[0] == primary for code in voice.languages)
    ]


def _row(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "name": voice.name,
        "languages": list(voice.languages),
        "gender": voice.gender,
    }


def _print(shown: list[Voice]) -> None:
    width = max((len(voice.id) for voice in shown), default=0)
    for voice in shown:
        codes = voice.languages
        told = ", ".join(codes) if len(codes) <= _MANY else f"{len(codes)} languages"
        print(f"{voice.id:<{width}}  {told:<16}  {voice.name}")
