"""Slips of the finger are mended towards the playbooks; names, English and other languages stay as they are."""

from __future__ import annotations

import pytest

from advisor.domain.knowledge import KnowledgeBase
from advisor.retrieval.spelling import Speller


@pytest.fixture(scope="module")
def speller(knowledge: KnowledgeBase) -> Speller:
    texts = [f"{s.playbook_title} {s.heading} {s.text} {' '.join(s.questions)}" for s in knowledge.sections]
    return Speller(lambda: texts)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("whcih anwsers of an opperator", "which answers of an operator"),
        ("How long shuold a shaddow peroid be?", "How long should a shadow period be?"),
        ("Integraton debt in plain words", "Integration debt in plain words"),
    ],
)
def test_slips_are_mended(speller: Speller, asked: str, meant: str) -> None:
    assert speller.correct(asked) == meant


@pytest.mark.parametrize(
    "text",
    [
        "How does Osprey handle the Nordwerk merger?",
        "Is our OEE above that of GYR2?",
        "Should the canteen serve goulash?",
        "Wie lange soll die Schattenphase dauern?",
        "xqzvw",
        "",
    ],
)
def test_what_is_no_slip_stays(speller: Speller, text: str) -> None:
    assert speller.correct(text) == text


def test_no_question_of_the_playbooks_is_changed(speller: Speller, knowledge: KnowledgeBase) -> None:
    changed = [q for s in knowledge.sections for q in s.questions if speller.correct(q) != q]
    assert changed == []
