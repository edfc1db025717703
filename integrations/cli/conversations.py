"""`advisor conversations`: what was asked at this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import InvalidInputError
from advisor.settings import load_settings

_NEWEST = 50
conversations_app = typer.Typer(help="List, save and delete what you asked.", invoke_without_command=True)
_out = Console(highlight=False)
ConversationId = Annotated[str, typer.Argument(help="Id of the conversation, from the list.")]


@conversations_app.callback()
def list_conversations(context: typer.Context) -> None:
    """List your conversations, newest first."""
    if context.invoked_subcommand:
        return
    heads = bootstrap.build_advisor(load_settings()).list_conversations(LOCAL_CALLER, _NEWEST)
    if not heads:
        _out.print("There are no conversations yet.")
        return
    table = Table("id", "last", "turns", "first question", box=None)
    for head in heads:
        table.add_row(head.id, f"{head.last_at:%d %b %Y %H:%M}", str(head.turns), Text(head.title))
    _out.print(table)


@conversations_app.command()
def show(
    conversation_id: ConversationId,
    output: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
) -> None:
    """Print a conversation as Markdown."""
    text = bootstrap.build_advisor(load_settings()).export_conversation(LOCAL_CALLER, conversation_id)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{output} cannot be written ({error.strerror}).", "Choose another place.") from error


@conversations_app.command()
def delete(conversation_id: ConversationId) -> None:
    """Forget a conversation and its receipts."""
    bootstrap.build_advisor(load_settings()).delete_conversation(LOCAL_CALLER, conversation_id)
    _out.print("Forgotten.")
