"""The web door around real parts, for tests that need no process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from advisor.bootstrap import build_keys
from advisor.program.office import ProgramOffice
from advisor.settings import Settings
from integrations.metrics import PrometheusMeter
from integrations.web.app import create_app

LOCAL = "http://127.0.0.1"


def make_web(
    folder: Path, advisor: Any, office: ProgramOffice, *, meter: PrometheusMeter | None = None, **more: Any
) -> FastAPI:
    """Return the application with a database of its own for keys; `more` are settings."""
    settings = Settings(data_dir=folder, _env_file=None, **more)
    return create_app(
        settings, advisor, office, keys=build_keys(settings), meter=meter or PrometheusMeter(), check_ready=lambda: None
    )


def local_client(app: FastAPI) -> TestClient:
    """Return a client that the application takes for the user of this machine."""
    return TestClient(app, base_url=LOCAL, client=("127.0.0.1", 50_000), raise_server_exceptions=False)
