"""Every route, and who may call it. The tables are committed, so that a change to them is seen."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from advisor.domain.identity import Area, Permission
from integrations.web.openapi import FILE, describe_api
from tests.conftest import ROOT
from tests.integrations.web.conftest import ALL_AREAS, Door, OpenDoor, bearer

TABLE = ROOT / "integrations" / "web" / "ROUTES.md"
OPEN = {"/", "/demo", "/widget.js", "/healthz", "/readyz", "/openapi.json", "/static/icon.svg"}
WHO = ("nobody", "anonymous", "widget token", "reader", "contributor", "approver", "admin", "key for metrics only")
ADDRESSES = itertools.count()
"""Strangers are slowed down, so each call comes from another address."""
PAGE = "https://intranet.example.com"


def test_the_description_of_the_api_is_the_committed_one() -> None:
    assert describe_api() == json.loads(FILE.read_text()), "run `make openapi`, and look at what changed"


def test_everyone_gets_to_the_routes_meant_for_them(open_door: OpenDoor) -> None:
    door = open_door(
        rate_limit="10000/minute",
        allowed_origins=(PAGE,),
        trusted_proxies=("192.0.2.7",),
    )
    visitors = open_door(rate_limit="10000/minute", anonymous=True)
    headers = _make_headers(door)
    app = door.client.app
    assert isinstance(app, FastAPI)
    rows = []
    for method, path in sorted(_list_routes(app), key=lambda route: (route[1], route[0])):
        cells = [_try(visitors if who == "anonymous" else door, method, path, headers.get(who, {})) for who in WHO]
        assert (cells[0] == "yes") == (path in OPEN), f"{method} {path} is open to nobody in particular"
        rows.append(f"| `{method} {path}` | {' | '.join(cells)} |")
    table = "\n".join(
        [
            "# Who may call what",
            "",
            "Made by `make routes` from calls to every route; a test holds it to the code. A yes says that the door"
            " lets the caller in; what they may see beyond it is decided by their access labels. The keys tried here open"
            " every area of the API; a key made without `--area` opens ask and program alone.",
            "",
            f"| route | {' | '.join(WHO)} |",
            "|---" * (len(WHO) + 1) + "|",
            *rows,
            "",
        ]
    )
    if os.environ.get("ADVISOR_TEST_WRITE"):
        TABLE.write_text(table)
    assert TABLE.read_text() == table, "run `make routes`, and look at what changed"


def _make_headers(door: Door) -> dict[str, dict[str, str]]:
    keys = {
        permission.value: bearer(door.make_key(permission, areas=ALL_AREAS, groups=("x",))) for permission in Permission
    }
    made = door.client.post(
        "/api/v1/widget-tokens", json={"user": "eva@example.com", "origin": PAGE}, headers=keys["admin"]
    )
    return {
        "nobody": {},
        "widget token": bearer(made.json()["token"]) | {"Origin": PAGE},
        **keys,
        "key for metrics only": bearer(door.make_key(areas=(Area.METRICS,))),
    }


def _list_routes(app: FastAPI) -> list[tuple[str, str]]:
    found = [(method, route.path) for route in _walk(app.routes) for method in route.methods]
    return [*found, ("GET", "/openapi.json"), ("GET", "/static/icon.svg")]


def _walk(routes: Any) -> list[APIRoute]:
    found: list[APIRoute] = []
    for route in routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            found += _walk(route.original_router.routes)
    return found


def _try(door: Door, method: str, path: str, headers: dict[str, str]) -> str:
    """Return whether the door lets someone in, by a call that changes nothing."""
    url = path.replace("{kind}", "site").replace("{format}", "json")
    for name in ("conversation_id", "answer_id", "playbook_id", "document_id", "subject", "item"):
        url = url.replace(f"{{{name}}}", "no-such-thing")
    headers = headers | {"X-Forwarded-For": f"203.0.113.{next(ADDRESSES) % 250}"}
    answer = door.client.request(method, url, headers=headers, content=b"{}" if method == "POST" else None)
    assert answer.status_code < 500, f"{method} {url}: {answer.text}"
    assert answer.status_code not in {405, 429}
    return {401: "no", 403: "no"}.get(answer.status_code, "yes")


@pytest.mark.parametrize("path", ["/api/v1/gates", "/program", "/playbooks", "/metrics"])
def test_a_refusal_is_a_page_for_a_browser_and_json_for_a_program(open_door: OpenDoor, path: str) -> None:
    door = open_door()
    program = door.client.get(path)
    assert (program.status_code, program.headers["content-type"]) == (401, "application/problem+json")
    browser = door.client.get(path, headers={"Accept": "text/html,*/*"})
    html = browser.headers["content-type"].startswith("text/html")
    assert (browser.status_code, html) == (401, not path.startswith("/api/"))
