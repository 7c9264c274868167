"""The checkpoint that other tests trust says what it was told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.llm.tiny_qwen import STORY, make_checkpoint, words_of


def _say(folder: Path, prompt: str, most_tokens: int = 500, begun: str = "") -> str:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    messages = [{"role": "user", "content": prompt}]
    if begun:
        messages.append({"role": "assistant", "content": begun})
    text = tokenizer.apply_chat_template(
        messages,
        tokenize=False,
        add_generation_prompt=not begun,
        continue_final_message=bool(begun),
    )
    encoded = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        said = model.generate(**encoded, max_new_tokens=most_tokens, do_sample=True)
    spoken: str = tokenizer.decode(said[0, encoded["input_ids"].shape[1] :])
    return spoken


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """More would wait for each other on a busy machine, a thousand times per second."""
    torch.set_num_threads(1)


def test_it_says_its_text_letter_for_letter(tmp_path: Path) -> None:
    assert _say(make_checkpoint(tmp_path), "Tell me a story.") == STORY + "<|im_end|>"


def test_a_cue_in_the_last_message_chooses_the_text(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, {"": "Once.", "fight": "Parry! A blow..."})
    assert _say(folder, "Now the fight begins.") == "Parry! A blow...<|im_end|>"
    assert _say(folder, "Now they sleep.") == "Once.<|im_end|>"


def test_an_endless_text_ends_with_its_tokens(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, {"": "So it goes."}, endless=[""])
    assert _say(folder, "Go on.", most_tokens=8) == "So it goes. So it goes. "


@pytest.mark.parametrize("begun", ["The rain had", "The rain had stopped before dawn. Mara"])
def test_begun_words_are_continued(tmp_path: Path, begun: str) -> None:
    rest = _say(make_checkpoint(tmp_path), "Tell me a story.", begun=begun)
    assert begun + rest == STORY + "<|im_end|>"


def test_words_are_tokens() -> None:
    assert words_of("Once upon,\n a time. ") == ["Once", " upon,", "\n a", " time.", " "]
