"""What others sound like where Legato is measured: the same sink, the same disturbances.

    pip install "RealtimeTTS[playback]" sounddevice

Both need PortAudio (Debian: portaudio19-dev to build PyAudio, libportaudio2), and reach
the null sink through ALSA's pulse plugin (libasound2-plugins). Neither is a dependency;
what is not installed is named in the result and not measured.

They play a tone that is nowhere silent (`legato.bench.tone`), half as long as Legato's
stories, and so only their playback is judged: what is silent in the capture was put in
by them. Each has as long as a story of Legato's for it; one that is not through by then
is cut off, and its row says so. `exact` is None: through 16 bits and a resampler, nothing
can be; `lost_ms` is sound that never came (negative: more came than was given).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from legato.bench.pulse_sink import PulseNullSink
from legato.bench.rival_player import RivalScene
from legato.bench.stage import Performance, perform
from legato.bench.tone import silences

_ASOUND = """</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""
_NEEDS = {"RealtimeTTS": ("RealtimeTTS", "pyaudio"), "sounddevice": ("sounddevice",)}
_FAST_RTF = 0.4
_STARTING_S = 5.0


def missing_rivals() -> list[str]:
    """The rivals that are not installed, or not wholly."""
    return [
        name
        for name, modules in _NEEDS.items()
        if any(find_spec(module) is None for module in modules)
    ]


def rival_scenes(seconds: float) -> list[RivalScene]:
    """What is measured of the rivals that are installed."""
    scenes: list[RivalScene] = []
    missing = missing_rivals()
    if "RealtimeTTS" not in missing:
        name = f"RealtimeTTS {metadata.version('RealtimeTTS')}"
        scenes += [
            RivalScene(f"{name}, idle", "RealtimeTTS", seconds, _FAST_RTF),
            RivalScene(f"{name}, 2 busy threads", "RealtimeTTS", seconds, _FAST_RTF, 2),
            RivalScene(f"{name}, engine at RTF 0.9", "RealtimeTTS", seconds, 0.9),
        ]
    if "sounddevice" not in missing:
        name = f"sounddevice {metadata.version('sounddevice')}"
        for way in ("callback", "blocking"):
            scenes += [
                RivalScene(f"{name} {way}, idle", f"sounddevice {way}", seconds),
                RivalScene(
                    f"{name} {way}, 2 busy threads", f"sounddevice {way}", seconds, busy_threads=2
                ),
            ]
    return scenes


def run_rivals(
    sink: PulseNullSink, seconds: float, tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Measure all that are installed; rows as `gap` has them, as far as they apply.

    `tell` hears what comes next.
    """
    rows = []
    for scene in rival_scenes(seconds / 2):
        tell(scene.name)
        rows.append(hear_rival(scene, sink, seconds))
    return rows


def hear_rival(scene: RivalScene, sink: PulseNullSink, limit_s: float) -> dict[str, Any]:
    """Have a rival play and be captured; one row of the result. Raises OutputError."""
    with tempfile.TemporaryDirectory(prefix="legato-rival-") as folder:
        config = Path(folder) / "asound.conf"
        config.write_text(_ASOUND)
        played = perform(
            ("legato.bench.rival_player",),
            asdict(scene),
            sink,
            limit_s + _STARTING_S,
            {"ALSA_CONFIG_PATH": str(config)},
        )
    return _row(scene, played, sink.rate_hz)


def _row(scene: RivalScene, played: Performance, rate_hz: int) -> dict[str, Any]:
    heard = silences(played.captured, rate_hz)

    def ms(samples: float) -> float:
        return round(samples / rate_hz * 1_000, 1)

    return {
        "scene": scene.name + ("" if played.finished else ", cut off"),
        "exact": None,
        "gaps_heard": len(heard.gaps),
        "gaps_in_phrase": None,
        "gap_heard_ms": ms(sum(heard.gaps)),
        "gap_heard_max_ms": ms(max(heard.gaps, default=0)),
        "ttfa_heard_ms": (
            None if heard.first < 0 else round(ms(heard.first) - played.began_at_s * 1_000, 1)
        ),
        "spoken_s": scene.seconds,
        "lost_ms": ms(scene.seconds * rate_hz - heard.sounding) if played.finished else None,
        "finished": played.finished,
    }
