"""An engine target that notes which voices it was asked to prepare."""

from dataclasses import replace
from pathlib import Path

from legato.types import EngineInfo, Voice
from tests.fakes import ScriptedEngine, ScriptedVoice


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


class GrowingEngine(ScriptedEngine):
    """Its voices are the words of a file."""

    TARGET = "tests.synthesis.preparing_engine:GrowingEngine"

    def __init__(self, file: str) -> None:
        super().__init__(rtf=0.1)
        self._file = Path(file)
        self.refresh_voices()

    @property
    def info(self) -> EngineInfo:
        return self._info

    def refresh_voices(self) -> None:
        names = self._file.read_text().split()
        voices = tuple(Voice(name, name, ("en",)) for name in names)
        self._info = replace(ScriptedVoice.info, voices=voices)
