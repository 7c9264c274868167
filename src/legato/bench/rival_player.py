"""Another library, playing a tone in a process of its own; see `stage` for the protocol.

`python -m legato.bench.rival_player` reads a `RivalScene`. The libraries are driven only
through their public interfaces, with their defaults wherever there are any, and are given
16-bit PCM as their own engines give it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from legato.bench.listener import keep_gil_busy
from legato.bench.tone import tone_int16

RATE_HZ = 24_000
BLOCK_S = 0.25
SENTENCE_S = 3.0
_INT16_BYTES = 2


@dataclass(frozen=True, slots=True)
class RivalScene:
    """`player` plays `seconds` of tone, made at `rtf` where the library takes an engine."""

    name: str
    player: str
    seconds: float
    rtf: float = 0.0
    busy_threads: int = 0


def realtime_tts(scene: RivalScene) -> Callable[[], None]:
    """RealtimeTTS: a `TextToAudioStream` over an engine that gives out blocks in time."""
    library, pyaudio = import_module("RealtimeTTS"), import_module("pyaudio")
    sentences = max(1, round(scene.seconds / SENTENCE_S))
    pcm = tone_int16(sentences * SENTENCE_S, RATE_HZ).tobytes()
    sentence_bytes = round(SENTENCE_S * RATE_HZ) * _INT16_BYTES
    block_bytes = round(BLOCK_S * RATE_HZ) * _INT16_BYTES
    done = 0

    def synthesize(engine: Any, _text: str, *_: Any) -> bool:
        nonlocal done
        due_s = time.monotonic()
        for start in range(done, done + sentence_bytes, block_bytes):
            due_s += BLOCK_S * scene.rtf
            time.sleep(max(0.0, due_s - time.monotonic()))
            engine.queue.put(pcm[start : start + block_bytes])
        done += sentence_bytes
        return True

    members = {
        "synthesize": synthesize,
        "get_stream_info": lambda _: (pyaudio.paInt16, 1, RATE_HZ),
        "get_voices": lambda _: [],
    }
    engine = type("ToneEngine", (library.BaseEngine,), members)()
    # The default splitter downloads a model; these sentences need none.
    stream = library.TextToAudioStream(engine, tokenizer="rule-based")
    stream.feed(" ".join(f"This is sentence number {n} of them." for n in range(sentences)))
    play: Callable[[], None] = stream.play
    return play


def sounddevice_callback(scene: RivalScene) -> Callable[[], None]:
    """sounddevice: a callback in Python that copies."""
    library = import_module("sounddevice")
    pcm = tone_int16(scene.seconds, RATE_HZ).reshape(-1, 1)
    over = threading.Event()
    at = 0

    def fill(out: Any, frames: int, _time: Any, _status: Any) -> None:
        nonlocal at
        piece = pcm[at : at + frames]
        out[: len(piece)] = piece
        out[len(piece) :] = 0
        at += frames
        if len(piece) < frames:
            raise library.CallbackStop

    stream = library.OutputStream(
        RATE_HZ, channels=1, dtype="int16", callback=fill, finished_callback=over.set
    )

    def play() -> None:
        with stream:
            over.wait()

    return play


def sounddevice_blocking(scene: RivalScene) -> Callable[[], None]:
    """sounddevice: blocking writes of 0.25 s."""
    library = import_module("sounddevice")
    pcm = tone_int16(scene.seconds, RATE_HZ).reshape(-1, 1)
    stream = library.OutputStream(RATE_HZ, channels=1, dtype="int16")
    block = round(BLOCK_S * RATE_HZ)

    def play() -> None:
        with stream:
            for start in range(0, len(pcm), block):
                stream.write(pcm[start : start + block])

    return play


PLAYERS: dict[str, Callable[[RivalScene], Callable[[], None]]] = {
    "RealtimeTTS": realtime_tts,
    "sounddevice callback": sounddevice_callback,
    "sounddevice blocking": sounddevice_blocking,
}


def main() -> None:
    """Read the scene, say "ready", play at the next line."""
    scene = RivalScene(**json.loads(sys.stdin.readline()))
    play = PLAYERS[scene.player](scene)
    if scene.busy_threads:
        keep_gil_busy(scene.busy_threads)
    print("ready", flush=True)
    sys.stdin.readline()
    play()


if __name__ == "__main__":
    main()
