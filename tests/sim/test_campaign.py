import pytest

from legato.sim.campaign import SeedRun, campaign, play, world_of
from legato.sim.summary import command, summary

BLOCK = 20
FIRST, BLOCKS = 1_000, 12


@pytest.mark.parametrize("first", range(FIRST, FIRST + BLOCK * BLOCKS, BLOCK))
def test_every_invariant_holds_in_a_few_hundred_scenarios(first: int) -> None:
    runs = [play(world_of(seed)) for seed in range(first, first + BLOCK)]
    assert [f"{command(run.seed)}: {run.broken}" for run in runs if run.broken] == []
    assert sum(run.listened_s for run in runs) > 100.0
    assert any(run.starts_s for run in runs)


def test_processes_find_what_one_finds() -> None:
    alone = list(campaign(40, 10, jobs=1))
    together = sorted(campaign(40, 10, jobs=2), key=lambda run: run.seed)
    assert [run.seed for run in alone] == list(range(40, 50))
    told = [[(run.seed, run.listened_s, run.gaps_s) for run in runs] for runs in (alone, together)]
    assert told[0] == told[1]


def test_what_breaks_is_told_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(4)

    def stumble() -> None:
        raise KeyError("a fault")

    world.plan(1.0, stumble)
    run = play(world)
    assert run.broken == "at 1.000 s: KeyError: 'a fault'"
    result = summary([run], 4, 1, 0.5)
    assert result["violations"] == [
        {"seed": 4, "broken": run.broken, "command": "legato sim --scenarios 1 --seed 4"}
    ]


def test_a_summary_is_by_policy() -> None:
    runs = [
        SeedRun(2, "measured", 10.0, 0.5, (1.0, 3.0), (("hold", "text", 2.0),)),
        SeedRun(1, "fixed", 30.0, 0.5, (2.0,), (("underrun", "restart", 0.5),)),
        SeedRun(3, "fixed", 5.0, 1.0, (), (), "at 1.000 s: something"),
    ]
    result = summary(runs, 1, 2, 1.5)
    assert (result["scenarios"], result["listener_s"]) == (3, 45.0)
    assert (result["listener_s_per_wall_s"], result["listener_s_per_core_s"]) == (30.0, 22.5)
    fixed, measured = result["policies"]
    assert (fixed["scenarios"], fixed["underruns"], fixed["violations"]) == (2, 1, 1)
    assert (measured["start_p50_s"], measured["hold_s"]) == (2.0, 2.0)
    assert measured["gap_s_by_cause"] == {"text": 2.0}
    assert [broken["seed"] for broken in result["violations"]] == [3]
