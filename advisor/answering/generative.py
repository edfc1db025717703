"""Answers that a chat model words. Code decides whether there is evidence, and shows no sentence without it.

Two steps: the extractive answerer decides and quotes; then one call words its evidence anew. Sentences that fail the
checks are rewritten once or dropped; when too little is left, or the model does not answer, the quotes stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from advisor.answering.citations import CitationBook
from advisor.answering.prompts import Prompt
from advisor.answering.verification import Problem, find_problem
from advisor.answering.wording import wants_list
from advisor.domain.dialogue import (
    Basis,
    Block,
    Draft,
    ListBlock,
    Outcome,
    Paragraph,
    Query,
    Refusal,
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
_LABEL_WORDS = 2
_CITED = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_LOWER = re.compile(r"\b[a-z]{2,}\b")
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


class _Job:
    """One answer in the making: what the model is given, what it wrote, and what of that holds."""

    def __init__(
        self,
        query: Query,
        role: Role,
        evidence: Sequence[_Evidence],
        old: Sequence[str] | None,
        vocabulary: frozenset[str],
    ) -> None:
        self.vocabulary = vocabulary
        self.query = query
        self.evidence = evidence
        self.old = old
        told = "\n".join(f"[{n}] ({e.section.heading}) {e.statement.labelled}" for n, e in enumerate(evidence, 1))
        self.inputs = {"role": _READERS[role], "statements": told, "question": query.standalone}
        self.prompts: dict[str, str] = {}
        self.replies: list[str] = []
        self.lines: list[_Line] = []
        self.sound: list[_Line] = []
        self.refused: dict[_Line, Problem] = {}


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

    def compose(
        self, query: Query, retrieval: Retrieval, role: Role, *, replies: Sequence[str] | None = None
    ) -> Iterator[Draft]:
        """Yield the answer as its sentences pass, each carried by its citations; the quotes where that fails."""
        *_, quoted = self._extractive.compose(query, retrieval, role)
        if quoted.outcome is not Outcome.ANSWERED:
            yield quoted
            return
        job = _Job(query, role, _gather(quoted, retrieval), replies, _list_words(retrieval))
        try:
            for line in self._write(job, self._prompts["answer"], **job.inputs):
                self._judge(job, line)
                if job.sound and job.lines[0] in job.sound:
                    yield self._assemble(job, quoted, growing=True)
            if job.refused:
                self._repair(job)
        except ModelError:
            job.sound.clear()
        if len(job.sound) >= _FEWEST_KEPT:
            yield self._assemble(job, quoted)
        else:
            notices = (*quoted.notices, UNAVAILABLE)
            yield quoted.model_copy(update={"notices": notices, "basis": self._account(job, quoted)})

    def _write(self, job: _Job, prompt: Prompt, **inputs: str) -> Iterator[_Line]:
        """Yield the sentences of a reply as they are written; keep the reply. Raises ModelError."""
        instructions = prompt.render(**inputs)
        job.prompts[prompt.name] = prompt.fingerprint
        place = len(job.replies)
        job.replies.append("")
        pieces = self._chat.stream(instructions) if job.old is None else iter(job.old[place : place + 1])
        waiting = ""
        try:
            for piece in pieces:
                job.replies[place] += piece
                *whole, waiting = (waiting + piece).split("\n")
                for line in whole:
                    yield from _parse(line)
        except ModelError:
            job.replies[place] = ""  # half a reply is none: asking again from the receipt must end as this did
            raise
        yield from _parse(waiting)
        if not job.replies[place].strip():
            raise ModelError("The chat model returned nothing.", "Ask again.")

    def _judge(self, job: _Job, line: _Line) -> None:
        """Put a line with those that hold or with those that do not."""
        job.lines.append(line)
        if problem := self._find_problem(job, line):
            job.refused[line] = problem
        else:
            job.sound.append(line)

    def _find_problem(self, job: _Job, line: _Line) -> Problem | None:
        if any(not 1 <= number <= len(job.evidence) for number in line.numbers):
            return Problem.DANGLING
        cited = [job.evidence[number - 1] for number in line.numbers]
        texts = [e.statement.labelled for e in cited]
        return find_problem(
            line.text,
            texts,
            headings=" ".join(f"{e.section.playbook_title} {e.section.heading}" for e in cited),
            vocabulary=job.vocabulary,
            closeness=lambda: self._find_closeness(line.text, texts),
            prompt=self._prompts["answer"].body,
        )

    def _find_closeness(self, text: str, quotes: Sequence[str]) -> float:
        """Return the cosine of a sentence to the nearest of its quotes."""
        own, *vectors = self._embedder.embed([text, *quotes])
        return max((float(own @ vector) for vector in vectors), default=0.0)

    def _repair(self, job: _Job) -> None:
        """Have the lines that do not hold rewritten once; what fails again, or has no time left, is dropped."""
        refused = dict(job.refused)
        shown = "\n".join(f"{line.text} ({problem.value})" for line, problem in refused.items())
        kept, job.sound = job.sound, []
        try:
            for line in self._write(job, self._prompts["repair"], statements=job.inputs["statements"], lines=shown):
                if len(job.sound) < len(refused) and line.text not in {other.text for other in kept}:
                    self._judge(job, line)
        except ModelError:
            job.sound.clear()
        job.sound = [*job.sound, *kept] if job.lines[0] in refused else [*kept, *job.sound]

    def _assemble(self, job: _Job, quoted: Draft, *, growing: bool = False) -> Draft:
        """Return the lines as blocks; once they are whole, with the lists, tables and checklists of the quotes."""
        book = CitationBook(self._sources)
        first, *rest = (
            Sentence(
                text=line.text,
                citations=tuple(dict.fromkeys(book.cite(*job.evidence[number - 1]) for number in line.numbers)),
            )
            for line in job.sound
        )
        blocks = [Paragraph(sentences=(first.model_copy(update={"strong": True}),))]
        listed = [ListBlock(items=tuple(rest))] if rest else []
        worded = Draft(outcome=Outcome.ANSWERED, blocks=(*blocks, *listed), citations=book.citations, growing=growing)
        if growing:
            return worded
        whole = tuple(block for block in quoted.blocks if _stays(block, job.query))
        joined = drop_unused_citations(join_drafts(worded, quoted.model_copy(update={"blocks": whole})))
        return joined.model_copy(update={"basis": self._account(job, quoted)})

    def _account(self, job: _Job, quoted: Draft) -> Basis:
        return quoted.basis.model_copy(
            update={
                "model": self._chat.fingerprint,
                "prompts": dict(job.prompts),
                "replies": tuple(job.replies),
                "checked": len(job.lines),
                "refused": tuple(Refusal(text=line.text, reason=why.value) for line, why in job.refused.items()),
            }
        )


def _stays(block: Block, query: Query) -> bool:
    """Whether a block of the quotes stays beside a worded answer: what stands whole does, reasons were worded anew."""
    if isinstance(block, ListBlock):
        return block.ordered or wants_list(query.text)
    return not isinstance(block, Paragraph)


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


def _list_words(retrieval: Retrieval) -> frozenset[str]:
    """Return the words that what was found writes in lower case: no names."""
    return frozenset(word for p in retrieval.passages for word in _LOWER.findall(p.section.text))


def _parse(text: str) -> list[_Line]:
    """Return the sentences of a reply. Citations at the end of a line hold for the whole line."""
    lines: list[_Line] = []
    for raw in text.splitlines():
        line = _LEADING_MARK.sub("", raw.strip()).replace("**", "")
        numbers = tuple(int(n) for group in _CITED.findall(line) for n in group.split(","))
        plain = " ".join(_CITED.sub("", line).split()).replace(" .", ".").replace(" ,", ",")
        if plain and plain.strip(".").upper() != "NOTHING":
            lines += [_Line(sentence, tuple(dict.fromkeys(numbers))) for sentence in _split(plain)]
    return lines


def _split(text: str) -> list[str]:
    """Return the sentences of a line; a label before one ("Accountability. Name ...") stays with it."""
    found: list[str] = []
    for sentence in split_sentences(text):
        if found and len(found[-1].split()) <= _LABEL_WORDS and found[-1].endswith("."):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found
