from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from legato.errors import OutputError, UnknownVoice, UsageError
from legato.xtts.places import DATA_VARIABLE
from legato.xtts.voices import VoiceLatents, VoiceStore, check_name, find_name


def some_latents(seed: int = 0) -> VoiceLatents:
    torch.manual_seed(seed)
    return VoiceLatents(torch.randn(32, 64), torch.randn(512))


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "not" / "yet")


def test_what_is_kept_comes_back_bit_by_bit(store: VoiceStore) -> None:
    latents = some_latents()
    path = store.add("Anna", latents)
    assert path.suffix == ".safetensors"
    again = VoiceStore(store.folder).load("Anna")
    assert torch.equal(again.gpt_cond_latent, latents.gpt_cond_latent)
    assert torch.equal(again.speaker_embedding, latents.speaker_embedding)
    assert again.gpt_cond_latent.dtype == torch.float32


def test_names_are_sorted_and_ignore_case(store: VoiceStore) -> None:
    assert store.names() == ()
    for name in ("bob", "Anna", "José"):
        store.add(name, some_latents())
    assert store.names() == ("Anna", "bob", "José")
    assert store.load("ANNA")
    assert store.load("jose\N{COMBINING ACUTE ACCENT}")
    assert [path.name for path in store.folder.iterdir() if path.suffix == ".part"] == []


def test_a_name_that_is_taken(store: VoiceStore) -> None:
    store.add("Anna", some_latents(0))
    with pytest.raises(UsageError, match="'Anna' already; add --replace"):
        store.add("anna", some_latents(1))
    store.add("anna", some_latents(1), replace=True)
    assert store.names() == ("Anna",)
    assert torch.equal(store.load("Anna").speaker_embedding, some_latents(1).speaker_embedding)


def test_removing(store: VoiceStore) -> None:
    store.add("Anna", some_latents())
    store.remove("anna")
    assert store.names() == ()
    with pytest.raises(UnknownVoice, match="no own voice 'anna'"):
        store.remove("anna")
    with pytest.raises(UnknownVoice, match="no voice 'anna'"):
        store.load("anna")


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"\xff" * 400, (8).to_bytes(8, "little") + b"{}      "]
)
def test_a_broken_file_is_one_line(store: VoiceStore, content: bytes) -> None:
    store.add("Anna", some_latents()).write_bytes(content)
    with pytest.raises(UnknownVoice, match=r"is broken .* add the voice again") as caught:
        store.load("Anna")
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_old_voice(
    store: VoiceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add("Anna", some_latents(0))

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        store.add("Anna", some_latents(1), replace=True)
    assert torch.equal(store.load("Anna").speaker_embedding, some_latents(0).speaker_embedding)
    assert len(list(store.folder.iterdir())) == 1


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        VoiceStore(tmp_path / "file").add("Anna", some_latents())


@pytest.mark.parametrize("name", ["Anna", "José", "Claribel Dervla", "bob_2", "x", "O'Neil", "声"])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "../up", "a/b", "a\\b", ".hidden", "-x", "a.", "a ", "CON", "nul.x", "a\n", "x" * 65],
)
def test_bad_names(store: VoiceStore, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a voice's name"):
        check_name(name)
    with pytest.raises(UsageError):
        store.add(name, some_latents())
    assert not store.folder.exists()


@given(st.text(max_size=70))
def test_a_name_stays_in_its_folder(name: str) -> None:
    try:
        kept = check_name(name)
    except UsageError:
        return
    assert Path(f"{kept}.safetensors").name == f"{kept}.safetensors"
    assert check_name(kept) == kept
    assert find_name(name.swapcase(), (kept,)) in {kept, None}


def test_exact_names_come_before_others() -> None:
    assert find_name("anna", ("Anna", "anna")) == "anna"
    assert find_name("ANNA", ("Anna",)) == "Anna"
    assert find_name("Ann", ("Anna",)) is None


@pytest.mark.parametrize(
    ("latent", "embedding"),
    [
        (torch.zeros(1, 32, 64), torch.zeros(512)),
        (torch.zeros(31, 64), torch.zeros(512)),
        (torch.zeros(32, 64), torch.zeros(1, 512, 1)),
        (torch.zeros(32, 64).half(), torch.zeros(512)),
        (torch.full((32, 64), torch.nan), torch.zeros(512)),
        (torch.zeros(32, 64), torch.full((512,), torch.inf)),
    ],
)
def test_latents_are_checked(latent: torch.Tensor, embedding: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="voice latents"):
        VoiceLatents(latent, embedding)


def test_the_store_is_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert VoiceStore().folder == tmp_path / "voices"
