"""Failures as OpenAI's clients expect them: a status, and a body that says what was wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from legato.errors import (
    BacklogFull,
    LegatoError,
    ServiceBusy,
    UnknownEngine,
    UnknownLanguage,
    UnknownVoice,
    UsageError,
)


class ErrorDetail(BaseModel):
    """What was wrong. param: the field it was wrong with."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """The body of every response that is no success."""

    error: ErrorDetail


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "What was asked for cannot be done."},
    "5XX": {"model": ErrorBody, "description": "The server cannot do it, or not now."},
}
"""For a router's `responses`."""

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


_REFUSED: dict[type[LegatoError], tuple[int, str | None, str]] = {
    UnknownEngine: (404, "model", "model_not_found"),
    UnknownVoice: (400, "voice", "voice_not_found"),
    UnknownLanguage: (400, "language", "language_not_found"),
    UsageError: (400, None, "invalid_value"),
    BacklogFull: (413, None, "text_too_long"),
}


_IS_NAME = re.compile(r"\w+")


class Refusal(Exception):
    """A request is not granted. `headers` go with the response."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """What the client is sent."""
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        detail = ErrorDetail(
            message=self.message,
            type=_TYPES.get(self.status, usual),
            param=self.param,
            code=self.code,
        )
        body = ErrorBody(error=detail).model_dump()
        return JSONResponse(body, self.status, headers=self.headers)


def refusal_of(error: LegatoError) -> Refusal:
    """An error of Legato's as a response."""
    message = str(error)
    if isinstance(error, ServiceBusy):
        return busy(message, error.retry_after_s)
    for kind, (status, param, code) in _REFUSED.items():
        if isinstance(error, kind):
            return Refusal(status, message, param=param, code=code)
    return Refusal(500, message, code="synthesis_failed")


def busy(message: str, retry_after_s: float) -> Refusal:
    """Not now, but maybe then."""
    headers = {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
    return Refusal(503, message, code="busy", headers=headers)


def answer_failures(app: FastAPI) -> None:
    """Have every failure of the app's routes answered like this."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        return refusal.response()

    @app.exception_handler(LegatoError)
    async def failed(_: Request, error: LegatoError) -> JSONResponse:
        return refusal_of(error).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _invalid(error).response()

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return Refusal(error.status_code, str(error.detail), headers=error.headers).response()

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - it is logged
        return Refusal(500, "the server failed; its log says why", code="internal").response()


def _invalid(error: RequestValidationError) -> Refusal:
    """The first thing that is wrong: one line, and the field that it is about."""
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    where = list(takewhile(_IS_NAME.fullmatch, parts))  # behind it is how a union is made
    if first["type"] == "json_invalid":
        return Refusal(400, "the body is not valid JSON", code="invalid_json")
    param = ".".join(where) or None
    said = str(first["msg"])
    if first["type"] == "too_long" and isinstance(first["input"], str):
        said = f"at most {first['ctx']['max_length']:,} characters"
    message = f"{param}: {said}" if param else f"the request: {said}"
    return Refusal(400, message, param=param, code=str(first["type"]))
