import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from advisor.domain.dialogue import Answer, Outcome, Paragraph, Role, Sentence
from advisor.domain.identity import Caller
from advisor.domain.work import Feedback
from advisor.errors import NotFoundError
from advisor.ports import Conversations
from advisor.storage.conversations import SqlConversations
from advisor.storage.database import open_database
from tests.fakes import MemoryConversations

ANNA, BEN = Caller(id="anna"), Caller(id="ben")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def conversations(request: pytest.FixtureRequest, tmp_path: Path) -> Conversations:
    makers: dict[str, Callable[[], Conversations]] = {
        "memory": MemoryConversations,
        "sqlite": lambda: SqlConversations(open_database(f"sqlite:///{tmp_path}/test.sqlite")),
        "postgresql": lambda: SqlConversations(open_database(request.getfixturevalue("postgres_url"))),
    }
    return makers[request.param]()


def make_answer(conversation: str, question: str) -> Answer:
    return Answer(
        id=question,
        conversation_id=conversation,
        question=question,
        query=question,
        role=Role.EXECUTIVE,
        outcome=Outcome.ANSWERED,
        blocks=(Paragraph(sentences=(Sentence(text="Yes: naïve “quotes” ✓", citations=(1,)),)),),
    )


def test_turns_come_back_whole_and_in_order(conversations: Conversations) -> None:
    first, second = make_answer("order", "one"), make_answer("order", "two")
    conversations.record(ANNA, first)
    conversations.record(ANNA, second)
    assert [turn.answer for turn in conversations.get_history(ANNA, "order")] == [first, second]


def test_a_conversation_is_its_callers_alone(conversations: Conversations) -> None:
    conversations.record(ANNA, make_answer("private", "secret"))
    with pytest.raises(NotFoundError):
        conversations.get_history(BEN, "private")


def test_an_unknown_conversation_is_not_found(conversations: Conversations) -> None:
    with pytest.raises(NotFoundError):
        conversations.get_history(ANNA, "nothing")


def test_an_answer_is_found_by_its_id_by_whom_it_was_given_to(conversations: Conversations) -> None:
    answer = make_answer("by-id", f"{uuid.uuid4().hex}")
    conversations.record(ANNA, answer)
    assert conversations.get_answer(ANNA, answer.id) == answer
    with pytest.raises(NotFoundError):
        conversations.get_answer(BEN, answer.id)
    conversations.record_feedback(ANNA, Feedback(answer_id=answer.id, helpful=False, reason="Too long"))


def test_old_conversations_are_forgotten_whole(conversations: Conversations) -> None:
    conversations.record(ANNA, make_answer("old", "first"))
    kept_until = datetime.now(UTC)
    assert conversations.forget_before(kept_until - timedelta(hours=1)) == 0
    assert conversations.get_history(ANNA, "old")
    assert conversations.forget_before(datetime.now(UTC) + timedelta(seconds=1)) >= 1
    with pytest.raises(NotFoundError):
        conversations.get_history(ANNA, "old")
