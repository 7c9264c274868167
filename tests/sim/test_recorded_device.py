import pytest

from legato.events import Event
from legato.sim.recorded_device import device_of
from tests.sim.recordings import event

HZ = 48_000
LATENCY_S = 0.02


def run(period: int, phase_s: float, late_s: float = 0.0, every_s: float = 0.137) -> list[Event]:
    """A device that takes portions from `phase_s` on; content from its fifth portion on."""
    period_s = period / HZ
    begins_s = phase_s + 4 * period_s
    rows = [event(begins_s + late_s + LATENCY_S, "first", 0, 0)]
    for look in range(60):
        at_s = begins_s + 0.3 + look * every_s
        portions = 1 + int((at_s - begins_s) / period_s)
        rows.append(event(at_s, "level", sample=portions * period))
    return rows


@pytest.mark.parametrize("period", [480, 960, 1_024])
def test_portions_and_their_times_are_found(period: int) -> None:
    device = device_of(run(period, 0.0034), HZ, LATENCY_S)
    assert round(device.period_s * HZ) == period
    off_s = (device.phase_s - 0.0034 + 0.5 * device.period_s) % device.period_s
    assert off_s == pytest.approx(0.5 * device.period_s, abs=0.0005)


def test_a_first_portion_that_was_late_misleads_nobody() -> None:
    device = device_of(run(480, 0.0034, late_s=0.004), HZ, LATENCY_S)
    off_s = (device.phase_s - 0.0034 + 0.005) % 0.010 - 0.005
    assert abs(off_s) < 0.0015


def test_a_device_without_portions_renders_as_it_is_asked() -> None:
    rows = [event(0.02, "first", 0, 0)]
    times_s = [0.3 + n * 0.137 + 0.0001 * (n * n % 17) for n in range(40)]
    rows += [event(at_s, "level", sample=round(at_s * HZ)) for at_s in times_s]
    assert device_of(rows, HZ, LATENCY_S).period_s == 0.0


def test_too_little_says_nothing_about_portions() -> None:
    assert device_of(run(480, 0.0)[:5], HZ, LATENCY_S).period_s == 0.010
    assert device_of([], HZ, LATENCY_S).period_s == 0.010
