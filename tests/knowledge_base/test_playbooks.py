"""What the knowledge base must hold, and what it may not."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from advisor.domain.knowledge import KnowledgeBase, SectionKind, StatementKind
from advisor.knowledge.markdown import strip_marks
from advisor.text import figures, normalise, words
from tests.conftest import ROOT

HERE = Path(__file__).parent
LEDGERS = sorted((HERE / "facts").glob("*.yaml"))
FACTS = {*range(1, 129), "C16"}


def text_of(playbook: str) -> dict[str, str]:
    """Return the plain text of each section of a playbook, lower case, by heading."""
    raw = (ROOT / "knowledge_base" / f"{playbook}.md").read_text()
    parts = re.split(r"^## ", raw, flags=re.M)[1:]
    split = (part.partition("\n") for part in parts)
    return {heading.strip(): strip_marks(body).lower() for heading, _, body in split}


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda path: path.stem)
def test_every_fact_stands_in_its_section(ledger: Path) -> None:
    sections = text_of(ledger.stem)
    for entry in yaml.safe_load(ledger.read_text()):
        for phrase in entry["phrases"]:
            assert normalise(phrase).lower() in sections[entry["section"]], (entry["fact"], phrase)


def test_all_numbered_facts_are_held() -> None:
    held = {entry["fact"] for ledger in LEDGERS for entry in yaml.safe_load(ledger.read_text())}
    assert FACTS - held == set()


def test_fifteen_topics_are_covered(knowledge: KnowledgeBase) -> None:
    assert len(knowledge.playbooks) == 15
    assert {path.stem for path in LEDGERS} == {playbook.id for playbook in knowledge.playbooks}


def test_every_figure_stands_in_the_sources(knowledge: KnowledgeBase) -> None:
    known = set((HERE / "figures_of_the_sources.txt").read_text().split())
    for section in knowledge.sections:
        for statement in section.statements:
            assert figures(statement.labelled) <= known, (
                section.id,
                statement.text,
                figures(statement.labelled) - known,
            )


def test_every_figure_names_its_source_and_says_so_when_it_has_no_origin(knowledge: KnowledgeBase) -> None:
    unsourced = {"67%", "41%", "2.3x", "18 percentage points"}
    for section in knowledge.sections:
        for statement in section.statements:
            if section.kind is SectionKind.LIMIT:
                continue
            if figures(statement.text) and statement.kind not in {StatementKind.LEAD, StatementKind.TASK}:
                assert statement.sources, (section.id, statement.text)
            if any(figure in statement.text for figure in unsourced) and statement.kind is not StatementKind.TASK:
                said = " ".join((section.text, *(other.note for other in section.statements))).lower()
                assert re.search(r"no origin|not give|gives no|names no|without origin|not name", said), statement.text


def test_no_sentence_is_taken_over_from_a_source() -> None:
    """Eight words in a row that stand in a source; the sources are kept as hashes, so that no text of theirs is."""
    taken = set((HERE / "runs_of_the_sources.txt").read_text().split())
    for file in sorted((ROOT / "knowledge_base").glob("*.md")):
        text = re.sub(r"“[^”]*”|\"[^\"]*\"", " quotedquoted ", strip_marks(file.read_text()))
        found = words(text)
        for start in range(len(found) - 7):
            run = " ".join(found[start : start + 8])
            assert hashlib.sha256(run.encode()).hexdigest()[:10] not in taken, (file.name, run)


def test_every_playbook_ends_with_what_it_does_not_say(knowledge: KnowledgeBase) -> None:
    for playbook in knowledge.playbooks:
        limits = [section for section in playbook.sections if section.kind is SectionKind.LIMIT]
        assert len(limits) >= 3
        assert playbook.sections[-len(limits) :] == tuple(limits)


def test_no_question_points_to_two_sections(knowledge: KnowledgeBase) -> None:
    counts = Counter(question.lower() for section in knowledge.sections for question in section.questions)
    assert [question for question, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    ("kind", "count", "phrase"),
    [
        (StatementKind.STEP, 5, "single-line pilot"),
        (StatementKind.STEP, 5, "data contract"),
        (StatementKind.STEP, 3, "action specificity"),
        (StatementKind.STEP, 6, "integration debt"),
        (StatementKind.ROW, 5, "legacy scada"),
        (StatementKind.ROW, 4, "2.3x"),
    ],
)
def test_units_of_the_sources_are_kept_whole(
    knowledge: KnowledgeBase, kind: StatementKind, count: int, phrase: str
) -> None:
    found = [
        section.id
        for section in knowledge.sections
        if len(section.of_kind(kind)) == count
        and any(phrase in statement.labelled.lower() for statement in section.of_kind(kind))
    ]
    assert found


def test_the_vocabulary_gives_each_word_one_term(knowledge: KnowledgeBase) -> None:
    counts = Counter(word for synonym in knowledge.vocabulary for word in synonym.words)
    assert [word for word, count in counts.items() if count > 1] == []
