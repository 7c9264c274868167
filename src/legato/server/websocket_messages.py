"""What goes over the WebSocket, both ways. Pure: no socket, no audio, no clock.

docs/WEBSOCKET.md is the same for people. In: JSON text messages. Out: JSON text messages, and
binary audio frames with a header of 16 bytes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

PROTOCOL_VERSION = 1
MOST_MESSAGE_CHARACTERS = 65_536
MOST_DELTA_CHARACTERS = 16_384
LONGEST_NAME = 200
FORMATS = ("pcm_f32le", "pcm_s16le", "opus")
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
OPUS_RATE_HZ = 48_000
MOST_POSITION = 2**53  # what JSON numbers hold exactly everywhere

AudioFormat = Literal["pcm_f32le", "pcm_s16le", "opus"]
ErrorCode = Literal[
    "bad_message",  # no JSON object, or not one of those below
    "too_long",  # a message or a delta beyond the stated limit
    "not_open",  # something else before `session`, or a second one
    "bad_session",  # settings that cannot be
    "unknown_voice",
    "unknown_language",
    "unknown_engine",
    "busy",  # no room for another listener now
    "backlog",  # too much text waits to be spoken; this delta was not taken
    "too_much_text",  # of one utterance; this delta was not taken
    "too_many_errors",
    "silent_client",  # no message for too long
    "failed",  # the engine, or the server
]


class BadMessage(Exception):
    """What a client sent cannot be taken; nothing of it was done."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


# -- in ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Session:
    """The first message. engine, voice, language "" are the server's, a rate of 0 the engine's."""

    TYPE: ClassVar = "session"
    voice: str = ""
    language: str = ""
    rate: float = 1.0
    engine: str = ""
    format: AudioFormat = "pcm_f32le"
    sample_rate_hz: int = 0

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise BadMessage("bad_session", f"format is one of {', '.join(FORMATS)}")
        if self.sample_rate_hz not in (0, *RATES_HZ):
            rates = ", ".join(map(str, RATES_HZ))
            raise BadMessage("bad_session", f"sample_rate_hz is one of {rates}, or 0")
        if self.format == "opus" and self.sample_rate_hz not in (0, OPUS_RATE_HZ):
            raise BadMessage("bad_session", f"opus has a sample_rate_hz of {OPUS_RATE_HZ}")
        if not 0.25 <= self.rate <= 4.0:
            raise BadMessage("bad_session", "rate lies between 0.25 and 4")


@dataclass(frozen=True, slots=True)
class Text:
    """More text of the utterance; the first one after `end` begins another."""

    TYPE: ClassVar = "text"
    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MOST_DELTA_CHARACTERS:
            raise BadMessage("too_long", f"text has at most {MOST_DELTA_CHARACTERS} characters")
        if not self.text.isascii() and any("\ud800" <= each <= "\udfff" for each in self.text):
            raise BadMessage("bad_message", "text holds half of a surrogate pair")


@dataclass(frozen=True, slots=True)
class Flush:
    """Speak what was written without waiting for the end of the sentence."""

    TYPE: ClassVar = "flush"


@dataclass(frozen=True, slots=True)
class End:
    """The utterance is complete."""

    TYPE: ClassVar = "end"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop everything, heard or not. sample: as for `Played`; -1: as told last."""

    TYPE: ClassVar = "cancel"
    sample: int = -1


@dataclass(frozen=True, slots=True)
class Pause:
    """The listener hears nothing now, on purpose."""

    TYPE: ClassVar = "pause"


@dataclass(frozen=True, slots=True)
class Resume:
    """And hears again."""

    TYPE: ClassVar = "resume"


@dataclass(frozen=True, slots=True)
class Played:
    """Everything before stream position `sample` was heard.

    silent: samples of silence heard so far because nothing was there to play.
    """

    TYPE: ClassVar = "played"
    sample: int
    silent: int = 0


ClientMessage = Session | Text | Flush | End | Cancel | Pause | Resume | Played
_KNOWN: dict[str, type[ClientMessage]] = {kind.TYPE: kind for kind in get_args(ClientMessage)}


def parse(received: str) -> ClientMessage:
    """The message in one JSON text. Raises BadMessage, for anything at all."""
    if len(received) > MOST_MESSAGE_CHARACTERS:
        limit = f"a message has at most {MOST_MESSAGE_CHARACTERS} characters"
        raise BadMessage("too_long", limit)
    try:
        read = json.loads(received, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadMessage("bad_message", "a message is one JSON object") from None
    if not isinstance(read, dict):
        raise BadMessage("bad_message", "a message is one JSON object")
    kind = _KNOWN.get(read.pop("type", "")) if isinstance(read.get("type"), str) else None
    if kind is None:
        raise BadMessage("bad_message", f"type is one of {', '.join(_KNOWN)}")
    return kind(**_checked(kind, read))


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _checked(kind: type[ClientMessage], read: Mapping[str, object]) -> dict[str, Any]:
    """The fields that a message has, each of its type; unknown ones are a mistake told."""
    known = {each.name: each for each in fields(kind)}
    if unknown := sorted(set(read) - set(known)):
        name = unknown[0][:LONGEST_NAME]
        raise BadMessage("bad_message", f"{kind.TYPE} has no field {name!r}")
    given: dict[str, Any] = {}
    for name, each in known.items():
        if name in read:
            given[name] = _of_type(f"{kind.TYPE}.{name}", str(each.type), read[name])
        elif each.default is each.default_factory:  # both are MISSING: there is no default
            raise BadMessage("bad_message", f"{kind.TYPE} needs {name}")
    return given


def _of_type(name: str, wanted: str, value: object) -> object:
    if wanted == "int":
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JavaScript has but one kind of number
        if isinstance(value, int) and not isinstance(value, bool) and -1 <= value < MOST_POSITION:
            return value
        raise BadMessage("bad_message", f"{name} is a whole number from 0 to 2^53 - 1")
    if wanted == "float":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and math.isfinite(value):  # type: ignore[arg-type] # `number` says so
            return float(value)  # type: ignore[arg-type]
        raise BadMessage("bad_message", f"{name} is a number")
    if not isinstance(value, str):
        raise BadMessage("bad_message", f"{name} is a string")
    if name != "text.text" and len(value) > LONGEST_NAME:
        raise BadMessage("too_long", f"{name} has at most {LONGEST_NAME} characters")
    return value


# -- out ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to `session`: what is in force, and the limits."""

    TYPE: ClassVar = "session"
    engine: str
    voice: str
    language: str
    rate: float
    format: AudioFormat
    sample_rate_hz: int
    ahead_s: float
    limits: Mapping[str, float]
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class Chunk:
    """Characters [text_from, text_to) of an utterance will be spoken in one go."""

    TYPE: ClassVar = "chunk"
    utterance: int
    chunk: int
    text_from: int
    text_to: int


@dataclass(frozen=True, slots=True)
class Caption:
    """Where a chunk is heard: stream positions. words: (position, text offset) pairs.

    exact: the engine told of its words; else they are estimated, and may be told again.
    """

    TYPE: ClassVar = "caption"
    utterance: int
    chunk: int
    text_from: int
    text_to: int
    text: str
    sample_from: int
    sample_to: int
    words: Sequence[tuple[int, int]]
    exact: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Silence that neither text nor voice asked for ended before stream position `sample`."""

    TYPE: ClassVar = "gap"
    kind: Literal["hold", "underrun"]
    sample: int
    ms: float
    cause: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Do not play what of this span was not heard yet."""

    TYPE: ClassVar = "discard"
    sample_from: int
    sample_to: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened that explains what is heard: `what` and why."""

    TYPE: ClassVar = "notice"
    what: str
    reason: str
    chunk: int = -1


@dataclass(frozen=True, slots=True)
class Done:
    """An utterance is over: "finished", "cut" or "failed"."""

    TYPE: ClassVar = "done"
    utterance: int
    state: str
    heard_characters: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The answer to `cancel`: what of the current utterance was heard."""

    TYPE: ClassVar = "cancelled"
    utterance: int
    heard_characters: int
    heard_text: str
    sample: int


@dataclass(frozen=True, slots=True)
class MetricsTold:
    """The session in numbers, under the names that `legato speak --json` uses."""

    TYPE: ClassVar = "metrics"
    metrics: Mapping[str, Any]
    silent_ms: float


@dataclass(frozen=True, slots=True)
class Error:
    """What was wrong, in one line. fatal: the connection is closed after it."""

    TYPE: ClassVar = "error"
    code: ErrorCode
    message: str
    fatal: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


ServerMessage = (
    Opened | Chunk | Caption | Gap | Discard | Notice | Done | Cancelled | MetricsTold | Error
)


def to_json(message: ServerMessage) -> str:
    """The message as JSON text."""
    told = {"type": message.TYPE, **asdict(message)}
    if isinstance(message, Error) and not message.detail:
        del told["detail"]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


# -- audio -------------------------------------------------------------------------------------
_HEADER = struct.Struct("<BBHIQ")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of the stream: `samples` of it from stream position `start` on.

    Little-endian on the wire: version (1 byte), format (1; place in FORMATS), 0 (2), samples
    (4), start (8), then the payload.
    """

    format: AudioFormat
    start: int
    samples: int
    payload: bytes | memoryview

    def to_bytes(self) -> bytes:
        """The frame as one binary message."""
        number = FORMATS.index(self.format)
        header = _HEADER.pack(PROTOCOL_VERSION, number, 0, self.samples, self.start)
        return b"".join((header, self.payload))

    @classmethod
    def from_bytes(cls, data: bytes) -> AudioFrame:
        """What `to_bytes` gave. Raises ValueError for anything else."""
        if len(data) < HEADER_BYTES:
            raise ValueError(f"{len(data)} bytes are no audio frame")
        version, number, _, samples, start = _HEADER.unpack_from(data)
        if version != PROTOCOL_VERSION or number >= len(FORMATS):
            raise ValueError(f"version {version}, format {number}: no audio frame of this protocol")
        name: AudioFormat = FORMATS[number]  # type: ignore[assignment] # it lists them all
        return cls(name, start, samples, memoryview(data)[HEADER_BYTES:])
