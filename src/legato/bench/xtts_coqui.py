"""The reference's side of `legato bench xtts`: coqui-tts, in a process of its own.

It decodes with the options that its own `Xtts.inference` uses, on the same checkpoint and the same
text ids. It cannot decode two chunks at once (its prefix is a field of the shared model), so chunks
take their turns there, and its aggregate speed is that of one chunk.
"""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import torch

from legato.bench.xtts_work import Work, serve, speed
from legato.errors import EngineError
from legato.xtts.measuring import made_up_ids

_WARM_UP_TOKENS = 3


class CoquiSide:
    """Owns the model."""

    def __init__(self, work: Work) -> None:
        self._work = work
        if work.threads:
            torch.set_num_threads(work.threads)
        self._model = load(Path(work.model), work.device)
        _decode(self._model, min(_WARM_UP_TOKENS, work.tokens))

    def about(self) -> dict[str, Any]:
        """What it runs on."""
        return {
            "name": f"coqui-tts {metadata.version('coqui-tts')}",
            "device": str(self._model.device),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }

    def decode(self, chunks: int) -> dict[str, Any]:
        """One chunk, which is all that it can decode at once."""
        assert chunks == 1
        return _decode(self._model, self._work.tokens)

    def speak(self, chunks: int) -> dict[str, Any]:
        """One text, streamed as its users do."""
        assert chunks == 1
        return _spoken(self._model, self._work.text)


def load(folder: Path, device: str) -> Any:
    """Its model of a checkpoint folder, as its documentation says."""
    config = import_module("TTS.tts.configs.xtts_config").XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = import_module("TTS.tts.models.xtts").Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
    return model.cuda() if torch.cuda.is_available() and device != "cpu" else model


def _voice(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    voice = next(iter(model.speaker_manager.speakers.values()))
    return (
        voice["gpt_cond_latent"].to(model.device),
        voice["speaker_embedding"].to(model.device),
    )


@torch.inference_mode()
def _decode(model: Any, tokens: int) -> dict[str, Any]:
    """Stops by counting; the time of each token is taken between steps."""
    times: list[float] = []

    def enough(ids: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
        if ids.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter())
        return torch.full((len(ids),), len(times) >= tokens, device=ids.device)

    criteria = import_module("transformers").StoppingCriteriaList([enough])
    latents, _ = _voice(model)
    text = torch.tensor([made_up_ids()], dtype=torch.int32, device=model.device)
    began_s = time.perf_counter()
    model.gpt.generate(
        latents,
        text,
        do_sample=True,
        temperature=model.config.temperature,
        top_k=model.config.top_k,
        top_p=model.config.top_p,
        repetition_penalty=model.config.repetition_penalty,
        length_penalty=model.config.length_penalty,
        num_return_sequences=1,
        num_beams=1,
        output_attentions=False,
        stopping_criteria=criteria,
    )
    return speed(1, len(times), times[0] - began_s, times[-1] - times[0])


@torch.inference_mode()
def _spoken(model: Any, text: str) -> dict[str, Any]:
    """Text to the first samples and to the last, by its streaming method with its defaults."""
    latents, speaker = _voice(model)
    began_s = time.perf_counter()
    first_s, samples = None, 0
    for piece in model.inference_stream(text, "en", latents, speaker):
        samples += piece.cpu().numel()
        first_s = first_s or time.perf_counter() - began_s
    wall_s = time.perf_counter() - began_s
    if first_s is None:
        raise EngineError("coqui-tts gave no audio")
    audio_s = samples / model.config.audio.output_sample_rate
    return {
        "chunks": 1,
        "ttfa_ms": round(first_s * 1_000, 1),
        "audio_s": round(audio_s, 2),
        "rtf": round(wall_s / audio_s, 4),
        "gpu_util_pct": None,
    }


def main() -> None:
    """Serve until stdin ends."""
    with redirect_stdout(sys.stderr):  # its libraries print
        side = CoquiSide(Work.read(sys.argv[1]))
    serve({"about": side.about, "decode": side.decode, "speak": side.speak})


if __name__ == "__main__":
    main()
