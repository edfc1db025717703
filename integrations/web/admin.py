"""The page of administrators: what is indexed, what is asked and not met, what readers think, keys, evals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from advisor import bootstrap
from advisor.domain.identity import Area, Caller, Permission
from advisor.domain.knowledge import Collection
from advisor.errors import AdvisorError
from advisor.settings import Settings
from advisor.storage.keys import SqlKeys
from advisor.upkeep.caretaker import Caretaker
from integrations.web.guard import Guard
from integrations.web.rendering import render_page

MOST = 20
"""Rows of each table."""


class CollectionLine(NamedTuple):
    """A folder of documents, how many it holds, how many are past their review, and the newest change."""

    collection: Collection
    documents: int
    stale: int
    newest: str


class EvalLine(NamedTuple):
    """A judge and what it found, by half."""

    judge: str
    means: tuple[str, ...]


def create_admin_router(settings: Settings, keys: SqlKeys, guard: Guard) -> APIRouter:
    """Return the routes; all of them are for administrators alone."""
    router = APIRouter(include_in_schema=False, prefix="/admin")
    admin = guard.needs(Permission.ADMIN, Area.ASK)

    @cache
    def get_caretaker() -> Caretaker:
        return bootstrap.build_caretaker(settings)

    @router.get("")
    def page(said: str = "", caller: Caller = admin) -> HTMLResponse:
        return render_page(
            "admin.html",
            title="Admin",
            said="The key is revoked." if said == "revoked" else "",
            collections=_try(lambda: _list_collections(settings, caller, get_caretaker())),
            age=bootstrap.find_library_age(settings),
            report=bootstrap.load_library_report(settings),
            gaps=_try(lambda: get_caretaker().list_content_gaps(caller)),
            opinions=_try(lambda: get_caretaker().list_opinions(caller, MOST)),
            answers=_try(lambda: get_caretaker().list_answers(caller, MOST)),
            evals=_read_evals(settings),
            keys=keys.list_all(),
            now=datetime.now(UTC),
            most=MOST,
        )

    @router.post("/keys/{key}/revoke")
    def revoke(key: str, caller: Caller = admin) -> RedirectResponse:
        keys.revoke(caller, key)
        return RedirectResponse("/admin?said=revoked#keys", HTTPStatus.SEE_OTHER)

    return router


class _Part(NamedTuple):
    """A part of the page, or why it is not there."""

    rows: Any = ()
    problem: str = ""


def _try(make: Callable[[], Any]) -> _Part:
    """Return a part; what fails in one leaves the others readable."""
    try:
        return _Part(make())
    except AdvisorError as error:
        return _Part(problem=str(error))


def _list_collections(settings: Settings, caller: Caller, caretaker: Caretaker) -> tuple[CollectionLine, ...]:
    documents = caretaker.list_documents(caller)
    stale = Counter(one.collection for one in caretaker.list_stale(caller, datetime.now(UTC).date()))
    lines = []
    for collection in bootstrap.load_collections(settings):
        own = [document for document in documents if document.collection == collection.name]
        newest = max((str(d.modified_on) for d in own if d.modified_on), default="")
        lines.append(CollectionLine(collection, len(own), stale[collection.name], newest))
    return tuple(lines)


def _read_evals(settings: Settings) -> dict[str, Any] | None:
    """Return what the last report of the evals says, or None where there is none that can be read."""
    try:
        told = json.loads(settings.evals_report.read_text())
        judges = {name: None for half in told["judges"].values() for name in half}
        lines = tuple(
            EvalLine(name.replace("_", " "), tuple(_word_mean(half.get(name)) for half in told["judges"].values()))
            for name in judges
        )
        return {
            "run": told["run"],
            "passed": told["comparison"]["passed"] if told["comparison"] else None,
            "halves": tuple(told["judges"]),
            "lines": lines,
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _word_mean(mean: dict[str, float] | None) -> str:
    return f"{mean['value']:.1%} ({mean['low']:.0%} to {mean['high']:.0%})" if mean else ""
