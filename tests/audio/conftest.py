"""The buffer under test: the Rust ring and its twin, one after the other."""

from __future__ import annotations

import pytest

from legato.audio.audio_buffer import AudioBuffer
from tests.audio.buffers import BOTH, make_buffer


@pytest.fixture(params=BOTH)
def buffer(request: pytest.FixtureRequest) -> AudioBuffer:
    return make_buffer(request.param)
