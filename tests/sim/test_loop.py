import pytest

from legato.sim.listener import Broken
from tests.sim.listening import Scene


def test_plans_are_carried_out_in_time_and_in_order() -> None:
    scene, done = Scene(), []
    for at_s, name in ((2.0, "b"), (1.0, "a"), (2.0, "c")):
        scene.plan(at_s, lambda name=name: done.append((scene.clock.at_s, name)))  # type: ignore[misc]
    scene.run()
    assert done == [(1.0, "a"), (2.0, "b"), (2.0, "c")]


def test_time_jumps_there_are_no_ticks() -> None:
    scene = Scene()
    scene.run()
    assert scene.clock.at_s > 10.0
    assert scene.turns / scene.clock.at_s < 12


def test_a_worker_that_never_rests_is_told_of() -> None:
    scene = Scene()
    run_once = scene.worker.run_once
    scene.worker.run_once = lambda now_s: min(run_once(now_s), now_s)  # type: ignore[method-assign]
    with pytest.raises(Broken, match="the worker never comes to rest"):
        scene.run()


def test_an_end_that_never_comes_is_told_of() -> None:
    scene = Scene()
    scene.until(1.0)
    scene.worker.run_once = lambda now_s: float("inf")  # type: ignore[method-assign]
    scene.engine.next_due_s = lambda: float("inf")  # type: ignore[method-assign]
    with pytest.raises(Broken, match="nothing happens any more"):
        scene.run()


def test_looking_again_for_ever_is_no_event() -> None:
    scene = Scene()
    scene.until(1.0)
    for listener in scene.listeners:
        listener.lane._playout.decide = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(Broken, match="nothing happens any more"):
        scene.run()
    assert scene.clock.at_s < 1_000.0
