"""Conversations with the real advisor: forms, choices, replies of one word, roles."""

from __future__ import annotations

import pytest

from advisor.domain.dialogue import Answer, Checklist, ListBlock, Outcome, Paragraph
from advisor.domain.forms import FormKind, find_wish
from advisor.domain.identity import LOCAL_CALLER
from advisor.service import Advisor

QUESTION = "How should we choose KPIs?"


def talk(advisor: Advisor, *questions: str) -> list[Answer]:
    answers: list[Answer] = []
    for question in questions:
        conversation = answers[-1].conversation_id if answers else None
        answers.append(advisor.ask(LOCAL_CALLER, question, conversation_id=conversation))
    return answers


def list_quotes(answer: Answer) -> set[tuple[str, str]]:
    return {(citation.section_id, citation.quote) for citation in answer.citations}


@pytest.mark.parametrize(
    ("question", "kind", "left"),
    [
        ("shorter", FormKind.SHORT, ""),
        ("Can you make it shorter, please?", FormKind.SHORT, ""),
        ("Why do pilots stall, in one sentence?", FormKind.SHORT, "Why do pilots stall?"),
        ("In short, why do pilots fail?", FormKind.SHORT, "why do pilots fail?"),
        ("Summarize it for the board", FormKind.SHORT, ""),
        ("Make it a checklist", FormKind.CHECKLIST, ""),
        ("Draft an email to the board about integration debt", FormKind.EMAIL, "integration debt"),
        ("as a checklist", FormKind.CHECKLIST, ""),
        ("as an email to the board", FormKind.EMAIL, ""),
        ("Why do pilots stall, as an e-mail to the works council?", FormKind.EMAIL, "Why do pilots stall?"),
    ],
)
def test_a_wish_for_a_form_is_told_from_the_question(question: str, kind: FormKind, left: str) -> None:
    wish = find_wish(question)
    assert wish is not None
    assert (wish.form.kind, wish.question) == (kind, left)


@pytest.mark.parametrize(
    "question",
    [
        "Why are checklists useful?",
        "Should the shadow period be short?",
        "Who reads e-mail alerts?",
        "Why is the cycle time of Line 3 shorter?",
        "Should we write an email policy?",
        "How do I write an email to the plant manager about AI?",
        "What should go in an email to the works council?",
        "Should we send status reports as an email?",
        "Do we put training content into a checklist or a video?",
        "Should we run shadow periods, shorter than four weeks?",
    ],
)
def test_a_question_that_only_mentions_a_form_has_none(question: str) -> None:
    assert find_wish(question) is None


def test_other_forms_say_no_more_than_the_answer(advisor: Advisor) -> None:
    whole, shorter, email = talk(advisor, QUESTION, "shorter", "as an email to the board")
    assert list_quotes(shorter) < list_quotes(whole)
    assert len(shorter.text) < 0.7 * len(whole.text)
    assert shorter.query == email.query == QUESTION
    assert list_quotes(email) == list_quotes(whole)
    assert email.text.startswith("To the board:")
    both = talk(advisor, QUESTION, "make it shorter and as an email to the board")[1]
    assert both.text.startswith("To the board:")
    assert list_quotes(both) == list_quotes(shorter)
    assert talk(advisor, QUESTION, "write it as an email")[1].text.startswith("To all:")


def test_a_shorter_answer_keeps_what_stays_open(advisor: Advisor) -> None:
    answer = talk(advisor, "How long should a shadow period be in Brazil?", "shorter")[1]
    assert "do not mention Brazil" in answer.text


def test_a_checklist_is_what_a_change_lead_gets(advisor: Advisor) -> None:
    _, tasks = talk(advisor, QUESTION, "as a checklist")
    items = [block for block in tasks.blocks if isinstance(block, Checklist)]
    assert len(items) == 1
    assert len(items[0].items) >= 4
    assert isinstance(tasks.blocks[0], Paragraph)


def test_a_form_of_nothing_asks_back(advisor: Advisor) -> None:
    assert talk(advisor, "shorter")[0].outcome is not Outcome.ANSWERED


def test_a_bare_word_is_asked_back_once_with_choices(advisor: Advisor) -> None:
    asked, chosen = talk(advisor, "governance", "the second one")
    assert asked.outcome is Outcome.CLARIFY
    assert len(asked.suggestions) >= 3
    assert chosen.outcome is Outcome.ANSWERED
    assert chosen.query == asked.suggestions[1]
    for reply in ("2", "#2", "option 2", "number 2"):
        assert talk(advisor, "governance", reply)[1].query == asked.suggestions[1], reply
    assert talk(advisor, "governance", "What is a pilot?")[1].query == "What is a pilot?"
    assert talk(advisor, "governance", "yes")[1].query == asked.suggestions[0]
    assert talk(advisor, "governance", "governance")[1].outcome is not Outcome.CLARIFY


def test_yes_takes_what_a_refusal_proposed_and_else_goes_on(advisor: Advisor) -> None:
    refused, taken = talk(advisor, "What is the best restaurant in Budapest?", "yes please")
    assert taken.query == refused.suggestions[0]
    assert talk(advisor, "What is the best restaurant in Budapest?", "What is a KPI?")[1].query.startswith("What is")
    first, more = talk(advisor, QUESTION, "yes")
    assert more.outcome is Outcome.ANSWERED
    assert more.citations[0].quote != first.citations[0].quote


def test_a_follow_up_keeps_the_subject_and_a_new_subject_drops_it(advisor: Advisor) -> None:
    _, narrowed, other = talk(advisor, QUESTION, "for logistics?", "What are the types of integration debt?")
    assert "logistics" in narrowed.query
    assert QUESTION in narrowed.query
    assert any("ogistics" in citation.quote or "KPI" in citation.quote for citation in narrowed.citations)
    assert other.query == "What are the types of integration debt?"
    assert other.citations[0].title == "Integration debt"


def test_an_executive_gets_a_decision_three_reasons_and_one_ask(advisor: Advisor) -> None:
    answer = advisor.ask(LOCAL_CALLER, QUESTION)
    decision, reasons, ask = answer.blocks
    assert isinstance(decision, Paragraph)
    assert decision.sentences[0].strong
    assert isinstance(reasons, ListBlock)
    assert len(reasons.items) == 3
    assert isinstance(ask, Checklist)
    assert len(ask.items) == 1


def test_a_conversation_is_saved_as_markdown_with_its_sources(advisor: Advisor) -> None:
    first, second = talk(advisor, QUESTION, "for logistics?")
    text = advisor.export_conversation(LOCAL_CALLER, first.conversation_id)
    assert text.index(f"## {QUESTION}") < text.index("## for logistics?")
    assert all(citation.quote in text for answer in (first, second) for citation in answer.citations)


def test_a_name_that_no_playbook_mentions_makes_the_answer_partial_and_is_named(advisor: Advisor) -> None:
    answer = advisor.ask(LOCAL_CALLER, "How long should a shadow period be in Brazil?")
    assert answer.outcome is Outcome.PARTIAL
    assert "do not mention Brazil" in answer.text
    assert answer.citations
    assert advisor.ask(LOCAL_CALLER, "How do IT and OT share risk?").outcome is Outcome.ANSWERED
