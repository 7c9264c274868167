"""The choice among captured graphs; capturing and replaying need a GPU."""

from __future__ import annotations

import pytest

from legato.xtts.cuda_graphs import slot_counts, smallest, spans


@pytest.mark.parametrize("slots", [1, 2, 3, 8, 9, 16, 17, 24, 32, 40])
def test_any_batch_has_a_graph_that_is_not_much_too_large(slots: int) -> None:
    counts = slot_counts(slots)
    assert list(counts) == sorted(set(counts))
    assert counts[-1] == slots
    for batch in range(1, slots + 1):
        assert batch <= smallest(counts, batch) < max(2 * batch, batch + 8)


@pytest.mark.parametrize("positions", [100, 128, 129, 1036])
def test_any_length_has_a_graph(positions: int) -> None:
    lengths = spans(positions)
    assert lengths[-1] == positions
    for length in range(1, positions + 1):
        assert length <= smallest(lengths, length) < length + 128
