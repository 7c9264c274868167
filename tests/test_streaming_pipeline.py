"""The narrator as a user meets it, over the null output, which plays at a device's pace."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from legato.bench.paced_engine import make_paced
from legato.errors import (
    BacklogFull,
    RunError,
)
from legato.streaming_pipeline import Narrator, NarratorSettings, speak
from legato.utterance import Utterance
from tests.fakes import ScriptedEngine
from tests.narrators import LINE, LONG, RATE_HZ, WAIT_S, Heard, hearing, trimmed

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
        heard.wait_for_sound()
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
        heard.wait_for_sound()
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
        heard.wait_for_sound()
        heard.narrator.pause()
    assert utterance.state == "cut"


def test_stop_tells_what_was_heard_and_leaves_nothing_stale() -> None:
    with hearing() as heard:
        told = heard.narrator.say(LONG)
        waiting = heard.narrator.say("Never heard.")
        heard.wait_for_sound()
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
    assert after.size > RATE_HZ // 4
    assert heard.kinds().count("first") == 2


def test_stop_in_silence_and_twice_does_no_harm() -> None:
    with hearing() as heard:
        assert heard.narrator.stop() == ""
        heard.narrator.say(LONG)
        heard.wait_for_sound()
        heard.narrator.stop()
        assert heard.narrator.stop() == ""
        assert heard.narrator.say("On it goes.").wait(WAIT_S)


def test_skip_goes_on_with_the_next_one() -> None:
    with hearing() as heard:
        long = heard.narrator.say("One. " * 40)
        following = heard.narrator.say(LINE)
        # The listener is inside the first, and the next one lies in the ring already.
        buffer, transcript = heard.narrator._buffer, heard.narrator._lane.transcript
        while buffer.position().heard == 0 or transcript.span_of(following.number) is None:
            assert not long.wait(0.02)
        heard.narrator.skip()
        assert long.wait(0.0)
        assert long.state == "cut"
        assert following.wait(WAIT_S)
        span = transcript.span_of(following.number)
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
        heard.wait_for_sound()
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
