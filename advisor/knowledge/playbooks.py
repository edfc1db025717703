"""Playbooks on disk: `NAME.md`, the sidecar `NAME.yaml` beside it, and `sources.yaml` for all."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from advisor.domain.criteria import CriterionRule
from advisor.domain.knowledge import (
    Calibration,
    KnowledgeBase,
    Misconception,
    Playbook,
    Section,
    SectionKind,
    Source,
    Statement,
    StatementKind,
    Synonym,
)
from advisor.errors import KnowledgeError
from advisor.knowledge.files import first_problem, load_yaml, parse_yaml, read_text
from advisor.knowledge.markdown import Line, parse_body, strip_marks
from advisor.text import normalise, slugify

LIMITS_HEADING = "What this playbook does not say"
MIN_QUESTIONS = 3
_LIMIT = re.compile(r"^- \*\*(?P<topic>[^*]+?)\.?\*\*\s+(?P<open>.+?)\s+(?P<instead>Instead, .+)$")


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    summary: str
    reviewed: date | None = None


class _SectionNotes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    questions: list[str]
    misconceptions: list[Misconception] = []
    criteria: list[CriterionRule] = []


class _Sidecar(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sections: dict[str, _SectionNotes]
    limits: dict[str, list[str]]


def load_knowledge_base(directory: Path, *, reviewed_only: bool = False) -> KnowledgeBase:
    """Load every playbook of a directory, or raise KnowledgeError for the first broken rule.

    With `reviewed_only` those without a date of review are left out.
    """
    files = sorted(directory.glob("*.md"))
    if not files:
        raise KnowledgeError(
            directory,
            None,
            "there are no playbooks here.",
            "Point ADVISOR_KNOWLEDGE_BASE_DIR at a folder of .md files.",
        )
    sources = load_sources(directory / "sources.yaml")
    known = {source.id for source in sources}
    playbooks = tuple(load_playbook(file) for file in files)
    if reviewed_only:
        playbooks = tuple(playbook for playbook in playbooks if playbook.reviewed_on)
        if not playbooks:
            raise KnowledgeError(
                directory, None, "no playbook was reviewed.", "Give one a line `reviewed: 2026-11-21` at its top."
            )
    for playbook in playbooks:
        for section in playbook.sections:
            for statement in section.statements:
                if unknown := set(statement.sources) - known:
                    raise KnowledgeError(
                        directory / f"{playbook.id}.md",
                        None,
                        f'section "{section.heading}" names the unknown source {min(unknown)}.',
                        "Add it to sources.yaml or correct the marker.",
                    )
    return KnowledgeBase(
        playbooks=playbooks,
        sources=sources,
        vocabulary=load_vocabulary(directory / "vocabulary.yaml"),
        calibration=load_calibration(directory / "calibration.yaml"),
    )


def load_sources(file: Path) -> tuple[Source, ...]:
    """Load the articles that the playbooks rest on."""
    raw = load_yaml(file)
    try:
        return tuple(Source(id=id_, **fields) for id_, fields in raw.items())
    except (ValidationError, TypeError, AttributeError) as error:
        raise KnowledgeError(
            file,
            None,
            first_problem(error),
            "Give each source an id with title, publisher and, if needed, note.",
        ) from error


def load_vocabulary(file: Path) -> tuple[Synonym, ...]:
    """Load the words that people use for the playbooks' terms; a knowledge base may go without."""
    if not file.exists():
        return ()
    try:
        return tuple(
            Synonym(term=term, words=tuple(normalise(word.lower()) for word in words))
            for term, words in load_yaml(file).items()
        )
    except (ValidationError, TypeError, AttributeError) as error:
        raise KnowledgeError(
            file, None, first_problem(error), "Give each term a list of words: pilot: [trial, prototype]."
        ) from error


def load_calibration(file: Path) -> Calibration:
    """Load when to answer; a knowledge base may go without, and uses what was fitted on ours."""
    if not file.exists():
        return Calibration()
    try:
        return Calibration.model_validate(load_yaml(file))
    except ValidationError as error:
        raise KnowledgeError(
            file, None, first_problem(error), "Write it anew: `python -m evals calibrate --write`."
        ) from error


def load_playbook(file: Path) -> Playbook:
    """Load one playbook with its sidecar, or raise KnowledgeError with file, line and remedy."""
    raw = read_text(file)
    front, lines = _split_front_matter(file, raw)
    sidecar_file = file.with_suffix(".yaml")
    try:
        sidecar = _Sidecar.model_validate(load_yaml(sidecar_file))
    except ValidationError as error:
        raise KnowledgeError(
            sidecar_file,
            None,
            first_problem(error),
            "See CONTRIBUTING.md, Add a playbook, for the keys of a sidecar.",
        ) from error
    parts = _split_sections(file, lines)
    if not any(heading.text == LIMITS_HEADING for heading, _ in parts):
        raise KnowledgeError(
            file, None, f'there is no section "{LIMITS_HEADING}".', "End the playbook with it, one bullet a topic."
        )
    sections: list[Section] = []
    for heading, body in parts:
        if heading.text == LIMITS_HEADING:
            sections += _limits(file, front.title, body, sidecar, sidecar_file)
        else:
            sections.append(_answer_section(file, front.title, heading, body, sidecar, sidecar_file))
    _check_sections(file, sidecar_file, sections, sidecar)
    digest = hashlib.sha256(raw.encode() + read_text(sidecar_file).encode()).hexdigest()
    rules = [
        (f"{file.stem}/{slugify(heading)}", rule)
        for heading, notes in sidecar.sections.items()
        for rule in notes.criteria
    ]
    return Playbook(
        id=file.stem,
        title=front.title,
        summary=front.summary,
        digest=digest,
        sections=tuple(section.model_copy(update={"reviewed_on": front.reviewed}) for section in sections),
        rules=tuple(rules),
    )


def _check_sections(file: Path, sidecar_file: Path, sections: list[Section], sidecar: _Sidecar) -> None:
    ids = [section.id for section in sections]
    for section in sections:
        if ids.count(section.id) > 1:
            raise KnowledgeError(
                file,
                None,
                f'two sections are called "{section.heading}".',
                "Give each heading its own words.",
            )
    headings = {section.heading for section in sections}
    if unknown := (set(sidecar.sections) | set(sidecar.limits)) - headings:
        raise KnowledgeError(
            sidecar_file,
            None,
            f'"{min(unknown)}" is no section of {file.name}.',
            "Correct the key or remove it.",
        )


def _answer_section(
    file: Path, title: str, heading: Line, body: list[Line], sidecar: _Sidecar, sidecar_file: Path
) -> Section:
    notes = sidecar.sections.get(heading.text)
    if notes is None or len(notes.questions) < MIN_QUESTIONS:
        raise KnowledgeError(
            sidecar_file,
            None,
            f'section "{heading.text}" has fewer than {MIN_QUESTIONS} questions.',
            "Add the questions it answers, as leaders would ask them.",
        )
    parsed = parse_body(file, body)
    texts = {statement.text for statement in parsed.statements}
    corrections = tuple(m.model_copy(update={"correction": normalise(m.correction)}) for m in notes.misconceptions)
    for misconception in corrections:
        if misconception.correction not in texts:
            raise KnowledgeError(
                sidecar_file,
                None,
                f'the correction "{misconception.correction[:60]}" is no sentence of "{heading.text}".',
                "Copy one sentence of the section word for word.",
            )
    return Section(
        id=f"{file.stem}/{slugify(heading.text)}",
        playbook=file.stem,
        playbook_title=title,
        heading=heading.text,
        kind=SectionKind.ANSWER,
        statements=tuple(parsed.statements),
        columns=parsed.columns,
        questions=tuple(normalise(question) for question in notes.questions),
        misconceptions=corrections,
    )


def _limits(file: Path, title: str, body: list[Line], sidecar: _Sidecar, sidecar_file: Path) -> list[Section]:
    sections: list[Section] = []
    for line in body:
        if not line.text.strip():
            continue
        found = _LIMIT.match(normalise(line.text))
        if not found:
            raise KnowledgeError(
                file,
                line.number,
                "the limit is not understood.",
                'Write "- **Topic.** What is open. Instead, what to do."',
            )
        topic = found["topic"].strip()
        questions = sidecar.limits.get(topic, [])
        if len(questions) < MIN_QUESTIONS:
            raise KnowledgeError(
                sidecar_file,
                None,
                f'limit "{topic}" has fewer than {MIN_QUESTIONS} questions.',
                "Add them under limits.",
            )
        sections.append(
            Section(
                id=f"{file.stem}/{slugify(LIMITS_HEADING)}/{slugify(topic)}",
                playbook=file.stem,
                playbook_title=title,
                heading=topic,
                kind=SectionKind.LIMIT,
                statements=(
                    Statement(text=strip_marks(found["open"]), kind=StatementKind.POINT, lead=f"{topic}."),
                    Statement(text=strip_marks(found["instead"]), kind=StatementKind.REASON, block=1),
                ),
                questions=tuple(normalise(question) for question in questions),
            )
        )
    return sections


def _split_front_matter(file: Path, raw: str) -> tuple[_FrontMatter, list[Line]]:
    lines = [Line(number, text) for number, text in enumerate(raw.splitlines(), 1)]
    ends = [line.number for line in lines if line.text.strip() == "---"]
    if not lines or lines[0].text.strip() != "---" or len(ends) < 2:
        raise KnowledgeError(
            file,
            1,
            "there is no front matter.",
            "Begin with ---, title: and summary:, and close it with ---.",
        )
    fields = parse_yaml(file, "\n".join(line.text for line in lines[1 : ends[1] - 1]), offset=1)
    try:
        return _FrontMatter.model_validate(fields), lines[ends[1] :]
    except ValidationError as error:
        raise KnowledgeError(
            file, 2, f"front matter: {first_problem(error)}", "It holds exactly title and summary."
        ) from error


def _split_sections(file: Path, lines: list[Line]) -> list[tuple[Line, list[Line]]]:
    sections: list[tuple[Line, list[Line]]] = []
    for line in lines:
        if line.text.startswith("## "):
            sections.append((Line(line.number, normalise(line.text[3:])), []))
        elif sections:
            sections[-1][1].append(line)
        elif line.text.strip():
            raise KnowledgeError(
                file,
                line.number,
                "text before the first section.",
                "Put it under a heading that begins with ##.",
            )
    return sections
