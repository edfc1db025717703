"""`advisor content-gaps` and `advisor upkeep`: what the knowledge base lacks, and what to look at again."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.upkeep import ContentGap
from advisor.errors import InvalidInputError
from advisor.settings import load_settings

_SHOWN = 20
_CSV = (
    "question",
    "asked",
    "people",
    "declined",
    "disliked",
    "last_asked",
    "owner",
    "answered_now",
    "reasons",
    "answers",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_out = Console(highlight=False)


def add_upkeep(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("content-gaps")(content_gaps)
    app.command()(upkeep)


def content_gaps(
    output: Annotated[Path | None, typer.Option(help="Write all of them to a CSV file.")] = None,
    assign: Annotated[str, typer.Option(help="The question that names a gap, to give it an owner.")] = "",
    owner: Annotated[str, typer.Option(help="Who takes care of it; empty takes the owner away.")] = "",
) -> None:
    """List questions that were declined, half answered or disliked, grouped by what they ask for."""
    caretaker = bootstrap.build_caretaker(load_settings())
    if assign:
        gap = caretaker.assign(LOCAL_CALLER, assign, owner)
        _out.print(Text(f"“{gap.question}” is {f'for {gap.owner}' if gap.owner else 'for nobody'} now."))
        return
    gaps = caretaker.list_content_gaps(LOCAL_CALLER)
    if output is not None:
        _write(output, gaps)
        _out.print(Text(f"{len(gaps)} content gaps are in {output}."))
    elif not gaps:
        _out.print("No question was left open.")
    else:
        _show(gaps)


def upkeep() -> None:
    """List statements that disagree in a figure and documents past their review, by the answers that rest on them."""
    caretaker = bootstrap.build_caretaker(load_settings())
    pairs = caretaker.list_contradictions(LOCAL_CALLER)
    _out.print(Text(f"{len(pairs)} pairs of statements are on one topic and give different figures.", style="bold"))
    for pair in pairs[:_SHOWN]:
        _out.print(Text(f"\n{pair.resting} answers rest on them"))
        for section, statement in (pair.first, pair.second):
            _out.print(Text(f"- {statement.text} ({section.label})"), soft_wrap=True)
    stale = caretaker.list_stale(LOCAL_CALLER, datetime.now(UTC).date())
    _out.print(Text(f"\n{len(stale)} documents are past their day of review.", style="bold"))
    for one in stale[:_SHOWN]:
        line = f"- {one.title} ({one.collection}): {one.review_by:%d %b %Y}, {one.resting} answers rest on it"
        _out.print(Text(line), soft_wrap=True)


def _show(gaps: tuple[ContentGap, ...]) -> None:
    table = Table("asked", "people", "disliked", "last", "owner", "question", box=None)
    for gap in gaps[:_SHOWN]:
        question = Text(gap.question)
        if gap.answered_now:
            question.append(" (answered by now: python -m evals add " + gap.answer_ids[0] + ")", style="dim")
        numbers = (str(gap.asked), str(gap.people), str(gap.disliked))
        table.add_row(*numbers, f"{gap.last_asked:%d %b}", Text(gap.owner), question)
    _out.print(table)
    if len(gaps) > _SHOWN:
        _out.print(f"{len(gaps) - _SHOWN} more: advisor content-gaps --output gaps.csv")


def _write(file: Path, gaps: tuple[ContentGap, ...]) -> None:
    try:
        with file.open("w", newline="", encoding="utf-8-sig") as opened:
            writer = csv.writer(opened)
            writer.writerow(_CSV)
            for gap in gaps:
                row = gap.model_dump(mode="json")
                cells = [row[name] for name in _CSV[:-2]] + ["; ".join(gap.reasons), " ".join(gap.answer_ids)]
                writer.writerow([f"'{c}" if str(c).startswith(_FORMULA) else c for c in cells])
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written ({error.strerror}).", "Choose another place.") from error
