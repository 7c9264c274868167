"""The engine process from the listener's side, with real processes throughout."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from legato.errors import EngineError, EngineFull, TextTooLong, UnknownVoice
from legato.synthesis.engine_child import EngineTarget
from legato.synthesis.engine_process import EngineProcess, ProcessSettings
from legato.types import AudioBlock, Job, JobDone, JobFailed
from tests.fakes import ScriptedVoice, make_chunk, scripted_pcm
from tests.synthesis.processes import TEXT, Start, collect, dead, ended, gone, speak


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
        assert os.fstat(engine._child._output.fileno()).st_size < 400_000
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
    while not dead(pid):
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
        "import sys\n"
        "maps = open('/proc/self/maps').read()\n"
        "print('espeakng_loader' in sys.modules, 'espeak-ng' in maps)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, env=environment
    )
    assert run.stdout.split() == [b"False", b"False"]


def test_orders_wait_while_the_engine_does_not_read_them(start: Start) -> None:
    engine = start()
    assert engine.info.max_jobs == 4
    os.kill(engine.pid, signal.SIGSTOP)
    for job_id in range(4_000):  # more than a socket holds: add and cancel never block
        engine.add(Job(job_id, make_chunk("x" * 400)))
        engine.cancel(job_id)
    assert engine.step({}, 0.0) == []
    os.kill(engine.pid, signal.SIGCONT)
    events = speak(engine, 5_000, make_chunk(TEXT))
    assert {event.job_id for event in events} == {5_000}
    assert isinstance(events[-1], JobDone)
