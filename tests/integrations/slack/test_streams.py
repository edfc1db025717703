"""Streams that Slack ends, cuts or refuses still leave the whole answer, readable, with its buttons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.domain.dialogue import Answer, Citation, ListBlock, Outcome, Paragraph, Role, Sentence, Table, TableRow
from advisor.domain.work import Queue
from advisor.storage.database import open_database
from advisor.storage.work import SqlWorkQueue
from integrations.slack.blocks import render_answer, render_markdown
from integrations.slack.outgoing import Place, stream
from integrations.slack.postman import Postman
from integrations.slack.service import open_client
from integrations.slack.simulator import Fault, Message, Simulator
from integrations.slack.streaming import CONTINUED
from tests.integrations.slack.test_delivery import Clock


def make_answer(length: int) -> Answer:
    """An answer of about so many characters, with a list and a table in it."""
    words = "governance before scaling needs owners and dates ".split()
    text = " ".join(words[n % len(words)] for n in range(max(8, length // 16)))
    items = tuple(Sentence(text=f"Item {n}: {text[:60]}.", citations=(1,)) for n in range(min(40, length // 400 + 2)))
    rows = tuple(TableRow(cells=(f"row {n}", "28 days"), citations=(1,)) for n in range(length // 2000 + 2))
    cited = Citation(number=1, title="Governance", section="Authority", section_id="governance/x", quote="q")
    sentences = tuple(Sentence(text=f"{n}. {text[:300]}.", citations=(1,)) for n in range(max(1, length // 450)))
    return Answer(
        id=f"a{length}", conversation_id="c", question="Why?", query="Why?", role=Role.ENGINEER,
        outcome=Outcome.ANSWERED, citations=(cited,),
        blocks=(Paragraph(sentences=sentences), ListBlock(items=items), Table(columns=("What", "How long"), rows=rows)),
    )  # fmt: skip


class Thread:
    """A thread in a direct message, and the postman who delivers to it."""

    def __init__(self, sim: Simulator, queue: SqlWorkQueue, clock: Clock) -> None:
        self.sim = sim
        self.clock = clock
        self.dm = sim.dm("UANNA")
        sim.events_url = "http://127.0.0.1:9/nobody"
        sim.delivery.retry_delays = ()
        self.ts = sim.say("UANNA", self.dm, "Why?")
        self._queue = queue
        self._postman = Postman(
            queue, open_client("xoxb-sim", sim.base_url), team="T1", bot_user="UBOT", clock=clock, pace=0
        )

    def deliver(self, answer: Answer) -> list[Message]:
        place = Place(self.dm, self.ts, "UANNA")
        self._queue.put(stream(answer.id, place, render_markdown(answer), render_answer(answer)))
        for _ in range(200):
            if not self._postman.deliver_next():
                if not self._queue.count(Queue.OUT)["waiting"]:
                    break
                self.clock.now += 5
        assert not self._queue.count(Queue.OUT)["failed"]
        return self.sim.messages(self.dm, self.ts)[1:]


@pytest.fixture
def thread(tmp_path: Path) -> Iterator[Thread]:
    clock = Clock()
    with Simulator(clock=clock) as sim:
        sim.add_user("UANNA", "Anna Kovacs", "anna@example.com")
        yield Thread(sim, SqlWorkQueue(open_database(f"sqlite:///{tmp_path}/s.sqlite")), clock)


def _shown(messages: list[Message]) -> str:
    streamed = "".join(message.markdown for message in messages).replace(CONTINUED, "")
    return streamed + " ".join(str(message.blocks) for message in messages)


def _check(messages: list[Message], answer: Answer) -> None:
    shown = _shown(messages)
    for block in answer.blocks:
        for sentence in getattr(block, "sentences", getattr(block, "items", ())):
            assert sentence.text in shown
        for row in getattr(block, "rows", ()):
            assert row.cells[0] in shown
    assert "feedback_buttons" in str(messages[-1].blocks)
    assert sum("feedback_buttons" in str(message.blocks) for message in messages) == 1
    assert not any(message.streaming for message in messages[-1:])


@pytest.mark.parametrize("length", [200, 1_000, 5_000, 12_000, 20_000, 40_000])
def test_answers_of_any_length_are_streamed_whole(thread: Thread, length: int) -> None:
    answer = make_answer(length)
    messages = thread.deliver(answer)
    _check(messages, answer)
    assert all(len(message.markdown) <= 12_000 for message in messages)


@pytest.mark.parametrize("error", ["message_not_in_streaming_state", "msg_too_long"])
@pytest.mark.parametrize("at", range(8))
def test_a_stream_that_is_cut_is_rewritten_whole(
    thread: Thread, at: int, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def draw(method: str) -> tuple[float, Fault | None]:
        nonlocal calls
        if not method.endswith("Stream"):
            return 0.0, None
        calls += 1
        return 0.0, Fault(method=method, error=error) if calls == at + 1 else None

    monkeypatch.setattr(thread.sim.faults, "draw", draw)
    answer = make_answer(5_000)
    messages = thread.deliver(answer)
    _check(messages, answer)
    assert len(messages) == 1


def test_a_stream_that_outlives_its_time_is_rewritten(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    real = thread.sim.faults.draw

    def draw(method: str) -> tuple[float, Fault | None]:
        if method == "chat.appendStream":
            thread.clock.now += 301
        return real(method)

    monkeypatch.setattr(thread.sim.faults, "draw", draw)
    answer = make_answer(5_000)
    _check(thread.deliver(answer), answer)


def test_a_slow_stream_is_rolled_over_before_slack_ends_it(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(_: str) -> tuple[float, Fault | None]:
        thread.clock.now += 35
        return 0.0, None

    monkeypatch.setattr(thread.sim.faults, "draw", draw)
    answer = make_answer(10_000)
    messages = thread.deliver(answer)
    assert len(messages) > 1
    _check(messages, answer)


def test_where_streams_are_unknown_the_answer_is_posted(thread: Thread) -> None:
    thread.sim.faults.add(Fault(method="chat.startStream", error="unknown_method"))
    answer = make_answer(5_000)
    _check(thread.deliver(answer), answer)


def test_a_stopped_stream_says_so_and_keeps_its_buttons(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqlWorkQueue, "knows", lambda _, key: key.startswith("stop/"))
    messages = thread.deliver(make_answer(5_000))
    assert "Stopped at your request" in messages[-1].markdown
    assert "feedback_buttons" in str(messages[-1].blocks)
