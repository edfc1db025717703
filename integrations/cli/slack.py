"""`advisor slack`, and `advisor slack manifest | doctor | demo`."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from advisor import bootstrap
from advisor.errors import InvalidInputError
from advisor.settings import load_settings
from integrations.cli.doctor import tell_checks

slack_app = typer.Typer(help="Run the advisor in Slack.", invoke_without_command=True)
_out = Console(highlight=False)


@slack_app.callback()
def slack(context: typer.Context) -> None:
    """Answer in Slack over Socket Mode until interrupted; with the http transport, `advisor serve` does it."""
    if context.invoked_subcommand:
        return
    from integrations.logs import configure_logs  # noqa: PLC0415
    from integrations.slack.service import run_socket  # noqa: PLC0415  the Slack stack opens only here

    settings = load_settings()
    if settings.slack_transport == "http":
        raise InvalidInputError(
            "ADVISOR_SLACK_TRANSPORT is http.", "Run `advisor serve`, which answers Slack beside the API."
        )
    configure_logs(settings.log_level)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    bootstrap.prepare_index(settings)
    try:
        run_socket(settings, announce=lambda line: _out.print(line, soft_wrap=True), until=lambda: _wait(done))
    except KeyboardInterrupt:
        _out.print("Stopped.")


def _wait(done: threading.Event) -> None:
    done.wait()


@slack_app.command()
def manifest(
    url: Annotated[str, typer.Option(help="Public address of `advisor serve`, for the http transport.")] = "",
) -> None:
    """Print the app manifest, to be pasted at api.slack.com/apps."""
    from integrations.slack.manifest import make_manifest  # noqa: PLC0415

    transport = load_settings().slack_transport
    if transport == "http" and not url.startswith("https://"):
        raise InvalidInputError(
            "The http transport needs the address that Slack reaches.", "Give --url https://advisor.example.com."
        )
    print(json.dumps(make_manifest(transport=transport, url=url), indent=2))


@slack_app.command("doctor")
def diagnose() -> None:
    """Check tokens, scopes, transport and channels, and say what is wrong."""
    from integrations.slack.doctor import check_slack  # noqa: PLC0415

    tell_checks(check_slack(load_settings()))


@slack_app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Where the transcript goes.")] = Path("slack-demo.html"),
    keep: Annotated[bool, typer.Option("--keep", help="Play it in your database, which must be empty.")] = False,
) -> None:
    """Play a day in a simulated Slack, and write the transcript as a page. Needs no workspace and no network."""
    from integrations.slack.demo import run_demo  # noqa: PLC0415

    settings = load_settings()
    bootstrap.prepare_index(settings)
    run_demo(settings, output, announce=lambda line: _out.print(line, soft_wrap=True), keep=keep)
    _out.print(f"Wrote {escape(str(output))}.")
