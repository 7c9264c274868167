"""Text to the token ids that the GPT reads, and the limits on both.

Knows the checkpoint's vocab.json and nothing of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from legato.errors import EngineError, TextTooLong, UnknownLanguage, UsageError
from legato.text.languages import normal_code
from legato.types import LANGUAGES, EngineLimits
from legato.xtts.cleaning import clean_text
from legato.xtts.cleaning.optional import require

MAX_TEXT_TOKENS = 400
"""The longest text, in tokens of `Tokenizer.encode`, that the GPT has positions for."""

MAX_AUDIO_S = 27.9
"""The longest speech of one chunk: 602 audio tokens of 1024 / 22050 s; the rest is cut."""

CHARACTER_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "ar": 166,
        "cs": 186,
        "de": 253,
        "en": 250,
        "es": 239,
        "fr": 273,
        "hi": 150,
        "hu": 224,
        "it": 213,
        "ja": 71,
        "ko": 95,
        "nl": 251,
        "pl": 224,
        "pt": 203,
        "ru": 182,
        "tr": 226,
        "zh-cn": 82,
    }
)
"""Characters, before cleaning, beyond which speech is likely to be cut (from the reference)."""


class Tokenizer:
    """Byte-pair encoding of cleaned text, by the `vocab.json` of a checkpoint.

    `languages` are those whose token the vocabulary has, a subset of `LANGUAGES`.
    Raises UsageError if the file is missing, EngineError if it is no XTTS vocabulary.
    """

    def __init__(self, vocab_path: Path) -> None:
        self._bpe = _load(vocab_path)
        self.languages = tuple(
            language for language in LANGUAGES if self._bpe.token_to_id(f"[{language}]") is not None
        )
        if not self.languages or self._bpe.token_to_id("[SPACE]") is None:
            raise EngineError(
                f"{vocab_path} is not the vocabulary of XTTS v2: it lacks [SPACE] or every "
                "language; download the checkpoint again"
            )

    def __len__(self) -> int:
        return int(self._bpe.get_vocab_size())

    def encode(self, text: str, language: str) -> list[int]:
        """The ids of `text` behind the token of its language, without start and stop tokens.

        language: a code of `LANGUAGES`; a region is ignored ("pt-br"), and "zh" is "zh-cn".
        Raises UnknownLanguage, and UsageError without the package that the language needs.
        Give it the text as written: lower-cased beforehand (as the reference's `inference`
        does), a Turkish "İ" is two characters, the second unknown to the vocabulary.
        """
        spaced = f"[{self._language_token(language)}]{self.clean(text, language)}"
        return list(self._bpe.encode(spaced.replace(" ", "[SPACE]")).ids)

    def clean(self, text: str, language: str) -> str:
        """What `encode` makes ids of: words alone. Raises as that does."""
        return clean_text(text, self._language_token(language).partition("-")[0])

    def _language_token(self, language: str) -> str:
        primary = normal_code(language).partition("-")[0]
        token = "zh-cn" if primary == "zh" else primary
        if token not in self.languages:
            raise UnknownLanguage(
                f"XTTS does not speak {language!r}; it speaks {', '.join(self.languages)}"
            )
        return token


def check_limits(text: str, language: str, ids: Sequence[int]) -> None:
    """Raise TextTooLong if `ids`, the tokens of `text`, are more than the GPT takes.

    Beyond the character limit alone nothing is raised: numbers grow and spaces cost nothing,
    so only tokens tell; `engine_limits` keeps the chunker below both.
    """
    if len(ids) > MAX_TEXT_TOKENS:
        raise TextTooLong(
            f"{len(text)} characters of {language!r} are {len(ids)} text tokens, and XTTS takes "
            f"{MAX_TEXT_TOKENS}; split the text that begins {text[:40]!r}"
        )


def engine_limits() -> EngineLimits:
    """The limits as the chunker respects them."""
    return EngineLimits(
        max_characters=min(CHARACTER_LIMITS.values()),
        characters_by_language=CHARACTER_LIMITS,
        max_audio_s=MAX_AUDIO_S,
    )


def _load(vocab_path: Path) -> Any:
    if not vocab_path.is_file():
        raise UsageError(f"no vocabulary at {vocab_path}; is this the folder of a checkpoint?")
    tokenizers = require("tokenizers", "xtts", "XTTS")
    try:
        return tokenizers.Tokenizer.from_file(str(vocab_path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise EngineError(
            f"{vocab_path} cannot be read ({error}); download the checkpoint again"
        ) from error
