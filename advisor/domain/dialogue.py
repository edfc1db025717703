"""What is asked and what is answered. An Answer is typed blocks; text, HTML and Slack blocks are renderings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, computed_field

from advisor.domain.base import Value
from advisor.errors import InvalidInputError

MAX_QUESTION_LENGTH = 4000
"""Characters. Longer texts are documents, not questions."""


_LONGEST_CONTEXT = 200


class Role(StrEnum):
    """The shape wanted. What an executive is told is a subset of what an engineer is told."""

    EXECUTIVE = "executive"
    CHANGE_LEAD = "change_lead"
    PLANT_MANAGER = "plant_manager"
    ENGINEER = "engineer"


class Outcome(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    DECLINED = "declined"
    CLARIFY = "clarify"


class Focus(StrEnum):
    """What the wording of a question asks to see first."""

    POINT = "point"
    WHY = "why"
    ACTION = "action"
    ITEM = "item"
    MORE = "more"


class Query(Value):
    """The standalone text sent to retrieval, and what the conversation adds to it.

    `context` is the earlier query that a follow-up leans on; `parts` are the clauses of a question that asks several
    things; `item` is the 0-based place of the list item asked for (-1 is the last) when the answer before did not
    show it; `section_ids` names the sections a follow-up stays in; `opened` are the bottom lines and `told`
    all quotes already given. `chosen` says that it was picked from choices, so that nobody is asked back twice.
    """

    text: str
    context: str = ""
    parts: tuple[str, ...] = ()
    focus: Focus = Focus.POINT
    follows: bool = False
    section_ids: tuple[str, ...] = ()
    item: int | None = None
    opened: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    chosen: bool = False

    @property
    def standalone(self) -> str:
        """The text with what it leans on, to be leant on in turn."""
        return f"{self.text} ({self.context[:_LONGEST_CONTEXT]})" if self.context else self.text


class Sentence(Value):
    """One sentence and the numbers of the citations that support it."""

    text: str
    citations: tuple[int, ...] = ()
    strong: bool = False


class Paragraph(Value):
    """Running sentences. `title` says whose they are where an answer keeps two sides apart."""

    type: Literal["paragraph"] = "paragraph"
    title: str = ""
    sentences: tuple[Sentence, ...]


class ListBlock(Value):
    """A bullet list, or a numbered one when the order matters."""

    type: Literal["list"] = "list"
    title: str = ""
    ordered: bool = False
    items: tuple[Sentence, ...]


class TableRow(Value):
    """One row and the citations that support it."""

    cells: tuple[str, ...]
    citations: tuple[int, ...] = ()


class Table(Value):
    """A table kept whole."""

    type: Literal["table"] = "table"
    title: str = ""
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


class Checklist(Value):
    """Tasks to take on."""

    type: Literal["checklist"] = "checklist"
    title: str = "Next steps"
    items: tuple[Sentence, ...]


class Notice(Value):
    """A line about the answer, not from the playbooks."""

    type: Literal["notice"] = "notice"
    text: str


Block = Annotated[Paragraph | ListBlock | Table | Checklist | Notice, Field(discriminator="type")]


class CitationKind(StrEnum):
    """What a citation points to."""

    PLAYBOOK = "playbook"
    DOCUMENT = "document"
    REGISTER = "register"


class CitedSource(Value):
    """The article behind a citation, and what it leaves unsaid."""

    id: str
    title: str
    publisher: str
    note: str = ""


class Citation(Value):
    """Where a sentence comes from. `quote` stands verbatim in the section it names."""

    number: int
    kind: CitationKind = CitationKind.PLAYBOOK
    title: str
    section: str
    section_id: str
    page: int | None = None
    quote: str
    sources: tuple[CitedSource, ...] = ()
    as_of: date | None = None
    """When the playbook was reviewed, the document changed, or the record entered."""

    @property
    def dated(self) -> str:
        """Where a reader finds it, and how old that is; an entry of the register says so itself."""
        if self.kind is CitationKind.PLAYBOOK and self.as_of is None:
            return f"{self.place} (never reviewed)"
        if self.as_of is None or self.kind is CitationKind.REGISTER:
            return self.place
        word = "reviewed" if self.kind is CitationKind.PLAYBOOK else "of"
        return f"{self.place} ({word} {self.as_of.day} {self.as_of:%b %Y})"

    @property
    def place(self) -> str:
        """Where a reader finds it: title, section, and page where there are pages."""
        return f"{self.title} > {self.section}" + (f", page {self.page}" if self.page else "")


class Refusal(Value):
    """A sentence that was not shown, and why."""

    text: str
    reason: str


class Basis(Value):
    """How an answer came about, for its receipt. `probability` that the passages answer, and what was asked of it.

    `model`, `prompts` (fingerprints by name) and `replies` are those of the chat model that worded it, if one did;
    `checked` sentences were compared with their quotes, and `refused` are those that did not hold.
    """

    probability: float | None = None
    threshold: float | None = None
    model: str = ""
    prompts: Mapping[str, str] = {}
    replies: tuple[str, ...] = ()
    checked: int = 0
    refused: tuple[Refusal, ...] = ()


class Draft(Value):
    """What an answerer composes: the part of an Answer that does not depend on who asked, or when.

    `growing` says that more of it is still to come.
    """

    outcome: Outcome
    blocks: tuple[Block, ...]
    citations: tuple[Citation, ...] = ()
    notices: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    basis: Basis = Basis()
    growing: bool = False


class Report(Value):
    """What the register answers, and whether the playbooks are asked too."""

    draft: Draft
    wants_playbook: bool
    sure: bool = True
    """Whether the question is about the program beyond doubt; else an answer of the playbooks goes first."""


class Answer(Value):
    """The answer, the same on every door."""

    id: str
    conversation_id: str
    question: str
    query: str
    role: Role
    outcome: Outcome
    blocks: tuple[Block, ...]
    citations: tuple[Citation, ...] = ()
    notices: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    generation: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def abstained(self) -> bool:
        """Whether the advisor said that it does not know."""
        return self.outcome is Outcome.DECLINED

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """The answer as Markdown with [n] markers, without the list of sources."""
        return render_markdown(self.blocks)


class Turn(Value):
    """One question of a conversation with its answer."""

    question: str
    query: str
    answer: Answer


class ConversationHead(Value):
    """A conversation in a list: its first question, how many turns it has, and when the last one was.

    `number` grows with every turn of anybody, so that it tells what comes before what.
    """

    id: str
    number: int
    title: str
    turns: int
    last_at: datetime


def title_first(draft: Draft, title: str) -> Draft:
    """Return the draft with a title on its first paragraph."""
    first = draft.blocks[0] if draft.blocks else None
    if not isinstance(first, Paragraph):
        return draft
    return draft.model_copy(update={"blocks": (first.model_copy(update={"title": title}), *draft.blocks[1:])})


def join_drafts(first: Draft, second: Draft) -> Draft:
    """Return one draft after the other; the citations of the second are numbered on."""
    shift = max((citation.number for citation in first.citations), default=0)
    moved = _renumber(second, {citation.number: citation.number + shift for citation in second.citations})
    return Draft(
        outcome=first.outcome,
        blocks=(*first.blocks, *moved.blocks),
        citations=(*first.citations, *moved.citations),
        notices=tuple(dict.fromkeys((*first.notices, *second.notices))),
        suggestions=first.suggestions or second.suggestions,
        basis=first.basis,
    )


def drop_unused_citations(draft: Draft) -> Draft:
    """Return the draft with the citations that its blocks use, numbered from 1 in order of use."""
    used = dict.fromkeys(number for block in draft.blocks for number in find_citation_numbers(block))
    return _renumber(draft, {old: new for new, old in enumerate(used, 1)})


def drop_dangling(draft: Draft) -> Draft:
    """Return the draft without the sentences and rows whose citation is not there."""
    known = {citation.number for citation in draft.citations}
    return keep_units(draft, lambda unit: known.issuperset(unit.citations))


def keep_units(draft: Draft, wanted: Callable[[Sentence | TableRow], bool]) -> Draft:
    """Return the draft with the sentences, items and rows that are wanted; a block that keeps none goes."""
    blocks: list[Block] = []
    for block in draft.blocks:
        if isinstance(block, Notice):
            blocks.append(block)
            continue
        name = {"paragraph": "sentences", "table": "rows"}.get(block.type, "items")
        units = getattr(block, name)
        left = tuple(unit for unit in units if wanted(unit))
        if left:
            blocks.append(block if len(left) == len(units) else block.model_copy(update={name: left}))
    return draft if tuple(blocks) == draft.blocks else draft.model_copy(update={"blocks": tuple(blocks)})


def _renumber(draft: Draft, numbers: Mapping[int, int]) -> Draft:
    """Return the draft with other numbers of citations; a citation without a new number is left out."""

    def moved(unit: Sentence | TableRow) -> Sentence | TableRow:
        return unit.model_copy(update={"citations": tuple(numbers[number] for number in unit.citations)})

    def renumbered(block: Block) -> Block:
        match block:
            case Paragraph():
                return block.model_copy(update={"sentences": tuple(moved(s) for s in block.sentences)})
            case ListBlock() | Checklist():
                return block.model_copy(update={"items": tuple(moved(s) for s in block.items)})
            case Table():
                return block.model_copy(update={"rows": tuple(moved(r) for r in block.rows)})
            case Notice():
                return block

    kept = (c.model_copy(update={"number": numbers[c.number]}) for c in draft.citations if c.number in numbers)
    return draft.model_copy(
        update={
            "blocks": tuple(renumbered(block) for block in draft.blocks),
            "citations": tuple(sorted(kept, key=lambda c: c.number)),
        }
    )


def find_citation_numbers(block: Block) -> tuple[int, ...]:
    """Return the citation numbers that a block uses, in order."""
    match block:
        case Paragraph():
            cited: tuple[Sentence | TableRow, ...] = block.sentences
        case ListBlock() | Checklist():
            cited = block.items
        case Table():
            cited = block.rows
        case Notice():
            cited = ()
    return tuple(number for unit in cited for number in unit.citations)


def _marked(sentence: Sentence) -> str:
    body = f"**{sentence.text}**" if sentence.strong else sentence.text
    return body + "".join(f" [{number}]" for number in sentence.citations)


def _table_lines(table: Table) -> list[str]:
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    for row in table.rows:
        marks = "".join(f" [{number}]" for number in row.citations)
        lines.append("| " + " | ".join([*row.cells[:-1], row.cells[-1] + marks]) + " |")
    return lines


def render_markdown(blocks: tuple[Block, ...]) -> str:
    """Return the blocks as Markdown."""
    parts: list[str] = []
    for block in blocks:
        lines = [f"{block.title}:", ""] if isinstance(block, ListBlock | Table | Checklist) and block.title else []
        match block:
            case Paragraph():
                lines.append(
                    (f"{block.title}: " if block.title else "")
                    + " ".join(_marked(sentence) for sentence in block.sentences)
                )
            case ListBlock():
                lines += [
                    f"{f'{index}.' if block.ordered else '-'} {_marked(item)}"
                    for index, item in enumerate(block.items, 1)
                ]
            case Table():
                lines += _table_lines(block)
            case Checklist():
                lines += [f"- [ ] {_marked(item)}" for item in block.items]
            case Notice():
                lines.append(f"_{block.text}_")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def render_conversation(turns: Sequence[Turn]) -> str:
    """Return turns as Markdown: a heading a question, the answer, and its sources."""
    parts = [f"## {' '.join(turn.question.split())}\n\n{render_with_sources(turn.answer)}" for turn in turns]
    return "\n\n".join(parts) + "\n"


def render_with_sources(answer: Answer) -> str:
    """Return an answer as Markdown: its text, its notices, and each source with the words it holds."""
    sources = [f"[{c.number}] {c.dated}: “{c.quote}”" for c in answer.citations]
    notices = [f"_{notice}_" for notice in answer.notices]
    return "\n\n".join((answer.text, *notices, *(["\n".join(sources)] if sources else [])))


def parse_question(raw: str) -> str:
    """Return the question, trimmed, or raise InvalidInputError when it is empty, too long or not text."""
    question = raw.strip()
    if not question:
        raise InvalidInputError("The question is empty.", "Ask something, for example: How should we choose KPIs?")
    if len(question) > MAX_QUESTION_LENGTH:
        raise InvalidInputError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION_LENGTH:,} can be read.",
            "Shorten it to the one thing you want to know.",
        )
    odd = sum(1 for c in question if unicodedata.category(c) in {"Cc", "Co", "Cn", "Cs"} and c not in "\n\r\t")
    if odd or "�" in question:
        raise InvalidInputError(
            "The question contains bytes that are not text.",
            "Send it as plain UTF-8 text, without files or control codes.",
        )
    return question


def parse_role(raw: str | None) -> Role:
    """Return the role named by `raw` (executive when nothing is named), or raise InvalidInputError."""
    if raw is None:
        return Role.EXECUTIVE
    try:
        return Role(raw.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        raise InvalidInputError(
            f'There is no role "{raw[:40]}".', f"Use one of: {', '.join(role.value for role in Role)}."
        ) from None
