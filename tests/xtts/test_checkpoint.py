from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from legato.errors import EngineError, LegatoError, UsageError
from legato.xtts.checkpoint import Checkpoint, load_checkpoint, load_speakers
from legato.xtts.layout import expected_shapes
from legato.xtts.synthetic import SPEAKERS

State = dict[str, Tensor]
GAMMA = "gpt.conditioning_perceiver.norm.gamma"


@pytest.fixture(scope="module")
def original(mini_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(mini_checkpoint)


@pytest.fixture
def folder(mini_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy, to be spoiled."""
    shutil.copytree(mini_checkpoint, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def rewrite(folder: Path, original: Checkpoint) -> Callable[[Callable[[State], object]], Path]:
    """Saves model.pth again after a change to its state dict."""

    def apply(change: Callable[[State], object]) -> Path:
        state = dict(original.tensors)
        change(state)
        torch.save({"model": state, "config": {}}, folder / "model.pth")
        return folder

    return apply


def refusal(folder: Path, error: type[LegatoError] = EngineError) -> str:
    with pytest.raises(error) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_same(tensors: Checkpoint, others: Checkpoint) -> None:
    assert tensors.tensors.keys() == others.tensors.keys()
    assert all(torch.equal(tensors.tensors[name], others.tensors[name]) for name in others.tensors)


def test_a_checkpoint_holds_what_its_config_says(original: Checkpoint) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in original.tensors.items()}
    assert shapes == expected_shapes(original.config)


@pytest.mark.parametrize("prefix", ["gpt.final_norm", "gpt.final_norm."])
def test_a_part_is_taken_without_copying(original: Checkpoint, prefix: str) -> None:
    part = original.take(prefix)
    assert part.keys() == {"weight", "bias"}
    assert part["bias"].data_ptr() == original.tensors["gpt.final_norm.bias"].data_ptr()


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_loading_costs_no_memory_until_used(tiny_checkpoint: Path) -> None:
    before = resident_mb()
    checkpoint = load_checkpoint(tiny_checkpoint)
    assert resident_mb() - before < 30
    assert sum(tensor.nbytes for tensor in checkpoint.tensors.values()) > 90e6


def test_a_fine_tune_loads(
    original: Checkpoint, rewrite: Callable[[Callable[[State], object]], Path]
) -> None:
    def as_trained(state: State) -> None:
        for name in list(state):
            state[f"xtts.{name}"] = state.pop(name)
        state["xtts.dvae.decoder.weight"] = torch.zeros(3)
        state["torch_mel_spectrogram_dvae.window"] = torch.zeros(3)
        state["xtts.torch_mel_spectrogram_style_encoder.window"] = torch.zeros(3)
        state["xtts.gpt.gpt_inference.lm_head.0.weight"] = torch.zeros(3)
        state["xtts.gpt.gpt.wte.weight"] = torch.zeros(3)

    assert_same(load_checkpoint(rewrite(as_trained)), original)


def test_the_older_naming_of_weight_norm_loads(
    original: Checkpoint, rewrite: Callable[[Callable[[State], object]], Path]
) -> None:
    def rename(state: State) -> None:
        for name in list(state):
            old = name.replace("parametrizations.weight.original0", "weight_g")
            old = old.replace("parametrizations.weight.original1", "weight_v")
            state[old] = state.pop(name)

    assert_same(load_checkpoint(rewrite(rename)), original)


def test_a_bare_state_dict_loads(folder: Path, original: Checkpoint) -> None:
    torch.save(dict(original.tensors), folder / "model.pth")
    assert_same(load_checkpoint(folder), original)


def test_the_published_files_config_object_is_not_run(
    folder: Path, original: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        pytest.fail("code of the checkpoint was run")

    module = ModuleType("TTS.config_of_a_test")
    foreign = type("Config", (), {"__module__": module.__name__, "__setstate__": run})
    description = foreign()
    description.__dict__["args"] = {"layers": 2}
    monkeypatch.setattr(module, "Config", foreign, raising=False)
    with monkeypatch.context() as importable:
        importable.setitem(sys.modules, "TTS", ModuleType("TTS"))
        importable.setitem(sys.modules, module.__name__, module)
        content = {"model": dict(original.tensors), "config": description}
        torch.save(content, folder / "model.pth")
    assert_same(load_checkpoint(folder), original)


class Exploit:
    """Unpickled, it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_that_runs_code_is_refused(folder: Path, original: Checkpoint) -> None:
    target = folder / "made by the exploit"
    torch.save({"model": dict(original.tensors), "config": Exploit(target)}, folder / "model.pth")
    message = refusal(folder)
    assert "asks to run" in message
    assert "mkdir" in message
    assert not target.exists()


def test_speakers_that_run_code_are_refused(folder: Path) -> None:
    target = folder / "made by the exploit"
    torch.save({"Ada": Exploit(target)}, folder / "speakers_xtts.pth")
    with pytest.raises(EngineError, match="asks to run"):
        load_speakers(folder)
    assert not target.exists()


def test_a_bare_pickle_is_refused_unread(folder: Path) -> None:
    target = folder / "made by the exploit"
    (folder / "model.pth").write_bytes(pickle.dumps(Exploit(target)))
    assert "damaged" in refusal(folder)
    assert not target.exists()


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(folder: Path, part: float) -> None:
    path = folder / "model.pth"
    os.truncate(path, int(path.stat().st_size * part))
    assert "truncated or damaged" in refusal(folder)


def test_a_damaged_weight_is_found(folder: Path, original: Checkpoint) -> None:
    path = folder / "model.pth"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    assert "checksum" in refusal(folder)
    with pytest.raises(AssertionError):
        assert_same(load_checkpoint(folder, verify=False), original)


def test_every_fault_of_the_tensors_is_in_one_error(
    rewrite: Callable[[Callable[[State], object]], Path],
) -> None:
    def spoil(state: State) -> None:
        del state["mel_stats"], state["gpt.final_norm.bias"]
        state[GAMMA] = torch.zeros(7)
        state["gpt.extra"] = torch.zeros(7)

    message = refusal(rewrite(spoil))
    assert "2 missing (mel_stats, gpt.final_norm.bias)" in message
    assert f"1 of another shape ({GAMMA} (7,) instead of (64,))" in message
    assert "1 unknown (gpt.extra)" in message


def test_many_faults_are_counted(rewrite: Callable[[Callable[[State], object]], Path]) -> None:
    message = refusal(rewrite(dict.clear))
    assert "and 624 more" in message
    assert len(message) < 400


def test_half_precision_is_refused(rewrite: Callable[[Callable[[State], object]], Path]) -> None:
    message = refusal(rewrite(lambda state: state.update({GAMMA: state[GAMMA].half()})))
    assert "holds 1 float16 tensors" in message
    assert "float32" in message


def test_a_file_without_a_model_is_refused(folder: Path) -> None:
    torch.save([1, 2], folder / "model.pth")
    assert "holds no model" in refusal(folder)


@pytest.mark.parametrize("name", ["model.pth", "config.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"no {name} in" in refusal(folder, UsageError)


def test_studio_voices_have_their_latents(mini_checkpoint: Path) -> None:
    voices = load_speakers(mini_checkpoint)
    assert tuple(voices) == SPEAKERS
    for voice in voices.values():
        assert voice.gpt_cond_latent.shape == (32, 64)
        assert voice.speaker_embedding.shape == (512,)


def test_voices_kept_in_half_precision_become_float32(folder: Path) -> None:
    entry = {
        "gpt_cond_latent": torch.ones(1, 32, 64, dtype=torch.float16),
        "speaker_embedding": torch.ones(1, 512, 1, dtype=torch.float16),
    }
    torch.save({"Ada": entry}, folder / "speakers_xtts.pth")
    assert load_speakers(folder)["Ada"].gpt_cond_latent.dtype == torch.float32


def test_a_fine_tune_without_studio_voices_has_none(folder: Path) -> None:
    (folder / "speakers_xtts.pth").unlink()
    assert load_speakers(folder) == {}


@pytest.mark.parametrize("content", [[1], {"Ada": {}}, {"Ada": 3}])
def test_a_file_without_voices_is_refused(folder: Path, content: object) -> None:
    torch.save(content, folder / "speakers_xtts.pth")
    with pytest.raises(EngineError, match="does not hold voices"):
        load_speakers(folder)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.booleans())
def test_no_damage_raises_anything_but_an_engine_error(
    folder: Path, at: float, value: int, cut: bool
) -> None:
    path = folder / "speakers_xtts.pth"
    whole = path.read_bytes()
    damaged = bytearray(whole)
    place = int(at * len(damaged))
    damaged[place] = value
    path.write_bytes(damaged[:place] if cut else damaged)
    try:
        load_speakers(folder)
    except EngineError as error:
        assert "\n" not in str(error)  # noqa: PT017
    finally:
        path.write_bytes(whole)
