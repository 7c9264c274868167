"""Continuous batching: chunks join and leave between steps, each unaware of the others.

A decode step reads every weight once whatever the batch, so chunks that are decoded together
cost little more than one. Slots of the key/value cache are planned up front; a waiting chunk
takes a free one (its prefix is read in one go), and each step draws one token for every
chunk that takes part. A GPU goes on with the next step before this one's tokens are known here.
This module knows neither text nor audio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from legato.errors import EngineError
from legato.synthesis.scheduler import by_slack
from legato.xtts.config import GptConfig, SamplingConfig
from legato.xtts.cuda_graphs import fetch, make_sampler

T = TypeVar("T")


class TokenModel(Protocol):
    """What decodes: a GPT and its key/value cache of a fixed number of slots.

    compact: whether steps are cheaper while the slots in use are the first ones.
    early: whether a step that is begun goes on by itself while the host does something else.
    """

    @property
    def device(self) -> torch.device:
        """Where tokens and steps are, and results come."""

    @property
    def slots(self) -> int:
        """How many chunks it holds at once."""

    @property
    def compact(self) -> bool:
        """As above."""

    @property
    def early(self) -> bool:
        """As above."""

    def prefix_length(self, text_ids: list[int]) -> int:
        """Positions that a chunk has before its first token."""

    def prefill(
        self, slots: Sequence[int], texts: Sequence[list[int]], voices: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Read the prefixes of N chunks into slots. Returns logits (N, V) and latents (N, C)."""

    def decode(
        self, slots: tuple[int, ...], tokens: Tensor, steps: Tensor, span: int
    ) -> tuple[Tensor, Tensor]:
        """One step. tokens, steps: (B,) int64; `steps` counts the tokens drawn before.

        span: positions of the longest chunk, the new one included. Returns logits (B, V) and
        latents (B, C), which stay as they are. Repeating a step changes nothing.
        """

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of a slot to another one."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodeRequest:
    """A chunk to decode. voice: (32, C), the conditioning latents. most_tokens: stop included."""

    key: int
    text_ids: list[int]
    voice: Tensor
    sampling: SamplingConfig
    seed: int
    most_tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One token of a chunk, and the latent (C,) that it was drawn from: the vocoder's food.

    stopped: it is the stop token. last: nothing follows, by that or by the request's bound.
    """

    key: int
    token: int
    latent: Tensor
    stopped: bool
    last: bool


@dataclass(slots=True, eq=False)
class _Running:
    request: DecodeRequest
    slot: int
    prefix_length: int
    count: int = 0

    @property
    def span(self) -> int:
        """Positions that its next step looks at."""
        return self.prefix_length + self.count


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    """What comes of a step or of prefixes, logits (B, V) and latents (B, C), and whose it is."""

    parts: list[_Running]
    logits: Tensor
    latents: Tensor


class DecodeBatch:
    """Owned by the engine's thread. `parallel`: how many chunks a step decodes at most."""

    def __init__(self, model: TokenModel, config: GptConfig, parallel: int) -> None:
        self._model = model
        self._config = config
        self._parallel = max(1, min(parallel, model.slots))
        self._sampler = make_sampler(model.slots, config.audio_vocab, model.device)
        # By slot: the token that the next step reads, and how many were drawn so far.
        self._tokens = torch.zeros(model.slots, dtype=torch.int64, device=model.device)
        self._steps = torch.zeros(model.slots, dtype=torch.int64, device=model.device)
        self._waiting: dict[int, DecodeRequest] = {}
        self._running: dict[int, _Running] = {}
        self._free = list(range(model.slots))
        self._index: tuple[tuple[int, ...], Tensor] = ((), self._tokens[:0])
        self._begun: _Computed | None = None
        self.joined = 0
        """Chunks whose prefixes the last step read, which takes longer than a token does."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    @property
    def parallel(self) -> int:
        """Chunks per step: as asked for, or fewer since memory ran out."""
        return self._parallel

    def add(self, request: DecodeRequest) -> None:
        """Queue a chunk; it joins at a next step that has a slot for it."""
        self._waiting[request.key] = request

    def cancel(self, key: int) -> None:
        """Drop a chunk; no later step gives anything of it. Unknown keys are ignored."""
        self._waiting.pop(key, None)
        running = self._running.pop(key, None)
        if running is not None:
            self._free.append(running.slot)

    def step(self, slack_s: Mapping[int, float], most: int | None = None) -> list[Drawn]:
        """One token for each chunk that takes part; those with the least slack do.

        slack_s: key -> seconds until it is needed, unknown ones last. most: how many may take part
        now. Waits for the device once, to fetch all tokens. Raises EngineError where not even one
        chunk has room.
        """
        if self._model.compact:
            self._compact()
        going_on, joining = self._choose(slack_s, most or self._parallel)
        joined = self._join(joining)
        self.joined = len(joined.parts)
        if not going_on and not joined.parts:
            return []
        return self._draw(_both(_Computed(going_on, *self._go_on(going_on)), joined))

    def _choose(
        self, slack_s: Mapping[int, float], most: int
    ) -> tuple[list[_Running], list[DecodeRequest]]:
        """Who takes part in this step: of those that run, and of those that wait for a slot."""
        keys = [*self._running, *self._waiting]
        going_on: list[_Running] = []
        joining: list[DecodeRequest] = []
        for key in by_slack({key: slack_s.get(key, math.inf) for key in keys}):
            if len(going_on) + len(joining) == min(most, self._parallel):
                break
            if key in self._running:
                going_on.append(self._running[key])
            elif len(joining) < len(self._free):
                joining.append(self._waiting[key])
        going_on.sort(key=lambda each: each.slot)  # the same chunks, the same index
        return going_on, joining

    def _join(self, requests: list[DecodeRequest]) -> _Computed:
        """Read prefixes into free slots; without those that memory has no room for now."""
        slots = sorted(self._free)[: len(requests)]
        requests = requests[: len(slots)]
        if not requests:
            return _Computed([], *self._decode([]))
        texts, voices = [each.text_ids for each in requests], [each.voice for each in requests]
        try:
            logits, latents = self._model.prefill(slots, texts, voices)
        except RuntimeError as error:
            if len(requests) > 1 and out_of_memory(error):
                half = len(requests) // 2
                return _both(self._join(requests[:half]), self._join(requests[half:]))
            self._shrink(error, len(self._running))
            self._free.clear()  # until one that runs now leaves its slot
            return _Computed([], *self._decode([]))
        return _Computed([*map(self._start, slots, requests)], logits, latents)

    def _start(self, slot: int, request: DecodeRequest) -> _Running:
        """What waited runs: its prefix is read."""
        self._free.remove(slot)
        del self._waiting[request.key]
        self._sampler.begin(slot, request.sampling, request.seed, self._config.start_audio)
        self._steps[slot] = 0
        length = self._model.prefix_length(request.text_ids)
        running = self._running[request.key] = _Running(request, slot, length)
        return running

    def _go_on(self, going_on: list[_Running]) -> tuple[Tensor, Tensor]:
        """The step of these: as it was begun early, where they all took part in that."""
        begun, self._begun = self._begun, None
        if begun is None or not going_on:
            return self._decode(going_on)
        row_of = {id(part): row for row, part in enumerate(begun.parts)}
        rows = [row_of.get(id(part), -1) for part in going_on]
        if -1 in rows:
            return self._decode(going_on)
        if rows == list(range(len(begun.parts))):
            return begun.logits, begun.latents
        index = torch.tensor(rows, device=self._model.device)
        return begun.logits[index], begun.latents[index]

    def _begin(self, parts: list[_Running]) -> None:
        """Begin the next step of those that are sure to have one, unless they just stopped."""
        staying = [part for part in parts if part.count < part.request.most_tokens]
        staying.sort(key=lambda part: part.slot)
        self._begun = _Computed(staying, *self._decode(staying)) if staying else None

    def _decode(self, going_on: list[_Running]) -> tuple[Tensor, Tensor]:
        """Logits (B, V) and latents (B, C), in fewer chunks at a time where memory runs out."""
        if not going_on:
            nothing = torch.zeros(0, self._config.channels, device=self._model.device)
            return nothing.new_zeros(0, self._config.audio_vocab), nothing
        if len(going_on) <= self._parallel:
            slots, index = self._slots(going_on)
            span = max(each.span for each in going_on)
            try:
                return self._model.decode(slots, self._tokens[index], self._steps[index], span)
            except RuntimeError as error:
                self._shrink(error, len(going_on) // 2)
        parts = [
            self._decode(going_on[start : start + self._parallel])
            for start in range(0, len(going_on), self._parallel)
        ]
        return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])

    def _draw(self, computed: _Computed) -> list[Drawn]:
        parts = computed.parts
        slots, index = self._slots(parts)
        tokens = self._sampler.sample(index, computed.logits, slots == tuple(range(len(slots))))
        self._tokens[index] = tokens
        self._steps[index] += 1
        told = fetch(tokens)
        for part in parts:
            part.count += 1
        if self._model.early:
            self._begin(parts)
        drawn: list[Drawn] = []
        for part, token, latent in zip(parts, told(), computed.latents, strict=True):
            stopped = token == self._config.stop_audio
            last = stopped or part.count >= part.request.most_tokens
            drawn.append(Drawn(part.request.key, token, latent, stopped, last))
            if last:
                self.cancel(part.request.key)
        return drawn

    def _compact(self) -> None:
        """Move chunks from the last slots to free ones before them."""
        begun = {id(part) for part in self._begun.parts} if self._begun else set()
        for running in sorted(self._running.values(), key=lambda each: -each.slot):
            target = min(self._free, default=running.slot)
            if target >= running.slot:
                return
            length = running.span if id(running) in begun else running.span - 1
            self._model.move(running.slot, target, length)
            self._sampler.move(running.slot, target)
            self._tokens[target] = self._tokens[running.slot]
            self._steps[target] = self._steps[running.slot]
            self._free.remove(target)
            self._free.append(running.slot)
            running.slot = target

    def _slots(self, parts: list[_Running]) -> tuple[tuple[int, ...], Tensor]:
        """Their slots, for the host and as (B,) int64; the last tensor where they are the same."""
        slots = tuple(part.slot for part in parts)
        if slots != self._index[0]:
            self._index = slots, torch.tensor(slots, device=self._model.device)
        return self._index

    def _shrink(self, error: RuntimeError, most: int) -> None:
        """Memory ran out: from now on fewer chunks at once. Other errors pass."""
        if not out_of_memory(error):
            raise error
        if most < 1:
            raise EngineError("memory runs out with one chunk: close other programs") from error
        self._parallel = min(self._parallel, most)


def _both(first: _Computed, second: _Computed) -> _Computed:
    if not first.parts or not second.parts:
        return first if first.parts else second
    return _Computed(
        [*first.parts, *second.parts],
        torch.cat((first.logits, second.logits)),
        torch.cat((first.latents, second.latents)),
    )


def plan_slots(make: Callable[[int], T], slots: int) -> T:
    """What `make(slots)` makes, with half as many slots as often as memory runs out.

    Raises EngineError where there is no room for one.
    """
    while True:
        try:
            return make(slots)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if slots == 1:
                raise EngineError("not enough memory for one chunk beside the weights") from error
        slots //= 2


def out_of_memory(error: RuntimeError) -> bool:
    """Whether it says that memory ran out, on a GPU or (an ordinary RuntimeError) elsewhere."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
