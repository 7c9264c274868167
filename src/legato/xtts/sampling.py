"""From logits to audio tokens, for a batch of chunks that know nothing of each other.

The filters and their order are those that coqui-tts 0.28.0 gets from transformers'
`generate`: repetition penalty, temperature, top-k, top-p. Tokens are then drawn by
Gumbel-max: argmax(scores + g) with g = -log(-log(u)) has the distribution softmax(scores)
(Gumbel 1954; Maddison et al. 2014, "A* sampling"). The noise u is a hash of (seed, step,
token), so a chunk draws the same tokens alone, in any batch and on any device, as long as
its logits are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legato.xtts.config import SamplingConfig

_PLACEHOLDER = 1
"""What the reference fills the prefix's input ids with; its penalty counts it as heard."""

SPLITMIX64 = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The generator's increment and its two multipliers (Steele, Lea, Flood 2014)."""
_GOLDEN, _MIX_1, _MIX_2 = (constant - (1 << 64) for constant in SPLITMIX64)  # as int64


class Sampler:
    """Draws the next token of each slot. State is per slot and lives on the model's device.

    A temperature of 0 is greedy: the penalty alone applies, as in the reference without
    `do_sample`.
    """

    def __init__(self, slots: int, vocabulary: int, device: torch.device) -> None:
        self._seen = torch.zeros(slots, vocabulary, dtype=torch.bool, device=device)
        self._seeds = torch.zeros(slots, dtype=torch.int64, device=device)
        self._steps = torch.zeros(slots, dtype=torch.int64, device=device)
        # (slots, 4): temperature, top_k, top_p, repetition_penalty
        self._filters = torch.ones(slots, 4, dtype=torch.float32, device=device)
        self._yes = torch.ones((), dtype=torch.bool, device=device)  # a graph copies no host values

    def begin(self, slot: int, settings: SamplingConfig, seed: int, start_token: int) -> None:
        """Make a slot ready for a new chunk."""
        self._seen[slot] = False
        self._seen[slot, _PLACEHOLDER] = True
        self._seen[slot, start_token] = True
        self._seeds[slot] = signed64(seed)
        self._steps[slot] = 0
        self._filters[slot] = torch.tensor(
            (
                settings.temperature,
                settings.top_k or self._seen.shape[1],
                settings.top_p,
                settings.repetition_penalty,
            ),
            device=self._filters.device,
        )

    def move(self, source: int, target: int) -> None:
        """A chunk goes on in another slot."""
        for state in (self._seen, self._seeds, self._steps, self._filters):
            state[target] = state[source]

    def sample(self, slots: Tensor, logits: Tensor, first: bool = False) -> Tensor:  # noqa: ARG002
        """The next token of each of `slots`, which count as distinct.

        slots: (B,) int64. logits: (B, V) float32. first: the slots are 0 to B - 1, which some
        samplers draw for faster. Returns (B,) int64, on the same device; nothing waits for it here.
        """
        greedy = self._filters[slots, :1] == 0.0  # (B, 1)
        noise = gumbel_noise(self._seeds[slots], self._steps[slots], logits.shape[-1])
        scores = self.scores(slots, logits).double()
        tokens = (scores + noise.masked_fill(greedy, 0.0)).argmax(-1)  # (B,)
        self._seen[slots, tokens] = self._yes
        self._steps[slots] += 1
        return tokens

    def scores(self, slots: Tensor, logits: Tensor) -> Tensor:
        """What the next tokens are drawn by: (B, V), whose softmax is their distribution."""
        temperature, top_k, top_p, penalty = self._filters[slots].T[..., None]  # each (B, 1)
        scores = penalised(logits, self._seen[slots], penalty)
        scores /= torch.where(temperature == 0.0, 1.0, temperature)
        return filtered(scores, top_k, top_p)


def penalised(logits: Tensor, seen: Tensor, penalty: Tensor) -> Tensor:
    """Logits of tokens that occurred before, made less likely (Keskar et al. 2019, CTRL).

    logits: (B, V). seen: (B, V) bool. penalty: (B, 1). How often a token occurred is all one.
    """
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def filtered(scores: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Scores with -inf for all but the `top_k` best, and of those for the unlikely tail.

    scores: (B, V). top_k, top_p: (B, 1). Of ties at the k-th place all are kept; of the tail,
    tokens whose probability, summed from the least likely up, stays within 1 - top_p are
    dropped; the best token is always kept.
    """
    ascending, order = scores.sort(dim=-1)  # (B, V) both
    vocabulary = scores.shape[-1]
    place = (vocabulary - top_k.long()).clamp(min=0)  # (B, 1), of the k-th best
    ascending = ascending.masked_fill(ascending < ascending.gather(-1, place), -torch.inf)
    dropped = ascending.softmax(-1).cumsum(-1) <= 1.0 - top_p
    dropped |= ascending == -torch.inf
    dropped[:, -1] = False
    return scores.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -torch.inf)


def gumbel_noise(seeds: Tensor, steps: Tensor, vocabulary: int) -> Tensor:
    """Standard Gumbel noise for each (seed, step, token). (B,), (B,) -> (B, vocabulary) float64.

    53 bits of the hash make a number strictly between 0 and 1, which float32 could not hold.
    """
    tokens = torch.arange(vocabulary, dtype=torch.int64, device=seeds.device)
    state = _mixed(_mixed(seeds + _GOLDEN) + steps * _GOLDEN)  # (B,)
    bits = _mixed(state[:, None] + (tokens + 1) * _GOLDEN)  # (B, V)
    uniform = (_shifted(bits, 12).double() + 0.5) * 2.0**-52
    return -torch.log(-torch.log(uniform))


def retry_seed(seed: int, attempt: int) -> int:
    """The seed of a chunk's further attempts: far from those of its neighbours."""
    return signed64(seed ^ attempt * _GOLDEN)


def signed64(number: int) -> int:
    """Any whole number as an int64, by its lowest 64 bits."""
    low = number & ((1 << 64) - 1)
    return low - (1 << 64) if low >> 63 else low


def _mixed(x: Tensor) -> Tensor:
    """splitmix64's output function; int64 products wrap around, as they must."""
    x = (x ^ _shifted(x, 30)) * _MIX_1
    x = (x ^ _shifted(x, 27)) * _MIX_2
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, by: int) -> Tensor:
    """A logical shift to the right: torch's own copies the sign of int64."""
    return (x >> by) & ((1 << (64 - by)) - 1)
