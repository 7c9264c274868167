"""What the tuning page claims, on few seeds, and the command that draws it."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from legato.audio.elastic import RIGID
from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.sim import tuning, tuning_runs
from legato.sim.engine import EngineScript
from legato.sim.outcome import Outcome, Silence
from legato.sim.tuning_runs import FIRST_SEED, Case, Heard, Rows, Tally, play, tally, told
from legato.sim.tuning_tables import table
from legato.synthesis.scheduler import LookAhead

SLOW = EngineScript(rtf=1.2)
QUICK = EngineScript(rtf=0.5)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _a_machine_nothing_is_known_about(monkeypatch: pytest.MonkeyPatch) -> None:
    # Learning one takes longer than these runs.
    monkeypatch.setattr(tuning_runs, "remembered", lambda engine: None)


@pytest.fixture
def _unplayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps return at once, with numbers that depend on the case alone."""

    def at_once(case: Case, runs: int) -> Tally:
        value = case.engine.rtf + case.look_ahead.most_s / 40 + case.listeners
        return Tally(runs, value, value, 0.25, value, 1.0, 2.0, 1.0, 0.5, 0.2, 12.0, 0.75, value)

    monkeypatch.setattr(tuning, "tally", at_once)


def test_a_seed_is_the_same_run_every_time() -> None:
    case = Case(EngineScript(0.9, 0.3), restart_s=4.0)

    assert play(case, FIRST_SEED) == play(case, FIRST_SEED)


def test_listeners_in_numbers() -> None:
    gap = Silence(at_s=9.0, lasted_s=1.5, boundary="sentence", cause="synthesis")
    broken = Silence(at_s=12.0, lasted_s=0.5, boundary="", cause="synthesis")
    numbers = told(
        [
            Heard(
                Outcome(1.0, 0.5, 30.0, (gap, broken), stretched_s=1.0), ("comma", "sentence"), 4.0
            ),
            Heard(Outcome(3.0, 0.5, 90.0, added_pause_s=2.0), ("speaker", "paragraph"), 0.0),
        ]
    )

    assert numbers.start_p90_s == pytest.approx(2.8)
    assert replace(numbers, start_p90_s=0.0) == Tally(
        listeners=2, start_s=2.0, start_p90_s=0.0, gap_share=0.5, silent_s=1.0,
        gap_s=1.0, gap_longest_s=1.5, natural_share=0.75, stretched_s=0.5, added_pause_s=1.0,
        chunks=2.0, sentence_share=0.75, unheard_s=2.0,
    )  # fmt: skip


def test_a_longer_lead_starts_later() -> None:
    starts_s = [
        tally(Case(QUICK, policy=FixedPolicy(lead_s, lead_s - 0.5, lead_s)), 2).start_s
        for lead_s in tuning.LEADS_S
    ]

    assert starts_s == sorted(starts_s)
    assert starts_s[-1] - starts_s[0] > 0.3


def test_what_is_made_ahead_covers_a_restart_and_is_lost_at_a_stop() -> None:
    short, far = LookAhead(5.0, 2, 5.0), LookAhead(8.0, 2, 20.0)
    away = Case(QUICK, restart_s=8.0)
    stopped = Case(QUICK, stops=True)

    near_s, far_s = (tally(replace(away, look_ahead=each), 2).silent_s for each in (short, far))
    assert near_s > 1.0
    assert far_s == 0.0
    near_s, far_s = (tally(replace(stopped, look_ahead=each), 2).unheard_s for each in (short, far))
    assert far_s > near_s + 3.0
    assert near_s > 2.0


def test_a_ring_smaller_than_the_look_ahead_loses_nothing() -> None:
    away = Case(QUICK, restart_s=8.0)

    assert tally(replace(away, buffer_s=8.0), 2).silent_s == tally(away, 2).silent_s


def test_sizes_make_fewer_or_more_chunks() -> None:
    counts = [
        tally(Case(QUICK, chunker=tuning.SIZES[name]), 2).chunks
        for name in ("2-3 s, first 2 s", "3-7 s (mission)", "6-12 s, first 4 s")
    ]

    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 3


def test_more_slots_serve_more_listeners() -> None:
    batches = [
        EngineScript(rtf=0.5, slots=slots, slowdown=tuning.AT_ONCE[slots]) for slots in (1, 4)
    ]
    one, four = (tally(Case(batch, listeners=4), 1) for batch in batches)

    assert one.listeners == four.listeners == 4
    assert one.silent_s > 10 * four.silent_s


def test_elastic_playout_leaves_less_silence_and_is_off_when_rigid() -> None:
    off = tally(Case(SLOW, policy=MeasuredPolicy(elastic=RIGID)), 2)
    on = tally(Case(SLOW), 2)

    assert (off.stretched_s, off.added_pause_s) == (0.0, 0.0)
    assert on.stretched_s > 0.0
    assert on.silent_s < 0.9 * off.silent_s


@pytest.mark.usefixtures("_unplayed")
@pytest.mark.parametrize("name", tuning.SWEEPS)
def test_a_sweep_is_told_in_tables_and_drawn(name: str, tmp_path: Path) -> None:
    figures = pytest.importorskip(
        "legato.sim.tuning_figures", reason="needs the extra report", exc_type=ImportError
    )
    rows: Rows = tuning.SWEEPS[name]()
    written = table(name, rows)
    assert all(row.setting in written and row.where in written for row in rows)

    path = tmp_path / f"{name}.svg"
    figures.draw(name, rows, path)
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"
    assert path.stat().st_size < 60_000
    again = tmp_path / "again.svg"
    figures.draw(name, rows, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("_unplayed")
def test_the_command_draws_what_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra report")
    assert tuning.main([str(tmp_path / "figures"), "elastic"]) == 0
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["elastic.svg"]
    assert capsys.readouterr().out.startswith("## elastic\n")

    (tmp_path / "file").touch()
    assert tuning.main([str(tmp_path / "file"), "elastic"]) == 1
    assert capsys.readouterr().err.startswith("cannot write into ")


@pytest.mark.parametrize("arguments", [[], ["folder", "nonsense"]])
def test_the_command_says_how_it_is_used(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuning.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m legato.sim.tuning FOLDER ")


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tuning, "find_spec", lambda name: None)

    assert tuning.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == "drawing needs matplotlib: pip install 'legato[report]'\n"
