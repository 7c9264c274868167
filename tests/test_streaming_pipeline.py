"""The narrator as a user meets it, over the null output, which plays at a device's pace."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from legato.audio.null import NullOutput
from legato.bench.paced_engine import make_paced
from legato.errors import (
    BacklogFull,
    EngineError,
    LegatoError,
    OutputError,
    RunError,
    UnknownEngine,
    UnknownLanguage,
    UnknownVoice,
    UsageError,
)
from legato.events import Event
from legato.streaming_pipeline import Narrator, NarratorSettings, speak
from legato.types import Pcm
from legato.utterance import Utterance
from tests.fakes import ScriptedEngine

WAIT_S = 30.0
RATE_HZ = 48_000
LINE = "Knock twice. Then wait here."
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 200))


class Heard:
    """A narrator over a recorded null output, and all that went into its ring."""

    def __init__(self, **options: Any) -> None:
        self.output = NullOutput(record=True)
        self.events: list[Event] = []
        self._pieces: list[Pcm] = []
        settings = NarratorSettings(tap=self._pieces.append)
        options = {"engine": ScriptedEngine(), "settings": settings, "rate": 2.5, **options}
        self.narrator = Narrator(self.output, **options)
        self.narrator.events.subscribe(self.events.append)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def wait_for(self, kind: str) -> None:
        """Return once an event of that kind was seen."""
        seen = threading.Event()
        stop = self.narrator.events.subscribe(lambda e: seen.set() if e.kind == kind else None)
        if kind not in self.kinds():
            assert seen.wait(WAIT_S), f"no {kind!r} among {self.kinds()}"
        stop()

    @property
    def made(self) -> Pcm:
        """All that was synthesised."""
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def sound(self) -> Pcm:
        """What was rendered, without the silence before and after."""
        pcm = self.output.recorded()
        sounding = np.flatnonzero(pcm)
        return pcm[sounding[0] : sounding[-1] + 1] if sounding.size else pcm[:0]


@contextmanager
def hearing(**options: Any) -> Iterator[Heard]:
    heard = Heard(**options)
    with heard.narrator:
        yield heard


def trimmed(pcm: Pcm) -> Pcm:
    sounding = np.flatnonzero(pcm)
    return pcm[sounding[0] : sounding[-1] + 1]


# -- saying ----------------------------------------------------------------------------------


def test_what_is_said_is_heard_sample_for_sample() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say(LINE)
        assert utterance.wait(WAIT_S)
        metrics = heard.narrator.metrics()
    assert np.array_equal(heard.sound(), trimmed(heard.made))
    assert (utterance.state, utterance.heard_text) == ("finished", LINE)
    assert (metrics.underruns, metrics.holds, metrics.edited_samples) == (0, 0, 0)
    assert metrics.engine == "scripted"
    assert metrics.backend == "null"
    assert metrics.audio_s == pytest.approx(heard.made.size / RATE_HZ, abs=0.01)
    assert metrics.ttfa_ms is not None
    kinds = heard.kinds()
    order = ["text", "chunk", "job", "block", "made", "gate", "first", "finished"]
    first_seen = [kinds.index(kind) for kind in order]
    assert first_seen == sorted(first_seen)


def test_utterances_are_heard_in_the_order_in_which_they_were_said() -> None:
    over: list[int] = []
    with hearing() as heard:
        said = [heard.narrator.say(f"Line {n}.") for n in range(4)]
        for utterance in said:
            utterance.add_done_callback(lambda done: over.append(done.number))
        assert said[-1].wait(WAIT_S)
    assert over == [0, 1, 2, 3]
    assert [each.state for each in said] == ["finished"] * 4
    assert np.array_equal(heard.sound(), trimmed(heard.made))


def test_an_iterable_is_spoken_before_it_ends() -> None:
    first_heard = threading.Event()

    def deltas() -> Iterator[str]:
        yield "This is written first, long enough to be spoken at once. "
        assert first_heard.wait(WAIT_S)
        yield "This is written when that was heard."

    with hearing() as heard:
        utterance = heard.narrator.say(deltas())
        heard.wait_for("first")
        assert not utterance.over
        first_heard.set()
        assert utterance.wait(WAIT_S)
    assert utterance.heard_text.endswith("was heard.")


def test_text_is_written_from_asyncio() -> None:
    async def run(narrator: Narrator) -> str:
        utterance = narrator.say()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        utterance.add_done_callback(lambda _: loop.call_soon_threadsafe(over.set))
        for word in LINE.split():
            utterance.write(word + " ")
            await asyncio.sleep(0)
        utterance.end()
        await asyncio.wait_for(over.wait(), WAIT_S)
        return utterance.heard_text

    with hearing() as heard:
        assert asyncio.run(run(heard.narrator)) == LINE + " "


def test_a_text_without_any_words_is_over_at_once() -> None:
    with hearing() as heard:
        for text in ("", "   \n\n", "...", "\U0001f600"):
            assert heard.narrator.say(text).wait(WAIT_S)
        assert heard.narrator.say(LINE).wait(WAIT_S)
    assert np.array_equal(heard.sound(), trimmed(heard.made))


def test_two_narrators_do_not_disturb_each_other() -> None:
    with hearing() as one, hearing() as two:
        said = [heard.narrator.say(LINE) for heard in (one, two)]
        assert all(utterance.wait(WAIT_S) for utterance in said)
    assert np.array_equal(one.sound(), two.sound())
    assert one.sound().size


def test_a_full_backlog_takes_nothing_and_then_goes_on() -> None:
    settings = NarratorSettings(backlog_characters=100)
    with hearing(settings=settings) as heard:
        utterance = heard.narrator.say()
        with pytest.raises(BacklogFull):  # noqa: PT012 - how much fits is not said
            for _ in range(200):
                utterance.write(LONG[:500])
        heard.narrator.stop()
        assert utterance.wait_for_room(WAIT_S)
        with pytest.raises(RunError, match="ended"):
            utterance.write("too late")


def test_speak_says_it_all_and_measures(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    metrics = speak(LINE, str(path), engine=ScriptedEngine())
    assert soundfile.info(path).duration == pytest.approx(metrics.audio_s, abs=0.01)
    assert metrics.backend == "file"


# -- control ---------------------------------------------------------------------------------


def test_a_paused_narrator_waits_and_loses_nothing() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say(LINE)
        heard.wait_for("first")
        heard.narrator.pause()
        paused_at = heard.narrator._buffer.position().read
        assert utterance.wait(0.3) is False
        assert heard.narrator._buffer.position().read - paused_at <= RATE_HZ * 0.05
        heard.narrator.resume()
        assert utterance.wait(WAIT_S)
        metrics = heard.narrator.metrics()
    assert (metrics.underruns, metrics.holds) == (0, 0)
    assert 0 < metrics.edited_samples <= RATE_HZ * 0.03
    assert utterance.heard_text == LINE


def test_a_paused_narrator_closes() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say(LINE)
        heard.wait_for("first")
        heard.narrator.pause()
    assert utterance.state == "cut"


def test_stop_tells_what_was_heard_and_leaves_nothing_stale() -> None:
    with hearing() as heard:
        told = heard.narrator.say(LONG)
        waiting = heard.narrator.say("Never heard.")
        heard.wait_for("first")
        assert told.wait(0.6) is False
        text = heard.narrator.stop()
        made_before = heard.made.size
        assert told.wait(0.0)
        assert waiting.wait(0.0)
        assert LONG.startswith(text)
        assert 3 < len(text) < 100
        assert (told.state, told.heard_text) == ("cut", text)
        assert (waiting.state, waiting.heard_text) == ("cut", "")
        rendered_before = heard.output.recorded().size
        again = heard.narrator.say(LINE)
        assert again.wait(WAIT_S)
    assert again.heard_text == LINE
    after = trimmed(heard.output.recorded()[rendered_before + RATE_HZ // 10 :])
    assert np.array_equal(after, trimmed(heard.made[made_before:])[-after.size :])
    assert after.size > RATE_HZ // 2
    assert heard.kinds().count("first") == 2


def test_stop_in_silence_and_twice_does_no_harm() -> None:
    with hearing() as heard:
        assert heard.narrator.stop() == ""
        heard.narrator.say(LONG)
        heard.wait_for("first")
        heard.narrator.stop()
        assert heard.narrator.stop() == ""
        assert heard.narrator.say("On it goes.").wait(WAIT_S)


def test_skip_goes_on_with_the_next_one() -> None:
    with hearing() as heard:
        long = heard.narrator.say("One. " * 12)
        following = heard.narrator.say(LINE)
        heard.wait_for("first")
        # The next one lies in the ring already when the listener is sent to it.
        while heard.narrator._lane.transcript.span_of(following.number) is None:
            assert not long.wait(0.02)
        heard.narrator.skip()
        assert long.wait(0.0)
        assert long.state == "cut"
        assert following.wait(WAIT_S)
        span = heard.narrator._lane.transcript.span_of(following.number)
        metrics = heard.narrator.metrics()
    assert span is not None
    assert following.heard_text == LINE
    wanted = trimmed(heard.made[span[0] : span[1]])
    assert np.array_equal(heard.sound()[-wanted.size :], wanted)
    assert metrics.edited_samples <= RATE_HZ * 0.02
    assert metrics.audio_s < heard.made.size / RATE_HZ


def test_cancel_of_a_waiting_one_leaves_the_others() -> None:
    with hearing() as heard:
        first, second, third = (heard.narrator.say(f"Line {n} is here.") for n in range(3))
        second.cancel()
        second.cancel()
        assert second.wait(0.0)
        assert third.wait(WAIT_S)
    assert [each.state for each in (first, second, third)] == ["finished", "cut", "finished"]
    assert second.heard_text == ""


def test_a_done_callback_may_say_the_next_line_or_close() -> None:
    said: list[Utterance] = []
    closed = threading.Event()
    heard = Heard()

    def close(_: Utterance) -> None:
        heard.narrator.close()
        closed.set()

    def go_on(_: Utterance) -> None:
        said.append(heard.narrator.say("And then this."))
        said[0].add_done_callback(close)

    with heard.narrator:
        heard.narrator.say("First this.").add_done_callback(go_on)
        assert closed.wait(WAIT_S)
    assert said[0].state == "finished"


# -- the end ---------------------------------------------------------------------------------


def test_close_is_idempotent_and_cuts_what_is_being_said() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say(LONG)
        heard.wait_for("first")
    heard.narrator.close()
    assert utterance.wait(0.0)
    assert utterance.state == "cut"
    assert LONG.startswith(utterance.heard_text)
    assert heard.narrator.metrics().audio_s > 0


@pytest.mark.parametrize("use", ["say", "pause", "resume", "stop", "skip"])
def test_use_after_close_says_that_it_is_closed(use: str) -> None:
    with hearing() as heard:
        pass
    arguments = ["text"] if use == "say" else []
    with pytest.raises(RunError, match="the narrator is closed"):
        getattr(heard.narrator, use)(*arguments)


def test_ctrl_c_inside_the_block_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    narrator = Narrator(str(path), engine=make_paced(0.5))
    with pytest.raises(KeyboardInterrupt), narrator:  # noqa: PT012
        utterance = narrator.say(LONG)
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        utterance.wait(WAIT_S)
    assert utterance.state == "cut"
    assert soundfile.info(path).frames > 0


def test_threads_end_with_the_narrator() -> None:
    before = threading.active_count()
    for _ in range(3):
        with hearing() as heard:
            heard.narrator.say(iter([LINE]))
    deadline_s = time.monotonic() + WAIT_S
    while threading.active_count() > before and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert threading.active_count() <= before


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"voice": "nobody"}, UnknownVoice),
        ({"voice": "low+nobody"}, UnknownVoice),
        ({"language": "xx"}, UnknownLanguage),
        ({"engine": "nothing"}, UnknownEngine),
        ({"rate": 0.0}, UsageError),
        ({"rate": float("nan")}, UsageError),
    ],
)
def test_what_is_unknown_is_refused_and_everything_closed(
    options: dict[str, Any], error: type[LegatoError]
) -> None:
    before = threading.active_count()
    with pytest.raises(error) as caught:
        Heard(**options)
    assert "\n" not in str(caught.value)
    assert threading.active_count() == before


@pytest.mark.parametrize("volume", [-0.1, 4.1, float("nan")])
def test_a_volume_out_of_range_is_refused(volume: float) -> None:
    with pytest.raises(UsageError, match="volume"):
        NarratorSettings(volume=volume)


def test_a_voice_goes_by_id_name_and_variant() -> None:
    for voice in ("low", "Low Voice", "LOW", "low+soft", "+soft"):
        with hearing(voice=voice) as heard:
            assert heard.narrator.say("Hear.").wait(WAIT_S)


def test_an_output_that_does_not_open_leaves_nothing_running(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    with pytest.raises(OutputError, match="cannot write"):
        Narrator(str(tmp_path / "missing" / "a.wav"), engine=engine)


class FailingOutput(NullOutput):
    """Fails when told to, as a full disk does."""

    def fail(self) -> None:
        from legato.audio.audio_output import OutputEvent  # noqa: PLC0415

        self._report(OutputEvent("failed", "null", 0, reason="the disk is full"))

    def open(self, buffer: Any, on_event: Any) -> None:
        self._report = on_event
        super().open(buffer, on_event)


def test_an_output_that_fails_ends_what_is_said_and_refuses_more() -> None:
    output = FailingOutput()
    with Narrator(output, engine=ScriptedEngine()) as narrator:
        said = [narrator.say(LONG), narrator.say(iter([LONG]))]
        output.fail()
        for utterance in said:
            with pytest.raises(OutputError, match="the disk is full"):
                utterance.wait(WAIT_S)
            assert utterance.state == "failed"
        with pytest.raises(OutputError, match="the disk is full"):
            narrator.say("more")
        with pytest.raises(RunError):
            said[0].write("more")


def test_an_engine_that_raises_fails_what_is_said_and_never_hangs() -> None:
    engine = ScriptedEngine(rtf=0.2, faults={1: "raise"})
    with Narrator(NullOutput(), engine=engine) as narrator:
        first, second = narrator.say(LONG), narrator.say("Never begun.")
        for utterance in (first, second):
            with pytest.raises(RunError, match="scripted"):
                utterance.wait(WAIT_S)
        assert second.heard_text == ""
        with pytest.raises(RunError, match="scripted"):
            narrator.say("more")
        with pytest.raises(RunError):
            first.write("more")
        assert first.wait_for_room(WAIT_S)
    narrator.close()


class GoneEngine(ScriptedEngine):
    """Its process was lost for good."""

    def step(self, deadlines_s: Any, timeout_s: float) -> Any:
        if self._jobs:
            raise EngineError("the engine gave up after 3 restarts")
        return super().step(deadlines_s, timeout_s)


def test_an_engine_that_gives_up_says_so_to_every_utterance() -> None:
    with Narrator(NullOutput(), engine=GoneEngine()) as narrator:
        with pytest.raises(EngineError, match="gave up after 3 restarts"):
            narrator.say(LINE).wait(WAIT_S)
        with pytest.raises(EngineError, match="gave up after 3 restarts"):
            narrator.say(LINE)
        narrator.pause()
        narrator.skip()
        narrator.stop()


def test_a_source_that_fails_is_reported_after_what_came_was_heard() -> None:
    def broken() -> Iterator[str]:
        yield LINE
        raise ConnectionError("the server hung up")

    with hearing() as heard:
        utterance = heard.narrator.say(broken())
        with pytest.raises(RunError, match="the server hung up") as caught:
            utterance.wait(WAIT_S)
        assert isinstance(caught.value.__cause__, ConnectionError)
        assert np.array_equal(heard.sound(), trimmed(heard.made))
        assert heard.narrator.say("On.").wait(WAIT_S)
    assert (utterance.state, utterance.heard_text) == ("failed", LINE)


def test_a_phrase_whose_synthesis_fails_is_passed_over() -> None:
    with hearing(engine=ScriptedEngine(faults={1: "fail"})) as heard:
        utterance = heard.narrator.say(f"{LINE}\n\n{LINE}\n\n{LINE}")
        assert utterance.wait(WAIT_S)
    assert heard.kinds().count("retry") == 1
    (lost,) = [event for event in heard.events if event.kind == "passed_over"]
    assert lost.detail["reason"] == "scripted failure"


def test_two_short_lines_are_heard_though_the_third_does_not_come() -> None:
    with hearing() as heard:
        utterance = heard.narrator.say()
        utterance.write("Stop there.\nCome back.\n")
        deadline_s = time.monotonic() + WAIT_S
        while "back" not in utterance.heard_text and time.monotonic() < deadline_s:
            assert not utterance.wait(0.05)
        assert utterance.heard_text.split() == ["Stop", "there.", "Come", "back."]
        utterance.write("At last.")
        utterance.end()
        assert utterance.wait(WAIT_S)
        metrics = heard.narrator.metrics()
    assert metrics.underruns == 0
    assert np.array_equal(trimmed(heard.made)[-1000:], heard.sound()[-1000:])
