"""The engine process from the listener's side, with real processes throughout."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from legato.errors import EngineError, EngineFull, TextTooLong, UnknownVoice
from legato.synthesis.engine import EngineEvent
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess, ProcessSettings, Silence
from legato.types import AudioBlock, Job, JobDone, JobFailed, TextChunk
from tests.fakes import ManualClock, ScriptedEngine, ScriptedVoice, make_chunk, scripted_pcm

TEXT = "a text of some length, spoken by the script"

Start = Callable[..., EngineProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start scripted engines that are closed when the test ends."""
    with ExitStack() as stack:

        def _start(
            options: dict[str, Any] | None = None,
            settings: ProcessSettings | None = None,
            **more: Any,
        ) -> EngineProcess:
            target = EngineTarget("scripted", ScriptedEngine.TARGET, options or {})
            return stack.enter_context(EngineProcess(target, settings, **more))

        yield _start


def collect(
    engine: EngineProcess, until: Callable[[list[EngineEvent]], bool], within_s: float = 30.0
) -> list[EngineEvent]:
    """Step until the events satisfy `until`."""
    events: list[EngineEvent] = []
    give_up_s = time.monotonic() + within_s
    while not until(events):
        assert time.monotonic() < give_up_s, f"only {events} came"
        events += engine.step({}, 1.0)
    return events


def ended(job_id: int) -> Callable[[list[EngineEvent]], bool]:
    return lambda events: any(
        event.job_id == job_id and not isinstance(event, AudioBlock) for event in events
    )


def speak(engine: EngineProcess, job_id: int, chunk: TextChunk) -> list[EngineEvent]:
    engine.add(Job(job_id, chunk))
    return collect(engine, ended(job_id))


def gone(pid: int) -> bool:
    """Whether no process, not even a zombie, has the id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_engine_describes_itself_over_the_socket(start: Start) -> None:
    assert start().info == ScriptedVoice.info


def test_samples_arrive_as_they_were_made_and_marks_in_the_source(start: Start) -> None:
    chunk = make_chunk(TEXT, ordinal=3, source_start=1_000)
    events = speak(start({"block_s": 0.25}), 5, chunk)
    blocks = [event for event in events if isinstance(event, AudioBlock)]
    assert [block.start_sample for block in blocks] == [6_000 * i for i in range(len(blocks))]
    assert all(block.pcm.dtype == np.float32 and block.pcm.flags.aligned for block in blocks)
    pcm = np.concatenate([block.pcm for block in blocks])
    np.testing.assert_array_equal(pcm, scripted_pcm(chunk))
    words = [0, *(at + 1 for at, character in enumerate(TEXT) if character == " ")]
    assert [source for block in blocks for _, source in block.marks] == [1_000 + w for w in words]
    assert isinstance(events[-1], JobDone)


def test_blocks_come_while_the_chunk_is_still_being_spoken(start: Start) -> None:
    engine = start({"rtf": 0.2, "block_s": 0.25})
    engine.add(Job(1, make_chunk(TEXT)))
    first = collect(engine, bool)
    assert len(first) < len(scripted_pcm(make_chunk(TEXT))) // 6_000
    assert not ended(1)(first)


def test_add_checks_before_it_sends(start: Start) -> None:
    engine = start({"rtf": 10.0})
    with pytest.raises(UnknownVoice, match="scripted has no voice 'nobody'"):
        engine.add(Job(1, make_chunk(TEXT, voice="nobody")))
    with pytest.raises(UnknownVoice, match="variant"):
        engine.add(Job(1, make_chunk(TEXT, voice="low+loud")))
    with pytest.raises(UnknownVoice, match="language 'fr'"):
        engine.add(Job(1, make_chunk(TEXT, language="fr")))
    with pytest.raises(TextTooLong, match="401 characters"):
        engine.add(Job(1, make_chunk("x" * 401)))
    for job_id, voice in enumerate(("low", "High Voice", "low+soft", "")):
        engine.add(Job(job_id, make_chunk(TEXT, voice=voice)))
    with pytest.raises(EngineFull):
        engine.add(Job(9, make_chunk(TEXT)))


def test_nothing_comes_of_a_cancelled_job(start: Start) -> None:
    engine = start({"rtf": 0.05})
    engine.add(Job(1, make_chunk(TEXT * 5, ordinal=1)))
    collect(engine, bool)
    engine.cancel(1)
    engine.cancel(77)
    events = speak(engine, 2, make_chunk(TEXT, ordinal=2))
    assert {event.job_id for event in events} == {2}


def test_the_most_urgent_job_goes_first(start: Start) -> None:
    engine = start({"rtf": 0.02})
    for job_id in (1, 2, 3):
        engine.add(Job(job_id, make_chunk(TEXT, ordinal=job_id)))
    order: list[int] = []
    while len(order) < 3:
        events = engine.step({1: 9.0, 2: 5.0, 3: 1.0}, 1.0)
        order += [event.job_id for event in events if isinstance(event, JobDone)]
    assert order.index(3) < order.index(2)  # the first may have begun before the order came


def test_a_wake_from_another_thread_ends_the_wait(start: Start) -> None:
    engine = start()
    assert engine.info.max_jobs == 4
    threading.Timer(0.05, engine.wake).start()
    assert engine.step({}, 60.0) == []
    for _ in range(100_000):  # far more than the socket holds: never blocks
        engine.wake()


@pytest.mark.parametrize(("fault", "reason"), [("fail", "scripted"), ("raise", "RuntimeError")])
def test_a_job_may_fail_and_the_process_lives_on(start: Start, fault: str, reason: str) -> None:
    engine = start({"faults": {1: fault}})
    pid = engine.pid
    event = speak(engine, 1, make_chunk(TEXT, ordinal=1))[-1]
    assert isinstance(event, JobFailed)
    assert event.cause == "synthesis"
    assert reason in event.reason
    assert isinstance(speak(engine, 2, make_chunk(TEXT, ordinal=2))[-1], JobDone)
    assert engine.pid == pid


@pytest.mark.parametrize("standby", [False, True])
def test_a_killed_engine_is_replaced_and_its_jobs_reported(start: Start, standby: bool) -> None:
    told: list[str] = []
    engine = start(
        {"rtf": 1.0},
        ProcessSettings(standby=standby),
        on_event=lambda kind, detail: told.append(f"{kind}: {detail}"),
    )
    for job_id in (1, 2):
        engine.add(Job(job_id, make_chunk(TEXT, ordinal=job_id)))
    collect(engine, bool)
    old = engine.pid
    os.kill(old, signal.SIGKILL)
    failed = [e for e in collect(engine, ended(2)) if isinstance(e, JobFailed)]
    assert [(event.job_id, event.cause) for event in failed] == [(1, "restart"), (2, "restart")]
    assert "ended by signal 9" in failed[0].reason
    assert told == [f"{'takeover' if standby else 'restart'}: {failed[0].reason}"]
    assert engine.pid != old
    assert gone(old)
    engine.add(Job(3, make_chunk(TEXT, ordinal=1)))
    assert isinstance(collect(engine, bool)[0], AudioBlock)


def test_a_crash_in_mid_chunk_is_made_good_by_adding_again(start: Start, tmp_path: Path) -> None:
    once = str(tmp_path / "crashed")
    engine = start({"rtf": 0.05, "faults": {1: "crash"}, "once": once})
    chunk = make_chunk(TEXT, ordinal=1)
    events = speak(engine, 1, chunk)
    assert isinstance(events[0], AudioBlock)
    assert isinstance(events[-1], JobFailed)
    assert "ended with code 3" in events[-1].reason
    again = speak(engine, 2, chunk)
    pcm = np.concatenate([event.pcm for event in again if isinstance(event, AudioBlock)])
    np.testing.assert_array_equal(pcm, scripted_pcm(chunk))


def test_a_hung_engine_is_replaced_when_its_silence_is_too_long(
    start: Start, tmp_path: Path
) -> None:
    clock = ManualClock()
    once = str(tmp_path / "hung")
    engine = start({"rtf": 0.05, "faults": {1: "hang"}, "once": once}, clock=clock)
    engine.add(Job(1, make_chunk(TEXT, ordinal=1)))
    assert isinstance(collect(engine, bool)[0], AudioBlock)
    old = engine.pid
    while not Path(once).exists():
        time.sleep(0.01)
    engine.step({}, 0.0)
    for _ in range(9):
        clock.advance(1.0)
        assert engine.step({}, 0.0) == []
    clock.advance(1.0)
    [event] = engine.step({}, 0.0)
    assert isinstance(event, JobFailed)
    assert event.cause == "restart"
    assert event.reason == "the scripted engine's process gave no sign of life for 10.0 s"
    assert gone(old)
    assert isinstance(speak(engine, 2, make_chunk(TEXT, ordinal=1))[-1], JobDone)


def test_an_idle_engine_may_be_silent_for_ever(start: Start) -> None:
    clock = ManualClock()
    engine = start(clock=clock)
    speak(engine, 1, make_chunk(TEXT))
    pid = engine.pid
    for _ in range(100):
        clock.advance(60.0)
        assert engine.step({}, 0.0) == []
    assert engine.pid == pid


def test_it_gives_up_when_restarts_do_not_help(start: Start) -> None:
    told: list[str] = []
    engine = start(
        {"rtf": 0.01, "faults": {1: "crash"}},
        ProcessSettings(restarts=2),
        on_event=lambda kind, _: told.append(kind),
    )
    for job_id in (1, 2):
        assert isinstance(speak(engine, job_id, make_chunk(TEXT, ordinal=1))[-1], JobFailed)
    engine.add(Job(3, make_chunk(TEXT, ordinal=1)))
    with pytest.raises(EngineError, match="code 3; gave up after 2 restarts"):
        collect(engine, ended(3))
    assert told == ["restart", "restart", "gave_up"]
    for refused in (lambda: engine.add(Job(4, make_chunk(TEXT))), lambda: engine.step({}, 0.0)):
        with pytest.raises(EngineError, match="gave up"):
            refused()


def test_a_finished_chunk_makes_restarts_count_from_zero(start: Start) -> None:
    engine = start({"rtf": 0.01, "faults": {1: "crash"}}, ProcessSettings(restarts=1))
    for job_id in range(0, 6, 2):
        assert isinstance(speak(engine, job_id, make_chunk(TEXT, ordinal=1))[-1], JobFailed)
        assert isinstance(speak(engine, job_id + 1, make_chunk(TEXT))[-1], JobDone)


def test_a_lost_standby_is_reported_and_replaced_at_the_next_takeover(start: Start) -> None:
    told: list[str] = []
    engine = start(
        settings=ProcessSettings(standby=True), on_event=lambda kind, _: told.append(kind)
    )
    speak(engine, 1, make_chunk(TEXT))
    standby = engine._standby
    assert standby is not None
    os.kill(standby.pid, signal.SIGKILL)
    while "standby_lost" not in told:
        engine.step({}, 1.0)
    assert gone(standby.pid)
    os.kill(engine.pid, signal.SIGKILL)
    while "restart" not in told:
        engine.step({}, 1.0)
    assert isinstance(speak(engine, 2, make_chunk(TEXT))[-1], JobDone)
    assert engine._standby is not None


def test_close_ends_even_a_hung_process_and_may_be_repeated(start: Start) -> None:
    engine = start({"rtf": 0.01, "faults": {1: "hang"}}, settings=ProcessSettings(standby=True))
    engine.add(Job(1, make_chunk(TEXT, ordinal=1)))
    collect(engine, bool)
    assert engine._standby is not None
    stopped = engine._standby.pid
    os.kill(stopped, signal.SIGSTOP)
    engine.close()
    engine.close()
    assert gone(engine.pid)
    assert gone(stopped)
    engine.wake()
    with pytest.raises(EngineError, match="closed"):
        engine.step({}, 0.0)


def test_an_engine_that_does_not_start_in_time_says_so(start: Start) -> None:
    engine = start({"rtf": "no number"}, ProcessSettings(start_s=0.0))
    with pytest.raises(EngineError, match="did not start within 0 s"):
        _ = engine.info


def test_an_engine_that_dies_before_hello_says_its_last_words(start: Start) -> None:
    target = EngineTarget("broken", "tests.synthesis.dying_engine:start")
    with (
        EngineProcess(target) as engine,
        pytest.raises(EngineError, match="process ended with code 4: no weights to be found"),
    ):
        _ = engine.info


def test_what_an_engine_prints_does_not_disturb_and_is_bounded() -> None:
    target = EngineTarget("chatty", "tests.synthesis.chatty_engine:ChattyEngine")
    with EngineProcess(target) as engine:
        for job_id in range(8):
            assert isinstance(speak(engine, job_id, make_chunk(TEXT))[-1], JobDone)
        assert os.fstat(engine._child._output.fileno()).st_size < 600_000
        assert engine._child.last_words() == "said 7"


def test_the_process_ends_with_its_listener_even_when_hung() -> None:
    script = (
        "import os, sys; from tests.fakes import *; from legato.synthesis.engine_process import *;"
        "from legato.synthesis.engine_child import EngineTarget;"
        "options = {'rtf': 0.01, 'faults': {1: 'hang'}};"
        "engine = EngineProcess(EngineTarget('x', ScriptedEngine.TARGET, options));"
        "engine.add(Job(1, make_chunk('some text to speak', ordinal=1)));"
        "engine.step({}, 10.0);"
        "print(engine.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, check=False, env=environment
    )
    pid = int(run.stdout)
    give_up_s = time.monotonic() + 10.0
    while not _ended(pid):
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


def test_ctrl_c_does_not_reach_the_engine(start: Start) -> None:
    engine = start()
    assert engine.info.name == "scripted"
    assert os.getpgid(engine.pid) != os.getpgid(0)
    os.kill(engine.pid, signal.SIGINT)
    assert isinstance(speak(engine, 1, make_chunk(TEXT))[-1], JobDone)


def test_espeak_is_never_loaded_in_the_listeners_process() -> None:
    script = (
        "from legato.synthesis.engines import create_engine\n"
        "from legato.types import *\n"
        "with create_engine() as engine:\n"
        "    engine.info\n"
        "import sys; print('espeakng_loader' in sys.modules, 'espeak-ng' in open('/proc/self/maps').read())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, env=environment
    )
    assert run.stdout.split() == [b"False", b"False"]


class TestSilence:
    def test_counts_time_within_steps_in_full_and_between_them_up_to_a_second(self) -> None:
        silence = Silence(0.0)
        silence.resume(100.0)
        assert silence.lasted_s == 1.0
        silence.pause(104.0, heard=False)
        assert silence.lasted_s == 5.0
        silence.resume(104.5)
        assert silence.lasted_s == 5.5

    def test_a_sign_of_life_ends_it(self) -> None:
        silence = Silence(0.0)
        silence.resume(1.0)
        silence.pause(2.0, heard=True)
        assert silence.lasted_s == 0.0


def _ended(pid: int) -> bool:
    """Gone, or a zombie that whoever inherited it has yet to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
