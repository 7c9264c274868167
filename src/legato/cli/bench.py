"""`legato bench`: what Legato claims, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from legato.cli.report import print_json
from legato.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(help="Measure what Legato claims, on this machine.", no_args_is_help=True)

_PIPED_COLUMNS = 130  # where nobody says how wide the page is

Result = dict[str, Any]
JsonLine = Annotated[bool, typer.Option("--json", help="Results as the last line.")]


@app.command("gap")
def gap(
    seconds: Annotated[float, typer.Option(help="Length of each story.", min=10)] = 60.0,
    json_line: JsonLine = False,
) -> int:
    """Count every gap at a sound server's monitor: idle, with a busy GIL, with slow engines."""
    from legato.bench.gap import run, table  # noqa: PLC0415 - each brings what it measures

    return show(run(seconds, _tell), table, json_line)


@app.command("mission")
def mission(json_line: JsonLine = False) -> int:
    """One row per target of the mission: value, and pass, fail or not measured."""
    from legato.bench.mission import run, table  # noqa: PLC0415

    return show(run(tell=_tell), table, json_line)


@app.command("hour")
def hour(
    seconds: Annotated[float, typer.Option(help="Length of the story.", min=60)] = 3_600.0,
    json_line: JsonLine = False,
) -> int:
    """Speak an hour into a file: how fast, and whether memory stays flat."""
    from legato.bench.hour import run, table  # noqa: PLC0415

    return show(run(seconds), table, json_line)


@app.command("chunker")
def chunker(json_line: JsonLine = False) -> int:
    """Chunker speed beside stream2sentence, at once and character by character."""
    from legato.bench.chunker import run, table  # noqa: PLC0415

    return show(run(), table, json_line)


@app.command("policies")
def policies(
    seeds: Annotated[int, typer.Option(help="Scenarios of each stratum.", min=2)] = 20,
    seed: Annotated[int, typer.Option(help="Of the first one.", min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one on each core.", min=0)] = 0,
    json_line: JsonLine = False,
) -> int:
    """Simulated: when each policy starts, and what is heard then. Half an hour of a core."""
    from legato.bench.policies import run, table  # noqa: PLC0415

    return show(run(seeds, seed, jobs, _tell), table, json_line)


@app.command("serve")
def serve(
    listeners: Annotated[int, typer.Option(help="WebSocket listeners at once.", min=2)] = 200,
    seconds: Annotated[float, typer.Option(help="How long all are there.", min=5)] = 30.0,
    soak: Annotated[float, typer.Option(help="Seconds of coming and going.", min=10)] = 120.0,
    json_line: JsonLine = False,
) -> int:
    """Many listeners on one server: gaps, first sound, CPU, a killed engine, a soak; minutes."""
    from legato.bench.serve import Options, run, table  # noqa: PLC0415

    return show(run(Options(listeners, seconds, soak), _tell), table, json_line)


@app.command("webrtc")
def webrtc(
    listeners: Annotated[str, typer.Option(help="How many to try, such as 10,20,40.")] = "",
    seconds: Annotated[float, typer.Option(help="How long all are there.", min=5)] = 12.0,
    json_line: JsonLine = False,
) -> int:
    """WebRTC listeners that one server carries, beside a plain aiortc server; minutes."""
    from legato.bench.webrtc import LADDER, run, table  # noqa: PLC0415

    return show(run(counts("--listeners", listeners) or LADDER, seconds, _tell), table, json_line)


@app.command("xtts")
def xtts(  # noqa: PLR0917 - one parameter per option
    model: Annotated[str, typer.Option(help="A checkpoint's folder; the one in use.")] = "",
    synthetic: Annotated[
        str, typer.Option(help="Measure a made-up checkpoint: tiny or full (published sizes).")
    ] = "",
    against: Annotated[str, typer.Option(help="coqui: beside coqui-tts, if installed.")] = "",
    slots: Annotated[str, typer.Option(help="Chunks at once, such as 1,2,4,16.")] = "",
    speaking: Annotated[
        str, typer.Option(help="Chunks given to the engine at once, such as 1,32.")
    ] = "",
    tokens: Annotated[int, typer.Option(help="Audio tokens of each chunk.")] = 48,
    text: Annotated[str, typer.Option(help="What the engine says; a short sentence.")] = "",
    threads: Annotated[int, typer.Option(help="Of the CPU; 0: all.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json_line: JsonLine = False,
) -> int:
    """XTTS: decode speed by batch, engine, streaming vocoder; minutes on a CPU."""
    from legato.cli.xtts_extra import require_xtts  # noqa: PLC0415

    require_xtts()
    from legato.bench.xtts import TEXT, Options, run, table  # noqa: PLC0415

    options = Options(
        model=model,
        synthetic=synthetic,
        against=against,
        slots=counts("--slots", slots),
        speaking=counts("--speaking", speaking),
        tokens=tokens,
        text=text or TEXT,
        threads=threads,
        device=device,
    )
    return show(run(options, _tell), table, json_line)


@app.command("xtts-story")
def xtts_story(  # noqa: PLR0917 - one parameter per option
    minutes: Annotated[float, typer.Option(help="Length of the story.", min=0.2)] = 10.0,
    slots: Annotated[str, typer.Option(help="Chunks in flight, one telling each.")] = "1,2,8",
    kill: Annotated[bool, typer.Option(help="Kill the engine once on the way.")] = False,
    synthetic: Annotated[str, typer.Option(help="The checkpoint: tiny, mini or full.")] = "tiny",
    threads: Annotated[int, typer.Option(help="Of the CPU.", min=1)] = 1,
    json_line: JsonLine = False,
) -> int:
    """XTTS tells a long story in real time, on a device without sound: is it ever late."""
    from legato.cli.xtts_extra import require_xtts  # noqa: PLC0415

    require_xtts()
    from legato.bench.xtts_story import Options, run, table  # noqa: PLC0415

    options = Options(minutes, counts("--slots", slots), kill, synthetic, threads)
    return show(run(options, _tell), table, json_line)


def counts(option: str, told: str) -> tuple[int, ...]:
    """Numbers with commas between them, ascending. Raises UsageError."""
    try:
        return tuple(sorted({int(part) for part in told.split(",") if part.strip()}))
    except ValueError:
        raise UsageError(f"{option} is {told!r}, not numbers such as 1,2,4,16") from None


def _tell(scene: str) -> None:
    """What is measured now: some take a minute each."""
    from rich.console import Console  # noqa: PLC0415

    Console(stderr=True).print(f"measuring: {scene}", style="dim", highlight=False)


def show(result: Result, table: Callable[[Result], RenderableType], json_line: bool) -> int:
    """A table for people, and for programs one JSON line last."""
    from rich.console import Console  # noqa: PLC0415 - `legato speak` loads this module too

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_COLUMNS)
    console.print(table(result))
    if json_line:
        print_json(result)
    return 0
