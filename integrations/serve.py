"""Mounts the doors in one process."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from advisor import bootstrap
from advisor.errors import InvalidInputError, StorageError
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.web.app import create_app

if TYPE_CHECKING:
    from integrations.slack.service import SlackDoor


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Index what changed, then serve until interrupted. Raises StorageError when the address is taken."""
    listener = _bind(settings.host, settings.port)
    announce("Checking the index ...")
    report = bootstrap.prepare_index(settings)
    if report and not report.unchanged:
        announce(f"Indexed {report.playbooks} playbooks ({report.sections} sections).")
    office = bootstrap.build_program(settings)
    advisor = bootstrap.build_advisor(settings, office)
    application = create_app(advisor, check_ready=lambda: bootstrap.check_ready(settings), office=office)
    slack = _mount_slack(application, settings, advisor, office)
    config = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False)
    announce(f"Chat at http://{settings.host}:{settings.port}   API at /api/v1/ask, described in /openapi.json")
    if slack:
        announce("Slack is answered at /slack/events.")
        slack.workers.start()
    uvicorn.Server(config).run(sockets=[listener])
    if slack:
        slack.workers.stop()


def _mount_slack(application: FastAPI, settings: Settings, advisor: Advisor, office: ProgramOffice) -> SlackDoor | None:
    """Mount the Slack door when Slack reaches the advisor over HTTP."""
    if settings.slack_transport != "http" or not settings.slack_bot_token.get_secret_value():
        return None
    from integrations.slack.http import create_router  # noqa: PLC0415  the Slack stack opens only when it is used
    from integrations.slack.service import build_door  # noqa: PLC0415

    if not settings.slack_signing_secret.get_secret_value():
        raise InvalidInputError("ADVISOR_SLACK_SIGNING_SECRET is not set.", "See `advisor slack doctor`.")
    door = build_door(settings, advisor, office)
    application.include_router(create_router(door.app, settings.slack_signing_secret.get_secret_value()))
    return door


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
