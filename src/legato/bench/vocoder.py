"""What the vocoder costs: one chunk whole, and streamed in blocks, beside coqui-tts.

The reference streams by decoding all latents so far at every block. Where coqui-tts is
installed, its own class does that here with the same random weights, in rounds that alternate
with Legato's so that a busy machine slows both; without it, Legato's vocoder follows the
reference's scheme. Each time is the best of its rounds, taken as the processor's: threads count.

    python -m legato.bench.vocoder [--latents 160] [--block 20] [--rounds 3] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from legato.xtts.config import AudioConfig, DecoderConfig, GptConfig, SamplingConfig, XttsConfig
from legato.xtts.vocoder import Vocoder
from legato.xtts.vocoder_stream import StreamingVocoder

Result = dict[str, str | int | float | None]
Decode = Callable[[torch.Tensor], torch.Tensor]

_PUBLISHED = XttsConfig(
    gpt=GptConfig(30, 1024, 16, 6681, 261, 0, 1026, 1024, 1025, 402, 605, 70, 1024),
    audio=AudioConfig(),
    decoder=DecoderConfig(),
    sampling=SamplingConfig(),
    languages=("en",),
    gpt_cond_len=30,
    gpt_cond_chunk_len=4,
    max_ref_len=30,
)
_RATE_HZ = 24_000


@dataclass(frozen=True, slots=True)
class Sides:
    """Legato's vocoder, and the reference (latents -> samples) with the same weights."""

    vocoder: Vocoder
    speaker: torch.Tensor
    reference: Decode
    name: str


def sides(seed: int = 0) -> Sides:
    """Both with random weights of the published sizes."""
    torch.manual_seed(seed)
    speaker = torch.nn.functional.normalize(torch.randn(_PUBLISHED.decoder.speaker_channels), dim=0)
    vocoder = Vocoder(_PUBLISHED)
    try:
        module = import_module("TTS.tts.layers.xtts.hifigan_decoder")
    except ImportError:
        vocoder.eval().requires_grad_(requires_grad=False)
        return Sides(
            vocoder,
            speaker,
            lambda latents: vocoder.decode(latents, speaker),
            "Legato's own, in the reference's scheme (coqui-tts is not installed)",
        )
    coqui: Any = module.HifiDecoder().eval()
    prefix = "waveform_decoder."
    tensors = {name.removeprefix(prefix): value for name, value in coqui.state_dict().items()}
    vocoder.load({name: value for name, value in tensors.items() if "speaker_encoder" not in name})

    @torch.inference_mode()
    def reference(latents: torch.Tensor) -> torch.Tensor:
        samples: torch.Tensor = coqui(latents[None], g=speaker[None, :, None])[0, 0]
        return samples

    return Sides(vocoder, speaker, reference, f"coqui-tts {metadata.version('coqui-tts')}")


def run(latents: int = 160, block: int = 20, rounds: int = 3) -> Result:
    """Measure with as many threads as torch has been given; `*_ratio` is reference / Legato."""
    pair = sides()
    chunk = torch.randn(latents, _PUBLISHED.decoder.input_channels)
    whole = pair.vocoder.decode(chunk, pair.speaker)
    streamed, rendered = _stream(pair, chunk, block)
    stream_s, reference_stream_s, decode_s, reference_decode_s = _best_s(
        (
            lambda: _stream(pair, chunk, block),
            lambda: [pair.reference(chunk[:end]) for end in _ends(latents, block)],
            lambda: pair.vocoder.decode(chunk, pair.speaker),
            lambda: pair.reference(chunk),
        ),
        rounds,
    )
    return {
        "latents": latents,
        "block": block,
        "audio_s": _three(whole.shape[0] / _RATE_HZ),
        "threads": torch.get_num_threads(),
        "reference": pair.name,
        "stream_cpu_s": _three(stream_s),
        "reference_stream_cpu_s": _three(reference_stream_s),
        "stream_ratio": _three(reference_stream_s / stream_s),
        "decode_cpu_s": _three(decode_s),
        "reference_decode_cpu_s": _three(reference_decode_s),
        "decode_ratio": _three(reference_decode_s / decode_s),
        "latents_rendered": rendered,
        "stream_error_max": _three(float((streamed - whole).abs().max())),
        "reference_error_max": _three(float((pair.reference(chunk) - whole).abs().max())),
        "machine": f"{platform.system()} {platform.machine()}",
        "torch": torch.__version__,
    }


def table(result: Result) -> Table:
    """The result for people."""
    shown = Table(title=f"{result['latents']} latents, {result['audio_s']} s of audio")
    for heading in ("", "Legato", "reference", "ratio"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for name, title in (("decode", "whole, s"), ("stream", f"in blocks of {result['block']}, s")):
        figures = (f"{name}_cpu_s", f"reference_{name}_cpu_s", f"{name}_ratio")
        shown.add_row(title, *(str(result[figure]) for figure in figures))
    shown.caption = f"reference: {result['reference']}; largest difference between the waveforms: "
    shown.caption += f"{result['reference_error_max']}"
    return shown


def _stream(pair: Sides, chunk: torch.Tensor, block: int) -> tuple[torch.Tensor, int]:
    """The chunk's samples, and how many latents were rendered for them, context included."""
    stream = StreamingVocoder(pair.vocoder, pair.speaker)
    pieces = [stream.feed(piece) for piece in torch.split(chunk, block)]
    return torch.cat((*pieces, stream.finish())), stream.latents_rendered


def _ends(latents: int, block: int) -> list[int]:
    """How many latents the reference has when it decodes: after each block, and at the end."""
    return [*range(block, latents, block), latents]


def _best_s(ways: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for place, way in enumerate(ways):
            start_s = time.process_time()
            way()
            best[place] = min(best[place], time.process_time() - start_s)
    return best


def _three(value: float) -> float:
    return float(f"{value:.3g}")


def main(arguments: list[str] | None = None) -> int:
    """The command line; the last line printed is the result as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m legato.bench.vocoder")
    parser.add_argument("--latents", type=int, default=160)
    parser.add_argument("--block", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    result = run(options.latents, options.block, options.rounds)
    if not options.json:
        Console().print(table(result))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
