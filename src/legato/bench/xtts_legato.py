"""Legato's side of `legato bench xtts`, in a process of its own: see `xtts_work`."""

from __future__ import annotations

import gc
import sys
from typing import Any

import torch

from legato.bench.gpu_use import GpuUse
from legato.bench.xtts_work import Work, serve, speed
from legato.xtts.engine import XttsEngine
from legato.xtts.loading import XttsModel, load_model
from legato.xtts.measuring import TEXT_IDS, Spoken, decode_speed, speak
from legato.xtts.settings import XttsSettings, device_name

PREFIX = 32 + TEXT_IDS + 3


class LegatoSide:
    """The bare model for decoding; the engine takes its place when it has to speak."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._model: XttsModel | None = None
        self._engine: XttsEngine | None = None

    def about(self) -> dict[str, Any]:
        """What it runs on."""
        model = self._decoder()
        return {
            "name": "legato",
            "device": device_name(model.device),
            "torch": torch.__version__,
            "prefix_positions": PREFIX,
            "threads": torch.get_num_threads(),
            "slots": model.slots,
        }

    def decode(self, chunks: int) -> dict[str, Any]:
        """So many chunks at once."""
        measured = decode_speed(self._decoder(), chunks, self._work.tokens)
        return speed(chunks, self._work.tokens, measured.prefix_s, measured.decode_s)

    def speak(self, chunks: int) -> dict[str, Any]:
        """So many chunks through the whole engine."""
        if self._engine is None:
            self._model = None
            gc.collect()
            self._engine = XttsEngine(
                model=self._work.model,
                slots=self._work.speaking,
                device=self._work.device,
                threads=self._work.threads,
            )
        with GpuUse(wanted=torch.cuda.is_available()) as use:
            spoken = speak(self._engine, chunks, self._work.text)
        return spoken_row(spoken) | {"gpu_util_pct": use.percent}

    def _decoder(self) -> XttsModel:
        if self._model is None:
            settings = XttsSettings(
                model=self._work.model,
                slots=self._work.most_slots,
                device=self._work.device,
                threads=self._work.threads,
            )
            self._model = load_model(settings, lambda line: print(line, file=sys.stderr))
        return self._model


def spoken_row(spoken: Spoken) -> dict[str, Any]:
    """A row of the result."""
    return {
        "chunks": spoken.chunks,
        "ttfa_ms": round(spoken.first_s * 1_000, 1),
        "gapless_start_s": round(spoken.gapless_s, 3),
        "audio_s": round(spoken.audio_s, 2),
        "rtf": round(spoken.rtf, 4),
    }


def main() -> None:
    """Serve until stdin ends."""
    side = LegatoSide(Work.read(sys.argv[1]))
    serve({"about": side.about, "decode": side.decode, "speak": side.speak})


if __name__ == "__main__":
    main()
