"""Proposals by rule: what can be asked of a document as it stands."""

from __future__ import annotations

import re

import pytest

from advisor.domain.knowledge import Section, SectionKind, Statement, StatementKind
from evals.cases import EvalCase
from evals.proposals import find_phrase, propose_of


def make_section(heading: str, *statements: Statement, columns: tuple[str, ...] = ()) -> Section:
    return Section(
        id="records/0",
        playbook="records",
        playbook_title="Keeping records",
        heading=heading,
        kind=SectionKind.ANSWER,
        statements=statements,
        columns=columns,
    )


def propose(heading: str, text: str) -> list[EvalCase]:
    statement = Statement(text=text, kind=StatementKind.POINT)
    return propose_of([make_section(heading, statement)], "records.md", ())


def test_a_figure_is_asked_with_its_unit_and_without_its_sentence() -> None:
    text = "The plant keeps its alarm records for eighteen months after the event."
    (case,) = propose("Storage", text)
    assert case.question == "How many months does “Keeping records”, under “Storage”, give for “plant keeps”?" or (
        "alarm records" in case.question
    )
    assert "eighteen" not in case.question
    assert all(re.search(case.facts[0], said, re.I) for said in (text, "For 18 months.", "An 18-month period."))
    assert not any(re.search(case.facts[0], said, re.I) for said in ("18 weeks", "118 months", "months: 18"))


@pytest.mark.parametrize("heading", ["The Need", "Overview", "2. Summary", "Example", "Our goals", "Keeping records"])
def test_a_heading_that_names_no_subject_is_not_asked(heading: str) -> None:
    assert propose(heading, "A shift lead signs every entry of the record book.") == []


def test_a_heading_is_asked_with_its_title() -> None:
    (case,) = propose("Signing the book", "At the end of a shift the shift lead signs a bound record book.")
    assert case.question == "What does “Keeping records” say under “Signing the book”?"
    assert re.search(case.facts[0], "the bound record book", re.I)


def test_an_empty_cell_is_not_asked() -> None:
    rows = [
        Statement(text="x", kind=StatementKind.ROW, cells=cells) for cells in (("A", "NaN"), ("nan", "3"), ("B", "4"))
    ]
    found = propose_of([make_section("Limits", *rows, columns=("Kind", "Days"))], "records.md", ())
    assert [case.question for case in found] == ["“Keeping records”, under “Limits”: what is “Days” for “B”?"]


def test_what_a_sentence_is_about_is_its_longest_run_of_telling_words() -> None:
    assert find_phrase("Whoever proposes a model hands in a one-page card.") == "one-page card"
    assert find_phrase("It is so.") == ""
