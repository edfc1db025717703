"""Starts a suite for a company's documents: cases proposed from headings, tables and figures, for a person to accept.

A proposal knows what the document states and where; its question is a rule's, and wants a person's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from advisor.domain.knowledge import Section, Statement, StatementKind
from advisor.errors import InvalidInputError
from advisor.knowledge.documents import split_document
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.quantities import find_quantities
from advisor.text import NUMBER_WORDS, content_stems, slugify
from evals.cases import EvalCase, Expect, Half, Kind, write_cases

_MOST_A_DOCUMENT = 12
_FEWEST_WORDS, _MOST_WORDS = 6, 40
_NUMBERS = "|".join(word for word in NUMBER_WORDS if word != "one")
_FIGURE = re.compile(rf"(?<![\w.])\d+(?:[.,]\d+)*|\b(?:{_NUMBERS})\b", re.IGNORECASE)
_UNANSWERED = (
    "What is the capital of Mongolia?",
    "How many goals did the striker score last season?",
    "Which wine goes with grilled trout?",
)


def propose(folder: Path, documents: Path, label: str = "") -> tuple[int, list[str]]:
    """Write `suite.yaml` and proposals into a folder; return how many, and the files that cannot be read.

    Raises InvalidInputError where a suite is there already.
    """
    if (folder / "suite.yaml").exists():
        raise InvalidInputError(f"{folder} holds a suite already.", "Name another folder.")
    if not documents.is_dir():
        raise InvalidInputError(f"{documents} is no folder.", "Name the folder of the documents.")
    files = [file for file in sorted(documents.rglob("*")) if file.suffix.lower() in FORMATS and file.is_file()]
    groups = (label,) if label else ()
    cases: list[EvalCase] = []
    unread: list[str] = []
    for file, reading in zip(files, ReaderPool().read_all(files), strict=True):
        if reading.extract:
            title = reading.extract.title or file.stem
            sections = split_document(slugify(file.stem), title, reading.extract)
            found = _propose_of(sections, file.name)
            cases += [case.model_copy(update={"groups": groups}) for case in found][:_MOST_A_DOCUMENT]
        else:
            unread.append(f"{file.name}: {reading.problem}")
    cases += [
        EvalCase(id=f"off-topic-{n}", kind=Kind.UNANSWERABLE, question=text, expect=Expect.DECLINED)
        for n, text in enumerate(_UNANSWERED, 1)
    ]
    for half in Half:
        (folder / "cases" / half.value).mkdir(parents=True, exist_ok=True)
    collection = {"name": "documents", "path": str(documents.resolve()), **({"label": label} if label else {})}
    (folder / "suite.yaml").write_text(yaml.safe_dump({"collections": [collection]}, sort_keys=False))
    waiting = [case.model_copy(update={"accepted": False}) for case in _number(cases)]
    for half, share in ((Half.TUNED, waiting[::2]), (Half.HELD, waiting[1::2])):
        (folder / "cases" / half.value / "proposed.yaml").write_text(
            "# Proposals. Read each, mend its words, and set `accepted: true`, or delete it.\n" + write_cases(share)
        )
    return len(waiting), unread


def _number(cases: Iterable[EvalCase]) -> Iterator[EvalCase]:
    """Yield cases whose ids are told apart, and no question twice."""
    ids: dict[str, int] = {}
    asked: set[str] = set()
    for case in cases:
        if case.question in asked:
            continue
        asked.add(case.question)
        ids[case.id] = ids.get(case.id, 0) + 1
        yield case.model_copy(update={"id": case.id if ids[case.id] == 1 else f"{case.id}-{ids[case.id]}"})


def _propose_of(sections: Iterable[Section], file: str) -> list[EvalCase]:
    """Return proposals from a document: rows of tables first, then sentences with figures, then headings."""
    rows: list[EvalCase] = []
    figures: list[EvalCase] = []
    headings: list[EvalCase] = []
    for section in sections:
        told = False
        for statement in section.statements:
            if statement.kind is StatementKind.ROW:
                rows += [case for case in (_ask_row(section, statement, file),) if case]
            elif _is_whole(statement) and find_quantities(statement.text):
                figures += [case for case in (_ask_figure(section, statement, file),) if case]
            elif _is_whole(statement) and not told:
                told = True
                headings.append(_make(section, statement, file, f"What do we say about {_plain(section.heading)}?", ""))
    return [*rows, *figures, *headings]


def _ask_row(section: Section, statement: Statement, file: str) -> EvalCase | None:
    cells = [cell.strip() for cell in statement.cells]
    if len(cells) < 2 or not (cells[0] and cells[1]):
        return None
    column = section.columns[1].lower() if len(section.columns) > 1 else "holds"
    question = f"{_plain(section.heading)}: what {column} for “{cells[0]}”?"
    return _make(section, statement, file, question, rf"(?<!\w){_escape(cells[1])}(?!\w)")


def _ask_figure(section: Section, statement: Statement, file: str) -> EvalCase | None:
    figure = _FIGURE.search(statement.text)
    if figure is None:
        return None
    gap = f"{statement.text[: figure.start()]}…{statement.text[figure.end() :]}"
    question = f"{_plain(section.heading)}: “{gap}” Which figure belongs there?"
    return _make(section, statement, file, question, rf"\b{_escape(figure.group())}\b")


def _make(section: Section, statement: Statement, file: str, question: str, fact: str) -> EvalCase:
    words = [word for word in re.findall(r"\w[\w-]*", statement.text) if content_stems(word)]
    pattern = fact or r"\W+(?:\w+\W+){0,3}".join(re.escape(word) for word in words[:3])
    return EvalCase(
        id=slugify(f"{Path(file).stem} {section.heading}")[:60],
        kind=Kind.DOCUMENTS,
        question=" ".join(question.split()),
        expect=Expect.ANSWERED,
        facts=(pattern,),
        pages={file: statement.page or 0},
    )


def _escape(text: str) -> str:
    """Return a pattern of a text that a person can read."""
    return re.sub(r"\\([ %,-])", r"\1", re.escape(text.strip()))


def _is_whole(statement: Statement) -> bool:
    return _FEWEST_WORDS <= len(statement.text.split()) <= _MOST_WORDS and statement.text.rstrip()[-1:] in ".!"


def _plain(heading: str) -> str:
    """Return the last part of a heading, without numbers before it."""
    return re.sub(r"^[\d.\s]+", "", re.split(r" [›>] ", heading)[-1]).strip() or heading
