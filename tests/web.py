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


def web_settings(folder: Path, **more: Any) -> Settings:
    """Return settings with a data directory of their own, where keys are kept."""
    return Settings(data_dir=folder, _env_file=None, **more)


def make_web(
    folder: Path, advisor: Any, office: ProgramOffice, *, meter: PrometheusMeter | None = None, **more: Any
) -> FastAPI:
    """Return the application; `more` are settings."""
    settings = web_settings(folder, **more)
    return create_app(
        settings, advisor, office, keys=build_keys(settings), meter=meter or PrometheusMeter(), check_ready=lambda: None
    )


def local_client(app: FastAPI) -> TestClient:
    """Return a client that the application takes for the user of this machine."""
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000), raise_server_exceptions=False)
