from dataclasses import replace

import numpy as np
import pytest

from legato.errors import EngineFull
from legato.sim.engine import RATE_HZ, EngineScript
from tests.sim.engines import TEXT, Driven

EVEN = EngineScript(rtf=0.5, cv=0.0, block_s=0.25, length_cv=0.0)
LENGTH_S = len(TEXT) / 15.0


def test_without_spread_each_block_takes_its_length_times_the_rtf() -> None:
    driven = Driven(EVEN).add(1).run()
    times_s = [at_s for at_s, _ in driven.blocks(1)]
    assert times_s[:3] == pytest.approx([0.125, 0.25, 0.375])
    assert driven.ends()[1] == pytest.approx(LENGTH_S * 0.5, abs=0.001)
    pcm = np.concatenate([block.pcm for _, block in driven.blocks(1)])
    assert pcm.size == round(LENGTH_S * RATE_HZ)
    assert [block.start_sample for _, block in driven.blocks(1)][:3] == [0, 250, 500]


@pytest.mark.parametrize("cv", [0.1, 0.3, 0.6])
def test_its_speed_has_the_stated_mean_and_spread(cv: float) -> None:
    script = replace(EVEN, cv=cv, memory_s=0.05)
    waits = []
    for seed in range(20):
        driven = Driven(script, seed).add(1, text=TEXT * 10).run()
        times_s = [0.0, *(at_s for at_s, _ in driven.blocks(1))]
        waits += np.diff(times_s)[:-1].tolist()
    assert np.mean(waits) == pytest.approx(0.125, rel=0.08)
    assert np.std(waits) / np.mean(waits) == pytest.approx(cv, rel=0.2)


def test_speed_stays_for_about_as_long_as_its_memory() -> None:
    def neighbours(memory_s: float) -> float:
        driven = Driven(replace(EVEN, cv=0.3, memory_s=memory_s), 3).add(1, text=TEXT * 40).run()
        waits = np.diff([at_s for at_s, _ in driven.blocks(1)])[:-1]
        return float(np.corrcoef(waits[:-1], waits[1:])[0, 1])

    assert neighbours(0.05) < 0.3
    assert neighbours(5.0) > 0.8


def test_chunks_side_by_side_slow_each_other_down() -> None:
    script = replace(EVEN, slots=2, slowdown=0.3)
    both = Driven(script).add(1, 2).run()  # the first begins alone
    times_s = [[at_s for at_s, _ in both.blocks(ordinal)] for ordinal in (1, 2)]
    assert times_s[0][1:] == times_s[1][: len(times_s[0]) - 1]
    assert np.diff(times_s[1])[:-2] == pytest.approx(0.125 * 1.3)


def test_others_wait_for_a_slot_and_too_many_are_refused() -> None:
    driven = Driven(EVEN).add(1, 2, 3)
    with pytest.raises(EngineFull):
        driven.add(4)
    ends = driven.run().ends()
    assert ends[2] == pytest.approx(2 * ends[1])


def test_warm_up_comes_once_and_a_prefix_with_each_chunk() -> None:
    plain = Driven(EVEN).add(1, 2).run().ends()
    slow = Driven(replace(EVEN, warm_up_s=3.0, prefix_s=0.2)).add(1, 2).run().ends()
    assert slow[1] - plain[1] == pytest.approx(3.2)
    assert slow[2] - plain[2] == pytest.approx(3.4)


def test_hiccups_come_in_their_share_of_rounds() -> None:
    script = replace(EVEN, hiccup_share=0.05, hiccup_s=1.5)
    times_s = [at_s for at_s, _ in Driven(script).add(1, text=TEXT * 40).run().blocks(1)]
    waits = np.diff(times_s)
    late = np.count_nonzero(waits > 1.0)
    assert 0.02 < late / waits.size < 0.1
    assert waits.max() == pytest.approx(1.625)


def test_a_scripted_failure_comes_once() -> None:
    driven = Driven(replace(EVEN, fails=(2,))).add(1, 2).run()
    assert [(job, cause) for _, job, cause in driven.failures()] == [(2, "synthesis")]
    assert 2 not in driven.ends()
    assert driven.add(2).run().ends()[2] > driven.ends()[1]


def test_a_crash_takes_all_jobs_and_it_is_back_after_its_restart() -> None:
    driven = Driven(replace(EVEN, crashes_s=(0.6,), restart_s=2.0)).add(1, 2).run()
    assert driven.failures() == [(0.6, 1, "restart"), (0.6, 2, "restart")]
    before = len(driven.blocks(1))
    driven.add(1).run()
    assert driven.blocks(1)[before][0] == pytest.approx(2.6 + 0.125)


def test_a_second_take_of_a_chunk_has_the_same_samples() -> None:
    script = replace(EVEN, length_cv=0.3)
    once, again = Driven(script).add(7).run(), Driven(replace(script, rtf=1.3)).add(7).run()
    first, second = (
        np.concatenate([block.pcm for _, block in each.blocks(7)]) for each in (once, again)
    )
    np.testing.assert_array_equal(first, second)


def test_a_voice_adds_silence_at_both_ends() -> None:
    driven = Driven(replace(EVEN, edge_s=0.15)).add(1).run()
    pcm = np.concatenate([block.pcm for _, block in driven.blocks(1)])
    voiced = np.flatnonzero(pcm)
    assert (int(voiced[0]), pcm.size - 1 - int(voiced[-1])) == (150, 150)


def test_a_cancelled_job_gives_nothing_more() -> None:
    driven = Driven(EVEN).add(1, 2).run(until_s=0.3)
    driven.engine.cancel(1)
    driven.engine.cancel(99)
    driven.run()
    assert set(driven.ends()) == {2}
    assert len(driven.blocks(1)) == 2


def test_a_seed_reproduces_a_run_exactly() -> None:
    script = EngineScript(cv=0.6, hiccup_share=0.05, crashes_s=(2.0,))
    told = [Driven(script, seed).add(1, 2, 3).run().told for seed in (4, 4, 5)]
    times_s = [[at_s for at_s, _ in each] for each in told]
    assert times_s[0] == times_s[1] != times_s[2]
