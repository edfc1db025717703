from collections.abc import Iterator, Sequence

import pytest

from advisor.answering.greeting import RuleGreeter
from advisor.answering.rewriting import RuleRewriter
from advisor.domain.dialogue import Answer, Draft, Outcome, Paragraph, Query, Role, Sentence
from advisor.domain.events import BlockEvent, DoneEvent, QueryEvent, StatusEvent
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import Retrieval
from advisor.errors import InvalidInputError, NotFoundError
from advisor.pipeline import Pipeline
from advisor.service import Advisor
from tests.fakes import FixedRetriever, MemoryConversations


class EchoAnswerer:
    def compose(
        self, query: Query, retrieval: Retrieval, role: Role, *, replies: Sequence[str] | None = None
    ) -> Iterator[Draft]:
        sentence = Sentence(text=f"{query.text} / {role.value}")
        yield Draft(outcome=Outcome.ANSWERED, blocks=(Paragraph(sentences=(sentence,)),))


@pytest.fixture
def retriever() -> FixedRetriever:
    return FixedRetriever(Retrieval(generation="g1", passages=()))


@pytest.fixture
def service(retriever: FixedRetriever) -> Advisor:
    pipeline = Pipeline(greeter=RuleGreeter(), rewriter=RuleRewriter(), retriever=retriever, answerer=EchoAnswerer())
    return Advisor(
        pipeline=pipeline,
        retriever=retriever,
        conversations=MemoryConversations(),
    )


def test_an_answer_names_what_it_rests_on(service: Advisor) -> None:
    answer = service.ask(LOCAL_CALLER, "  How should we choose KPIs?  ", role="engineer")
    assert (answer.question, answer.role, answer.generation) == ("How should we choose KPIs?", Role.ENGINEER, "g1")
    assert answer.text == "How should we choose KPIs? / engineer"


def test_a_conversation_goes_on_with_its_id(service: Advisor, retriever: FixedRetriever) -> None:
    first = service.ask(LOCAL_CALLER, "How should we choose KPIs?")
    second = service.ask(LOCAL_CALLER, "why?", conversation_id=first.conversation_id)
    assert second.conversation_id == first.conversation_id
    assert retriever.queries[-1].text == "How should we choose KPIs?"


def test_a_conversation_is_not_open_to_others(service: Advisor) -> None:
    first = service.ask(LOCAL_CALLER, "How should we choose KPIs?")
    with pytest.raises(NotFoundError):
        service.ask(Caller(id="eve"), "why?", conversation_id=first.conversation_id)


def test_a_follow_up_without_history_is_asked_back(service: Advisor, retriever: FixedRetriever) -> None:
    assert service.ask(LOCAL_CALLER, "and the second one?").outcome is Outcome.CLARIFY
    assert retriever.queries == []


def test_courtesy_needs_no_retrieval(service: Advisor, retriever: FixedRetriever) -> None:
    assert service.ask(LOCAL_CALLER, "hello!").outcome is Outcome.ANSWERED
    assert retriever.queries == []


@pytest.mark.parametrize(
    "arguments",
    [{"question": ""}, {"question": "x", "role": "king"}, {"question": "x", "conversation_id": "../etc/passwd"}],
)
def test_bad_input_is_refused_before_anything_is_done(service: Advisor, arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        service.stream(LOCAL_CALLER, **arguments)  # type: ignore[arg-type]


def test_events_end_with_the_whole_answer(service: Advisor) -> None:
    events = list(service.stream(LOCAL_CALLER, "How should we choose KPIs?"))
    assert [type(event) for event in events] == [StatusEvent, QueryEvent, BlockEvent, DoneEvent]
    assert isinstance(events[-1], DoneEvent)
    assert isinstance(events[-1].answer, Answer)
