"""Keys and values of the chunks being decoded: one slot each, allocated once.

Knows nothing of which slot belongs to whom: the scheduler does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from legato.errors import TextTooLong
from legato.xtts.config import GptConfig
from legato.xtts.layers import Attend
from legato.xtts.layout import LATENTS


def longest_chunk(config: GptConfig) -> int:
    """Positions of the longest text followed by the most audio tokens that the model allows."""
    return LATENTS + config.max_text_tokens + config.max_new_tokens


class KeyValueCache:
    """Room for `slots` chunks of `positions` each. Owned by the thread that decodes.

    store: (layers, 2, slots, heads, positions, head_dim) float32; on Linux, pages of a CPU store
    cost no memory until a chunk reaches them.
    prefix_lengths: (slots,) on the store's device: a chunk's audio token number s (1 for the first
    one drawn) lies at position prefix_length - 1 + s.
    """

    def __init__(
        self,
        config: GptConfig,
        slots: int,
        positions: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.slots = slots
        self.positions = longest_chunk(config) if positions is None else positions
        self.store = torch.empty(
            (config.layers, 2, slots, config.heads, self.positions, config.head_dim),
            dtype=torch.float32,
            device=device,
        )
        # A masked position is multiplied by zero: what lies there must be finite.
        if self.store.device.type != "cpu":
            self.store.zero_()
        self.prefix_lengths = torch.ones(slots, dtype=torch.long, device=device)

    @staticmethod
    def bytes_per_slot(config: GptConfig, positions: int | None = None) -> int:
        """Memory that one more slot takes."""
        positions = longest_chunk(config) if positions is None else positions
        return config.layers * 2 * config.channels * positions * 4

    def start(self, slot: int, prefix_length: int) -> None:
        """Give a slot to a new chunk. Raises TextTooLong where the prefix leaves no room."""
        if prefix_length >= self.positions:
            raise TextTooLong(
                f"a text of {prefix_length} positions does not fit a cache of {self.positions}: "
                "split it"
            )
        self.prefix_lengths[slot] = prefix_length

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of a chunk into another slot.

        Keeping the slots in use together lets a batch be a view of the store, which CUDA needs.
        """
        self.store[:, :, target, :, :length] = self.store[:, :, source, :, :length]
        self.prefix_lengths[target] = self.prefix_lengths[source]

    def prefix_attention(self, slots: Tensor, lengths: Sequence[int]) -> Attend:
        """Causal attention within each of N new chunks, whose positions are kept in their slots.

        slots: (N,) int64 on the store's device. Rows are the chunks' positions, one chunk after
        another, lengths[n] of each. Behind a shorter chunk, positions up to the longest's are
        written too: nobody reads them before they are written anew.
        """
        rows = _Rows(lengths, self.store.device)

        def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            # (R, heads, head_dim) -> (N, heads, longest, head_dim), and back
            mine, keys, values = (
                rows.apart(each).transpose(1, 2) for each in (queries, keys, values)
            )
            for kept, new in zip(self.store[layer], (keys, values), strict=True):
                kept[:, :, : new.shape[2]].index_copy_(0, slots, new)
            heard = functional.scaled_dot_product_attention(mine, keys, values, is_causal=True)
            return rows.together(heard.transpose(1, 2))

        return attend


class _Rows:
    """Positions of N chunks, one chunk after another, and the same padded to the longest."""

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self._shape = count, longest = len(lengths), max(lengths)
        self._padded = count * longest > sum(lengths)
        if self._padded:
            ends = list(accumulate(lengths))
            # padding: the chunk's last position again
            padded = [
                [min(end - n + at, end - 1) for at in range(longest)]
                for end, n in zip(ends, lengths, strict=True)
            ]
            kept = [chunk * longest + at for chunk, n in enumerate(lengths) for at in range(n)]
            self._places = torch.tensor(padded, device=device)
            self._kept = torch.tensor(kept, device=device)

    def apart(self, rows: Tensor) -> Tensor:
        """(R, ...) -> (N, longest, ...)."""
        return rows[self._places] if self._padded else rows.view(*self._shape, *rows.shape[1:])

    def together(self, apart: Tensor) -> Tensor:
        """(N, longest, ...) -> (R, ...)."""
        rows = apart.flatten(0, 1)
        return rows[self._kept] if self._padded else rows


class BatchView:
    """One decode step's way to the cache: row b of the batch is slots[b]."""

    def __init__(
        self,
        cache: KeyValueCache,
        slots: Tensor,
        steps: Tensor,
        span: int | None = None,
        masked: bool | None = None,
    ) -> None:
        """Slots: (B,) on the host; steps: (B,) on the cache's device.

        span: positions attended to, at least the longest row's; None reads it from the device.
        masked: one attention over all rows, with a mask, as suits a GPU and its graphs, rather
        than one for each row, which reads nothing that is not the row's; None: by device.
        """
        self._store = cache.store
        rows: list[int] = slots.tolist()
        self._rows = rows
        self._together = rows == list(range(rows[0], rows[0] + len(rows)))
        self._index = (
            # made on the device: a copy from the host cannot be part of a CUDA graph
            torch.arange(rows[0], rows[0] + len(rows), device=steps.device)
            if self._together
            else slots.to(steps.device)
        )
        self._at = cache.prefix_lengths[self._index] - 1 + steps
        self._masked = cache.store.device.type != "cpu" if masked is None else masked
        if self._masked:
            self._span = int(self._at.max()) + 1 if span is None else span
            places = torch.arange(self._span, device=steps.device)
            # (B, 1, 1, span): a row sees its own positions up to the new one
            self._mask = (places <= self._at[:, None])[:, None, None]
        else:
            self._lengths: list[int] = (self._at + 1).tolist()

    def attend(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Keep this step's keys and values, and attend to all so far: (B, heads, head_dim)."""
        all_keys, all_values = self._store[layer, 0], self._store[layer, 1]
        all_keys[self._index, :, self._at] = keys
        all_values[self._index, :, self._at] = values
        if not self._masked:
            return self._attend_by_row(queries, all_keys, all_values)
        # (B, heads, 1, head_dim) over (B, heads, span, head_dim)
        heard = functional.scaled_dot_product_attention(
            queries[:, :, None],
            self._rows_of(all_keys),
            self._rows_of(all_values),
            attn_mask=self._mask,
        )
        return heard[:, :, 0]

    def _rows_of(self, store: Tensor) -> Tensor:
        """(slots, heads, positions, head_dim) -> (B, heads, span, head_dim), a view if it can."""
        if self._together:
            return store[self._rows[0] : self._rows[0] + len(self._rows), :, : self._span]
        return store[:, :, : self._span][self._index]

    def _attend_by_row(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        heard = torch.empty_like(queries, memory_format=torch.contiguous_format)
        for row, (slot, length) in enumerate(zip(self._rows, self._lengths, strict=True)):
            heard[row] = functional.scaled_dot_product_attention(
                queries[row, None, :, None],  # (1, heads, 1, head_dim)
                keys[slot, None, :, :length],
                values[slot, None, :, :length],
            )[0, :, 0]
        return heard
