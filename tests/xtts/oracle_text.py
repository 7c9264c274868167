"""Writes golden/text.json and golden/text_vocab.json with coqui-tts 0.28.0.

`python -m tests.xtts.oracle_text`; needs coqui-tts. The golden text is how it cleans and encodes
the hard sentences. The official vocabulary cannot be in this repository: one in its layout is
trained on the sentences themselves. So the ids show the same cleaning, prefix, spaces and merging,
not the numbers that the official vocabulary gives.
"""

from __future__ import annotations

import json
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

from legato.types import LANGUAGES

SENTENCES = Path(__file__).with_name("hard_sentences.toml")
GOLDEN = Path(__file__).parent / "golden" / "text.json"
VOCAB = Path(__file__).parent / "golden" / "text_vocab.json"
_VOCABULARY_SIZE = 1_200
_SPECIALS = ("[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{name}]" for name in LANGUAGES))
_LEFT_OUT = "qjž👍"
"""Letters that the vocabulary lacks, so that unknown ones are met."""


def hard_sentences() -> dict[str, list[str]]:
    """The sentences of each language."""
    sentences: dict[str, list[str]] = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
    return sentences


def golden() -> dict[str, list[dict[str, Any]]]:
    """By language: text, cleaned text and ids of each sentence."""
    made: dict[str, list[dict[str, Any]]] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return made


def _train(cleaned: list[str]) -> None:
    vocabulary = Tokenizer(models.BPE(unk_token="[UNK]"))
    vocabulary.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY_SIZE,
        special_tokens=[AddedToken(name, normalized=False) for name in _SPECIALS],
        show_progress=False,
    )
    known = str.maketrans(dict.fromkeys(_LEFT_OUT))
    vocabulary.train_from_iterator([text.translate(known) for text in cleaned], trainer)
    vocabulary.save(str(VOCAB), pretty=False)


def main() -> None:
    """Write both files."""
    reference = import_module("TTS.tts.layers.xtts.tokenizer").VoiceBpeTokenizer
    sentences = hard_sentences()
    cleaner = reference()
    cleaned = {
        name: [cleaner.preprocess_text(text, name.partition("-")[0]) for text in sentences[name]]
        for name in LANGUAGES
    }
    _train([text for texts in cleaned.values() for text in texts])
    tokenizer = reference(str(VOCAB))
    made = {
        name: [
            {"text": text, "cleaned": clean, "ids": tokenizer.encode(text, name)}
            for text, clean in zip(sentences[name], cleaned[name], strict=True)
        ]
        for name in LANGUAGES
    }
    lines = json.dumps(made, ensure_ascii=False).replace('}, {"text', '},\n{"text')
    GOLDEN.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
