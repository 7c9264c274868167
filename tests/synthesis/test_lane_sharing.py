"""Who listens live and who downloads share an engine: the download never makes speech late."""

from __future__ import annotations

import pytest

from tests.synthesis.virtual import RATE, STEP_S, Listener, World

STORY = "|".join(f"This is sentence number {n} of a story that somebody tells." for n in range(40))


def download(world: World, reader: Listener, seconds: float) -> float:
    """Let time pass while a reader takes whatever there is; returns what it got, in seconds."""
    got = 0
    for _ in range(round(seconds / STEP_S)):
        world.pass_s(STEP_S, render=False)
        got += reader.buffer.pop_block(10**9, 0.0).size
        for listener in world.listeners:
            if listener is not reader:
                listener.blocks.append(listener.buffer.render(round(STEP_S * RATE)))
    return got / RATE


@pytest.mark.parametrize("rtf", [0.1, 0.3, 0.4])
def test_a_download_does_not_harm_who_listens_live(rtf: float) -> None:
    world = World(rtf=rtf)
    reader = world.listen(policy=None)
    world.say(reader, STORY)
    download(world, reader, 10.0)
    live = world.listen()
    world.say(live, STORY)
    download(world, reader, 60.0)
    counters = live.buffer.counters()
    assert (counters.underruns, counters.holds) == (0, 0)
    assert counters.rendered_samples > 45.0 * RATE


def test_alone_a_download_is_as_fast_as_the_engine() -> None:
    world = World(rtf=0.1)
    reader = world.listen(policy=None)
    world.say(reader, STORY)
    assert download(world, reader, 10.0) > 80.0


def test_what_the_live_listener_does_not_need_goes_to_the_download() -> None:
    world = World(rtf=0.2)
    live, reader = world.listen(), world.listen(policy=None)
    world.say(live, STORY)
    world.say(reader, STORY * 4)
    assert download(world, reader, 30.0) > 90.0
    assert live.buffer.counters().underruns == 0
