import pytest

from advisor.domain.dialogue import (
    Checklist,
    ListBlock,
    Paragraph,
    Role,
    Sentence,
    Table,
    TableRow,
    parse_question,
    parse_role,
    render_markdown,
)
from advisor.errors import InvalidInputError


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("x" * 4001, "4,001 characters"),
        ("what\x00is\x01this", "not text"),
        ("bad \ufffd bytes", "not text"),
        ("lone \ud800 surrogate", "not text"),
    ],
)
def test_questions_that_cannot_be_used_are_refused_with_a_remedy(raw: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as caught:
        parse_question(raw)
    assert caught.value.remedy


def test_a_question_of_4000_characters_is_read() -> None:
    assert len(parse_question("x" * 4000)) == 4000


@pytest.mark.parametrize("raw", ["plant_manager", "Plant-Manager", " plant manager "])
def test_roles_are_read_leniently(raw: str) -> None:
    assert parse_role(raw) is Role.PLANT_MANAGER


def test_no_role_means_executive() -> None:
    assert parse_role(None) is Role.EXECUTIVE


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="executive, change_lead, plant_manager, engineer"):
        parse_role("king")


def test_markdown_carries_every_block() -> None:
    blocks = (
        Paragraph(sentences=(Sentence(text="Do it.", citations=(1,), strong=True), Sentence(text="Now."))),
        ListBlock(title="Steps", ordered=True, items=(Sentence(text="One."), Sentence(text="Two.", citations=(2,)))),
        Table(columns=("A", "B"), rows=(TableRow(cells=("x", "y"), citations=(3,)),)),
        Checklist(items=(Sentence(text="Act."),)),
    )
    assert render_markdown(blocks) == (
        "**Do it.** [1] Now.\n\nSteps:\n\n1. One.\n2. Two. [2]\n\n"
        "| A | B |\n| --- | --- |\n| x | y [3] |\n\nNext steps:\n\n- [ ] Act."
    )
