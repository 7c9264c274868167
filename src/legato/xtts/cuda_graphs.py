"""Decode steps as CUDA graphs: one launch per step instead of some hundreds.

A graph replays fixed work on fixed memory. Each covers the first n slots of the cache and the
first m positions of each; a step takes the smallest that holds its chunks. Slots that do not
take part do their last step again, which changes nothing, or, without a chunk, work on
positions that a new chunk writes before it reads them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache

_SPAN_STEP = 128  # attention over unused positions costs up to this much
_WARM_UPS = 2  # libraries choose their kernels and take their workspaces before a capture


Step = Callable[[], tuple[Tensor, Tensor]]
"""A step without arguments: logits (n, V) and latents (n, C) of the first n slots."""


class DecodeGraphs:
    """All graphs of a model and its cache, captured when made: some seconds.

    capture: makes of a step one whose results are always in the same memory.
    """

    def __init__(
        self, gpt: Gpt, cache: KeyValueCache, capture: Callable[[Step], Step] | None = None
    ) -> None:
        self._gpt = gpt
        self._cache = cache
        capture = capture or GraphCapture()
        # (2, slots) int64: tokens and steps, by slot
        self._inputs = torch.zeros(2, cache.slots, dtype=torch.int64, device=gpt.device)
        self._inputs[1] = 1
        self._steps: dict[tuple[int, int], Step] = {}
        for slots in reversed(slot_counts(cache.slots)):  # the largest first: they share its pool
            for span in reversed(spans(cache.positions)):
                self._steps[slots, span] = capture(self._step(slots, span))

    def decode(
        self, slots: tuple[int, ...], tokens: Tensor, steps: Tensor, span: int
    ) -> tuple[Tensor, Tensor]:
        """One step, as `Gpt.decode`; slots: which, on the host. Nothing waits for the device."""
        first = slots == tuple(range(len(slots)))
        which = slice(len(slots)) if first else torch.tensor(slots, device=tokens.device)
        self._inputs[0, which] = tokens
        self._inputs[1, which] = steps
        step = self._steps[
            smallest(slot_counts(self._cache.slots), max(slots) + 1),
            smallest(spans(self._cache.positions), span),
        ]
        logits, latents = step()
        # The next step writes to the same memory.
        return logits[which].clone(), latents[which].clone()

    def move(self, source: int, target: int) -> None:
        """A chunk goes on in another slot, whose own last step must not be done again."""
        self._inputs[:, target] = self._inputs[:, source]

    def _step(self, slots: int, span: int) -> Step:
        rows = torch.arange(slots)
        tokens, steps = self._inputs[:, :slots]
        return lambda: self._gpt.decode(self._cache, rows, tokens, steps, span)


class GraphCapture:
    """Captures steps as CUDA graphs, which share one pool of memory: one runs at a time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        """Run it a few times, record it, and give what replays the record."""
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            results = step()

        def replay() -> tuple[Tensor, Tensor]:
            graph.replay()
            return results

        return replay


def slot_counts(slots: int) -> tuple[int, ...]:
    """How many slots graphs are captured for: 1, 2, 4, 8, then every eighth, and all."""
    return (*(n for n in (1, 2, 4, 8) if n < slots), *range(16, slots, 8), slots)


def spans(positions: int) -> tuple[int, ...]:
    """How many positions graphs are captured for."""
    return (*range(_SPAN_STEP, positions, _SPAN_STEP), positions)


def smallest(sizes: tuple[int, ...], needed: int) -> int:
    """The smallest size that is enough. sizes: ascending."""
    return next(size for size in sizes if size >= needed)
