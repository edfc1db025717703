"""Mounts the doors in one process."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import uvicorn

from advisor import bootstrap
from advisor.errors import StorageError
from advisor.settings import Settings
from integrations.web.app import create_app


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Index what changed, then serve until interrupted. Raises StorageError when the address is taken."""
    listener = _bind(settings.host, settings.port)
    announce("Checking the index ...")
    report = bootstrap.build_ingest(settings).run()
    if not report.unchanged:
        announce(f"Indexed {report.playbooks} playbooks ({report.sections} sections).")
    office = bootstrap.build_program(settings)
    application = create_app(
        bootstrap.build_advisor(settings, office), check_ready=lambda: bootstrap.check_ready(settings), office=office
    )
    config = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False)
    announce(f"Chat at http://{settings.host}:{settings.port}   API at /api/v1/ask, described in /openapi.json")
    uvicorn.Server(config).run(sockets=[listener])


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
