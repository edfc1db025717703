"""Starts a suite for a company's documents and its program: cases proposed by rule, for a person to accept.

A proposal knows what the document states and where; its question is a rule's, and may want a person's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import yaml

from advisor.errors import InvalidInputError
from advisor.knowledge.documents import split_document
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.program.tables import read_table
from advisor.text import slugify
from evals.cases import EvalCase, Expect, Half, Kind, write_cases
from evals.proposals import close, find_title, propose_near, propose_of, propose_on_program

_MOST_A_DOCUMENT = 12
_UNANSWERED = (
    "What is the capital of Mongolia?",
    "How many goals did the striker score last season?",
    "Which wine goes with grilled trout?",
)


def propose(folder: Path, documents: Path, label: str = "", register: Path | None = None) -> tuple[int, list[str]]:
    """Write `suite.yaml` and proposals into a folder; return how many, and the files that cannot be read.

    Documents with a label are asked for with it, and their figures again without. `register` is a file of records as
    `advisor export` writes it. Raises InvalidInputError where a suite is there already.
    """
    if (folder / "suite.yaml").exists():
        raise InvalidInputError(f"{folder} holds a suite already.", "Name another folder.")
    if not documents.is_dir():
        raise InvalidInputError(f"{documents} is no folder.", "Name the folder of the documents.")
    on_program = list(_propose_on_program(register)) if register else []
    cases, titles, unread = _propose_on_documents(documents, label)
    cases += [*propose_near(titles), *on_program]
    cases += [
        EvalCase(id=f"off-topic-{n}", kind=Kind.UNANSWERABLE, question=text, expect=Expect.DECLINED)
        for n, text in enumerate(_UNANSWERED, 1)
    ]
    for half in Half:
        (folder / "cases" / half.value).mkdir(parents=True, exist_ok=True)
    collection = {"name": "documents", "path": str(documents.resolve()), **({"label": label} if label else {})}
    told = {"collections": [collection], **({"records": str(register.resolve())} if register else {})}
    (folder / "suite.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    waiting = [case.model_copy(update={"accepted": False}) for case in _number(cases)]
    for half, share in ((Half.TUNED, waiting[::2]), (Half.HELD, waiting[1::2])):
        (folder / "cases" / half.value / "proposed.yaml").write_text(
            "# Proposals. Read each, mend its words, and set `accepted: true`, or delete it.\n" + write_cases(share)
        )
    return len(waiting), unread


def _propose_on_documents(documents: Path, label: str) -> tuple[list[EvalCase], list[str], list[str]]:
    """Return proposals, the titles of the documents, and the files that cannot be read."""
    files = [file for file in sorted(documents.rglob("*")) if file.suffix.lower() in FORMATS and file.is_file()]
    cases: list[EvalCase] = []
    titles: list[str] = []
    unread: list[str] = []
    for file, reading in zip(files, ReaderPool().read_all(files), strict=True):
        if not reading.extract:
            unread.append(f"{file.name}: {reading.problem}")
            continue
        title = reading.extract.title or file.stem
        sections = split_document(slugify(file.stem), title, reading.extract)
        titles += [find_title(sections[-1])] if sections else []
        found = propose_of(sections, file.name, (label,) if label else ())[:_MOST_A_DOCUMENT]
        cases += found
        if label:
            cases += [close(case) for case in found if any(letter.isdigit() for letter in "".join(case.facts))]
    return cases, titles, unread


def _propose_on_program(register: Path) -> Iterator[EvalCase]:
    found = read_table(register)
    if found.problems:
        raise InvalidInputError(f"{found.problems[0].place}: {found.problems[0].problem}", "Mend that row.")
    changes = [row.change for row in found.rows]
    day = max((change.on for change in changes if change.on), default=date.today())
    yield from propose_on_program(changes, day)


def _number(cases: Iterable[EvalCase]) -> Iterator[EvalCase]:
    """Yield cases whose ids are told apart, and no question twice for the same readers."""
    ids: dict[str, int] = {}
    asked: set[tuple[str, tuple[str, ...]]] = set()
    for case in cases:
        if (case.question, case.groups) in asked:
            continue
        asked.add((case.question, case.groups))
        ids[case.id] = ids.get(case.id, 0) + 1
        yield case.model_copy(update={"id": case.id if ids[case.id] == 1 else f"{case.id}-{ids[case.id]}"})
