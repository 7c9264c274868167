"""From numbers to options, and the profile that keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from legato.errors import OutputError, UsageError
from legato.xtts.measuring import DecodeSpeed, Spoken, gapless_start_s
from legato.xtts.profile import Profile, load_profile, profile_path
from legato.xtts.settings import XttsSettings
from legato.xtts.tuning import best_first_block, best_order, best_slots, expectation, keeps_up


def speed(chunks: int, tokens_per_s: float) -> DecodeSpeed:
    return DecodeSpeed(chunks, 11, 0.1, chunks * 10 / tokens_per_s)


def spoken(first_s: float, gapless_s: float, wall_s: float = 10.0) -> Spoken:
    return Spoken(4, first_s, gapless_s, wall_s, audio_s=8.0)


def test_slots_are_the_fewest_that_are_nearly_as_fast_as_any() -> None:
    speeds = [speed(1, 10), speed(4, 40), speed(8, 62), speed(16, 65)]
    assert speeds[1].each_tokens_per_s == pytest.approx(10)
    assert best_slots(speeds) == 8
    assert best_slots([speed(1, 10), speed(2, 9)]) == 1
    with pytest.raises(UsageError, match="nothing was measured"):
        best_slots([])


def test_a_machine_keeps_up_when_every_chunk_is_made_faster_than_it_is_heard() -> None:
    speeds = [speed(1, 30), speed(8, 200)]
    assert keeps_up(speeds, 1)
    assert not keeps_up(speeds, 8)


def test_the_order_is_the_one_whose_listener_begins_first() -> None:
    assert best_order({1: spoken(1, 5), 4: spoken(2, 4)}) == 4
    assert best_order({1: spoken(1, 4.1, wall_s=12), 4: spoken(2, 4.0, wall_s=9)}) == 4
    assert best_order({1: spoken(1, 4.1, wall_s=8), 4: spoken(2, 4.0, wall_s=9)}) == 1


def test_of_orders_that_begin_at_once_it_is_the_one_with_time_for_most_listeners() -> None:
    found = {1: spoken(0.05, 0.05, 5.7), 32: spoken(0.2, 0.23, 1.4), 64: spoken(0.4, 0.4, 1.0)}
    assert best_order(found) == 32


def test_the_first_block_is_short_unless_it_costs_more_later() -> None:
    assert best_first_block({10: spoken(0.2, 0.3), 20: spoken(0.3, 0.3)}) == 10
    assert best_first_block({10: spoken(0.2, 0.5), 20: spoken(0.3, 0.3)}) == 20


def test_a_listener_waits_for_the_block_that_is_latest_for_its_place() -> None:
    rate_hz = 10
    # Chunk 1 is there early, chunk 0's second block (heard after 1 s) comes at 2.5 s.
    arrivals = [(0.5, 0, 10), (0.7, 1, 10), (2.5, 0, 10)]
    assert gapless_start_s(arrivals, rate_hz) == pytest.approx(1.5)
    assert gapless_start_s(arrivals[:1], rate_hz) == pytest.approx(0.5)


def test_an_expectation_is_bandwidth_alone() -> None:
    one, many = expectation(1, 1_500.0), expectation(32)
    assert one.step_ms == pytest.approx(1.03, abs=0.01)
    assert one.rtf == pytest.approx(0.022, abs=0.001)
    assert many.times_real_time > 20 * expectation(1).times_real_time / 2


def test_the_engine_takes_the_profile_of_its_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    assert load_profile() is None
    options: dict[str, int | str] = {"slots": 7, "parallel": 3, "first_block_tokens": 12}
    kept = Profile("cpu", options, {"note": 1}).save()
    assert kept == profile_path()
    on_cpu = XttsSettings.load({"device": "cpu"}, {})
    assert (on_cpu.slots, on_cpu.parallel, on_cpu.first_block_tokens) == (7, 3, 12)
    told = XttsSettings.load({"device": "cpu", "slots": 2}, {"LEGATO_XTTS_FIRST_BLOCK_TOKENS": "9"})
    assert (told.slots, told.parallel, told.first_block_tokens) == (2, 0, 9)
    Profile("NVIDIA Imaginary", options).save()
    assert XttsSettings.load({"device": "cpu"}, {}) == XttsSettings(device="cpu")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"device": "cpu", "options": {"colour": 3}}',
     '{"device": "cpu", "options": {"slots": "4"}}',
     '{"device": "cpu", "options": {"slots": true}}'],
)  # fmt: skip
def test_a_broken_profile_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "profile.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"profile\.json is no profile .*legato tune xtts"):
        load_profile(path)


def test_a_value_that_the_engine_refuses_is_told_with_the_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path))
    Profile("cpu", {"slots": 4, "vocoder_stream": "x"}).save()
    with pytest.raises(UsageError, match=r"xtts-profile\.json is no profile .*own or shared"):
        XttsSettings.load({"device": "cpu"}, {})
    told = XttsSettings.load({"device": "cpu", "vocoder_stream": "own"}, {})
    assert (told.slots, told.vocoder_stream) == (4, "own")


def test_a_profile_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        Profile("cpu", {}).save(tmp_path / "file" / "profile.json")
