import pytest

from advisor.answering.rewriting import RuleRewriter, find_focus, is_follow_up, needs_history, split_parts
from advisor.domain.dialogue import (
    Answer,
    Citation,
    Focus,
    ListBlock,
    Outcome,
    Paragraph,
    Role,
    Sentence,
    Turn,
)


def make_turn(question: str = "What are the steps of brewing?") -> Turn:
    items = ("Grind. Grind the beans.", "Pour. Pour the water.", "Wait. Wait a while.")
    answer = Answer(
        id="1",
        conversation_id="c",
        question=question,
        query=question,
        role=Role.EXECUTIVE,
        outcome=Outcome.ANSWERED,
        blocks=(
            Paragraph(sentences=(Sentence(text="Brew well.", citations=(1,), strong=True),)),
            ListBlock(ordered=True, items=tuple(Sentence(text=item, citations=(2,)) for item in items)),
        ),
        citations=(
            Citation(number=1, title="T", section="S", section_id="t/s", quote="Brew well."),
            Citation(number=2, title="T", section="S", section_id="t/s", quote="Grind the beans."),
        ),
    )
    return Turn(question=question, query=question, answer=answer)


@pytest.mark.parametrize("question", ["why?", "And the second one?", "tell me more", "What about it?", "number 3"])
def test_what_points_back_needs_a_history(question: str) -> None:
    assert needs_history(question)
    assert RuleRewriter().rewrite(question, ()) is None


@pytest.mark.parametrize(
    "question",
    [
        "Why do pilots fail?",
        "How long should a shadow period be before operators act?",
        "Who is accountable when AI affects operations?",
        "What is the first decision a board should take on AI investment?",
    ],
)
def test_standalone_questions_stay_as_they_are(question: str) -> None:
    assert not needs_history(question)
    query = RuleRewriter().rewrite(question, (make_turn(),))
    assert query is not None
    assert (query.text, query.follows) == (question, False)


@pytest.mark.parametrize(
    ("question", "item"),
    [
        ("And the second one?", "Pour. Pour the water."),
        ("what about the first?", "Grind. Grind the beans."),
        ("step 3", "Wait. Wait a while."),
        ("the last one please", "Wait. Wait a while."),
    ],
)
def test_an_item_is_looked_up_in_the_answer_before(question: str, item: str) -> None:
    query = RuleRewriter().rewrite(question, (make_turn(),))
    assert query is not None
    assert query.text == item
    assert query.focus is Focus.ITEM
    assert query.section_ids == ("t/s",)


def test_why_asks_for_the_reasons_of_the_answer_before() -> None:
    query = RuleRewriter().rewrite("but why?", (make_turn(),))
    assert query is not None
    assert (query.text, query.focus) == ("What are the steps of brewing?", Focus.WHY)
    assert query.opened == ("Brew well.",)


def test_a_follow_up_keeps_the_earlier_query_as_its_context() -> None:
    query = RuleRewriter().rewrite("And who owns that?", (make_turn(),))
    assert query is not None
    assert query.context == "What are the steps of brewing?"
    assert query.opened == ("Brew well.",)


def test_a_bare_number_is_an_item_of_the_answer_before() -> None:
    query = RuleRewriter().rewrite("2", (make_turn(),))
    assert query is not None
    assert (query.text, query.focus) == ("Pour. Pour the water.", Focus.ITEM)


def test_what_a_follow_up_leans_on_is_not_nested() -> None:
    turn = make_turn().model_copy(update={"query": "who decides? (How long should a shadow period be?)"})
    query = RuleRewriter().rewrite("for logistics?", (turn,))
    assert query is not None
    assert query.standalone == "for logistics? (who decides? How long should a shadow period be?)"


@pytest.mark.parametrize("opening", ["Something else: ", "New topic. ", "ok, different question: "])
def test_a_change_of_subject_leans_on_nothing(opening: str) -> None:
    query = RuleRewriter().rewrite(f"{opening}how is security handled?", (make_turn(),))
    assert query is not None
    assert (query.text, query.context, query.follows) == ("how is security handled?", "", False)


def test_of_a_long_story_its_question_is_asked() -> None:
    story = "We had dinner with two groups that have a chief AI officer. " * 4
    query = RuleRewriter().rewrite(f"{story}How should a company of our kind fill it?", ())
    assert query is not None
    assert query.text == "How should a company of our kind fill it?"
    assert query.context.startswith("We had dinner")
    assert not query.follows


def test_an_item_is_found_in_an_earlier_answer_too() -> None:
    first = make_turn()
    bare = first.model_copy(update={"answer": first.answer.model_copy(update={"blocks": first.answer.blocks[:1]})})
    query = RuleRewriter().rewrite("and number 3?", (first, bare))
    assert query is not None
    assert query.text == "Wait. Wait a while."


def test_more_repeats_nothing() -> None:
    query = RuleRewriter().rewrite("tell me more", (make_turn(),))
    assert query is not None
    assert query.told == ("Brew well.", "Grind the beans.")


def test_an_item_that_was_not_shown_is_asked_of_its_section() -> None:
    turn = make_turn()
    bare = turn.model_copy(update={"answer": turn.answer.model_copy(update={"blocks": turn.answer.blocks[:1]})})
    query = RuleRewriter().rewrite("and the third one?", (bare,))
    assert query is not None
    assert (query.item, query.section_ids, query.text) == (2, ("t/s",), turn.query)


def test_bare_questions_follow_up() -> None:
    assert is_follow_up("at what point?")
    assert not is_follow_up("Which root causes do data reliability failures usually have?")


@pytest.mark.parametrize(
    ("question", "focus"),
    [
        ("How should we choose KPIs?", Focus.ACTION),
        ("What should we do first?", Focus.ACTION),
        ("Why do pilots fail?", Focus.WHY),
        ("Who is accountable?", Focus.POINT),
    ],
)
def test_the_wording_tells_what_to_see_first(question: str, focus: Focus) -> None:
    assert find_focus(question) is focus


def test_a_question_that_asks_two_things_is_split() -> None:
    parts = split_parts("What must the network cope with, and how should IT and OT split the work?")
    assert parts == ("What must the network cope with", "how should IT and OT split the work?")
    assert split_parts("How do IT and OT share risk?") == ()
