"""`advisor doctor`: everything that can be wrong with an installation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from advisor.settings import load_settings

if TYPE_CHECKING:
    from advisor.doctor import Check

_out = Console(highlight=False)


def add_doctor(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor() -> None:
    """Check model, playbooks, index, vectors, documents, database, audit log, backup, disk, doors and limits."""
    from advisor.doctor import check_installation  # noqa: PLC0415  opens what it looks at
    from integrations.web.doctor import check_web  # noqa: PLC0415

    settings = load_settings()
    checks = [*check_installation(settings), *check_web(settings)]
    if settings.slack_bot_token.get_secret_value():
        from integrations.slack.doctor import check_slack  # noqa: PLC0415

        checks += [check._replace(name=f"Slack: {check.name.lower()}") for check in check_slack(settings)]
    tell_checks(checks)


def tell_checks(checks: Iterable[Check]) -> None:
    """Print a line a check; exit with 1 where one failed."""
    failed = False
    for check in checks:
        failed |= not check.ok
        mark = "[green]ok  [/]" if check.ok else "[red]FAIL[/]"
        _out.print(f"{mark} {check.name:<16} {escape(check.detail)}", soft_wrap=True)
    if failed:
        raise typer.Exit(1)
