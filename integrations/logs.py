"""Structured logs on standard error: JSON, or plain lines on a terminal; secrets and addresses never reach them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

HIDDEN = "[hidden]"
_SECRET_NAMES = re.compile(r"(?i)authorization|cookie|password|secret|token|api_?key|question|message_text|email")
_SECRET_TEXTS = re.compile(
    r"adv_[\w-]{8,}|xox[a-z]-[\w-]+|xapp-[\w-]+|(?i:bearer)\s+\S+|eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+|(?<=://)[^\s@]*:[^\s@]+(?=@)"
    r"|\bsk-[\w-]{8,}|\bhf_\w{8,}|\bgh[a-z]_\w{8,}|\bgithub_pat_\w+|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*"
)


def configure_logs(level: str) -> None:
    """Send our logs and those of libraries through one redacting formatter."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last = (
        structlog.dev.ConsoleRenderer(colors=False)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn.error", "httpx", "httpcore", "chromadb", "alembic", "slack_sdk", "slack_bolt"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Hide values by the names of their fields, and whatever looks like a credential or an address in any text."""
    return {
        name: HIDDEN
        if _SECRET_NAMES.search(name)
        else _SECRET_TEXTS.sub(HIDDEN, value)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }
