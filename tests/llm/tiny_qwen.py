"""A checkpoint of the Qwen3 architecture, made in a second, that says a known text.

    folder = make_checkpoint(tmp_path / "tiny", texts={"": "Once upon a time.", "fight": "Parry!"})

Its layers add nothing, so that the last token alone decides the next: token i of a text is
followed by token i + 1, whatever the temperature. Which text is said is chosen by the last
message: the first cue that stands in it, "" when none does. The chat template does that: the
beginning of the assistant's turn is one token, and there is one for each cue; otherwise the
template is Qwen's. A text ends with the end of the turn; one whose cue is in `endless` begins
again after a space, for ever. Where the conversation ends in words of the assistant's own, and
is to be continued, the text goes on after the first place where the last of them stands.

The tokens of a text are its words with the space before them, so a text comes out letter for
letter. `layers` and `hidden` make the model as slow as a test wants it, in real arithmetic: on one
idle CPU thread some 3 ms a token with 2 and 128, 9 ms with 8 and 256, 50 ms with 24 and 512.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

_START, _END, _UNKNOWN = "<|im_start|>", "<|im_end|>", "<|unknown|>"
_WORD = re.compile(r"\s*\S+|\s+$")

STORY = (
    "The rain had stopped before dawn. Mara closed the gate behind her, listened, and walked "
    "down to the river; nobody was awake yet. On the far bank a lantern moved slowly between the "
    "trees, and then it went out. She waited for a while, until the birds began to sing. "
    "There was no other sound. At last she stepped into the boat, took the oars and rowed across."
)


def make_checkpoint(
    folder: Path,
    texts: Mapping[str, str] | None = None,
    endless: Collection[str] = (),
    *,
    layers: int = 2,
    hidden: int = 128,
    prompt_end: str = "",
) -> Path:
    """Write a checkpoint that says `texts` (cue: text) into `folder`, and return the folder.

    prompt_end: written at the end of each prompt by the template, as
    "<think>\\n" is by that of some models.
    """
    texts = {"": STORY} if texts is None else dict(texts)
    turns = {cue: f"#{cue}#{_START}assistant\n{prompt_end}" for cue in texts}
    tokens, follows = _chain(texts, turns, endless)
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(tokens, turns).save_pretrained(folder)
    _model(follows, tokens.index(_END), layers, hidden).save_pretrained(folder)
    return folder


def words_of(text: str) -> list[str]:
    """The tokens of a text as this checkpoint says them: words with the space before them."""
    return _WORD.findall(text)


def _chain(
    texts: Mapping[str, str], turns: Mapping[str, str], endless: Collection[str]
) -> tuple[list[str], dict[int, int]]:
    """All tokens, and which follows which. What is between their first two "#" makes them differ
    and is no part of their text.
    """
    tokens = [_UNKNOWN, _START, _END, *turns.values()]
    follows: dict[int, int] = {}
    for cue, text in texts.items():
        last = first = tokens.index(turns[cue])
        for at, word in enumerate(words_of(text + (" " if cue in endless else ""))):
            tokens.append(f"#{cue}{at}#{word}")
            follows[last] = last = len(tokens) - 1
        follows[last] = follows[first] if cue in endless else tokens.index(_END)
    _add_words_as_read(tokens, follows)
    return tokens, follows


def _add_words_as_read(tokens: list[str], follows: dict[int, int]) -> None:
    """Words without their number: so they stand in a prompt, and are followed as if said."""
    for token, successor in list(follows.items()):
        word = tokens[token].split("#", 2)[2].strip()
        if word and word not in tokens and not word.startswith(_START):
            tokens.append(word)
            follows[len(tokens) - 1] = successor


def _tokenizer(tokens: list[str], turns: Mapping[str, str]) -> PreTrainedTokenizerFast:
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(Regex("^#[^#]*#"), ""), decoders.Fuse()]
    )
    special = [_UNKNOWN, _START, _END, *turns.values()]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token=_UNKNOWN,
        eos_token=_END,
        pad_token=_END,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = _template(turns)
    return wrapped


def _template(turns: Mapping[str, str]) -> str:
    chosen = json.dumps(turns[""])
    for cue in reversed([cue for cue in turns if cue]):
        chosen = f"({json.dumps(turns[cue])} if {json.dumps(cue)} in said else {chosen})"
    return (
        "{%- for message in messages %}"
        "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
        "{%- endfor %}"
        "{%- if add_generation_prompt %}"
        "{%- set said = messages[-1].content %}"
        f"{{{{- {chosen} }}}}"
        "{%- endif %}"
    )


def _model(follows: Mapping[int, int], end: int, layers: int, hidden: int) -> Qwen3ForCausalLM:
    size = max(follows) + 1
    config = Qwen3Config(
        vocab_size=size,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=hidden // 4,
        max_position_embeddings=32_768,
        tie_word_embeddings=False,
        eos_token_id=end,
        bos_token_id=None,
        pad_token_id=end,
    )
    torch.manual_seed(1)
    model = Qwen3ForCausalLM(config)
    meanings = torch.nn.functional.normalize(torch.randn(size, hidden), dim=1)
    wanted = torch.zeros(size, hidden)
    for token, successor in follows.items():
        wanted[successor] += 100 * meanings[token]
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(meanings)
        model.lm_head.weight.copy_(wanted)
    model.generation_config.do_sample = False
    return model
