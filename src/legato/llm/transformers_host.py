"""The process in which a causal model of Hugging Face's lives.

Started as `python -m legato.llm.transformers_host OPTIONS`, OPTIONS a JSON object: model, device,
template (arguments of the chat template). Orders come in as JSON lines, what becomes of them goes
out as JSON lines; what libraries print goes to standard error. Replies are made one after the
other. The process ends when its input does, whatever it is doing.

    {"do": "reply", "id": 1, "messages": [{"role": ..., "content": ...}], "most_tokens": 4096,
     "temperature": null}
    {"do": "cancel", "id": 1}, {"do": "pause", "id": 1}, {"do": "resume", "id": 1}

    {"is": "loaded", "parameter_bytes": ..., "cache_bytes_per_token": ..., "device": "cpu",
     "dtype": "float32"}, or {"is": "fatal", "reason": ...}
    {"is": "begun", "id": 1, "starts_in_thought": false}
    {"is": "text", "id": 1, "text": "Once"}
    {"is": "done", "id": 1}, or {"is": "failed", "id": 1, "reason": ...}
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.stopping_criteria import StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer
from transformers.utils.logging import disable_progress_bar

Line = dict[str, Any]


class ModelHost:
    """Obeys the orders that arrive. The main thread generates, a second one reads orders."""

    def __init__(self, options: Line, orders: TextIO, answers: TextIO) -> None:
        self._orders = orders
        self._answers = answers
        self._waiting: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._cancelled: set[int] = set()  # grows by one number for each interrupted reply
        self._paused: set[int] = set()
        self._told = threading.Condition()  # of both
        self._template = options["template"]
        name = options["model"]
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        model: Any = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
        self._model = model.eval().to(_device(options["device"]))
        _leave_a_core()

    def run(self) -> None:
        """Say what was loaded and work until the process ends."""
        self._say({"is": "loaded", **self._size()})
        threading.Thread(target=self._read_orders, name="orders", daemon=True).start()
        while True:
            order = self._waiting.get()
            if order["id"] not in self._cancelled:
                self._reply(order)

    def _read_orders(self) -> None:
        try:
            for line in self._orders:
                order = json.loads(line)
                if order["do"] == "reply":
                    self._waiting.put(order)
                    continue
                with self._told:
                    match order["do"]:
                        case "cancel":
                            self._cancelled.add(order["id"])
                        case "pause":
                            self._paused.add(order["id"])
                        case "resume":
                            self._paused.discard(order["id"])
                    self._told.notify_all()
        finally:
            os._exit(0)  # nobody listens any more; the main thread may be inside the model

    def _reply(self, order: Line) -> None:
        id_ = order["id"]
        try:
            prompt = self._prompt(order["messages"])
            thought = prompt.rstrip().endswith("<think>")
            self._say({"is": "begun", "id": id_, "starts_in_thought": thought})
            self._generate(prompt, order)
        except Exception as error:  # noqa: BLE001 - whatever a model raises, this reply has failed
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self._say({"is": "failed", "id": id_, "reason": reason})
        else:
            self._say({"is": "done", "id": id_})

    def _prompt(self, messages: list[Line]) -> str:
        """The messages as the model was trained to read them; a last one of its own goes on."""
        goes_on = messages[-1]["role"] == "assistant"
        prompt: str = self._tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=not goes_on,
            continue_final_message=goes_on,
            **self._template,
        )
        return prompt

    def _generate(self, prompt: str, order: Line) -> None:
        encoded = self._tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        options: Line = {"max_new_tokens": order["most_tokens"]}
        if order["temperature"] is not None:
            options["do_sample"] = order["temperature"] > 0
            if options["do_sample"]:
                options["temperature"] = order["temperature"]

        def cancelled(tokens: torch.Tensor, _scores: Any, **_more: Any) -> torch.Tensor:
            """Asked after each token."""
            stop = self._stops(order["id"])
            return torch.full((tokens.shape[0],), stop, device=tokens.device)

        def say(text: str) -> None:
            self._say({"is": "text", "id": order["id"], "text": text})

        with torch.inference_mode():
            self._model.generate(
                **encoded.to(self._model.device),
                **options,
                streamer=Speaker(self._tokenizer.backend_tokenizer, say),
                stopping_criteria=StoppingCriteriaList([cancelled]),
            )

    def _stops(self, id_: int) -> bool:
        """Whether a reply was cancelled; waits as long as it is paused."""
        with self._told:
            self._told.wait_for(lambda: id_ in self._cancelled or id_ not in self._paused)
            return id_ in self._cancelled

    def _say(self, line: Line) -> None:
        try:
            self._answers.write(json.dumps(line) + "\n")
            self._answers.flush()
        except OSError:
            os._exit(0)

    def _size(self) -> Line:
        model = self._model
        config = model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
        head_size = getattr(config, "head_dim", None) or (
            config.hidden_size // config.num_attention_heads
        )
        values_per_token = 2 * config.num_hidden_layers * heads * head_size
        return {
            "parameter_bytes": sum(p.numel() * p.element_size() for p in model.parameters()),
            "cache_bytes_per_token": values_per_token * model.dtype.itemsize,
            "device": str(model.device),
            "dtype": str(model.dtype).removeprefix("torch."),
        }


class Speaker(BaseStreamer):
    """Gives out each token's text as soon as it is whole letters. Called inside `generate`."""

    def __init__(self, tokenizer: Tokenizer, say: Callable[[str], None]) -> None:
        self._tokenizer = tokenizer
        self._say = say
        self._stream = DecodeStream(skip_special_tokens=True)
        self._prompt_passed = False

    def put(self, value: torch.Tensor) -> None:
        """Take the next tokens; the first time they are those of the prompt."""
        if not self._prompt_passed:
            self._prompt_passed = True
            return
        for token in value.flatten().tolist():
            if text := self._stream.step(self._tokenizer, token):
                self._say(text)

    def end(self) -> None:
        """Nothing is held back but broken letters."""


def _leave_a_core() -> None:
    """Leave one core to synthesis and sound.

    torch's threads wait for each other at every step: where one of them has no core, a token
    takes not twice as long but fifty times (docs/log.md).
    """
    if "OMP_NUM_THREADS" in os.environ:
        return
    on_linux = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if on_linux else os.cpu_count() or 1
    torch.set_num_threads(max(1, cores - 1))


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def main(options: str) -> int:
    """Load the model and host it. Exit code 1 when it cannot be loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the listener, who decides
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever is printed must not stand between the answers
    disable_progress_bar()  # type: ignore[no-untyped-call]
    parsed: Line = json.loads(options)
    try:
        host = ModelHost(parsed, sys.stdin, answers)
    except Exception as error:  # noqa: BLE001 - the listener's process tells its user why
        first_line = f"{type(error).__name__}: {error}".splitlines()[0]
        reason = f"cannot load {parsed['model']}: {first_line}"
        print(json.dumps({"is": "fatal", "reason": reason}), file=answers, flush=True)
        return 1
    host.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
