"""Opener and narrator in real time, on the null device: the same figures as in virtual time
(tests/sim/test_narration.py), with room for busy machines.
"""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.cli.report_command import report
from legato.events import Event, TraceWriter
from legato.report.trace import read_trace
from legato.sim.record import record_of
from legato.streaming_pipeline import NarratorSettings
from tests.llm.scripted import OPENING, STORY, Script, ScriptedModel
from tests.llm.speaking import Story, telling

PACED = "legato.bench.paced_engine:make_paced"
# espeak's voice at RTF 0.3, a chunk's first block after 0.2 s
PACING = {"rtf": 0.3, "block_s": 0.25, "prefix_s": 0.125}
WRITERS = ("opener", "narrator")
BUSY_S = 1.0  # what a busy machine may add


def small(**script: object) -> ScriptedModel:
    return ScriptedModel("small", Script(OPENING, 0.15, 60.0, **script))  # type: ignore[arg-type]


def large(**script: object) -> ScriptedModel:
    return ScriptedModel("large", Script(STORY, 2.5, 25.0, **script))  # type: ignore[arg-type]


OPTIONS = {"engine": PACED, "engine_options": PACING, "rate": 1.0}
LISTENED_S = 7.0  # until well into the narrator's part


def told(
    policy: PlayoutPolicy, opener: ScriptedModel | None, narrator: ScriptedModel, prompts: int = 1
) -> Story:
    """Hear the beginning of a story, as often as it is asked for."""
    settings = NarratorSettings(policy=policy, remember=False)
    with telling(narrator, opener, speaker_settings=settings, **OPTIONS) as story:
        for _ in range(prompts):
            assert not story.narration.ask("I open the door.").wait(LISTENED_S)
        story.metrics = story.speaker.metrics()
    return story


def first_ms(story: Story) -> float:
    heard_ms = story.narration.turns[-1].ttfa_prompt_ms
    assert heard_ms is not None
    return heard_ms


def test_both_models_with_the_fixed_policy() -> None:
    story = told(FixedPolicy(), small(), large())
    assert first_ms(story) <= 1_200 + BUSY_S * 1_000
    assert story.metrics is not None
    assert (story.metrics.underruns, story.metrics.holds) == (0, 0)


def test_both_models_with_the_measured_policy_once_it_has_measured() -> None:
    story = told(MeasuredPolicy(), small(), large(), prompts=2)
    assert first_ms(story) <= 700 + BUSY_S * 1_000
    assert story.metrics is not None
    assert story.metrics.underruns == 0


def test_the_narrator_alone_with_the_fixed_policy() -> None:
    story = told(FixedPolicy(), None, large())
    assert 2_500 <= first_ms(story) <= 3_800 + BUSY_S * 1_000
    assert story.metrics is not None
    assert (story.metrics.underruns, story.metrics.holds) == (0, 0)


# -- none waits for the others -----------------------------------------------------------------


def longest_pause_s(rows: list[Event]) -> float:
    times_s = [event.t_s for event in rows]
    pauses = (after - before for before, after in itertools.pairwise(times_s))
    return max(pauses, default=0.0)


def of(story: Story, kind: str, writer: str = "") -> list[Event]:
    rows = story.told(kind)
    return [event for event in rows if writer in ("", event.detail.get("writer"))]


def test_a_narrator_that_stands_still_delays_neither_synthesis_nor_sound() -> None:
    story = told(MeasuredPolicy(), small(), large(stalls={45: 1.0}))
    texts = of(story, "text", "narrator")
    assert longest_pause_s(texts) >= 1.0  # B stood still
    assert story.metrics is not None
    assert (story.metrics.underruns, story.metrics.holds) == (0, 0)  # and D did not
    stalled_s = max(itertools.pairwise(texts), key=lambda pair: pair[1].t_s - pair[0].t_s)[0].t_s
    meanwhile = [e for e in of(story, "level") if stalled_s < e.t_s < stalled_s + 1.0]
    assert meanwhile  # the listener was served all the while


def test_an_opener_that_stands_still_does_not_delay_its_own_first_sentence() -> None:
    story = told(FixedPolicy(), small(stalls={15: 3.0}), large())
    assert first_ms(story) <= 1_200 + BUSY_S * 1_000
    # Nor the narrator: it is asked before the opener goes on.
    (late,) = story.told("model", "late")
    asked = next(e for e in story.told("model", "asked") if e.detail["writer"] == "narrator")
    assert late.t_s <= asked.t_s
    assert story.metrics is not None
    assert story.metrics.underruns == 0


def test_synthesis_that_stands_still_delays_no_writing() -> None:
    """Thread C is held up for a second; A and B write on, and what is in the ring is heard."""
    stalled = threading.Event()
    rows: list[Event] = []

    def hold_up(event: Event) -> None:
        rows.append(event)
        if event.kind == "made" and event.chunk == 1 and not stalled.is_set():
            stalled.set()
            threading.Event().wait(1.0)  # on thread C: events are told by those who make them

    settings = NarratorSettings(policy=FixedPolicy(), remember=False)
    writing = ScriptedModel("large", Script(STORY, 0.3, 10.0))
    with telling(writing, small(), speaker_settings=settings, **OPTIONS) as story:
        story.speaker.events.subscribe(hold_up)
        assert not story.narration.ask("I open the door.").wait(LISTENED_S)
        metrics = story.speaker.metrics()
    assert stalled.is_set()
    at_s = next(event.t_s for event in rows if event.kind == "made" and event.chunk == 1)
    written = [e for e in of(story, "text", "narrator") if at_s < e.t_s < at_s + 1.0]
    assert longest_pause_s(written) < 0.9
    assert len(written) >= 5  # B wrote while C stood still
    assert metrics.underruns == 0


# -- the trace ---------------------------------------------------------------------------------


def test_a_narration_can_be_traced_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with telling(ScriptedModel("large", Script("He knows your name.")), small()) as story:
        speaker = story.speaker
        with TraceWriter(path, speaker.events) as trace:
            trace.write(speaker.described())
            assert story.narration.ask("I open the door.").wait(60.0)
            metrics = speaker.metrics()
            trace.write(Event(speaker.clock.now_s(), "metrics", detail=metrics.as_dict()))
    rows = read_trace(path).rows
    kinds = [row.kind for row in rows]
    assert {"prompt", "model", "text", "first", "finished"} <= set(kinds)
    assert {row.detail.get("writer") for row in rows if row.kind == "text"} == {*WRITERS}
    for what in ("asked", "begins", "ends"):
        models = [row.detail for row in rows if row.kind == "model"]
        assert [row["writer"] for row in models if row["what"] == what] == [*WRITERS]
    (texts,) = record_of(read_trace(path), path.name).texts  # what a replay would be told
    assert [delta.ends_sentence for delta in texts].count(True) == 1
    page = tmp_path / "run.html"
    report(path, page)
    assert "prompt to first sound" in page.read_text(encoding="utf-8")
