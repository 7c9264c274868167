"""What a player makes of a response's body."""

from __future__ import annotations

import io

import av
import numpy as np

from legato.server.encoders import FORMATS
from legato.types import Pcm


def decoded(name: str, data: bytes) -> Pcm:
    """As far as it goes: what a player does with a file that breaks off."""
    chosen = FORMATS[name]
    if name == "pcm":
        return (np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32_767).astype(np.float32)
    heard = [np.zeros(0, np.float32)]
    with av.open(io.BytesIO(data), "r") as container:
        to_float = av.AudioResampler("fltp", "mono", chosen.sample_rate_hz)
        try:
            for frame in container.decode(audio=0):
                heard += [each.to_ndarray()[0] for each in to_float.resample(frame)]
        except av.error.InvalidDataError:
            pass  # half a frame at its end
    return np.concatenate(heard)


def loudness(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm**2)))
