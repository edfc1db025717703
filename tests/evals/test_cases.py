"""The eval cases themselves: enough of them, none learnt by heart, each fact to be found in the playbooks."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from advisor.domain.knowledge import KnowledgeBase
from advisor.text import content_stems
from evals.cases import Expect, Half, Kind, load_cases


def test_there_are_enough_cases_of_each_kind_in_both_halves() -> None:
    for half in Half:
        counts = Counter(case.kind for case in load_cases(half))
        assert sum(counts.values()) >= 40
        assert counts[Kind.UNANSWERABLE] >= 10
        assert all(counts[kind] >= 5 for kind in Kind)
        near = [case for case in load_cases(half) if case.kind is Kind.UNANSWERABLE and case.near_topic]
        assert len(near) * 2 >= counts[Kind.UNANSWERABLE]


def test_ids_are_unique() -> None:
    counts = Counter(case.id for half in Half for case in load_cases(half))
    assert [id_ for id_, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("half", Half)
def test_no_case_reuses_an_indexed_question(half: Half, knowledge: KnowledgeBase) -> None:
    indexed = {
        " ".join(sorted(set(content_stems(text))))
        for section in knowledge.sections
        for text in (*section.questions, *(b for m in section.misconceptions for b in m.beliefs))
    }
    reused = [
        case.id
        for case in load_cases(half)
        if len(set(content_stems(case.question))) > 2 and " ".join(sorted(set(content_stems(case.question)))) in indexed
    ]
    assert reused == []


@pytest.mark.parametrize("half", Half)
def test_each_fact_of_a_case_stands_in_a_playbook_that_it_names(half: Half, knowledge: KnowledgeBase) -> None:
    texts = {
        playbook.id: " ".join(s.labelled for section in playbook.sections for s in section.statements)
        for playbook in knowledge.playbooks
    }
    for case in load_cases(half):
        named = [name.strip() for entry in case.sections for name in entry.split("|")]
        assert set(named) <= set(texts), case.id
        if case.expect is Expect.ANSWERED and named:
            for fact in case.facts:
                assert any(re.search(fact, texts[name], re.I) for name in named), (case.id, fact)
