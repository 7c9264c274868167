"""Decode steps and prefixes as CUDA graphs: one launch each instead of some hundreds.

A graph replays fixed work on fixed memory. Each covers the first n slots of the cache, and where
PyTorch's own attention is used the first m positions of each; a step takes the smallest that holds
its chunks. Slots that do not take part do their last step again, which changes nothing, or,
without a chunk, work on positions that a new chunk writes before it reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.layout import LATENTS
from legato.xtts.sampling import Sampler

T = TypeVar("T")

_SPAN_STEP = 128  # attention over unused positions costs up to this much
_PREFIX_STEP = 64  # reading a prefix costs up to so many positions more
_WARM_UPS = 2  # libraries choose their kernels and take their workspaces before a capture


Step = Callable[[], tuple[Tensor, Tensor]]
"""A step, or reading a prefix, without arguments: logits (n, V) and latents (n, C)."""


class Capture(Protocol):
    """Makes of some work on fixed memory the same whose results are always in the same memory."""

    def __call__(self, work: Callable[[], T]) -> Callable[[], T]:
        """Does `work` at least once."""


class DecodeGraphs:
    """All graphs of a model and its cache, captured when made: some seconds.

    kernels: use Legato's own (`cuda_step`) rather than PyTorch's; None: where there is Triton.
    """

    def __init__(
        self,
        gpt: Gpt,
        cache: KeyValueCache,
        capture: Capture | None = None,
        kernels: bool | None = None,
    ) -> None:
        self._gpt = gpt
        self._cache = cache
        self._kernels = has_kernels(gpt.device) if kernels is None else kernels
        self._spans = (cache.positions,) if self._kernels else spans(cache.positions)
        capture = capture or GraphCapture()
        # (2, slots) int64: tokens and steps, by slot
        self._inputs = torch.zeros(2, cache.slots, dtype=torch.int64, device=gpt.device)
        self._inputs[1] = 1
        self._steps: dict[tuple[int, int], Step] = {}
        for slots in reversed(slot_counts(cache.slots)):  # the largest first: they share its pool
            for span in reversed(self._spans):
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
            smallest(self._spans, span),
        ]
        logits, latents = step()
        # The next step writes to the same memory.
        return logits[which].clone(), latents[which].clone()

    def move(self, source: int, target: int) -> None:
        """A chunk goes on in another slot, whose own last step must not be done again."""
        self._inputs[:, target] = self._inputs[:, source]

    def _step(self, slots: int, span: int) -> Step:
        tokens, steps = self._inputs[:, :slots]
        if self._kernels:
            from legato.xtts.cuda_step import decode_first  # noqa: PLC0415 - brings Triton

            return lambda: decode_first(self._gpt, self._cache, tokens, steps)
        rows = torch.arange(slots)
        return lambda: self._gpt.decode(self._cache, rows, tokens, steps, span)


class PrefixGraphs:
    """Reads one chunk's prefix, padded to one of a few lengths, which are captured when made.

    What stands behind a prefix changes nothing before it, and is written anew before it is read.
    """

    def __init__(self, gpt: Gpt, cache: KeyValueCache, capture: Capture | None = None) -> None:
        self._gpt = gpt
        self._cache = cache
        capture = capture or GraphCapture()
        longest = min(cache.positions, LATENTS + gpt.config.max_text_tokens + 3)
        self._prefix = torch.zeros(longest, gpt.config.channels, device=gpt.device)
        self._slot = torch.zeros(1, dtype=torch.int64, device=gpt.device)
        self._last = torch.zeros(1, dtype=torch.int64, device=gpt.device)
        self._lengths = (*range(_PREFIX_STEP, longest, _PREFIX_STEP), longest)
        self._reads = {length: capture(self._read(length)) for length in reversed(self._lengths)}

    def prefill(self, slot: int, prefix: Tensor) -> tuple[Tensor, Tensor]:
        """As `Gpt.prefill` of one chunk; nothing waits for the device."""
        self._cache.start(slot, len(prefix))
        self._prefix[: len(prefix)] = prefix
        self._slot.fill_(slot)
        self._last.fill_(len(prefix) - 1)
        logits, latents = self._reads[smallest(self._lengths, len(prefix))]()
        return logits.clone(), latents.clone()

    def _read(self, length: int) -> Step:
        attend = self._cache.prefix_attention(self._slot, [length])

        def read() -> tuple[Tensor, Tensor]:
            hidden = self._gpt.gpt(self._prefix[:length], attend)
            return self._gpt.head(hidden.index_select(0, self._last))

        return read


class GraphedSampler(Sampler):
    """Draws by one launch instead of some fifty, where the first n slots take part.

    kernels: as for `DecodeGraphs`; with them that launch is one kernel.
    """

    def __init__(
        self,
        slots: int,
        vocabulary: int,
        device: torch.device,
        capture: Capture | None = None,
        kernels: bool | None = None,
    ) -> None:
        super().__init__(slots, vocabulary, device)
        self._kernels = has_kernels(device) if kernels is None else kernels
        capture = capture or GraphCapture()
        self._logits = torch.zeros(slots, vocabulary, device=device)
        self._index = torch.arange(slots, device=device)  # graphs refer to its memory
        self._draws = [capture(partial(self._draw, count)) for count in range(1, slots + 1)]

    def sample(self, slots: Tensor, logits: Tensor, first: bool = False) -> Tensor:
        """As `Sampler` does; the next call writes to the same memory."""
        if not first:
            return super().sample(slots, logits)
        self._logits[: len(slots)] = logits
        return self._draws[len(slots) - 1]()

    def _draw(self, count: int) -> Tensor:
        logits = self._logits[:count]
        if self._kernels:
            from legato.xtts.cuda_sampling import draw  # noqa: PLC0415 - brings Triton

            return draw(logits, self._seen, self._seeds, self._steps, self._filters)
        return super().sample(self._index[:count], logits)


def has_kernels(device: torch.device) -> bool:
    """Whether Legato's own kernels run on a device."""
    return device.type == "cuda" and find_spec("triton") is not None


def make_sampler(slots: int, vocabulary: int, device: torch.device) -> Sampler:
    """What suits the device."""
    kind = GraphedSampler if device.type == "cuda" else Sampler
    return kind(slots, vocabulary, device)


def fetch(tokens: Tensor) -> Callable[[], list[int]]:
    """Begin to bring tokens to the host. The result waits for them, and for nothing begun later."""
    if not tokens.is_cuda:
        return tokens.tolist
    there = torch.empty(tokens.shape, dtype=tokens.dtype, pin_memory=True)
    there.copy_(tokens, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record()

    def told() -> list[int]:
        arrived.synchronize()
        return there.tolist()

    return told


class GraphCapture:
    """Captures work as CUDA graphs, which share one pool of memory: one runs at a time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    @torch.inference_mode()
    def __call__(self, work: Callable[[], T]) -> Callable[[], T]:
        """Run it a few times, record it, and give what replays the record."""
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            results = work()

        def replay() -> T:
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
