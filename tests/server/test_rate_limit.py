from __future__ import annotations

from legato.server.rate_limit import RateLimit


def test_a_burst_is_allowed_and_then_a_steady_rate() -> None:
    limit = RateLimit(per_minute=60.0, at_once=3)
    assert [limit.wait_s("a", 10.0) for _ in range(3)] == [0.0] * 3
    assert limit.wait_s("a", 10.0) == 1.0
    assert limit.wait_s("a", 10.5) == 0.5
    assert limit.wait_s("a", 11.0) == 0.0
    assert limit.wait_s("a", 11.0) == 1.0


def test_clients_do_not_share_a_bucket_and_idle_ones_fill_up_to_the_burst() -> None:
    limit = RateLimit(per_minute=60.0, at_once=2)
    assert limit.wait_s("a", 0.0) == limit.wait_s("a", 0.0) == limit.wait_s("b", 0.0) == 0.0
    assert limit.wait_s("a", 0.0) > 0.0
    assert [limit.wait_s("a", 1_000.0) > 0.0 for _ in range(3)] == [False, False, True]


def test_no_limit_is_none() -> None:
    limit = RateLimit(per_minute=0.0, at_once=1)
    assert not any(limit.wait_s("a", 0.0) for _ in range(1_000))


def test_memory_is_bounded() -> None:
    limit = RateLimit(per_minute=1.0, at_once=1)
    for client in range(20_000):
        limit.wait_s(str(client), 0.0)
    assert len(limit._buckets) <= 10_000
    assert limit.wait_s("19999", 0.0) > 0.0
