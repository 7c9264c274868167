from importlib.metadata import EntryPoint, EntryPoints

import pytest

from legato.errors import EngineError, UnknownEngine, UsageError
from legato.synthesis import engines
from legato.synthesis.engine import Engine, EngineEvent
from legato.synthesis.engines import create_engine, engine_names, find_engine
from legato.types import AudioBlock, Job, JobDone
from tests.fakes import ScriptedEngine, ScriptedVoice, make_chunk

PLUGINS = EntryPoints(
    [
        EntryPoint("scripted", ScriptedEngine.TARGET, "legato.engines"),
        EntryPoint("espeak", "somewhere.else:Engine", "legato.engines"),
    ]
)


@pytest.fixture
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "entry_points", PLUGINS.select)


def test_the_built_in_engine_speaks_in_its_own_process() -> None:
    engine: Engine
    with create_engine() as engine:
        assert engine.info.name == "espeak"
        engine.add(Job(1, make_chunk("Hello there.", source_start=30)))
        events: list[EngineEvent] = []
        while not (events and isinstance(events[-1], JobDone)):
            events += engine.step({}, 10.0)
        assert isinstance(events[0], AudioBlock)
        assert events[0].marks[0] == (0, 30)


def test_options_reach_the_engine_and_bad_ones_come_back_as_its_own_error() -> None:
    with (
        create_engine("espeak", {"pitch": 200}) as engine,
        pytest.raises(UsageError, match="espeak's pitch must be within 0 and 99"),
    ):
        _ = engine.info
    with (
        create_engine("espeak", {"colour": 3}) as engine,
        pytest.raises(UsageError, match=r"options for EspeakEngine: .*'colour'"),
    ):
        _ = engine.info


def test_an_unknown_engine_is_an_error_that_names_the_others() -> None:
    with pytest.raises(UnknownEngine, match="no engine 'esspeak'; there are: espeak"):
        create_engine("esspeak")


@pytest.mark.usefixtures("_plugins")
def test_plugins_are_found_after_the_built_in_ones() -> None:
    assert engine_names() == (*engines.BUILT_IN, "scripted")
    assert find_engine("espeak") == engines.BUILT_IN["espeak"]
    with create_engine("scripted") as engine:
        assert engine.info == ScriptedVoice.info


def test_a_target_is_its_own_answer() -> None:
    assert find_engine("some.module:Engine") == "some.module:Engine"
    with (
        create_engine("no_such_module:Engine") as engine,
        pytest.raises(EngineError, match="ModuleNotFoundError: No module named 'no_such_module'"),
    ):
        _ = engine.info
