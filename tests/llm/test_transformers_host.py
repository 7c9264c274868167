"""Tokens become text letter by whole letter."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from legato.llm.transformers_host import Speaker

TEXT = "Naïve 東京, “so” — 🙂🇫🇷 done."


def _bytes_alone() -> Tokenizer:
    """A token for each byte: letters of other scripts are cut into two, three, four."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def test_letters_of_many_tokens_are_never_broken() -> None:
    tokenizer = _bytes_alone()
    tokens = tokenizer.encode(TEXT).ids
    assert len(tokens) == len(TEXT.encode())
    said: list[str] = []
    speaker = Speaker(tokenizer, said.append)
    speaker.put(torch.tensor([tokenizer.encode("The prompt.").ids]))
    for token in tokens:
        speaker.put(torch.tensor([token]))
    speaker.end()
    assert "".join(said) == TEXT
    assert not any("�" in text for text in said)


def test_a_broken_letter_at_the_end_is_not_said() -> None:
    tokenizer = _bytes_alone()
    said: list[str] = []
    speaker = Speaker(tokenizer, said.append)
    speaker.put(torch.tensor([[0]]))
    for token in tokenizer.encode("So 🙂").ids[:-1]:
        speaker.put(torch.tensor([token]))
    assert "".join(said) == "So "
