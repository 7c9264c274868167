"""That the checks can fail: each is shown a fault that somebody made on purpose."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from legato.events import Event
from legato.sim.listener import Broken
from tests.sim.listening import Scene

AT_S = 4.0


@pytest.fixture
def scene() -> Scene:
    """A listener in the middle of a story, of which more is made than is heard."""
    scene = Scene().until(AT_S)
    position = scene.listener.buffer.position()
    assert 500 < position.heard <= position.read < position.written - 500
    return scene


def broken(scene: Scene, what: str, then: Callable[[], Any] | None = None) -> None:
    with pytest.raises(Broken, match=f"listener 0: .*{what}"):
        (then or scene.run)()


def test_nothing_is_broken_where_nobody_breaks_it(scene: Scene) -> None:
    scene.run()
    scene.invariants.check_end()


def test_a_sample_read_twice(scene: Scene) -> None:
    scene.listener.buffer._read -= 300
    scene.clock.at_s += 0.1
    broken(scene, "is read again", scene.listener.render)


def test_samples_that_were_skipped_and_never_told_of(scene: Scene) -> None:
    scene.listener.buffer._read += 300
    scene.run()
    broken(scene, "300 samples were dropped and 0 told of", scene.invariants.check_end)


def test_samples_changed_on_their_way(scene: Scene) -> None:
    position = scene.listener.buffer.position()
    scene.listener.buffer._ring._pcm[position.read + 100] += 0.01
    scene.run()
    broken(scene, f"sample {position.read + 100} was changed", scene.invariants.check_end)


def test_silence_that_is_not_silent(scene: Scene) -> None:
    render = scene.listener.buffer.render

    def noisy(samples: int) -> Any:
        pcm = render(samples)
        pcm[-1] += 0.25 * (scene.listener.buffer.position().read == position)
        return pcm

    scene.listener.act("pause")
    scene.listener.render()
    scene.until(AT_S + 0.5)
    position = scene.listener.buffer.position().read
    scene.listener.buffer.render = noisy  # type: ignore[method-assign]
    broken(scene, "silence is not silent", lambda: scene.until(AT_S + 1.0))


def test_more_heard_than_was_read(scene: Scene) -> None:
    render = scene.listener.buffer.render

    def generous(samples: int) -> Any:
        scene.listener.buffer._ledger.rendered += 5
        return render(samples)

    scene.listener.buffer.render = generous  # type: ignore[method-assign]
    broken(scene, "samples were heard where")


def test_hearing_beyond_the_gate() -> None:
    scene = Scene(rtf=0.05)
    scene.listener.lane._playout._policy = None  # it opens nothing
    scene.plan(2.0, lambda: scene.listener.buffer.open_through(1))
    scene.until(1.9)
    scene.invariants._gate = 0
    scene.invariants._ends = {0: 400}
    broken(scene, "was heard beyond the gate at 400", lambda: scene.until(5.0))


def test_a_gate_that_goes_back(scene: Scene) -> None:
    scene.events.append(Event(AT_S, "gate", chunk=0))
    broken(scene, "the gate went back", scene.invariants.check)


def test_reading_beyond_what_is_written(scene: Scene) -> None:
    scene.listener.buffer._read = scene.listener.buffer._written + 1
    broken(scene, "heard <= read <= written does not hold", scene.invariants.check)


def test_somebody_else_who_writes(scene: Scene) -> None:
    scene.listener.buffer.push(scene.listener.pcm[:10])
    broken(scene, "something else writes into the ring", scene.invariants.check)


def test_a_ring_that_holds_more_than_it_can(scene: Scene) -> None:
    scene.listener.buffer.capacity_samples = 200
    broken(scene, "more than its capacity", scene.invariants.check)


@pytest.mark.parametrize("end", [40, 60])
def test_text_that_is_told_twice_or_left_out(end: int) -> None:
    scene = Scene()
    scene.run()
    at = next(i for i, event in enumerate(scene.events) if event.kind == "chunk")
    chunk = scene.events[at]
    assert chunk.detail["source_end"] not in (40, 60)
    changed = replace(chunk, detail={**chunk.detail, "source_end": end})
    scene.invariants._spans.clear()
    scene.invariants._gate = -1
    scene.invariants._seen = 0
    scene.events[:] = [changed, *(event for event in scene.events[at + 1 :])]
    broken(scene, "a chunk begins at character", scene.invariants.check_end)


def test_text_that_was_never_spoken() -> None:
    scene = Scene()
    scene.run()
    scene.listener.said[0].characters += 4
    broken(scene, "4 characters of utterance 0 were not spoken", scene.invariants.check_end)
