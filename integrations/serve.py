"""Mounts the doors in one process, or in several over the same data."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from advisor import bootstrap
from advisor.errors import InvalidInputError, StorageError
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings, load_settings
from integrations.logs import configure_logs
from integrations.watch import watch_index

if TYPE_CHECKING:
    from integrations.metrics import PrometheusMeter

SHUTDOWN_SECONDS = 30
"""How long open streams may take to finish after a signal to stop."""
_WAITING_CONNECTIONS = 2048


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Index what changed, then serve until interrupted. Raises StorageError when the address is taken."""
    listener = _bind(settings.host, settings.port)
    announce("Checking the index ...")
    report = bootstrap.prepare_index(settings)
    if report and not report.unchanged:
        announce(f"Indexed {report.playbooks} playbooks ({report.sections} sections).")
    if settings.workers > 1:
        _share_metrics(settings)
    application = create_application(settings)  # finds what is wrong with the settings before anything is promised
    announce(f"Chat at http://{settings.host}:{settings.port}   API at /api/v1, described in /openapi.json")
    if settings.workers == 1:
        uvicorn.Server(_configure(application)).run(sockets=[listener])
        return
    announce(f"{settings.workers} processes answer.")
    config = _configure("integrations.serve:create_worker", factory=True, workers=settings.workers)
    Multiprocess(config, sockets=[listener]).run()


def create_application(settings: Settings) -> FastAPI:
    """Return the application with every door that the settings open."""
    from integrations.metrics import PrometheusMeter  # noqa: PLC0415  once it is known whether processes share them
    from integrations.web.app import create_app  # noqa: PLC0415

    configure_logs(settings.log_level)
    meter = PrometheusMeter()
    office = bootstrap.build_program(settings)
    advisor = bootstrap.build_advisor(settings, office, meter)
    application = create_app(
        settings,
        advisor,
        office,
        keys=bootstrap.build_keys(settings),
        meter=meter,
        check_ready=lambda: bootstrap.check_ready(settings),
    )
    _mount_slack(application, settings, advisor, office, meter)
    _mount_mcp(application, advisor, office)
    watch_index(settings)
    return application


def create_worker() -> FastAPI:
    """Return the application for one of several processes, which reads the settings from its environment."""
    return create_application(load_settings())


def _configure(application: FastAPI | str, *, factory: bool = False, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        factory=factory,
        workers=workers,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who may speak for others is decided by the credentials
        backlog=_WAITING_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        lifespan="on",
        http="h11",  # bounds what it buffers of an unfinished request
        h11_max_incomplete_event_size=65_536,
    )


def _share_metrics(settings: Settings) -> None:
    """Give the processes a folder of their own in which their metrics add up; it goes when they do."""
    folder = (settings.data_dir / f"metrics-{os.getpid()}").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _mount_slack(
    application: FastAPI, settings: Settings, advisor: Advisor, office: ProgramOffice, meter: PrometheusMeter
) -> None:
    """Mount the Slack door when Slack reaches the advisor over HTTP."""
    if settings.slack_transport != "http" or not settings.slack_bot_token.get_secret_value():
        return
    from integrations.slack.http import create_router  # noqa: PLC0415  the Slack stack opens only when it is used
    from integrations.slack.service import build_door  # noqa: PLC0415

    if not settings.slack_signing_secret.get_secret_value():
        raise InvalidInputError("ADVISOR_SLACK_SIGNING_SECRET is not set.", "See `advisor slack doctor`.")
    door = build_door(settings, advisor, office, meter=meter)
    secret = settings.slack_signing_secret.get_secret_value()
    application.include_router(create_router(door.app, secret, door.workers))


def _mount_mcp(application: FastAPI, advisor: Advisor, office: ProgramOffice) -> None:
    """Mount the MCP door where its library is installed."""
    if find_spec("mcp") is None:
        return
    from integrations.mcp.transports import mount  # noqa: PLC0415  opens only where it is installed

    mount(application, advisor, office, application.state.guard.identify)


def _bind(host: str, port: int) -> socket.socket:
    """Take the address before any slow work, so that a clash shows at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StorageError(
                f"Port {port} on {host} is in use.",
                f"Stop what uses it, or run `advisor serve --port {port + 1}`.",
            ) from error
        raise StorageError(
            f"Cannot listen on {host}:{port} ({error.strerror}).",
            "Choose another address with --host and --port.",
        ) from error
    return listener
