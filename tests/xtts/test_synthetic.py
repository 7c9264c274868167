from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.config import XttsConfig
from legato.xtts.download import FILES
from legato.xtts.gpt import Gpt
from legato.xtts.kv_cache import KeyValueCache
from legato.xtts.layout import expected_shapes
from legato.xtts.synthetic import SIZES, SPEAKERS, checkpoint_config, main
from legato.xtts.synthetic_vocab import LANGUAGES, vocabulary
from legato.xtts.synthetic_weights import make_weights, tokens_per_text
from tests.xtts.oracle_gpt import SEED, made_up_text


@pytest.fixture(scope="module")
def gpt(mini_checkpoint: Path) -> Gpt:
    return Gpt.from_checkpoint(load_checkpoint(mini_checkpoint, verify=False))


def drawn(gpt: Gpt, latents: torch.Tensor, text: list[int], seed: int) -> tuple[int, float]:
    """Audio tokens up to the stop token, sampled; the least spread of the logits."""
    generator = torch.Generator().manual_seed(seed)
    store = KeyValueCache(gpt.config, 1)
    logits = gpt.prefill(store, [0], [gpt.prefix(text, latents)])[0][0]
    spread = float(logits.std())
    for step in range(1, gpt.config.max_new_tokens):
        token = torch.multinomial(torch.softmax(logits / 0.75, 0), 1, generator=generator)
        if int(token) == gpt.config.stop_audio:
            return step, spread
        logits = gpt.decode(store, torch.tensor([0]), token, torch.tensor([step]))[0][0]
        spread = min(spread, float(logits.std()))
    pytest.fail("no stop token")


@pytest.mark.parametrize("count", [6, 40, 120])
@pytest.mark.parametrize("speaker", SPEAKERS[:2])
def test_speech_is_as_long_as_its_text_asks(
    gpt: Gpt, mini_checkpoint: Path, count: int, speaker: str
) -> None:
    latents = load_speakers(mini_checkpoint)[speaker].gpt_cond_latent
    length, spread = drawn(gpt, latents, made_up_text(count), seed=count)
    planned = tokens_per_text(SEED) * (count + 2)
    assert abs(length - planned) < 8 + 0.15 * planned
    assert spread >= 1


def test_the_same_seed_makes_the_same_files(mini_checkpoint: Path, tmp_path: Path) -> None:
    main([str(tmp_path / "again"), "--size", "mini", "--seed", str(SEED)])
    main([str(tmp_path / "other"), "--size", "mini", "--seed", str(SEED + 1)])
    first, again, other = (
        load_checkpoint(folder).tensors
        for folder in (mini_checkpoint, tmp_path / "again", tmp_path / "other")
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["mel_stats"], other["mel_stats"])


def test_files_that_are_in_use_are_replaced_and_not_written_to(tmp_path: Path) -> None:
    main([str(tmp_path), "--size", "mini"])
    before = (tmp_path / "model.pth").stat().st_ino
    main([str(tmp_path), "--size", "mini"])
    assert (tmp_path / "model.pth").stat().st_ino != before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "file")])
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_weights_are_those_that_the_golden_files_were_made_with(mini_checkpoint: Path) -> None:
    """Numpy's generator could change; then `make oracle` must be run again."""
    tensors = load_checkpoint(mini_checkpoint).tensors
    expected = torch.tensor([0.9225673, -0.17073189, 0.45936868])
    torch.testing.assert_close(tensors["gpt.mel_embedding.weight"][3, :3], expected)


def test_every_tensor_is_finite_and_has_its_shape(mini_checkpoint: Path) -> None:
    config = XttsConfig.load(mini_checkpoint)
    tensors = make_weights(config, 5)
    assert {name: tuple(t.shape) for name, t in tensors.items()} == expected_shapes(config)
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_the_vocabulary_is_one(mini_checkpoint: Path) -> None:
    tokenizer = Tokenizer.from_file(str(mini_checkpoint / "vocab.json"))
    size = SIZES["mini"].text_vocab
    assert sorted(tokenizer.get_vocab().values()) == list(range(size))
    for name, token in (("[STOP]", 0), ("[UNK]", 1), ("[SPACE]", 2), ("[START]", 261)):
        assert tokenizer.token_to_id(name) == token
    assert all(tokenizer.token_to_id(f"[{language}]") for language in LANGUAGES)


@pytest.mark.parametrize(
    "text", ["the hound, 3 of them!", "żółć", "съешь ещё", "مرحبا بكم", "नमस्ते"]
)
def test_the_vocabulary_spells_every_script(mini_checkpoint: Path, text: str) -> None:
    tokenizer = Tokenizer.from_file(str(mini_checkpoint / "vocab.json"))
    ids = tokenizer.encode("[en]" + text.replace(" ", "[SPACE]")).ids
    assert ids[0] == 259
    assert 1 not in ids
    spelled = tokenizer.decode(ids, skip_special_tokens=False).replace(" ", "")
    assert spelled == "[en]" + text.replace(" ", "[SPACE]")


def test_merges_shorten_common_words(mini_checkpoint: Path) -> None:
    tokenizer = Tokenizer.from_file(str(mini_checkpoint / "vocab.json"))
    assert len(tokenizer.encode("interesting").ids) < len("interesting")


def test_the_full_size_has_the_published_vocabulary() -> None:
    model = vocabulary(6681)["model"]
    assert isinstance(model, dict)
    assert sorted(model["vocab"].values()) == list(range(6681))
    assert checkpoint_config(SIZES["full"])["model"] == "xtts"
