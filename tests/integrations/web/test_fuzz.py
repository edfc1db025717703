"""Thousands of made-up requests against the described API: whatever is sent, the answer is one that was described."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from integrations.web.openapi import FILE

pytestmark = pytest.mark.xdist_group("server")

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


HOP_BY_HOP = {"authorization", "transfer-encoding", "connection", "host", "content-length", "expect", "upgrade"}
"""Headers that end at the guard or in the HTTP parser: without them the made-up requests get further."""
SCHEMA = schemathesis.openapi.from_dict(json.loads(FILE.read_text()))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.mark.owasp("ASVS V4")
@pytest.mark.parametrize("label", OPERATIONS)
def test_nothing_that_is_sent_breaks_it(server: str, label: str) -> None:
    @given(case=st.one_of(OPERATIONS[label].as_strategy(mode) for mode in GenerationMode))
    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    def send(case: Any) -> None:
        for name in [name for name in case.headers or {} if name.lower() in HOP_BY_HOP]:
            del case.headers[name]
        response = case.call(base_url=server, timeout=60)
        case.validate_response(response, checks=list(CHECKS))

    send()
