"""`advisor receipt` and `advisor replay`: what an answer rested on, and whether it would be given again."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.receipts import Receipt
from advisor.settings import load_settings
from integrations.cli.render import render_answer

_CHANGED = 3
_out = Console(highlight=False)
AnswerId = Annotated[str, typer.Argument(help="Id of the answer; every answer and every download carries it.")]


def add_receipts(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(receipt)
    app.command()(replay)


def receipt(
    answer_id: AnswerId, as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False
) -> None:
    """Show what an answer rested on: question, query, passages with scores, models, checks, timings."""
    found = bootstrap.build_advisor(load_settings()).get_receipt(LOCAL_CALLER, answer_id)
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        _out.print(_render(found))


def replay(answer_id: AnswerId) -> None:
    """Ask again as it was asked then; say whether the answer is the same, else what changed. Exit code 3 if not."""
    found = bootstrap.build_advisor(load_settings()).replay(LOCAL_CALLER, answer_id)
    if found.reproduced:
        _out.print(f"Reproduced: the answer of {found.receipt.asked_at:%d %b %Y %H:%M} UTC, word for word.")
    else:
        _out.print("Not reproduced: today the answer is another.")
    for change in found.changes:
        _out.print(f"- {escape(change)}", soft_wrap=True)
    if not found.reproduced:
        if not found.changes:
            _out.print("- Nothing it rested on changed, so the day did: what is due or stale depends on it.")
        _out.print(render_answer(found.answer))
        raise typer.Exit(_CHANGED)


def _render(receipt: Receipt) -> RenderableType:
    basis = receipt.basis
    facts = Table.grid(padding=(0, 2))
    rows = {
        "Answer": receipt.answer_id,
        "Asked": f"{receipt.asked_at:%d %b %Y %H:%M:%S} UTC, as {receipt.role.value}",
        "Question": receipt.question,
        "Understood as": receipt.query if receipt.query != receipt.question else "",
        "Outcome": receipt.outcome.value,
        "Probability": f"{basis.probability:.2f} that the passages answer; {basis.threshold:.2f} was asked"
        if basis.probability is not None and basis.threshold is not None
        else "",
        "Index": ", ".join(filter(None, (receipt.generation, receipt.library_generation)))
        + (" (without its vectors)" if receipt.degraded else ""),
        "Register": f"up to entry {receipt.register_head}" if receipt.register_head is not None else "",
        "Embedding model": receipt.embedding_model,
        "Chat model": basis.model,
        "Prompts": ", ".join(f"{name} {fingerprint}" for name, fingerprint in basis.prompts.items()),
        "Checked": f"{basis.checked} sentences, {len(basis.refused)} refused",
        "Took": ", ".join(f"{name} {took:g} ms" for name, took in receipt.took.items()),
        "Digest": receipt.digest,
        "Advisor": receipt.version,
    }
    for name, value in rows.items():
        if value:
            facts.add_row(Text(name, style="dim"), Text(value))
    parts: list[RenderableType] = [facts]
    if receipt.passages:
        table = Table("", "passage", "score", "dense", "BM25", "question", "digest", box=None)
        for ref in receipt.passages:
            mark = "*" if ref.cited else ""
            numbers = (f"{n:.2f}" for n in (ref.score, ref.dense, ref.keyword, ref.question))
            table.add_row(mark, Text(ref.place), *numbers, ref.digest)
        parts += [Text("\nPassages found; * are cited", style="bold"), table]
    if basis.refused:
        parts.append(Text("\nNot shown", style="bold"))
        parts += [Text(f"- {refusal.text} ({refusal.reason})") for refusal in basis.refused]
    return Group(*parts)
