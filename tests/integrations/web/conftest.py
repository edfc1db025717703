from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from advisor.bootstrap import build_keys
from advisor.domain.identity import LOCAL_CALLER, Area, NewKey, Permission
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.storage.keys import SqlKeys
from tests.conftest import OfficeMaker
from tests.web import make_web, web_settings

ELSEWHERE = ("192.0.2.7", 50_000)
"""A peer that is not this machine."""


class Door(NamedTuple):
    """The web door under some settings, seen from an address."""

    client: TestClient
    keys: SqlKeys

    def make_key(self, permission: Permission = Permission.READER, **more: Any) -> str:
        given = {"name": "test", "expires_at": datetime.now(UTC) + timedelta(days=1)} | more
        return self.keys.create(LOCAL_CALLER, NewKey(permission=permission, **given))[1]

    def get_me(self, **headers: str) -> Any:
        return self.client.get("/api/v1/me", headers=headers)


OpenDoor = Callable[..., Door]


@pytest.fixture(scope="session")
def demo_office(make_office: OfficeMaker, tmp_path_factory: pytest.TempPathFactory) -> ProgramOffice:
    office = make_office(f"sqlite:///{tmp_path_factory.mktemp('office')}/demo.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office


@pytest.fixture
def open_door(advisor: Advisor, demo_office: ProgramOffice, tmp_path: Path) -> Iterator[OpenDoor]:
    clients: list[TestClient] = []

    def make(*, address: tuple[str, int] = ELSEWHERE, base: str = "http://advisor.example.com", **more: Any) -> Door:
        app = make_web(tmp_path, advisor, demo_office, **more)
        client = TestClient(app, base_url=base, client=address, raise_server_exceptions=False)
        clients.append(client.__enter__())
        return Door(client, build_keys(web_settings(tmp_path)))

    yield make
    for client in clients:
        client.__exit__(None, None, None)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


ALL_AREAS = tuple(Area)
