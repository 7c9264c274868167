"""Writes the description of the server's HTTP routes to docs/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

from legato.server.app import create_app

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"


def described() -> str:
    """The document as it is kept: JSON, indented, in the app's own order."""
    return json.dumps(create_app().openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(described(), encoding="utf-8")
