"""The benchmark of XTTS: what it measures, and what its ratios mean."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from legato.bench import gpu_use, xtts
from legato.bench.gpu_use import GpuUse
from legato.bench.xtts import Options, ratios, run, table
from legato.bench.xtts_work import Work
from legato.errors import EngineError, UsageError
from legato.xtts.synthetic import make_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("xtts") / "mini", "mini", 1)


def test_a_small_run_measures_everything(model: Path) -> None:
    told: list[str] = []
    result = run(
        Options(
            model=str(model),
            slots=(1, 2),
            speaking=(1, 2),
            tokens=4,
            threads=1,
            device="cpu",
            vocoder_latents=4,
            rounds=1,
        ),
        told.append,
    )
    assert [row["chunks"] for row in result["legato"]["decode"]] == [1, 2]
    assert all(row["tokens_per_s"] > 0 for row in result["legato"]["decode"])
    one, two = result["legato"]["engine"]
    assert 0 < one["ttfa_ms"] <= one["gapless_start_s"] * 1_000 + 1
    assert two["audio_s"] > one["audio_s"]
    assert one["gpu_util_pct"] is None
    assert (result["threads"], result["prefix_positions"]) == (1, 131)
    assert result["ratios"].keys() == {"all_of_2_to_one", "vocoder_stream_to_reference"}
    assert table(result).row_count == 2 + 2 * 3 + 1
    assert told == [
        "loading",
        "decode, 1, 2 at once, round 1 of 1",
        "speak, 1, 2 at once, round 1 of 1",
        "the vocoder, whole and streamed",
    ]


@pytest.fixture
def damaged(model: Path, tmp_path: Path) -> Path:
    """A checkpoint whose weights cannot be read."""
    for name in ("config.json", "vocab.json"):
        (tmp_path / name).symlink_to(model / name)
    (tmp_path / "model.pth").write_bytes(b"no weights")
    return tmp_path


def test_a_side_that_fails_is_an_error_of_one_line(damaged: Path) -> None:
    with pytest.raises(EngineError, match="xtts_legato failed: "):
        run(Options(model=str(damaged), tokens=4, vocoder_latents=0))


@pytest.mark.parametrize("name", ["config.json", "model.pth", "vocab.json"])
def test_a_folder_that_lacks_a_file_is_bad_usage(damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    with pytest.raises(UsageError, match=f"^no {name} in "):
        run(Options(model=str(damaged)))


@pytest.mark.parametrize(
    ("device", "message"), [("tpu", "^xtts runs on auto"), ("cuda", "^xtts: no CUDA device")]
)
def test_a_device_that_is_not_there_is_bad_usage(
    monkeypatch: pytest.MonkeyPatch, damaged: Path, device: str, message: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match=message):
        run(Options(model=str(damaged), device=device))


def side(speeds: dict[int, float], ttfa_ms: float, rtf: float) -> dict[str, Any]:
    return {
        "decode": [
            {"chunks": chunks, "tokens_per_s": each, "each_tokens_per_s": each / chunks, "rtf": 1.0}
            for chunks, each in speeds.items()
        ],
        "engine": [{"chunks": 1, "ttfa_ms": ttfa_ms, "rtf": rtf, "gpu_util_pct": 83.0}],
    }


def test_ratios_are_above_one_where_legato_is_faster() -> None:
    found = ratios(
        side({1: 12.0, 2: 24.0, 16: 72.0}, 2_000.0, 2.0),
        side({1: 8.0}, 3_000.0, 5.0),
        {"stream_ratio": 4.0},
    )
    assert found == {
        "all_of_2_to_one": 2.0,
        "all_of_16_to_one": 6.0,
        "decode_1_to_reference": 1.5,
        "decode_2_to_reference": 3.0,
        "decode_16_to_reference": 9.0,
        "ttfa_to_reference": 1.5,
        "rtf_to_reference": 2.5,
        "vocoder_stream_to_reference": 4.0,
    }


def test_both_sides_are_shown() -> None:
    ours, theirs = side({1: 12.0, 16: 72.0}, 2_000.0, 2.0), side({1: 8.0}, 3_000.0, 5.0)
    result = {
        "model": "m", "device": "cpu", "tokens": 4, "prefix_positions": 131, "threads": 2,
        "rounds": 1,
        "machine": "here", "legato": ours, "reference": theirs, "vocoder": None,
        "ratios": ratios(ours, theirs, None),
    }  # fmt: skip
    shown = table(result)
    assert list(shown.columns[3].cells) == ["1.5", "9", "1.5", "2.5", "-"]
    assert list(shown.columns[1].cells)[-1] == "83"


def test_the_reference_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xtts, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="coqui-tts is not installed here: see docs/BENCHMARKS"):
        run(Options(against="coqui"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"against": "others"}, "against coqui, not against 'others'"),
        ({"tokens": 1}, "between 2 and 200"),
        ({"slots": (0,)}, "at least 1"),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Options(**options)


def test_a_synthetic_checkpoint_is_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(xtts, "user_cache_path", lambda *_, **__: tmp_path)
    told: list[str] = []
    with pytest.raises(UsageError, match="tiny, mini, full"):
        xtts.checkpoint("", "huge", told.append)
    folder = xtts.checkpoint("", "mini", told.append)
    assert (folder / "model.pth").exists()
    assert xtts.checkpoint("", "mini", told.append) == folder
    assert len(told) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["xtts-synthetic-mini"]


def test_work_travels_as_one_line() -> None:
    work = Work("/a b", 4, 2, 1, 'He said "no".', 1, "cpu")
    assert Work.read(work.line()) == work
    assert "\n" not in work.line()


class FakeNvml:
    NVMLError = RuntimeError

    def __init__(self, working: bool = True) -> None:
        self.working = working
        self.ended = False

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own names
        if not self.working:
            raise self.NVMLError("no driver")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUtilizationRates(self, _handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=80)

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.ended = True


def test_gpu_use_is_the_mean_while_something_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(gpu_use, "_PERIOD_S", 0.005)
    with GpuUse() as use:
        time.sleep(0.1)
    assert use.percent == 80.0
    assert nvml.ended


def test_gpu_use_is_not_measured_without_nvml_a_driver_or_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (None, FakeNvml(working=False)):
        monkeypatch.setitem(sys.modules, "pynvml", module)
        with GpuUse() as use:
            pass
        assert use.percent is None
    with GpuUse(wanted=False) as use:
        pass
    assert use.percent is None
