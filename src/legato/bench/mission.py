"""`legato bench mission`: one row per target of the mission: value, and pass or fail.

Three stories are spoken. Two get their text at a language model's pace, 25 tokens a second
after half a second of nothing: with espeak as it is, and with espeak's audio given out as
an engine at RTF 0.3 would. First audio counts from the moment the text was asked for. The
third is given whole. They are heard at the monitor of a private PulseAudio null sink;
where there is none, at the paced null output, and the rows say so. Where an XTTS checkpoint is
in use, it speaks the first of them, too; GPU use needs an NVIDIA GPU besides. Rows without what
they need are not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from rich.table import Table

from legato.bench.gap import RATE_HZ, hear
from legato.bench.gpu_use import GpuUse
from legato.bench.listener import Scene
from legato.bench.pulse_sink import PulseNullSink, missing_tools
from legato.bench.story import story
from legato.xtts.places import model_folder

Verdict = Literal["pass", "fail", "not measured"]
Row = dict[str, Any]

FIRST_AUDIO_S = 3.8
LEAD_S = 1.5
RTF = 0.5
GPU_PCT = 80.0
_TOKENS_PER_S = 25.0
_STORY_S = 30.0
_NO_CHECKPOINT = "no XTTS checkpoint here"
_NO_GPU = "no GPU, or no nvidia-ml-py"
_AS_THEY_ARE = ("espeak", "xtts")
_XTTS_PACKAGES = ("torch", "safetensors", "tokenizers")


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the result. value is in the unit that `target` names; None: not measured."""

    target: str
    wanted: str
    value: float | str | None
    verdict: Verdict
    engine: str
    how: str


def run(seconds: float = _STORY_S, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Speak and measure; takes about three stories of `seconds`, four with XTTS. `tell` hears
    what comes next.
    """
    with ExitStack() as stack:
        if missing_tools() or find_spec("legato._native") is None:
            sink, output = None, "null"
            where = "null output (no PulseAudio or no native module here)"
        else:
            sink, output = stack.enter_context(PulseNullSink(RATE_HZ)), "pulseaudio"
            where = "monitor of a PulseAudio null sink"
        rows = [_hear(scene, sink, seconds, tell) for scene in _scenes(seconds, output)]
        targets = judge(rows, where)
        if has_xtts():
            with GpuUse() as gpu:
                row = _hear(_xtts_scene(seconds, output), sink, seconds, tell)
            targets += judge_xtts(row, gpu.percent, where)
        else:
            targets += _unmeasured()
    return {
        "bench": "mission",
        "where": where,
        "rows": [asdict(target) for target in targets],
        "passed": sum(target.verdict == "pass" for target in targets),
        "failed": sum(target.verdict == "fail" for target in targets),
    }


def has_xtts() -> bool:
    """Whether XTTS can be asked to speak: its packages and a checkpoint are here."""
    if any(find_spec(name) is None for name in _XTTS_PACKAGES):
        return False
    return (model_folder() / "config.json").exists()


def _hear(
    scene: Scene, sink: PulseNullSink | None, seconds: float, tell: Callable[[str], None]
) -> Row:
    tell(scene.name)
    return hear(scene, sink, seconds)


def _scenes(seconds: float, output: str) -> list[Scene]:
    text = story(seconds)
    return [
        Scene("LLM pace", text, output, tokens_per_s=_TOKENS_PER_S),
        Scene("LLM pace, RTF 0.3", text, output, rtf=0.3, tokens_per_s=_TOKENS_PER_S),
        Scene("whole text", text, output),
    ]


def _xtts_scene(seconds: float, output: str) -> Scene:
    return Scene(
        "XTTS at LLM pace", story(seconds), output, tokens_per_s=_TOKENS_PER_S, engine="xtts"
    )


def judge(rows: list[Row], where: str) -> list[Target]:
    """The rows of espeak's scenes against the mission's targets."""
    targets: list[Target] = []
    for row, how in zip(rows, ("LLM pace", "LLM pace", "whole text"), strict=True):
        targets += _judged(row, f"{how}, {where}")
    return targets


def judge_xtts(row: Row, gpu_pct: float | None, where: str) -> list[Target]:
    """The rows of XTTS against the mission's targets."""
    how = f"LLM pace, {where}"
    if gpu_pct is None:
        return [*_judged(row, how), _gpu_target(None, "not measured", _NO_GPU)]
    verdict: Verdict = "pass" if gpu_pct >= GPU_PCT else "fail"
    return [*_judged(row, how), _gpu_target(gpu_pct, verdict, how)]


def _gpu_target(value: float | None, verdict: Verdict, how: str) -> Target:
    return Target("GPU use, %", "80-95", value, verdict, "xtts", how)


def _judged(row: Row, how: str) -> list[Target]:
    """What one story says."""
    engine = row["engine"] if row["engine"] in _AS_THEY_ARE else "espeak paced to RTF 0.3"

    def target(name: str, wanted: str, value: Any, good: Callable[[Any], bool]) -> Target:
        verdict: Verdict = "not measured" if value is None else "pass" if good(value) else "fail"
        return Target(name, wanted, value, verdict, engine, how)

    first_s = round(row["ttfa_heard_ms"] / 1_000, 3)
    longest_ms = max(row["gap_heard_max_ms"], round(row["gap_max_ms"], 2))
    return [
        target("first audio, s", f"at most 2.5-{FIRST_AUDIO_S}", first_s, _at_most(FIRST_AUDIO_S)),
        target("longest gap, ms", "0", longest_ms, _at_most(0.0)),
        target("underruns", "0", row["underruns"], _at_most(0)),
        target("lead, 5th percentile, s", "1.5-3.0, or more", row["lead_p5_s"], _at_least(LEAD_S)),
        target("RTF", f"below {RTF}", row["rtf"], lambda rtf: bool(rtf < RTF)),
        target(
            "float32 end to end, samples changed",
            "0",
            row["wrong_samples"] + row["edited_samples"],
            _at_most(0),
        ),
    ]


def _at_most(limit: float) -> Callable[[Any], bool]:
    return lambda value: bool(value <= limit)


def _at_least(limit: float) -> Callable[[Any], bool]:
    return lambda value: bool(value >= limit)


def _unmeasured() -> list[Target]:
    wanted = {
        "first audio, s": f"at most 2.5-{FIRST_AUDIO_S}",
        "longest gap, ms": "0",
        "RTF": f"below {RTF}",
    }
    rows = [
        Target(name, aim, None, "not measured", "xtts", _NO_CHECKPOINT)
        for name, aim in wanted.items()
    ]
    return [*rows, _gpu_target(None, "not measured", _NO_CHECKPOINT)]


def table(result: dict[str, Any]) -> Table:
    """The result for people."""
    shown = Table(title="The mission's targets", caption=f"heard at: {result['where']}")
    for title in ("target", "wanted", "value", "verdict", "engine", "how"):
        shown.add_column(title, justify="right" if title == "value" else "left")
    colours = {"pass": "green", "fail": "red", "not measured": "dim"}
    for row in result["rows"]:
        verdict = row["verdict"]
        shown.add_row(
            row["target"],
            row["wanted"],
            "-" if row["value"] is None else f"{row['value']:g}",
            f"[{colours[verdict]}]{verdict}[/]",
            row["engine"],
            row["how"].split(",")[0],
        )
    return shown
