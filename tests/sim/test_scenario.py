from legato.sim.scenario import STRATA, Stratum, random_scenario


def test_a_seed_is_one_scenario() -> None:
    assert random_scenario(7) == random_scenario(7)
    assert random_scenario(7) != random_scenario(8)


def test_a_few_hundred_seeds_have_all_there_is() -> None:
    scenarios = [random_scenario(seed) for seed in range(300)]
    listeners = [listener for scenario in scenarios for listener in scenario.listeners]
    assert {scenario.policy for scenario in scenarios} == {"fixed", "measured"}
    assert {len(scenario.listeners) for scenario in scenarios} == {1, 2, 4}
    assert {s.chunker.sizing for s in scenarios} == {"mission", "adaptive", "scheduled"}
    kinds = {source.kind for listener in listeners for source in listener.sources}
    assert len(kinds) == 6
    acts = {act for listener in listeners for _, act in listener.acts}
    assert acts == {"pause", "resume", "skip", "stop", "leave"}
    engines = [scenario.engine for scenario in scenarios]
    assert any(engine.crashes_s for engine in engines)
    assert any(engine.fails for engine in engines)
    assert min(engine.rtf for engine in engines) < 0.1
    assert max(engine.rtf for engine in engines) > 1.5


def test_there_are_a_hundred_strata_and_all_differ() -> None:
    assert len(set(STRATA)) == len(STRATA) == 100


def test_a_stratum_keeps_up_where_both_rates_do() -> None:
    assert Stratum(0.9, 0.1, 0.0, 60.0).keeps_up
    assert Stratum(0.9, 0.1, 25.0, 60.0).keeps_up
    assert not Stratum(1.05, 0.1, 25.0, 60.0).keeps_up
    assert not Stratum(0.3, 0.1, 3.0, 60.0).keeps_up


def test_a_stratum_is_played_as_it_says() -> None:
    scenario = Stratum(0.8, 0.3, 8.0, 20.0).scenario(5, "fixed")
    (listener,) = scenario.listeners
    (source,) = listener.sources
    assert (scenario.seed, scenario.policy) == (5, "fixed")
    assert (scenario.engine.rtf, scenario.engine.cv) == (0.8, 0.3)
    assert (source.kind, source.tokens_per_s, source.seconds) == ("steady", 8.0, 20.0)
    assert Stratum(0.8, 0.3, 0.0, 20.0).source().kind == "whole"
