"""The autoregressive model: from voice latents and text ids to audio tokens and vocoder latents.

A chunk's positions are: 32 voice latents; start, text, stop; the start-audio token; its audio
tokens. Text and audio positions are numbered separately, each from 0, and the voice latents have
no number. Knows nothing of sampling or of which chunk is in which slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from legato.errors import TextTooLong
from legato.xtts.checkpoint import Checkpoint
from legato.xtts.config import GptConfig
from legato.xtts.kv_cache import BatchView, KeyValueCache
from legato.xtts.layers import Transformer, product
from legato.xtts.packing import give_back, packed


class _Positions(nn.Module):
    """A table of learned position embeddings, named as in the checkpoint."""

    def __init__(self, positions: int, channels: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(positions, channels)

    def forward(self, at: Tensor) -> Tensor:
        """(N,) -> (N, C)."""
        return self.emb(at)  # type: ignore[no-any-return]


class Gpt(nn.Module):
    """XTTS's GPT-2 with its own embeddings and heads; parameters are named as in the checkpoint.

    Logits come with a latent: the hidden state, after GPT-2's last norm and XTTS's own, of the
    position that the logits were computed from. It is the vocoder's input for the token that is
    drawn from those logits.
    """

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        size = config.channels
        self.text_embedding = nn.Embedding(config.text_vocab, size)
        self.mel_embedding = nn.Embedding(config.audio_vocab, size)
        self.text_pos_embedding = _Positions(config.text_positions, size)
        self.mel_pos_embedding = _Positions(config.audio_positions, size)
        self.gpt = Transformer(config.layers, size, config.heads)
        self.final_norm = nn.LayerNorm(size)
        self.mel_head = nn.Linear(size, config.audio_vocab)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, device: torch.device | str = "cpu") -> Gpt:
        """The layers' weights are laid out by output (see `packing`, `cuda_kernels`).

        On a CPU they are copied; others stay in the mapped file.

        Raises RuntimeError, as torch does, where there is no memory for them.
        """
        with torch.device("meta"):
            model = cls(checkpoint.config.gpt)
        tensors = checkpoint.take("gpt")
        wanted = {name: tensors[name] for name in model.state_dict()}
        names = [f"gpt.{name}" for name in model.gpt.matrices()]
        if torch.device(device).type == "cpu":
            copies = packed([wanted[name] for name in names], give_back)
            wanted.update(zip(names, copies, strict=True))
        else:
            # (in, out) whose transpose is contiguous
            wanted.update({name: wanted[name].to(device).t().contiguous().t() for name in names})
        model.load_state_dict(wanted, assign=True)
        return model.requires_grad_(False).eval().to(device)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.final_norm.weight.device

    @torch.inference_mode()
    def prefix(self, text_ids: list[int], latents: Tensor) -> Tensor:
        """What a chunk begins with: (P, C), P = 32 + len(text_ids) + 3.

        latents: (32, C), the voice's. Raises TextTooLong beyond the model's limit on text.
        """
        limit = self.config.max_text_tokens - 2
        if len(text_ids) > limit:
            raise TextTooLong(
                f"{len(text_ids)} text tokens, and XTTS takes {limit}: split the text"
            )
        ids = torch.tensor(
            [self.config.start_text, *text_ids, self.config.stop_text], device=self.device
        )
        text = self.text_embedding(ids) + self.text_pos_embedding(
            torch.arange(len(ids), device=self.device)
        )
        first = torch.zeros(1, dtype=torch.long, device=self.device)
        audio = self.embed_audio(first + self.config.start_audio, first)
        return torch.cat([latents.to(self.device), text, audio])

    @torch.inference_mode()
    def prefill(
        self, cache: KeyValueCache, slots: Sequence[int], prefixes: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Begin N chunks: logits (N, audio_vocab) and latents (N, C) of their first tokens.

        slots: each once. prefixes: (P, C) each, from `prefix`. Raises TextTooLong where the cache
        is too small for one.
        """
        lengths = [len(prefix) for prefix in prefixes]
        for slot, length in zip(slots, lengths, strict=True):
            cache.start(slot, length)
        index = torch.tensor(slots, device=self.device)
        hidden = self.gpt(torch.cat(tuple(prefixes)), cache.prefix_attention(index, lengths))
        last = torch.tensor(list(accumulate(lengths)), device=self.device) - 1
        return self.head(hidden[last])

    @torch.inference_mode()
    def decode(
        self,
        cache: KeyValueCache,
        slots: Tensor,
        tokens: Tensor,
        steps: Tensor,
        span: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One token further in each of B slots: logits (B, audio_vocab) and latents (B, C).

        slots: (B,) int64 on the host, each once, in use.
        tokens: (B,) int64 on the model's device, the tokens drawn last.
        steps: (B,) int64 on the model's device, their numbers in their chunks: 1 for the first.
        span: on CUDA, the positions to attend to, at least the longest chunk's; None waits for the
        device to tell. A step may be repeated: it overwrites what it wrote.
        """
        view = BatchView(cache, slots, steps, span)
        return self.head(self.gpt(self.embed_audio(tokens, steps), view.attend))

    def embed_audio(self, tokens: Tensor, steps: Tensor) -> Tensor:
        """Audio tokens and their numbers in their chunks, (B,) each -> (B, C)."""
        return self.mel_embedding(tokens) + self.mel_pos_embedding(steps)  # type: ignore[no-any-return]

    def head(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C), behind `ln_f`, -> logits (B, audio_vocab) and latents (B, C)."""
        latents = self.final_norm(hidden)
        return product(latents, self.mel_head.weight.t(), self.mel_head.bias), latents
