"""Whether cases are fit to judge by: no fact that nothing states, no question twice, none that is indexed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from advisor.bootstrap import build_program
from advisor.domain.knowledge import KnowledgeBase
from advisor.errors import InvalidInputError
from advisor.knowledge.documents import split_document
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.settings import Settings
from advisor.text import content_stems
from evals.cases import EvalCase, Expect, Half, Suite

_TELLING = 2
"""Content words beyond which two questions with the same ones are the same question."""


def lint(settings: Settings, suite: Suite) -> list[str]:
    """Return what is wrong with the cases of a suite, a line each."""
    try:
        cases = [case for half in Half for case in suite.load_cases(half, proposed=True)]
    except InvalidInputError as error:
        return [str(error)]
    knowledge = load_knowledge_base(settings.knowledge_base_dir)
    documents = "\n".join(_read_documents(suite)) if suite.collections else ""
    criteria = set(build_program(settings).book.by_id)
    return [
        *_find_empty(cases),
        *_find_twice(cases),
        *_find_indexed(cases, knowledge),
        *_find_groundless(cases, knowledge, documents),
        *(f"{c.id}: no document “{name}”" for c in cases for name in c.pages if name not in _list_names(suite)),
        *(f"{c.id}: no criterion “{id_}”" for c in cases for id_ in (*c.gaps, *c.closed) if id_ not in criteria),
    ]


def _key(question: str) -> str:
    return " ".join(sorted(set(content_stems(question))))


def _find_empty(cases: Sequence[EvalCase]) -> Iterator[str]:
    """Yield the cases that nothing could fail."""
    for case in cases:
        if not case.id.strip() or not case.question.strip():
            yield f"{case.id or 'a case without an id'}: it has no id, or asks nothing"
        yield from (f"{case.id}: “{fact}” fits any text" for fact in case.facts if re.search(fact, ""))
        held = (*case.facts, *case.sections, *case.gaps, *case.closed, *case.pages, *case.must_not)
        if case.expect is Expect.ANSWERED and not held and case.about is None:
            yield f"{case.id}: nothing says what a right answer holds"


def _find_twice(cases: Sequence[EvalCase]) -> Iterator[str]:
    ids = Counter(case.id for case in cases)
    yield from (f"{id_}: the id of {count} cases" for id_, count in ids.items() if count > 1)
    asked: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for case in cases:
        if len(set(content_stems(case.question))) > _TELLING:
            asked[_key(case.question), case.history, case.groups, case.role].append(case.id)
    yield from (f"{', '.join(ids)}: the same question" for ids in asked.values() if len(ids) > 1)


def _find_indexed(cases: Sequence[EvalCase], knowledge: KnowledgeBase) -> Iterator[str]:
    """Yield the cases whose question the index holds: they would be found by heart."""
    indexed = {
        _key(text)
        for section in knowledge.sections
        for text in (*section.questions, *(b for m in section.misconceptions for b in m.beliefs))
    }
    for case in cases:
        if case.on_register:  # there the right side is what is tried
            continue
        if len(set(content_stems(case.question))) > _TELLING and _key(case.question) in indexed:
            yield f"{case.id}: its question is indexed"


def _find_groundless(cases: Sequence[EvalCase], knowledge: KnowledgeBase, documents: str) -> Iterator[str]:
    """Yield the cases that name a playbook, or wait for a fact, that does not exist."""
    texts = {
        playbook.id: " ".join(s.labelled for section in playbook.sections for s in section.statements)
        for playbook in knowledge.playbooks
    }
    known = {section.id for section in knowledge.sections} | texts.keys()
    for case in cases:
        named = [name.strip() for entry in case.sections for name in entry.split("|")]
        unknown = [name for name in named if name not in known]
        yield from (f"{case.id}: no playbook or section “{name}”" for name in unknown)
        if unknown or case.on_register or case.expect is not Expect.ANSWERED:
            continue
        books = [texts[name.split("/")[0]] for name in named or texts]
        for fact in case.facts:
            if not any(re.search(fact, text, re.I) for text in (*books, documents)):
                yield f"{case.id}: nothing that it names states “{fact}”"


def _list_names(suite: Suite) -> set[str]:
    return {file.name for c in suite.list_collections() for file in Path(c.path).rglob("*")}


def _read_documents(suite: Suite) -> Iterator[str]:
    files = [
        file
        for collection in suite.list_collections()
        for file in sorted(Path(collection.path).rglob("*"))
        if file.suffix.lower() in FORMATS
    ]
    for file, reading in zip(files, ReaderPool(1).read_all(files), strict=True):
        if reading.extract:
            sections = split_document(file.stem, file.stem, reading.extract)
            yield " ".join(statement.labelled for section in sections for statement in section.statements)
