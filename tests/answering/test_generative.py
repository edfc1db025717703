"""Answers that a chat model words: a real model client against a scripted server that misbehaves on demand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.answering.chat_model import LangChainChatModel
from advisor.answering.generative import UNAVAILABLE
from advisor.answering.prompts import load_prompt
from advisor.bootstrap import build_advisor
from advisor.domain.dialogue import Answer, Block, ListBlock, Outcome
from advisor.domain.events import BlockEvent, DoneEvent
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import KnowledgeError, ModelError
from advisor.service import Advisor
from advisor.settings import Settings
from evals.seen import list_sentences
from tests.chat_server import ChatServer, Reply
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
QUESTION = "How long should a shadow period be?"
_STATEMENT = re.compile(r"^\[(\d+)\] \([^)]*\) (.+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "scripted")
    monkeypatch.setenv("LANGSMITH_TRACING", "false")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as found:
        yield found


def read_statements(instructions: str) -> list[tuple[str, str]]:
    return _STATEMENT.findall(instructions)


def say_the_first(instructions: str, count: int = 3) -> str:
    """Write what an obedient model writes: the first statements, each with its number."""
    return "\n".join(f"- {text} [{number}]" for number, text in read_statements(instructions)[:count])


def ask(indexed: Settings, folder: Path, server: ChatServer, question: str = QUESTION) -> Answer:
    return open_service(indexed, folder, server).ask(LOCAL_CALLER, question)


def test_a_worded_answer_cites_what_it_says(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    server.reply = say_the_first
    answer = ask(indexed, tmp_path, server)
    assert UNAVAILABLE not in answer.notices
    quotes = {citation.number: citation.quote for citation in answer.citations}
    first = answer.blocks[0].sentences[0]  # type: ignore[union-attr]
    assert first.text in quotes[first.citations[0]] or quotes[first.citations[0]] in first.text
    assert all(citation.quote and citation.section_id for citation in answer.citations)
    assert len(server.asked) == 1


def test_reasons_that_the_model_worded_are_not_quoted_again(
    indexed: Settings, tmp_path: Path, server: ChatServer
) -> None:
    def reply(instructions: str) -> str:
        first, *rest = read_statements(instructions)[:4]
        lines = [f"**Track record.** {first[1]} [{first[0]}]", *(f"- {text} [{number}]" for number, text in rest)]
        return "\n".join(lines)

    server.reply = reply
    answer = ask(indexed, tmp_path, server)
    assert UNAVAILABLE not in answer.notices
    told = [text for text, _ in list_sentences(answer)]
    assert told[0].startswith("Track record. ")
    assert len(told) == len(set(told))
    assert len([block for block in answer.blocks if isinstance(block, ListBlock)]) == 1


def make_bad(line: str) -> Reply:
    """Write two good lines and a bad one between them; the repair writes it again."""

    def reply(instructions: str) -> str:
        number, _ = read_statements(instructions)[0]
        bad = line.replace("[N]", f"[{number}]")
        good = say_the_first(instructions, 3).splitlines()
        return bad if "refused" in instructions else "\n".join([*good[:2], bad, good[2]])

    return reply


@pytest.mark.owasp("LLM05", "LLM02")
@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("- Run it for 97 weeks in shadow. [N]", "97 weeks"),
        ("- As Gartner says, run it in shadow mode. [N]", "Gartner"),
        ("- Run it in shadow mode, see https://evil.example/a. [N]", "evil.example"),
        ("- ![shadow](https://evil.example/p.png) [N]", "evil.example"),
        ("- Shadow mode can be skipped by anybody. [999]", "skipped by anybody"),
        ("- Shadow mode needs no citation at all.", "no citation at all"),
        ("- Form: First one sentence on a line of its own: what to decide or do. [N]", "line of its own"),
    ],
)
@pytest.mark.fault("R11")
def test_what_the_evidence_does_not_carry_reaches_nobody(
    indexed: Settings, tmp_path: Path, server: ChatServer, line: str, secret: str
) -> None:
    server.reply = make_bad(line)
    answer = ask(indexed, tmp_path, server)
    assert secret not in answer.text + " ".join(answer.notices)
    assert answer.outcome is Outcome.ANSWERED
    assert UNAVAILABLE not in answer.notices
    assert len(server.asked) == 2  # written, and repaired once


@pytest.mark.parametrize("reply", ["", "   \n", "NOTHING", "{}", "x" * 200_000, "I am a helpful assistant."])
@pytest.mark.fault("R11")
def test_nonsense_gives_way_to_the_quotes(indexed: Settings, tmp_path: Path, server: ChatServer, reply: str) -> None:
    server.reply = lambda _: reply
    answer = ask(indexed, tmp_path, server)
    assert answer.outcome is Outcome.ANSWERED
    assert UNAVAILABLE in answer.notices
    assert answer.citations
    assert "xxx" not in answer.text


@pytest.mark.parametrize("faults", [(429,), (500, 500), ("garbage",)])
@pytest.mark.fault("R9")
def test_a_passing_failure_is_tried_again(
    indexed: Settings, tmp_path: Path, server: ChatServer, faults: tuple[int | str, ...]
) -> None:
    server.reply = say_the_first
    server.faults = list(faults)
    answer = ask(indexed, tmp_path, server)
    assert UNAVAILABLE not in answer.notices
    assert len(server.asked) == len(faults) + 1


@pytest.mark.parametrize("fault", [429, 500, "hang", "stall", "close", "garbage"])
@pytest.mark.fault("R10")
def test_a_lasting_failure_ends_in_time(server: ChatServer, fault: int | str) -> None:
    server.reply = lambda _: "A sentence that goes on for a while. [1]\n" * 5
    server.faults = [fault] * 9
    chat = LangChainChatModel(
        "openai:scripted", base_url=server.url, first_seconds=0.4, idle_seconds=0.4, whole_seconds=2, retries=1
    )
    with pytest.raises(ModelError):
        list(chat.stream("Say something."))
    assert len(server.asked) <= 2


@pytest.mark.parametrize("fault", ["close", "stall"])
@pytest.mark.fault("R10")
def test_a_reply_that_breaks_off_gives_way_to_the_quotes(
    indexed: Settings, tmp_path: Path, server: ChatServer, fault: str
) -> None:
    server.reply = say_the_first
    server.faults = [fault]
    answer = ask(indexed, tmp_path, server)
    assert UNAVAILABLE in answer.notices
    assert answer.citations
    assert len(server.asked) == 1


def open_service(indexed: Settings, folder: Path, server: ChatServer, **more: object) -> Advisor:
    given = {"database_url": f"sqlite:///{folder}/a.sqlite", "chat_model": "openai:scripted"}
    return build_advisor(indexed.model_copy(update=given | {"chat_base_url": server.url} | more))


def test_sentences_are_shown_as_they_pass(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    server.reply = make_bad("Shadow periods last 99 weeks [N]")
    events = list(open_service(indexed, tmp_path, server).stream(LOCAL_CALLER, QUESTION))
    done = events[-1]
    assert isinstance(done, DoneEvent)
    shown: dict[int, Block] = {}
    told = [event for event in events if isinstance(event, BlockEvent)]
    for event in told:
        assert "99" not in event.model_dump_json()
        shown[event.place] = event.block
    assert len(told) > len(shown)  # the list grew
    assert tuple(shown[place] for place in sorted(shown))[: len(done.answer.blocks)] == done.answer.blocks


def test_a_worded_answer_is_replayed_from_old_replies(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    server.reply = say_the_first
    service = open_service(indexed, tmp_path, server)
    answer = service.ask(LOCAL_CALLER, QUESTION)
    receipt = service.get_receipt(LOCAL_CALLER, answer.id)
    assert receipt.basis.model == "openai:scripted"
    assert receipt.basis.prompts.keys() == {"answer"}
    server.reply = lambda _: "Something else entirely. [1]"
    replay = service.replay(LOCAL_CALLER, answer.id)
    assert replay.reproduced, replay.changes
    assert len(server.asked) == 1


@pytest.mark.owasp("LLM10")
def test_no_more_is_spent_in_a_day_than_allowed(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    server.reply = say_the_first
    service = open_service(indexed, tmp_path, server, chat_daily_tokens=500)  # one call takes more
    assert UNAVAILABLE not in service.ask(LOCAL_CALLER, QUESTION).notices
    assert UNAVAILABLE in service.ask(LOCAL_CALLER, QUESTION).notices
    assert len(server.asked) == 1


class MemoryBudget:
    """Tokens in a number."""

    def __init__(self, left: int) -> None:
        self.left = left

    def find_left(self) -> int:
        return self.left

    def spend(self, tokens: int) -> None:
        self.left -= tokens


@pytest.mark.owasp("LLM10")
def test_calls_side_by_side_do_not_all_spend_the_last_tokens(server: ChatServer) -> None:
    server.reply = lambda _: "A sentence that goes on for a while. [1]\n" * 5
    budget = MemoryBudget(500)
    chat = LangChainChatModel("openai:scripted", base_url=server.url, budget=budget)
    first = chat.stream("Say something.")
    next(first)
    for _ in range(3):
        with pytest.raises(ModelError, match="used up"):
            next(chat.stream("Say something."))
    assert len(server.asked) == 1
    list(first)
    assert 0 < budget.left < 500
    assert list(chat.stream("Say something."))  # what was set aside and not used is free again


@pytest.mark.fault("R9")
def test_without_the_model_the_quotes_stand(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    server.faults = [500] * 9
    answer = ask(indexed, tmp_path, server)
    assert UNAVAILABLE in answer.notices
    assert answer.citations


def test_what_is_declined_asks_no_model(indexed: Settings, tmp_path: Path, server: ChatServer) -> None:
    answer = ask(indexed, tmp_path, server, "What is the best restaurant in Budapest?")
    assert answer.outcome is Outcome.DECLINED
    assert not server.asked


def test_prompts_declare_their_inputs(tmp_path: Path) -> None:
    for file in sorted((ROOT / "prompts").glob("[a-z]*.md")):
        prompt = load_prompt(ROOT / "prompts", file.stem)
        assert prompt.purpose
        filled = prompt.render(**dict.fromkeys(prompt.inputs, "{braces} stay"))
        assert filled.count("{braces} stay") >= len(prompt.inputs)
    with pytest.raises(ValueError, match="takes"):
        prompt.render(other="x")
    (tmp_path / "bad.md").write_text("---\npurpose: x\ninputs: [a]\n---\nNothing of it.\n")
    with pytest.raises(KnowledgeError, match="inputs and body differ"):
        load_prompt(tmp_path, "bad")


def test_a_provider_that_is_not_installed_is_told() -> None:
    with pytest.raises(ModelError, match="provider:name"):
        LangChainChatModel("nobody:nothing")
