"""`advisor ask | chat | ingest | doctor | serve`, and the commands about the program and Slack."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import AdvisorError, ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from advisor.settings import Settings, load_settings
from integrations.cli.access import audit_app, keys_app
from integrations.cli.conversations import conversations_app
from integrations.cli.doctor import add_doctor
from integrations.cli.ingest import add_ingest, collections_app
from integrations.cli.program import add_commands
from integrations.cli.receipts import add_receipts
from integrations.cli.render import render_answer
from integrations.cli.safekeeping import add_safekeeping
from integrations.cli.slack import slack_app
from integrations.cli.upkeep import add_upkeep

USAGE_ERROR = 2
FAILURE = 1

app = typer.Typer(
    help="Cited answers from your operating-model playbooks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)
RoleOption = Annotated[
    str | None, typer.Option(help="Shape of the answer: executive, change_lead, plant_manager or engineer.")
]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes; - reads it from standard input.")],
    role: RoleOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Ask one question."""
    text = _read_standard_input() if question == "-" else question
    answer = bootstrap.build_advisor(load_settings()).ask(LOCAL_CALLER, text, role=role)
    if as_json:
        print(answer.model_dump_json(indent=2))
    else:
        _out.print(render_answer(answer))


@app.command()
def chat(role: RoleOption = None) -> None:
    """Ask questions in one conversation; an empty line or Ctrl-D ends it."""
    advisor = bootstrap.build_advisor(load_settings())
    conversation: str | None = None
    _out.print("Ask about your AI program. An empty line ends the conversation.")
    while True:
        try:
            question = _out.input("[bold]> [/]")
        except (EOFError, KeyboardInterrupt):
            break
        if not question.strip():
            break
        try:
            answer = advisor.ask(LOCAL_CALLER, question, role=role, conversation_id=conversation)
        except InvalidInputError as error:
            _err.print(f"[red]{escape(str(error))}[/]")
            continue
        conversation = answer.conversation_id
        _out.print(render_answer(answer))


add_ingest(app)
add_commands(app)
add_receipts(app)
add_upkeep(app)
app.add_typer(slack_app, name="slack")
app.add_typer(collections_app, name="collections")
app.add_typer(conversations_app, name="conversations")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")


add_doctor(app)
add_safekeeping(app)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that answer.")] = None,
) -> None:
    """Serve the pages and the API; indexes first what changed."""
    from integrations.serve import serve as run  # noqa: PLC0415  the web stack opens only here

    settings = load_settings()
    run(_with(settings, host=host, port=port, workers=workers), announce=lambda line: _out.print(line, soft_wrap=True))


@app.command()
def mcp(
    transport: Annotated[
        Literal["stdio", "http"],
        typer.Option(help="stdio for a program that starts it; http serves it at /mcp, beside the API."),
    ] = "stdio",
    host: Annotated[str | None, typer.Option(help="Address to listen on, over http.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on, over http.")] = None,
) -> None:
    """Be a server of the Model Context Protocol; needs the extra `mcp`."""
    if find_spec("mcp") is None:
        raise InvalidInputError("The extra mcp is not installed.", 'Install it: pip install -e ".[mcp]".')
    if transport == "http":
        serve(host=host, port=port, workers=None)
        return
    from integrations.logs import configure_logs  # noqa: PLC0415
    from integrations.mcp.transports import run_stdio  # noqa: PLC0415  opens only here

    settings = load_settings()
    configure_logs(settings.log_level)
    bootstrap.prepare_index(settings)
    run_stdio(settings)


def _with(settings: Settings, **given: str | int | None) -> Settings:
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def _read_standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise InvalidInputError(
            "The question contains bytes that are not text.", "Send it as plain UTF-8 text."
        ) from None


def main() -> None:
    """Run the command line: exit code 2 for input that cannot be used, 1 for anything else that fails."""
    try:
        app()
    except (InvalidInputError, NotFoundError, ForbiddenError, ConflictError) as error:
        _err.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        sys.exit(USAGE_ERROR)
    except AdvisorError as error:
        _err.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        sys.exit(FAILURE)
    except KeyboardInterrupt:
        _err.print("Stopped. Nothing was lost.")
        sys.exit(130)
