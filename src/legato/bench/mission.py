"""`legato bench mission`: one row per target of the mission: value, and pass or fail.

Three stories are spoken. Two get their text at a language model's pace, 25 tokens a second
after half a second of nothing: with espeak as it is, and with espeak's audio given out as
an engine at RTF 0.3 would. First audio counts from the moment the text was asked for. The
third is given whole. They are heard at the monitor of a private PulseAudio null sink;
where there is none, at the paced null output, and the rows say so. XTTS and GPU rows need
an XTTS engine and a GPU: without, they are not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from rich.table import Table

from legato.bench.gap import RATE_HZ, hear
from legato.bench.listener import Scene
from legato.bench.pulse_sink import PulseNullSink, missing_tools
from legato.bench.story import story

Verdict = Literal["pass", "fail", "not measured"]
Row = dict[str, Any]

FIRST_AUDIO_S = 3.8
LEAD_S = 1.5
RTF = 0.5
_TOKENS_PER_S = 25.0
_STORY_S = 30.0
_NO_ENGINE = "no XTTS engine in this build"


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
    """Speak and measure; takes about three stories of `seconds`. `tell` hears what comes next."""
    if missing_tools() or find_spec("legato._native") is None:
        where = "null output (no PulseAudio or no native module here)"
        rows = [_hear(scene, None, seconds, tell) for scene in _scenes(seconds, "null")]
    else:
        where = "monitor of a PulseAudio null sink"
        with PulseNullSink(RATE_HZ) as sink:
            scenes = _scenes(seconds, "pulseaudio")
            rows = [_hear(scene, sink, seconds, tell) for scene in scenes]
    targets = judge(rows, where)
    return {
        "bench": "mission",
        "where": where,
        "rows": [asdict(target) for target in targets],
        "passed": sum(target.verdict == "pass" for target in targets),
        "failed": sum(target.verdict == "fail" for target in targets),
    }


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


def judge(rows: list[Row], where: str) -> list[Target]:
    """The rows of the scenes against the mission's targets."""
    targets: list[Target] = []
    for row, how in zip(rows, ("LLM pace", "LLM pace", "whole text"), strict=True):
        targets += _judged(row, f"{how}, {where}")
    return [*targets, *_unmeasured()]


def _judged(row: Row, how: str) -> list[Target]:
    """What one story says."""
    engine = "espeak" if row["engine"] == "espeak" else "espeak paced to RTF 0.3"

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
        "GPU use, %": "80-95",
    }
    return [
        Target(name, aim, None, "not measured", "xtts", _NO_ENGINE) for name, aim in wanted.items()
    ]


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
