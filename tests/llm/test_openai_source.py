"""An answer from an endpoint, with everything that a server may do to it, over a real socket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from legato.errors import ModelError, ModelRefused, ModelUnavailable, ReplyCut
from legato.llm.models import ModelSettings
from legato.llm.openai_source import OpenAIModel
from legato.llm.source import Message
from tests.llm.faulty_server import (
    Act,
    FaultyServer,
    answer,
    cut,
    page,
    raw,
    silence,
    status,
    stream,
)

ASKED = [Message("system", "You narrate."), Message("user", "Begin.")]
SETTINGS = ModelSettings("qwen", "http://localhost/v1", retries=2)


class Waits:
    """Waits of no time, written down."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, event: threading.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        return event.is_set()


class Asked:
    """A model at a faulty server, and what came of one reply."""

    def __init__(self, *answers: Act, **settings: Any) -> None:
        self.deltas: list[str] = []
        self.waits = Waits()
        self.error: ModelError | None = None
        with FaultyServer(*answers) as server:
            changed = replace(SETTINGS, base_url=server.url, **settings)
            model = OpenAIModel(changed, self.waits, lambda: 1.0)
            try:
                self.deltas.extend(model.reply(ASKED))
            except ModelError as error:
                self.error = error
            model.close()
            self.requests = server.requests
            self.keys = server.keys

    @property
    def text(self) -> str:
        return "".join(self.deltas)


def _raised(asked: Asked, kind: type[ModelError], *words: str) -> None:
    assert type(asked.error) is kind
    assert all(word in str(asked.error) for word in words), asked.error
    assert "\n" not in str(asked.error)


def test_deltas_come_as_they_were_sent() -> None:
    asked = Asked(answer("Once ", "upon", " a time."))
    assert asked.deltas == ["Once ", "upon", " a time."]
    assert asked.error is None
    (request,) = asked.requests
    assert request["model"] == "qwen"
    assert request["stream"] is True
    assert request["max_tokens"] == SETTINGS.most_tokens
    assert "temperature" not in request
    assert request["messages"] == [
        {"role": "system", "content": "You narrate."},
        {"role": "user", "content": "Begin."},
    ]


def test_a_letter_in_two_packets() -> None:
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "na\xc3\xafve"}}]}\n\n'
    half = event.index(b"\xaf")
    assert Asked(answer(raw(event[:half]), silence(0.05), raw(event[half:]))).deltas == ["naïve"]


def test_a_proxy_is_not_asked_for_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert Asked(answer("Once.")).text == "Once."


def test_settings_reach_the_server() -> None:
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    asked = Asked(answer("Once."), api_key="secret", temperature=0.7, most_tokens=50, extra=extra)
    (request,) = asked.requests
    assert asked.keys == ["Bearer secret"]
    assert (request["temperature"], request["max_tokens"]) == (0.7, 50)
    assert request["chat_template_kwargs"] == {"enable_thinking": False}


# Reasoning


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_fields_are_not_spoken(field: str) -> None:
    assert Asked(answer({field: "A tavern"}, {field: "?"}, "\n\nOnce.")).deltas == ["Once."]


def test_reasoning_in_the_text_is_not_spoken() -> None:
    asked = Asked(answer("<th", "ink>A tavern?</thi", "nk>\n\n", "Once."))
    assert asked.deltas == ["Once."]


def test_typed_parts_are_told_apart() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "A tavern?"}]}]
    said = [{"type": "text", "text": "Once."}]
    assert Asked(answer({"content": thought}, {"content": said})).deltas == ["Once."]


def test_a_template_that_opens_the_reasoning_is_learned_from_its_first_answer() -> None:
    with FaultyServer(answer("Hm.", "</think>", "Once.")) as server:
        model = OpenAIModel(replace(SETTINGS, base_url=server.url))
        assert "".join(model.reply(ASKED)) == "Hm.Once."
        assert "".join(model.reply(ASKED)) == "Once."
        model.close()


def test_a_template_known_to_open_the_reasoning() -> None:
    assert Asked(answer("Hm.", "</think>Once."), starts_in_thought=True).deltas == ["Once."]


# Answers without words


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "qwen gave an empty answer"),
        ([" ", "\n\n", "\t"], "qwen gave only white space"),
        (["<think>A tavern?", "</think>", "\n"], "qwen gave its reasoning and no answer"),
        ([{"reasoning_content": "A tavern?"}], "qwen gave its reasoning and no answer"),
    ],
)
def test_an_answer_without_words_is_an_error(parts: list[Any], reason: str) -> None:
    asked = Asked(answer(*parts))
    assert asked.deltas == []
    _raised(asked, ModelError, reason)


# Servers that do not answer


def test_no_server() -> None:
    with FaultyServer(answer("Once.")) as server:
        url = server.url
    waits = Waits()
    model = OpenAIModel(replace(SETTINGS, base_url=url), waits, lambda: 1.0)
    with pytest.raises(ModelUnavailable, match="cannot be reached: Connection refused; start it"):
        list(model.reply(ASKED))
    assert waits.seconds == [0.5, 1.0]
    model.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"api_key": "wrong"}, "check the API key"), ({}, "it needs an API key")],
)
def test_401_is_not_tried_again(settings: dict[str, Any], words: str) -> None:
    asked = Asked(status(401, {"message": "bad key"}), **settings)
    _raised(asked, ModelRefused, words, "bad key")
    assert len(asked.requests) == 1


def test_a_wrong_model_is_not_tried_again() -> None:
    asked = Asked(status(404, {"message": "model 'qwen' not found"}))
    _raised(asked, ModelRefused, "has no model qwen", "model 'qwen' not found")
    assert len(asked.requests) == 1


def test_a_request_that_the_server_does_not_understand() -> None:
    asked = Asked(status(400, {"message": "unknown field:\n 'foo'"}))
    _raised(asked, ModelRefused, "status 400", "unknown field: 'foo'")


def test_429_waits_as_long_as_it_is_asked_to() -> None:
    asked = Asked(status(429, Retry_After="3"), answer("Once."))
    assert asked.text == "Once."
    assert asked.waits.seconds == [3.0]


def test_429_with_milliseconds() -> None:
    asked = Asked(status(429, retry_after_ms="750"), answer("Once."))
    assert asked.waits.seconds == [0.75]


def test_429_that_asks_for_too_long_a_wait() -> None:
    asked = Asked(status(429, Retry_After="600"))
    _raised(asked, ModelUnavailable, "has too much to do", "it asks to wait 600 s")
    assert asked.waits.seconds == []


def test_429_for_ever() -> None:
    asked = Asked(status(429))
    _raised(asked, ModelUnavailable, "has too much to do")
    assert asked.waits.seconds == [0.5, 1.0]


def test_429_because_the_account_is_used_up() -> None:
    asked = Asked(status(429, {"message": "no money", "code": "insufficient_quota"}))
    _raised(asked, ModelRefused, "the account is used up")
    assert len(asked.requests) == 1


def test_500_is_tried_again() -> None:
    asked = Asked(status(500), status(503), answer("Once."))
    assert asked.text == "Once."
    assert asked.waits.seconds == [0.5, 1.0]


def test_500_for_ever() -> None:
    asked = Asked(status(500, {"message": "out of memory"}))
    _raised(asked, ModelUnavailable, "failed with status 500", "out of memory")
    assert len(asked.requests) == 3


def test_a_connection_cut_before_the_first_token() -> None:
    asked = Asked(answer(cut), answer("Once."))
    assert asked.text == "Once."
    assert len(asked.requests) == 2


def test_a_web_page_is_no_stream() -> None:
    asked = Asked(page("<h1>It works!</h1>"))
    _raised(asked, ModelUnavailable, "answers with text/html", "usually ends in /v1")
    assert len(asked.requests) == 1


def test_invalid_json_before_the_first_token() -> None:
    asked = Asked(answer(raw(b'data: {"choices": [}\n\n')))
    _raised(asked, ModelUnavailable, "not the OpenAI protocol")
    assert len(asked.requests) == 1


def test_silence_before_the_first_token() -> None:
    asked = Asked(answer(silence()), connect_s=0.05, first_token_s=0.05)
    _raised(asked, ModelUnavailable, "sent nothing for 0.1 s")
    assert len(asked.requests) == 1


def test_silence_instead_of_headers() -> None:
    asked = Asked(silence(), connect_s=0.05, first_token_s=0.05)
    _raised(asked, ModelUnavailable, "sent nothing for 0.1 s")


# Answers that break off


def test_a_connection_cut_in_mid_token() -> None:
    half = b'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": " dra'
    asked = Asked(answer("Once ", "a", raw(half), cut))
    assert asked.text == "Once a"
    _raised(asked, ReplyCut, "the answer of qwen broke off", "ended the connection")
    assert len(asked.requests) == 1


def test_an_end_without_a_reason_is_a_cut() -> None:
    asked = Asked(answer("Once ", "upon", finish=None))
    assert asked.text == "Once upon"
    _raised(asked, ReplyCut, "ended the stream without a reason")


def test_invalid_json_after_the_first_token() -> None:
    asked = Asked(answer("Once ", raw(b"data: {]\n\n"), "upon"))
    assert asked.text == "Once "
    _raised(asked, ReplyCut, "not the OpenAI protocol")


@pytest.mark.parametrize(
    "event", ["5", "[]", '{"choices": "x"}', '{"choices": [{"delta": {"content": 5}}]}']
)
def test_json_that_is_no_chunk(event: str) -> None:
    asked = Asked(answer("Once ", raw(f"data: {event}\n\n".encode()), "upon"))
    assert asked.text == "Once "
    _raised(asked, ReplyCut, "not the OpenAI protocol")


def test_chunks_that_bring_nothing() -> None:
    nothing: list[Any] = [raw(b'data: {"choices": []}\n\n'), raw(b'data: {"usage": {}}\n\n'), {}]
    assert Asked(answer("Once ", *nothing, "upon")).deltas == ["Once ", "upon"]


def test_bytes_that_are_no_text() -> None:
    asked = Asked(answer("Once ", raw(b'data: {"choices": "\xff"}\n\n'), "upon"))
    assert asked.text == "Once "
    _raised(asked, ReplyCut, "not the OpenAI protocol")


def test_an_error_in_the_stream() -> None:
    error = raw(b'data: {"error": {"message": "CUDA out of memory"}}\n\n')
    asked = Asked(answer("Once ", error))
    assert asked.text == "Once "
    _raised(asked, ReplyCut, "CUDA out of memory")


def test_an_answer_that_a_filter_ended() -> None:
    _raised(Asked(answer("Once ", finish="content_filter")), ReplyCut, "content filter")
    _raised(Asked(answer(finish="content_filter")), ModelRefused, "content filter")


def test_5_s_of_silence_between_tokens_is_survived() -> None:
    asked = Asked(answer("Once ", silence(5.0), "upon"))
    assert asked.text == "Once upon"
    assert asked.error is None


def test_silence_between_tokens_is_not_waited_for_for_ever() -> None:
    asked = Asked(answer("Once ", silence()), between_tokens_s=0.1)
    assert asked.text == "Once "
    _raised(asked, ReplyCut, "sent nothing for 0.1 s")


def test_a_reader_may_take_its_time() -> None:
    """What is read slowly has not come slowly."""
    with FaultyServer(answer("Once ", "upon ", "a time.")) as server:
        settings = replace(SETTINGS, base_url=server.url, between_tokens_s=0.1)
        model = OpenAIModel(settings)
        deltas = []
        for delta in model.reply(ASKED):
            deltas.append(delta)
            threading.Event().wait(0.3)
        assert deltas == ["Once ", "upon ", "a time."]
        model.close()


def test_comments_are_no_tokens() -> None:
    """Some servers keep a connection alive so, whatever the model does."""

    def pings() -> Iterator[Any]:
        yield "Once "
        for _ in itertools.count():
            yield silence(0.02)
            yield raw(b": ping\n\n")

    asked = Asked(stream(pings()), between_tokens_s=0.2)
    _raised(asked, ReplyCut, "sent nothing for 0.2 s")


# Answers without end


def test_a_stream_without_end_is_ended() -> None:
    with FaultyServer(stream(itertools.repeat("so it goes "))) as server:
        model = OpenAIModel(replace(SETTINGS, base_url=server.url, most_characters=100))
        assert "".join(model.reply(ASKED)) == ("so it goes " * 10)[:100]
        assert server.hung_up.wait(10)
        model.close()


def test_reasoning_without_end_is_ended() -> None:
    with FaultyServer(stream(itertools.repeat({"reasoning_content": "hm "}))) as server:
        model = OpenAIModel(replace(SETTINGS, base_url=server.url, most_characters=100))
        with pytest.raises(ModelError, match="reasoning and no answer"):
            list(model.reply(ASKED))
        assert server.hung_up.wait(10)
        model.close()


# Taking a broken answer up again


def test_a_broken_answer_is_continued_where_the_server_can() -> None:
    asked = Asked(answer("Once ", "upon ", cut), answer(" a time."), resume="prefix")
    assert asked.text == "Once upon  a time."
    assert asked.error is None
    assert asked.requests[1]["messages"][-1] == {"role": "assistant", "content": "Once upon"}
    assert "continue_final_message" not in asked.requests[1]


def test_vllm_is_told_to_continue() -> None:
    asked = Asked(answer("Once a dra", cut), answer("gon."), resume="vllm")
    assert asked.text == "Once a dragon."
    assert asked.requests[1]["continue_final_message"] is True
    assert asked.requests[1]["add_generation_prompt"] is False
    assert "continue_final_message" not in asked.requests[0]


def test_an_answer_that_breaks_each_time_is_given_up() -> None:
    asked = Asked(answer("on and ", cut), resume="prefix")
    assert asked.text == "on and " * 3
    _raised(asked, ReplyCut, "ended the connection")


def test_an_answer_cut_in_its_reasoning_is_asked_for_anew() -> None:
    asked = Asked(answer("<think>A tav", cut), answer("<think>Hm.</think>Once."))
    assert asked.text == "Once."
    assert len(asked.requests[1]["messages"]) == len(ASKED)
