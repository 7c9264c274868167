"""The tokenizer: ids equal to the reference's, and its limits and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from legato.errors import EngineError, TextTooLong, UnknownLanguage, UsageError
from legato.types import LANGUAGES
from legato.xtts.tokenizer import (
    CHARACTER_LIMITS,
    MAX_TEXT_TOKENS,
    Tokenizer,
    check_limits,
    engine_limits,
)
from tests.xtts.oracle_text import VOCAB, golden


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(VOCAB)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_equal_the_reference(tokenizer: Tokenizer, language: str) -> None:
    for case in golden()[language]:
        assert tokenizer.encode(case["text"], language) == case["ids"]


def test_knows_every_language_of_the_vocabulary(tokenizer: Tokenizer) -> None:
    assert tokenizer.languages == LANGUAGES
    assert len(tokenizer) == 1_200


def test_reads_the_vocabulary_of_a_synthetic_checkpoint(mini_checkpoint: Path) -> None:
    tokenizer = Tokenizer(mini_checkpoint / "vocab.json")
    assert tokenizer.languages == LANGUAGES
    assert tokenizer.encode("", "en") == [259]
    first, *rest = tokenizer.encode("To be.", "de")
    assert first == 260
    assert rest.count(2) == 1  # [SPACE]


def test_ignores_the_region(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("olá", "pt-br") == tokenizer.encode("olá", "pt")
    for code in ("zh", "zh-CN", "zh_TW"):
        assert tokenizer.encode("你好", code) == tokenizer.encode("你好", "zh-cn")


@pytest.mark.parametrize("language", ["sv", "", "-", "zhcn"])
def test_refuses_other_languages(tokenizer: Tokenizer, language: str) -> None:
    with pytest.raises(UnknownLanguage, match=r"does not speak .* it speaks ar, cs"):
        tokenizer.encode("hej", language)


def test_missing_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no vocabulary at .*vocab\.json"):
        Tokenizer(tmp_path / "vocab.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", VOCAB.read_bytes()[:5_000]])
def test_corrupt_vocabulary(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vocab.json"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="cannot be read"):
        Tokenizer(path)


@pytest.mark.parametrize("lost", ["[SPACE]", "["])
def test_vocabulary_of_another_model(tmp_path: Path, lost: str) -> None:
    path = tmp_path / "vocab.json"
    text = VOCAB.read_text(encoding="utf-8")
    path.write_text(text.replace(f'"{lost}', f'"other{lost}'), encoding="utf-8")
    with pytest.raises(EngineError, match="is not the vocabulary of XTTS v2"):
        Tokenizer(path)


def test_limits_are_in_tokens(tokenizer: Tokenizer) -> None:
    check_limits("many", "en", [5] * MAX_TEXT_TOKENS)
    with pytest.raises(TextTooLong, match=r"401 text tokens, and XTTS takes 400"):
        check_limits("many", "en", [5] * (MAX_TEXT_TOKENS + 1))
    text = "word " * 2_000
    with pytest.raises(TextTooLong, match=r"10000 characters of 'en'"):
        check_limits(text, "en", tokenizer.encode(text, "en"))


def test_engine_limits() -> None:
    limits = engine_limits()
    assert set(CHARACTER_LIMITS) == set(LANGUAGES)
    assert limits.characters("zh-cn") == 82
    assert limits.characters("fr") == 273
    assert limits.characters("tlh") == 71
    assert limits.max_audio_s == 27.9
