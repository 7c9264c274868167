"""An engine target that notes which voices it was asked to prepare."""

from pathlib import Path

from tests.fakes import ScriptedEngine


class PreparingEngine(ScriptedEngine):
    TARGET = "tests.synthesis.preparing_engine:PreparingEngine"

    def __init__(self, notes: str = "", rtf: float = 0.0) -> None:
        super().__init__(rtf)
        self._notes = Path(notes) if notes else None
        self.prepared: list[str] = []

    def prepare(self, voice: str) -> None:
        self.prepared.append(voice)
        if self._notes is not None:
            with self._notes.open("a") as file:
                file.write(f"{voice}\n")
