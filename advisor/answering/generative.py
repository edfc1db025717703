"""Answers that a chat model words. Code decides whether there is evidence, and shows no sentence without it.

Two steps: the extractive answerer decides and quotes; then one call words its evidence anew. Sentences that fail the
checks are rewritten once or dropped; when too little is left, or the model does not answer, the quotes stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from advisor.answering.citations import CitationBook
from advisor.answering.prompts import Prompt
from advisor.answering.verification import Problem, find_problem
from advisor.domain.dialogue import (
    Draft,
    ListBlock,
    Outcome,
    Paragraph,
    Query,
    Role,
    Sentence,
    drop_unused_citations,
    join_drafts,
)
from advisor.domain.knowledge import Retrieval, Section, SectionKind, Source, Statement
from advisor.errors import ModelError
from advisor.ports import Answerer, ChatModel, Embedder
from advisor.text import split_sentences

UNAVAILABLE = "No generated answer this time: this is quoted from the playbooks."
_STATEMENTS = 24
_SECTIONS = 5
_FEWEST_KEPT = 2
_CITED = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_LEADING_MARK = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_READERS = {
    Role.EXECUTIVE: "an executive, who decides and has one minute",
    Role.CHANGE_LEAD: "a change lead, who turns it into work with owners",
    Role.PLANT_MANAGER: "a plant manager, who asks what changes on the shift",
    Role.ENGINEER: "an engineer, who wants detail and thresholds",
}


class _Evidence(NamedTuple):
    """A statement that the model may use, under its number."""

    section: Section
    statement: Statement


class _Line(NamedTuple):
    """A sentence as the model wrote it, with the numbers that it cites."""

    text: str
    numbers: tuple[int, ...]


class GenerativeAnswerer:
    """Has a chat model word what the extractive answerer found, and checks every sentence of it."""

    def __init__(
        self,
        *,
        extractive: Answerer,
        chat: ChatModel,
        embedder: Embedder,
        prompts: Mapping[str, Prompt],
        sources: Mapping[str, Source],
    ) -> None:
        self._extractive = extractive
        self._chat = chat
        self._embedder = embedder
        self._prompts = prompts
        self._sources = sources

    def answer(self, query: Query, retrieval: Retrieval, role: Role) -> Draft:
        """Return a draft whose every sentence its citations carry; the extractive one where that cannot be had."""
        quoted = self._extractive.answer(query, retrieval, role)
        if quoted.outcome is not Outcome.ANSWERED:
            return quoted
        evidence = _gather(quoted, retrieval)
        told = "\n".join(f"[{n}] ({e.section.heading}) {e.statement.labelled}" for n, e in enumerate(evidence, 1))
        instructions = self._prompts["answer"].render(role=_READERS[role], statements=told, question=query.standalone)
        try:
            lines = _parse(self._chat.complete(instructions))
            sound, refused = self._check(lines, evidence, query)
            if refused and lines:
                sound = self._repair(lines, refused, told, evidence, query)
        except ModelError:
            return quoted.model_copy(update={"notices": (*quoted.notices, UNAVAILABLE)})
        if len(sound) < _FEWEST_KEPT:
            return quoted.model_copy(update={"notices": (*quoted.notices, UNAVAILABLE)})
        return self._compose(sound, evidence, quoted)

    def _check(
        self, lines: Sequence[_Line], evidence: Sequence[_Evidence], query: Query
    ) -> tuple[list[_Line], dict[_Line, Problem]]:
        """Return the lines that hold, in order, and what is wrong with the others."""
        closeness = self._measure(lines, evidence)
        prompt = self._prompts["answer"].body
        refused: dict[_Line, Problem] = {}
        for line, close in zip(lines, closeness, strict=True):
            if any(not 1 <= number <= len(evidence) for number in line.numbers):
                refused[line] = Problem.DANGLING
                continue
            cited = [evidence[number - 1] for number in line.numbers]
            beside = " ".join((query.standalone, *(f"{e.section.playbook_title} {e.section.heading}" for e in cited)))
            quotes = [e.statement.labelled for e in cited]
            if problem := find_problem(line.text, quotes, beside=beside, closeness=close, prompt=prompt):
                refused[line] = problem
        return [line for line in lines if line not in refused], refused

    def _measure(self, lines: Sequence[_Line], evidence: Sequence[_Evidence]) -> list[float]:
        """Return for each line the cosine to the nearest statement that it cites."""
        texts = [line.text for line in lines] + [e.statement.labelled for e in evidence]
        vectors = self._embedder.embed(texts)
        own, theirs = vectors[: len(lines)], vectors[len(lines) :]
        return [
            max((float(vector @ theirs[n - 1]) for n in line.numbers if 1 <= n <= len(evidence)), default=0.0)
            for line, vector in zip(lines, own, strict=True)
        ]

    def _repair(
        self,
        lines: Sequence[_Line],
        refused: Mapping[_Line, Problem],
        told: str,
        evidence: Sequence[_Evidence],
        query: Query,
    ) -> list[_Line]:
        """Return the lines that hold once the others were rewritten; what fails again is dropped."""
        shown = "\n".join(f"{line.text} ({problem.value})" for line, problem in refused.items())
        kept = [line for line in lines if line not in refused]
        try:
            rewritten = _parse(self._chat.complete(self._prompts["repair"].render(statements=told, lines=shown)))
        except ModelError:
            return kept
        mended, _ = self._check(rewritten[: len(refused)], evidence, query)
        first_refused = bool(lines) and lines[0] in refused
        return [*mended, *kept] if first_refused else [*kept, *mended]

    def _compose(self, lines: Sequence[_Line], evidence: Sequence[_Evidence], quoted: Draft) -> Draft:
        """Return the lines as blocks, then the lists, tables and checklists of the quoted answer, word for word."""
        book = CitationBook(self._sources)
        sentences = [
            Sentence(
                text=line.text,
                citations=tuple(dict.fromkeys(book.cite(*evidence[number - 1]) for number in line.numbers)),
            )
            for line in lines
        ]
        blocks = (
            Paragraph(sentences=(sentences[0].model_copy(update={"strong": True}),)),
            ListBlock(items=tuple(sentences[1:])),
        )
        worded = Draft(outcome=Outcome.ANSWERED, blocks=blocks, citations=book.citations)
        whole = tuple(block for block in quoted.blocks if not isinstance(block, Paragraph))
        return drop_unused_citations(join_drafts(worded, quoted.model_copy(update={"blocks": whole})))


def _gather(quoted: Draft, retrieval: Retrieval) -> list[_Evidence]:
    """Return what the model may use: the statements quoted in the answer, then those nearest to the question."""
    passages = [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER]
    sections = {p.section.id: p.section for p in passages}
    for part in retrieval.parts:
        sections |= {p.section.id: p.section for p in part.passages if p.section.kind is SectionKind.ANSWER}
    found: dict[tuple[str, str], _Evidence] = {}
    for citation in quoted.citations:
        section = sections.get(citation.section_id)
        for statement in section.statements if section else ():
            if section and statement.text == citation.quote:
                found[section.id, statement.text] = _Evidence(section, statement)
    scored = sorted(
        (
            (score, p.section, statement)
            for p in passages[:_SECTIONS]
            for score, statement in zip(p.statement_scores, p.section.statements, strict=True)
        ),
        key=lambda row: -row[0],
    )
    for _, section, statement in scored:
        found.setdefault((section.id, statement.text), _Evidence(section, statement))
    return list(found.values())[:_STATEMENTS]


def _parse(text: str) -> list[_Line]:
    """Return the sentences of a reply. Citations at the end of a line hold for the whole line."""
    lines: list[_Line] = []
    for raw in text.splitlines():
        line = _LEADING_MARK.sub("", raw.strip()).replace("**", "")
        numbers = tuple(int(n) for group in _CITED.findall(line) for n in group.split(","))
        plain = " ".join(_CITED.sub("", line).split()).replace(" .", ".").replace(" ,", ",")
        if plain and plain.strip(".").upper() != "NOTHING":
            lines += [_Line(sentence, tuple(dict.fromkeys(numbers))) for sentence in split_sentences(plain)]
    return lines
