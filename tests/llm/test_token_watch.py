"""An overdue token is noticed, whatever else arrives."""

from __future__ import annotations

import threading

from legato.llm.token_watch import TokenWatch

LONG_S = 30.0


def test_a_first_token_that_does_not_come() -> None:
    overdue = threading.Event()
    with TokenWatch(0.01, LONG_S, overdue.set) as watch:
        assert overdue.wait(LONG_S)
    assert watch.overdue_s == 0.01


def test_a_second_token_that_does_not_come() -> None:
    overdue = threading.Event()
    with TokenWatch(LONG_S, 0.01, overdue.set) as watch:
        watch.token()
        assert overdue.wait(LONG_S)
    assert watch.overdue_s == 0.01


def test_tokens_put_it_off() -> None:
    clock = _Clock()
    overdue = threading.Event()
    watch = TokenWatch(LONG_S, LONG_S, overdue.set, clock)
    with watch:
        for _ in range(10):
            clock.seconds += LONG_S - 1
            watch.token()
    assert watch.overdue_s is None
    assert not overdue.is_set()


def test_nothing_is_due_while_nobody_reads() -> None:
    overdue = threading.Event()
    with TokenWatch(0.05, 0.05, overdue.set) as watch:
        with watch.paused():
            assert not overdue.wait(0.3)
        assert overdue.wait(LONG_S)


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now_s(self) -> float:
        return self.seconds
