"""What goes over the socket between the listener's process and an engine's.

A frame is two little-endian uint32 lengths, a JSON header and a body. Only blocks have a
body: float32 PCM in the machine's own byte order. The engine's side sees a chunk's spoken
text alone, so marks cross as spoken offsets and are mapped to source offsets on arrival.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from legato.synthesis.engine import EngineEvent
from legato.types import (
    AudioBlock,
    Boundary,
    EngineInfo,
    EngineLimits,
    Job,
    JobDone,
    JobFailed,
    TextChunk,
    Voice,
)

Header = dict[str, Any]
Frame = tuple[Header, bytes]

_LENGTHS = struct.Struct("<II")


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(len(head), len(body)), head, body))


class Unpacker:
    """Puts frames together from bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and give out the frames that they complete, in order."""
        self._held += data
        at = 0
        while len(self._held) - at >= _LENGTHS.size:
            head_bytes, body_bytes = _LENGTHS.unpack_from(self._held, at)
            body_at = at + _LENGTHS.size + head_bytes
            end = body_at + body_bytes
            if len(self._held) < end:
                break
            header = json.loads(self._held[at + _LENGTHS.size : body_at])
            yield header, bytes(self._held[body_at:end])
            at = end
        del self._held[:at]


def job_header(job: Job) -> Header:
    """The order to speak a job."""
    chunk = job.chunk
    return {
        "do": "add",
        "job": job.job_id,
        "seed": job.seed,
        "ordinal": chunk.ordinal,
        "spoken": chunk.spoken,
        "language": chunk.language,
        "voice": chunk.voice,
        "rate": chunk.rate,
        "boundary": int(chunk.boundary),
        "estimate_s": chunk.estimate_s,
    }


def read_job(header: Header) -> Job:
    """The job as the engine's process sees it: its source is its spoken text."""
    chunk = TextChunk(
        ordinal=header["ordinal"],
        source_start=0,
        source_end=len(header["spoken"]),
        spoken=header["spoken"],
        language=header["language"],
        voice=header["voice"],
        rate=header["rate"],
        boundary=Boundary(header["boundary"]),
        pause_after_s=0.0,
        estimate_s=header["estimate_s"],
    )
    return Job(header["job"], chunk, header["seed"])


def pack_event(event: EngineEvent) -> bytes:
    """A block, an end or a failure as a frame."""
    match event:
        case AudioBlock(job_id, start, pcm, marks):
            header = {"is": "block", "job": job_id, "start": start, "marks": marks}
            return pack(header, np.ascontiguousarray(pcm, np.float32).tobytes())
        case JobDone(job_id, busy_s, notes):
            return pack({"is": "done", "job": job_id, "busy_s": busy_s, "notes": notes})
        case JobFailed(job_id, reason, cause):
            return pack({"is": "failed", "job": job_id, "reason": reason, "cause": cause})


def read_event(header: Header, body: bytes, chunk: TextChunk) -> EngineEvent:
    """The event of a frame, its marks mapped into the source that `chunk` covers."""
    job_id = header["job"]
    match header["is"]:
        case "block":
            marks = tuple((sample, chunk.source_at(at)) for sample, at in header["marks"])
            return AudioBlock(job_id, header["start"], np.frombuffer(body, np.float32), marks)
        case "done":
            return JobDone(job_id, header["busy_s"], tuple(header["notes"]))
        case _:
            return JobFailed(job_id, header["reason"], header["cause"])


def info_header(info: EngineInfo) -> Header:
    """What an engine says first."""
    return {
        "is": "hello",
        "name": info.name,
        "sample_rate_hz": info.sample_rate_hz,
        "max_jobs": info.max_jobs,
        "max_characters": info.limits.max_characters,
        "characters_by_language": dict(info.limits.characters_by_language),
        "max_audio_s": info.limits.max_audio_s,
        "repeatable": info.repeatable,
        "exact_marks": info.exact_marks,
        "voices": [[v.id, v.name, v.languages, v.gender] for v in info.voices],
    }


def read_info(header: Header) -> EngineInfo:
    """The engine's own description."""
    return EngineInfo(
        name=header["name"],
        sample_rate_hz=header["sample_rate_hz"],
        max_jobs=header["max_jobs"],
        limits=EngineLimits(
            header["max_characters"], header["characters_by_language"], header["max_audio_s"]
        ),
        repeatable=header["repeatable"],
        exact_marks=header["exact_marks"],
        voices=tuple(
            Voice(id_, name, tuple(languages), gender)
            for id_, name, languages, gender in header["voices"]
        ),
    )
