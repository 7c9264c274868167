"""docs/openapi.json is what the server does: compared with the app, and tried at a running one."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance

import openapi
from legato.server.app import create_app
from legato.server.settings import ServerSettings
from tests.server.serving import WAIT_S, Serving

pytestmark = pytest.mark.timeout(600)  # what is sent is also spoken

_LONGEST = 100  # of what is spoken: noise of 20,000 characters is hours of speech
_MOST = {"/v1/audio/story": 100_000}  # characters of an `input`
_CONFIG = SchemathesisConfig.from_dict({"warnings": False})
schema = schemathesis.openapi.from_path(openapi.PATH, config=_CONFIG)


def test_the_document_is_that_of_the_app() -> None:
    kept = openapi.PATH.read_text(encoding="utf-8")
    assert json.loads(kept) == json.loads(openapi.described()), "run scripts/openapi.py"


def test_the_key_is_named_and_where_none_is_needed() -> None:
    document = create_app(ServerSettings(api_key="secret")).openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["security"] == [{"key": []}]
    assert document["paths"]["/health"]["get"]["security"] == []
    assert {} in create_app().openapi()["security"]


@schema.parametrize()
@hypothesis.settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_is_answered_as_described(
    case: schemathesis.Case[Any], served: Serving
) -> None:
    for part in (case.body, case.query):
        for field, most in (("input", _MOST.get(case.path, 4_096)), ("text", 20_000)):
            text = part.get(field) if isinstance(part, dict) else None
            if isinstance(part, dict) and isinstance(text, str) and len(text) <= most:
                part[field] = text[:_LONGEST]
    response = case.call(base_url=served.url, timeout=WAIT_S)
    excluded = [positive_data_acceptance, not_a_server_error, allow_header_conformance]
    case.validate_response(response, excluded_checks=excluded)
    assert response.status_code < 500 or response.status_code == 501
