"""Judges of all that a caller receives: the blocks, and the citations, suggestions and notices beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from advisor.domain.dialogue import Citation, CitationKind, Notice
from advisor.domain.knowledge import Section, Statement
from evals.seen import Score, Seen, list_sentences, plain, share

_FEWEST_WORDS = 5
"""Of a statement, from which on to repeat it is to quote it."""
_UNMENTIONED = re.compile(r"The playbooks do not mention (?P<names>.+?): this is what they say in general\.$")
_NEAREST = re.compile(r"^The playbooks do not cover this; the nearest topics? they cover (?:is|are) (?P<titles>.+)\.$")
_OVERDUE_REVIEW = re.compile(r"(?P<title>.+) was to be reviewed by (?P<day>\d{4}-\d\d-\d\d); ")


def score_labels(seen: Seen) -> Score | None:
    """Whether nothing that is received quotes, names or links a document whose label the caller lacks."""
    closed = {id_ for id_, file in seen.files.items() if file.label and file.label not in seen.case.groups}
    if not closed:
        return None
    received = plain(seen.received).casefold()
    asked = plain(" ".join((*seen.case.history, seen.case.question))).casefold()
    open_text = plain(" ".join(s.text for s in seen.sections.values() if _find_file(s) not in closed)).casefold()
    checks: dict[str, bool] = {}
    for id_ in sorted(closed):
        telling = list(_list_telling(id_, seen))
        known = {word for word in telling if word.casefold() in asked or word.casefold() in open_text}
        told = [word for word in telling if word not in known and word.casefold() in received]
        checks[", ".join([f"{id_} is closed, yet told", *told])] = not told
    return share(checks)


def _list_telling(id_: str, seen: Seen) -> Iterator[str]:
    """Yield what would give a document away: its id, file and title, its headings' places, and what it states."""
    file = seen.files[id_]
    yield from (id_, file.path, Path(file.path).name, plain(file.title))
    for section in seen.sections.values():
        if _find_file(section) == id_:
            yield section.id
            yield from (text for s in section.statements if len((text := plain(s.text)).split()) >= _FEWEST_WORDS)


def _find_file(section: Section) -> str:
    return section.id.partition("/")[0]


def score_provenance(seen: Seen) -> Score | None:
    """Whether each citation has the day of what it cites, and names the articles that its statement rests on."""
    return share({f"[{c.number}] {problem or 'in order'}": not problem for c, problem in _list_problems(seen)})


def _list_problems(seen: Seen) -> Iterator[tuple[Citation, str]]:
    for cited in seen.answer.citations:
        dated, day = _find_day(cited, seen)
        if dated and cited.as_of != day:
            yield cited, f"is of {cited.as_of}, not of {day}"
        else:
            yield cited, _find_wrong_source(cited, seen)


def _find_day(cited: Citation, seen: Seen) -> tuple[bool, object]:
    """Return whether it is known what day a citation should have, and that day."""
    if cited.kind is CitationKind.REGISTER:
        _, _, place = cited.section_id.partition("/")
        kind, _, subject = place.partition("/")
        fact = seen.facts.by_place.get((kind, subject)) if seen.facts else None
        return fact is not None, fact.as_of if fact else None
    section = seen.sections.get(cited.section_id)
    if cited.kind is CitationKind.DOCUMENT and section:
        file = seen.files.get(_find_file(section))
        return file is not None, file.modified_on if file else None
    return section is not None, section.reviewed_on if section else None


def _find_wrong_source(cited: Citation, seen: Seen) -> str:
    """Return what is wrong with the articles that a citation names, or ""."""
    section = seen.sections.get(cited.section_id)
    if cited.kind is not CitationKind.PLAYBOOK or section is None:
        return f"names {cited.sources[0].title}" if cited.sources else ""
    quoted: list[Statement] = [s for s in section.statements if plain(s.text) == plain(cited.quote)]
    named = {(source.title, source.publisher) for source in cited.sources}
    wanted = [{seen.sources[id_] for id_ in s.sources if id_ in seen.sources} for s in quoted]
    if not quoted or named in wanted:
        return ""
    return f"names {', '.join(sorted(title for title, _ in named)) or 'no article'}, not those of its statement"


def score_notices(seen: Seen) -> Score | None:
    """Whether what an answer says of itself is so.

    Nothing fails in a run, so that a notice of something that does not answer is false.
    """
    blocks = [block.text for block in seen.answer.blocks if isinstance(block, Notice)]
    said = [*seen.answer.notices, *blocks, *(text for text, _ in list_sentences(seen.answer) if _NEAREST.search(text))]
    return share({f"says “{text}”": _is_so(text, seen) for text in said}) or Score(value=1.0)


def _is_so(text: str, seen: Seen) -> bool:
    if found := _UNMENTIONED.match(text):
        every = " ".join(f"{s.heading} {s.text}" for id_, s in seen.sections.items() if _find_file(s) not in seen.files)
        return not any(re.search(rf"\b{re.escape(name)}\b", every) for name in found["names"].split(" or "))
    if found := _NEAREST.search(text):
        titles = {section.playbook_title for section in seen.sections.values()}
        return set(re.split(r", | and (?=[A-Z])", found["titles"])) <= titles
    if found := _OVERDUE_REVIEW.match(text):
        known = {file.title for file in seen.files.values()}
        return found["title"] in known and date.fromisoformat(found["day"]) < datetime.now(UTC).date()
    return text.startswith("No generated answer") and not seen.worded
