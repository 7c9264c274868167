"""The seam between the worker and whatever makes speech."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from legato.types import AudioBlock, EngineInfo, Job, JobDone, JobFailed

EngineEvent = AudioBlock | JobDone | JobFailed


class Engine(Protocol):
    """Turns jobs into PCM, step by step, on the thread of its one owner.

    Only `wake` may be called from another thread.
    """

    @property
    def info(self) -> EngineInfo:
        """What the engine is and can do."""

    def add(self, job: Job) -> None:
        """Take a job. Raises EngineFull, UnknownVoice or TextTooLong; never blocks for long."""

    def step(self, deadlines_s: Mapping[int, float], timeout_s: float) -> list[EngineEvent]:
        """Work, or wait at most `timeout_s` for work or a wake; give out what is finished.

        deadlines_s: job id -> slack in seconds from now, least is most urgent. In a process of
        its own an engine that gives out nothing for long, with work in hand, is taken for hung:
        a block without samples says that it is not, and goes no further.
        """

    def cancel(self, job_id: int) -> None:
        """Drop a job; nothing more comes for it afterwards. Unknown ids are ignored."""

    def wake(self) -> None:
        """Make a waiting `step` return soon. Callable from any thread."""

    def close(self) -> None:
        """Release everything. Idempotent."""


@runtime_checkable
class PreparesVoices(Protocol):
    """An engine that can make ready for a voice before its first job. Optional; owner's thread."""

    def prepare(self, voice: str) -> None:
        """Load what the voice needs, once. A voice that it does not have is no error."""


@runtime_checkable
class RefreshesVoices(Protocol):
    """An engine whose voices may change while it runs. Optional; owner's thread."""

    def refresh_voices(self) -> None:
        """Look again which voices there are; `info` tells of them, maybe a little later."""
