"""Judges of all that a caller receives: the blocks, and the citations, suggestions and notices beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from advisor.domain.dialogue import Citation, CitationKind
from advisor.domain.knowledge import Section, Statement
from evals.seen import Score, Seen, plain, share

_FEWEST_WORDS = 5
"""Of a statement, from which on to repeat it is to quote it."""


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
