"""The operators' API of a running engine against its own description, as an independent tool reads it."""

from __future__ import annotations

from collections.abc import Callable

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running_engine import SECONDS, Engine
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_whatever_is_sent_is_answered_as_described(launch: Callable[..., Engine]) -> None:
    engine = launch(HELIOGRAPH_KEY_RATE="0", HELIOGRAPH_ADDRESS_RATE="0")
    engine.event(
        "customers/create", {"id": 7, "email": "ann@x.example", "sms_phone_number_e164": "+12025550137"}
    )
    key = {"x-api-key": engine.keys["api_key"]}
    engine.until(lambda: b"ann@x" in engine.get("/api/v1/people?customer_id=7", key)[1])
    schema = schemathesis.openapi.from_url(f"{engine.url}/api/openapi.json")
    person = engine.get("/api/v1/people?customer_id=7", key)[1].split(b'"id":"')[1][:36].decode()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(), real=st.booleans())
        def try_out(case: schemathesis.Case, real: bool) -> None:
            if real and "person" in case.path_parameters and "erasure" not in case.path:
                case.path_parameters["person"] = person
            case.call_and_validate(headers=key, checks=CHECKS, timeout=SECONDS)

        try_out()
