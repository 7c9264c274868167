"""What goes wrong at an OpenAI-compatible endpoint, in Legato's own errors.

The one place where exceptions of openai, httpx2 and its socket are translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import httpx2
import openai

from legato.errors import ModelError, ModelRefused, ModelUnavailable, ReplyCut
from legato.llm.models import ModelSettings

TRANSLATED = (openai.APIError, httpx2.HTTPError, ValueError)  # ValueError: no JSON, no UTF-8
_MOST_DETAIL = 200
_TRY_AGAIN = {408, 409, 425, 429}  # and all from 500
_NO_MONEY = "insufficient_quota"


class ServerFault(Exception):
    """One try has failed.

    error: what it is called if it was the last try. again: whether another could succeed;
    asked_s: the wait that the server asked for before it.
    """

    def __init__(self, error: ModelError, again: bool = False, asked_s: float | None = None):
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.asked_s = asked_s

    def after_text(self, name: str) -> ReplyCut:
        """The error that it is once something was spoken."""
        return ReplyCut(f"the answer of {name} broke off: {self.error}")


def translate(error: Exception, settings: ModelSettings) -> ServerFault:
    """The fault that an exception of TRANSLATED stands for."""
    where = f"the model server at {settings.base_url}"
    if isinstance(error, openai.APIStatusError):
        return _status(error, settings, where)
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return ServerFault(ModelUnavailable(_connection(error, where)), again=True)
    if isinstance(error, openai.APIError):  # an error event in the stream
        return ServerFault(ModelUnavailable(f"{where} failed: {_line(error.message)}"), again=True)
    message = f"{where} sent what is not the OpenAI protocol: {_line(str(error))}"
    return ServerFault(ModelUnavailable(message))


def _connection(error: Exception, where: str) -> str:
    if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"{where} cannot be reached: {_cause(error)}; start it, or correct the base URL"
    return f"{where} ended the connection: {_cause(error)}"


def _status(error: openai.APIStatusError, settings: ModelSettings, where: str) -> ServerFault:
    code, detail = error.status_code, _detail(error)
    said = f" ({detail})" if detail else ""
    if code in (401, 403):
        hint = "check the API key" if settings.api_key else "it needs an API key"
        return ServerFault(ModelRefused(f"{where} refused the key: {hint}{said}"))
    if code == 404:
        message = f"{where} has no model {settings.model}, or nothing is at this address{said}"
        return ServerFault(ModelRefused(message))
    if code == 429 and error.code == _NO_MONEY:
        return ServerFault(ModelRefused(f"{where} refuses: the account is used up{said}"))
    if code in _TRY_AGAIN or code >= 500:
        asked_s = _asked_s(error.response.headers)
        busy = "has too much to do" if code == 429 else f"failed with status {code}"
        wait = f"; it asks to wait {asked_s:g} s" if asked_s else ""
        message = f"{where} {busy}{wait}{said}"
        return ServerFault(ModelUnavailable(message), again=True, asked_s=asked_s)
    return ServerFault(ModelRefused(f"{where} refused the request with status {code}{said}"))


def _asked_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; dates are taken as no request."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(KeyError, ValueError):
            return max(0.0, float(headers[name]) * unit_s)
    return None


def _detail(error: openai.APIStatusError) -> str:
    """What the server says itself, in whichever of the usual places."""
    body = error.body
    for key in ("error", "message", "detail"):
        if isinstance(body, Mapping) and key in body:
            body = body[key]
    return _line(body) if isinstance(body, str) else ""


def _cause(error: BaseException) -> str:
    """The innermost reason in words, an operating system's where there is one."""
    words = ""
    cause: BaseException | None = error
    while cause is not None:
        words = (isinstance(cause, OSError) and cause.strerror) or str(cause) or words
        cause = cause.__cause__ or cause.__context__
    return _line(words) or type(error).__name__


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_DETAIL else line[: _MOST_DETAIL - 1] + "…"
