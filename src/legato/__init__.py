"""Text in as it is written, continuous speech out, without a gap.

    from legato import Narrator

    with Narrator() as narrator:
        narrator.say("The door opened before she could knock.").wait()

Names load when they are first used: engine processes import this package too, and the
first sound should not wait for what is not needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without the time that `typing` takes
if TYPE_CHECKING:
    from legato.audio.audio_output import AudioOutput
    from legato.audio.measured_policy import MeasuredPolicy
    from legato.audio.playout_policy import FixedPolicy
    from legato.errors import LegatoError
    from legato.events import Event
    from legato.llm.narration import Narration, NarrationSettings
    from legato.metrics import Metrics
    from legato.streaming_pipeline import Narrator, NarratorSettings, speak
    from legato.synthesis.engine import Engine
    from legato.text.cast import Cast
    from legato.text.lexicon import Lexicon
    from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker
    from legato.utterance import Utterance

__version__ = "0.1.0"

_HOMES = {
    "AudioOutput": "legato.audio.audio_output",
    "Cast": "legato.text.cast",
    "ChunkerSettings": "legato.text.semantic_chunker",
    "Engine": "legato.synthesis.engine",
    "Event": "legato.events",
    "FixedPolicy": "legato.audio.playout_policy",
    "LegatoError": "legato.errors",
    "Lexicon": "legato.text.lexicon",
    "MeasuredPolicy": "legato.audio.measured_policy",
    "Metrics": "legato.metrics",
    "Narration": "legato.llm.narration",
    "NarrationSettings": "legato.llm.narration",
    "Narrator": "legato.streaming_pipeline",
    "NarratorSettings": "legato.streaming_pipeline",
    "SemanticChunker": "legato.text.semantic_chunker",
    "Utterance": "legato.utterance",
    "speak": "legato.streaming_pipeline",
}

__all__ = [
    "AudioOutput",
    "Cast",
    "ChunkerSettings",
    "Engine",
    "Event",
    "FixedPolicy",
    "LegatoError",
    "Lexicon",
    "MeasuredPolicy",
    "Metrics",
    "Narration",
    "NarrationSettings",
    "Narrator",
    "NarratorSettings",
    "SemanticChunker",
    "Utterance",
    "speak",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'legato' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not before it is needed

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
