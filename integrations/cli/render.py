"""An Answer as a person reads it in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from advisor.domain.dialogue import (
    Answer,
    Block,
    Checklist,
    Citation,
    ListBlock,
    Notice,
    Outcome,
    Paragraph,
    Sentence,
    Table,
)


def render_answer(answer: Answer) -> RenderableType:
    """Return the blocks, the sources, and what else could be asked."""
    parts: list[RenderableType] = [Text()]
    for block in answer.blocks:
        parts += [_render_block(block), Text()]
    for notice in answer.notices:
        parts += [Text(f"Note: {notice}", style="yellow"), Text()]
    if answer.citations:
        parts += [Text("Sources", style="bold"), *_render_sources(answer.citations), Text()]
    if answer.suggestions and (answer.outcome is not Outcome.ANSWERED or not answer.citations):
        parts += [Text("You could ask:", style="bold")]
        parts += [Padding(Text(suggestion), (0, 0, 0, 2)) for suggestion in answer.suggestions]
        parts.append(Text())
    return Group(*parts)


def _render_block(block: Block) -> RenderableType:
    match block:
        case Paragraph():
            said = Text(" ").join([_sentence(sentence) for sentence in block.sentences])
            return Text.assemble((f"{block.title}: ", "dim"), said) if block.title else said
        case ListBlock():
            marks = [f"{number}." if block.ordered else "-" for number in range(1, len(block.items) + 1)]
            return _titled(block.title, _items(marks, block.items))
        case Checklist():
            return _titled(block.title, _items(["[ ]"] * len(block.items), block.items))
        case Table():
            return _titled(block.title, _table(block))
        case Notice():
            return Text(block.text, style="italic")


def _sentence(sentence: Sentence) -> Text:
    text = Text(sentence.text, style="bold" if sentence.strong else "")
    text.append("".join(f" [{number}]" for number in sentence.citations), style="not bold cyan")
    return text


def _titled(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"{title}:"), body) if title else body


def _items(marks: list[str], items: tuple[Sentence, ...]) -> RenderableType:
    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column()
    for mark, item in zip(marks, items, strict=True):
        grid.add_row(Text(mark), _sentence(item))
    return grid


def _table(block: Table) -> RenderableType:
    table = RichTable(box=box.SIMPLE_HEAD, show_lines=True)
    for column in block.columns:
        table.add_column(Text(column))
    for row in block.rows:
        last = _sentence(Sentence(text=row.cells[-1], citations=row.citations))
        table.add_row(*(Text(cell) for cell in row.cells[:-1]), last)
    return table


def _render_sources(citations: tuple[Citation, ...]) -> list[RenderableType]:
    """One line per section: its numbers, where it stands, and what its articles leave unsaid; then the articles."""
    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="cyan")
    grid.add_column()
    by_section: dict[str, list[Citation]] = {}
    for citation in citations:
        by_section.setdefault(f"{citation.section_id} {citation.page}", []).append(citation)
    for cited in by_section.values():
        place = Text(cited[0].dated)
        articles = sorted({source.id for citation in cited for source in citation.sources})
        if articles:
            place.append(f" ({', '.join(articles)})", style="dim")
        notes: dict[str, list[str]] = {}
        for citation in cited:
            for note in dict.fromkeys(source.note for source in citation.sources if source.note):
                notes.setdefault(note, []).append(str(citation.number))
        for note, numbers in notes.items():
            place.append(f"; {', '.join(numbers)}: {note}", style="dim")
        grid.add_row(Text(", ".join(str(citation.number) for citation in cited)), place)
    articles_behind = {source.id: source for citation in citations for source in citation.sources}
    for id_, source in sorted(articles_behind.items()):
        grid.add_row(Text(id_, style="dim"), Text(f"{source.title}. {source.publisher}", style="dim"))
    return [grid]
