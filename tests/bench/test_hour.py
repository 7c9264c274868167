from __future__ import annotations

from legato.bench.hour import measure, table
from legato.bench.startup import shell_to_first_sample_ms


def test_a_long_story_is_written_far_faster_than_it_is_heard() -> None:
    result = measure(120.0)
    assert result["audio_s"] > 90.0
    assert result["times_real_time"] > 10.0
    assert result["chunks"] > 10
    assert table(result).row_count == 6


def test_the_shell_hears_of_a_first_sample() -> None:
    assert 50.0 < shell_to_first_sample_ms(runs=1) < 60_000.0
