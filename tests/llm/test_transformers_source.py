"""A checkpoint in a process of its own: what it says, and what becomes of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from legato.errors import ModelError, ModelUnavailable, ReplyCut
from legato.llm.models import ModelSettings, make_model
from legato.llm.source import Message
from legato.llm.transformers_source import TransformersModel
from tests.llm.conftest import FOREVER
from tests.llm.tiny_qwen import STORY, make_checkpoint

LONG_S = 60.0


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Iterator[TransformersModel]:
    made = make_model(ModelSettings(str(checkpoint), device="cpu"))
    assert isinstance(made, TransformersModel)
    yield made
    made.close()


@pytest.fixture
def own_model(checkpoint: Path) -> Iterator[TransformersModel]:
    """One for a test that does not leave it as it was."""
    made = TransformersModel(ModelSettings(str(checkpoint), device="cpu", between_tokens_s=2.0))
    yield made
    made.close()


def _ask(text: str) -> list[Message]:
    return [Message("system", "You narrate."), Message("user", text)]


def test_a_story_comes_letter_for_letter_and_word_by_word(model: TransformersModel) -> None:
    deltas = list(model.reply(_ask("Tell me a story.")))
    assert "".join(deltas) == STORY
    assert len(deltas) > 50
    assert model.name == model.settings.model


def test_an_answer_ends_after_its_tokens(model: TransformersModel) -> None:
    deltas = model.reply(_ask("Tell me a story."), most_tokens=5)
    assert "".join(deltas) == "The rain had stopped before"


def test_an_answer_ends_after_its_characters(checkpoint: Path) -> None:
    settings = ModelSettings(str(checkpoint), device="cpu", most_characters=100)
    model = TransformersModel(settings)
    assert "".join(model.reply(_ask(FOREVER))) == STORY[:100]
    assert "".join(model.reply(_ask("A short one."), most_tokens=1)) == "The"
    model.close()


def test_reasoning_is_not_spoken(model: TransformersModel) -> None:
    assert "".join(model.reply(_ask("Now ponder."))) == "It was dark."
    with pytest.raises(ModelError, match="its reasoning and no answer"):
        list(model.reply(_ask("Now muse.")))


def test_a_template_that_opens_the_reasoning(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, {"": "Hm.</think>\n\nOnce."}, prompt_end="<think>\n")
    model = TransformersModel(ModelSettings(str(folder), device="cpu"))
    assert "".join(model.reply(_ask("Begin."))) == "Once."
    model.close()


def test_the_assistants_own_last_words_are_continued(model: TransformersModel) -> None:
    begun = [Message("user", "Begin."), Message("assistant", "The rain had stopped before dawn.")]
    assert "The rain had stopped before dawn." + "".join(model.reply(begun)) == STORY


def test_what_it_takes_is_told(model: TransformersModel) -> None:
    memory = model.memory()
    assert (memory.device, memory.dtype) == ("cpu", "float32")
    assert 10e6 < memory.parameter_bytes < 30e6
    assert memory.cache_bytes_per_token == 2 * 8 * 2 * 64 * 4  # K and V, layers, heads, size, bytes


def test_weights_keep_their_type(checkpoint: Path, tmp_path: Path) -> None:
    whole = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16)
    whole.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(checkpoint).save_pretrained(tmp_path)
    model = TransformersModel(ModelSettings(str(tmp_path), device="cpu"))
    assert model.memory().dtype == "bfloat16"
    assert "".join(model.reply(_ask("Tell me a story."))) == STORY
    model.close()


def test_a_cancel_stops_the_generation(model: TransformersModel) -> None:
    process = psutil.Process(model.pid)
    for _ in range(3):
        reply = model.reply(_ask(FOREVER))
        for count, _ in enumerate(reply):
            if count == 20:
                before_s = _busy_s(process)
                reply.cancel()
                reply.cancel()
        # The next answer begins when the last one has ended.
        assert "".join(model.reply(_ask("Short."), most_tokens=1)) == "The"
        worked_s = _busy_s(process) - before_s
        print(f"worked for {worked_s:.2f} s after the cancel, one token of the next included")
        assert worked_s < 1.0  # 4,096 tokens would take some 20 s


def _busy_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def test_a_cancel_by_another_thread_while_it_is_loaded(own_model: TransformersModel) -> None:
    reply = own_model.reply(_ask("Tell me a story."))
    cancel = threading.Timer(0.05, reply.cancel)
    cancel.start()
    assert list(reply) in ([], ["The"])
    cancel.join()


def test_a_reply_cancelled_before_it_is_asked_for(model: TransformersModel) -> None:
    reply = model.reply(_ask("Tell me a story."))
    reply.cancel()
    assert list(reply) == []


def test_two_answers_at_once_come_one_after_the_other(model: TransformersModel) -> None:
    told: dict[int, str] = {}

    def tell(number: int) -> None:
        told[number] = "".join(model.reply(_ask("Tell me a story.")))

    tellers = [threading.Thread(target=tell, args=(number,)) for number in range(2)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(LONG_S)
    assert told == {0: STORY, 1: STORY}


def test_a_process_killed_in_mid_story_is_replaced(own_model: TransformersModel) -> None:
    deltas = iter(own_model.reply(_ask(FOREVER)))
    assert next(deltas) == "The"
    os.kill(own_model.pid, signal.SIGKILL)
    with pytest.raises(ReplyCut, match=r"broke off: the process of .* was ended by signal 9"):
        list(deltas)
    assert "".join(own_model.reply(_ask("Tell me a story."))) == STORY


def test_a_process_that_hangs_is_replaced(own_model: TransformersModel) -> None:
    deltas = iter(own_model.reply(_ask(FOREVER)))
    assert next(deltas) == "The"
    os.kill(own_model.pid, signal.SIGSTOP)
    with pytest.raises(ReplyCut, match="it was silent for 2 s"):
        list(deltas)
    assert "".join(own_model.reply(_ask("Short."), most_tokens=1)) == "The"


def test_a_checkpoint_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    model = TransformersModel(ModelSettings(str(tmp_path), device="cpu"))
    with pytest.raises(ModelUnavailable, match=f"gave no answer: cannot load {tmp_path}: "):
        list(model.reply(_ask("Begin.")))
    with pytest.raises(ModelUnavailable, match="cannot load"):
        model.memory()
    model.close()


def test_a_name_that_the_hub_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = TransformersModel(ModelSettings("hf:legato/not-there", device="cpu"))
    with pytest.raises(ModelUnavailable, match="cannot load legato/not-there: "):
        list(model.reply(_ask("Begin.")))
    model.close()


def test_a_closed_model(checkpoint: Path) -> None:
    model = TransformersModel(ModelSettings(str(checkpoint), device="cpu"))
    model.close()
    model.close()
    assert not psutil.pid_exists(model.pid)
    with pytest.raises(ModelUnavailable, match="is closed"):
        list(model.reply(_ask("Begin.")))
