import pytest

from legato.audio.policies import policy_named
from legato.sim.listener import Broken
from legato.sim.scenario import Stratum, random_scenario
from legato.sim.study import run_stratum
from legato.sim.world import World


def played(seed: int) -> World:
    scenario = random_scenario(seed)
    world = World(scenario, policy_named(scenario.policy))
    world.run()
    return world


@pytest.mark.parametrize("seed", [0, 5, 18])  # several listeners, crashes, interruptions
def test_a_seed_reproduces_a_run_exactly(seed: int) -> None:
    once, again = played(seed), played(seed)
    assert [e.to_json() for e in once.events] == [e.to_json() for e in again.events]
    assert (once.clock.at_s, once.turns) == (again.clock.at_s, again.turns)


def test_checks_change_nothing() -> None:
    scenario = random_scenario(5)
    worlds = [
        World(scenario, policy_named(scenario.policy), check=check) for check in (True, False)
    ]
    for world in worlds:
        world.run()
    told = [[event.to_json() for event in world.events] for world in worlds]
    assert told[0] == told[1]


def test_all_listeners_hear_their_own_stories() -> None:
    world = played(0)
    assert len(world.listeners) == len(world.scenario.listeners) > 1
    for listener, script in zip(world.listeners, world.scenario.listeners, strict=True):
        assert listener.left or len(listener.said) == len(script.sources)
        assert all(said.ended for said in listener.said)


def test_a_fault_is_found_by_whoever_watches() -> None:
    world = World(Stratum(0.6, 0.1, 0.0, 20.0).scenario(1), policy_named("measured"))
    push, pushed = world.worker.open_lane, []

    def open_lane(policy, buffer, settings, events=None):  # type: ignore[no-untyped-def]
        lane = push(policy, buffer, settings, events)
        taking = buffer.push

        def losing(pcm):  # type: ignore[no-untyped-def]
            pushed.append(pcm.size)
            return taking(pcm) if len(pushed) != 10 else pcm.size  # as if it had been taken

        buffer.push = losing
        return lane

    world.worker.open_lane = open_lane  # type: ignore[method-assign]
    with pytest.raises(Broken, match="something else writes into the ring"):
        world.run()


def test_a_slow_engine_is_given_text_before_it_is_too_late() -> None:
    """It stood idle for 2.3 s of this story, while 8 s of text waited for the end of a sentence."""
    stratum = Stratum(0.9, 0.3, 8.0, 60.0)
    (row,) = run_stratum(stratum, ("measured",), range(14, 15))
    (heard,) = row.outcomes
    assert heard.silences == ()
    assert heard.start_s < 4.5
