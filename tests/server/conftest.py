from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.serving import Serving, serving


@pytest.fixture(scope="session")
def served() -> Iterator[Serving]:
    """A server with the espeak engine that tests share."""
    with serving() as running:
        yield running
