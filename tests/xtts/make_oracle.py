"""Writes every golden file with coqui-tts 0.28.0: `python -m tests.xtts.make_oracle`.

Each `oracle_*.py` beside this file writes its own; the tests read them without coqui-tts.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def main() -> None:
    """Run each part's `main`."""
    for part in sorted(Path(__file__).parent.glob("oracle_*.py")):
        print(f"{part.stem} ...", flush=True)
        import_module(f"tests.xtts.{part.stem}").main()


if __name__ == "__main__":
    main()
