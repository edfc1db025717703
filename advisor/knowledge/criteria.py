"""The criteria of all playbooks, checked against the sections that they cite and the register's schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from advisor.domain.criteria import CriteriaBook, Criterion, CriterionRule, Dimension, Threshold, find_schema_problem
from advisor.domain.dialogue import CitedSource
from advisor.domain.knowledge import KnowledgeBase, Section, Source
from advisor.errors import InvalidInputError, KnowledgeError
from advisor.knowledge.files import first_problem, load_yaml
from advisor.text import normalise

_FILE = "program.yaml"


def load_criteria(directory: Path, knowledge: KnowledgeBase, overrides: Mapping[str, float]) -> CriteriaBook:
    """Load dimensions and thresholds, and join them with the criteria of the playbooks.

    `overrides` are thresholds as a company sets them. Raises KnowledgeError for the first broken rule, and
    InvalidInputError for an override of a threshold that does not exist. A knowledge base without `program.yaml` has
    no criteria.
    """
    file = directory / _FILE
    if not file.exists():
        return CriteriaBook(dimensions=(), thresholds=(), criteria=())
    raw = load_yaml(file)
    sections = {section.id: section for section in knowledge.sections}
    thresholds = _load_thresholds(file, raw, sections, overrides)
    sources = {source.id: source for source in knowledge.sources}
    book = CriteriaBook(
        dimensions=_load_dimensions(file, raw),
        thresholds=thresholds,
        criteria=tuple(
            _resolve(directory / f"{playbook.id}.yaml", sections[section_id], rule, sources)
            for playbook in knowledge.playbooks
            for section_id, rule in playbook.rules
        ),
    )
    _check(directory, book)
    return book


def _load_dimensions(file: Path, raw: Mapping[str, Any]) -> tuple[Dimension, ...]:
    try:
        return tuple(Dimension(id=id_, **fields) for id_, fields in raw.get("dimensions", {}).items())
    except (ValidationError, TypeError, AttributeError) as error:
        raise KnowledgeError(
            file, None, f"dimensions: {first_problem(error)}", "Give each dimension title, weight 1-3 and playbook."
        ) from error


def _load_thresholds(
    file: Path, raw: Mapping[str, Any], sections: Mapping[str, Section], overrides: Mapping[str, float]
) -> tuple[Threshold, ...]:
    try:
        found = {
            name: Threshold(name=name, section_id=fields.pop("section", ""), **fields)
            for name, fields in raw.get("thresholds", {}).items()
        }
    except (ValidationError, TypeError, AttributeError) as error:
        raise KnowledgeError(
            file, None, f"thresholds: {first_problem(error)}", "Give each threshold value, unit, says and origin."
        ) from error
    for threshold in found.values():
        loaded = {section_id.partition("/")[0] for section_id in sections}
        left_out = _is_playbook(file, threshold.section_id) and threshold.section_id.partition("/")[0] not in loaded
        if threshold.origin != "default" and threshold.section_id not in sections and not left_out:
            raise KnowledgeError(
                file,
                None,
                f'threshold "{threshold.name}" names the unknown section "{threshold.section_id}".',
                "A figure of a source names the section that holds it, as playbook/heading-in-hyphens.",
            )
    if unknown := set(overrides) - set(found):
        raise InvalidInputError(
            f'ADVISOR_THRESHOLDS: there is no threshold "{min(unknown)}".', f"Use one of: {', '.join(sorted(found))}."
        )
    return tuple(
        t.model_copy(update={"value": float(overrides[t.name]), "overridden": True}) if t.name in overrides else t
        for t in found.values()
    )


def _is_playbook(file: Path, section_id: str) -> bool:
    """Whether there is a playbook for a section, which may be left out as nobody has reviewed it."""
    return (file.parent / f"{section_id.partition('/')[0]}.md").exists()


def _resolve(file: Path, section: Section, rule: CriterionRule, sources: Mapping[str, Source]) -> Criterion:
    quote = normalise(rule.quote)
    statement = next((s for s in section.statements if s.text == quote), None)
    if statement is None:
        raise KnowledgeError(
            file,
            None,
            f'criterion "{rule.id}" quotes what "{section.heading}" does not say: "{quote[:60]}".',
            "Copy one sentence of the section word for word.",
        )
    return Criterion(
        **(dict(rule) | {"quote": quote}),
        section_id=section.id,
        section=section.heading,
        playbook=section.playbook_title,
        reviewed_on=section.reviewed_on,
        sources=tuple(
            CitedSource(id=source.id, title=source.title, publisher=source.publisher, note=statement.note)
            for source in (sources[id_] for id_ in statement.sources)
        ),
    )


def _check(directory: Path, book: CriteriaBook) -> None:
    seen: set[str] = set()
    for criterion in book.criteria:
        file = directory / f"{criterion.section_id.partition('/')[0]}.yaml"
        problem = None
        if criterion.id in seen:
            problem = "has an id that is taken"
        elif criterion.dimension not in book.dimension_by_id:
            problem = f'names the unknown dimension "{criterion.dimension}"'
        elif unknown := set().union(*(need.thresholds() for need in criterion.needs)) - set(book.threshold_by_name):
            problem = f'names the unknown threshold "{min(unknown)}"'
        else:
            problem = next((p for need in criterion.needs if (p := find_schema_problem(need))), None)
        if problem:
            raise KnowledgeError(
                file, None, f'criterion "{criterion.id}": {problem}.', "See CONTRIBUTING.md, Add a criterion."
            )
        seen.add(criterion.id)
