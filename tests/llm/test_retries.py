"""When a request is tried again."""

from __future__ import annotations

import pytest

from legato.llm.retries import RetryPolicy

POLICY = RetryPolicy(retries=4, first_s=1.0, longest_s=5.0)


def test_each_wait_is_twice_as_long_up_to_the_longest() -> None:
    assert [POLICY.wait_s(failed, chance=1) for failed in range(1, 6)] == [1, 2, 4, 5, None]


def test_jitter_takes_up_to_half_of_a_wait() -> None:
    assert POLICY.wait_s(2, chance=0) == 1
    assert POLICY.wait_s(2, chance=0.5) == 1.5


def test_a_wait_is_never_shorter_than_asked() -> None:
    assert POLICY.wait_s(1, chance=0, asked_s=3) == 3
    assert POLICY.wait_s(3, chance=1, asked_s=3) == 4


def test_who_asks_for_too_long_a_wait_is_given_up() -> None:
    assert POLICY.wait_s(1, chance=0, asked_s=5.1) is None


@pytest.mark.parametrize("failed", [1, 2])
def test_without_retries_there_is_no_wait(failed: int) -> None:
    assert RetryPolicy(retries=0).wait_s(failed, chance=0) is None
