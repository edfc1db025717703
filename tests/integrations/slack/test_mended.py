"""What went wrong once: whom the advisor writes to by itself, whose workspace counts, what is pressed twice."""

from __future__ import annotations

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.domain.work import Queue
from integrations.slack.blocks import say
from integrations.slack.jobs import due_work
from integrations.slack.outgoing import Place, post_all
from integrations.slack.simulator import Fault, Simulator
from tests.integrations.slack.conftest import Company, wait_for
from tests.integrations.slack.test_delivery import Bench, bench  # noqa: F401  the bench is a fixture
from tests.integrations.slack.test_setup import MONDAY


@pytest.fixture
def transport() -> str:
    return "http"


def _set(company: Company, subject: str, **fields: str) -> None:
    change = RecordChange(kind=RecordKind.INITIATIVE, subject=subject, fields=fields)
    company.office.record(LOCAL_CALLER, [change], door="test")


def _weekly(company: Company) -> None:
    company.door.queue.put(due_work("mon 09:00", "T1", MONDAY + 60, since=MONDAY - 60))
    company.door.workers.wake()
    company.wait_until_sent()


def test_the_weekly_work_writes_to_no_guest_and_of_nothing_hidden(company: Company) -> None:
    _set(company, "packing-line-quality", accountable_owner="Gus Guest")
    _weekly(company)
    assert not company.sim.messages(company.sim.dm("UGUEST"))
    assert "Packing line quality" in str(company.sim.messages("C1")[-1].blocks)


def test_an_owner_is_not_told_of_what_is_hidden_from_them(company: Company) -> None:
    _set(company, "packing-line-quality", accountable_owner="Jonas Weber", label="board")
    _weekly(company)
    assert not company.sim.messages(company.sim.dm("UJONAS"))
    assert "Packing line quality" not in str([m.blocks for m in company.sim.messages("C1")])


def test_people_of_another_workspace_get_nothing_from_commands(company: Company) -> None:
    company.sim.add_channel("CT", "t", ["USTRANGE"])
    company.sim.command("USTRANGE", "CT", "/advisor", "gaps")
    company.settle()
    (told,) = company.sim.ephemerals("USTRANGE", "CT")
    assert "only" in told.text
    assert "Decision wanted" not in str(told.blocks)


def test_a_stop_is_taken_note_of(company: Company) -> None:
    dm = company.sim.dm("UANNA")
    event = {
        "type": "agent_session_stopped", "channel": dm, "thread_ts": "1.0", "user": "UANNA",
        "streaming_message_ts": ["5.5"],
    }  # fmt: skip
    assert company.sim.send_event(event)
    company.settle()
    assert company.door.queue.knows(f"stop/{dm}/5.5")
    assert company.door.queue.count(Queue.IN)["failed"] == 0


def test_what_is_pressed_twice_is_shared_once(company: Company) -> None:
    company.sim.command("UANNA", "C1", "/advisor", "ask How should we choose KPIs?")
    company.settle()
    (private,) = company.sim.ephemerals("UANNA", "C1")
    for action in ("ask_human", "ask_human", "share", "share"):
        try:
            company.sim.click("UANNA", "C1", private.ts, action)
        except LookupError:  # the buttons are gone already
            assert action == "share"
    company.settle()
    assert len(company.sim.messages("C1")) == 1
    assert len(company.sim.messages("CHELP")) == 1


def test_more_detail_stays_with_its_answer(company: Company) -> None:
    dm = company.sim.dm("UANNA")
    ts = company.sim.say("UANNA", dm, "How should we choose KPIs?")
    company.settle()
    first = company.sim.messages(dm, ts)[1]
    company.sim.say("UANNA", dm, "How long should a shadow period be?", thread_ts=ts)
    company.settle()
    company.sim.click("UANNA", dm, first.ts, "more_detail")
    company.settle()
    assert "Choosing KPIs" in str(company.sim.messages(dm, ts)[-1].blocks)


def test_a_form_that_cannot_be_opened_is_said(company: Company) -> None:
    company.sim.faults.add(Fault(method="views.open", status=500, times=1))
    company.sim.command("UANNA", "C1", "/advisor", "status")
    company.settle()
    assert "could not be opened" in wait_for(lambda: company.sim.ephemerals("UANNA", "C1"))[0].text


def test_errors_of_a_check_in_stand_under_their_field(company: Company) -> None:
    company.sim.command("UANNA", "C1", "/advisor", "status")
    wait_for(lambda: (company.sim.view_of("UANNA") or {}).get("callback_id") == "check_in")
    answer = company.sim.submit(
        "UANNA", {"initiative": "cnc-tool-wear", "health": "on_track", "on": "2030-01-01", "summary": "x"}
    )
    assert "future" in answer["errors"]["on"]


@pytest.mark.parametrize("body", [b"[1]", b"{", b"payload=%7B", b"\xff", b"null"])
def test_what_is_signed_but_no_request_does_no_work(company: Company, body: bytes) -> None:
    url = str(company.sim.events_url)
    assert company.sim.post_signed(url, body).status_code in {400, 404, 200}
    assert company.sim.post_signed(url, body, {"X-Slack-Signature": "v0=" + "0" * 64}).status_code in {400, 401}
    assert company.sim.post_signed(url, body, {"X-Slack-Request-Timestamp": "9" * 5000}).status_code == 400
    assert sum(company.door.queue.count(Queue.IN).values()) == 0


def test_a_late_reply_to_a_command_comes_directly(bench: Bench) -> None:  # noqa: F811
    place = Place("C1", user="UANNA", private=True, response_url=f"{bench.sim.base_url[:-4]}nothing/here")
    bench.queue.put(post_all("late", place, [say("Here it is.")]))
    bench.work(until=bench.clock.now + 60)
    (told,) = bench.sim.messages(bench.sim.dm("UANNA"))
    assert told.text == "Here it is."


def test_a_long_thread_is_read_to_its_end_before_anything_is_said_again(bench: Bench) -> None:  # noqa: F811
    sim: Simulator = bench.sim
    sim.events_url, sim.delivery.retry_delays = "http://127.0.0.1:9/nobody", ()
    root = sim.say("UANNA", "C1", "Let us talk.")
    for number in range(210):
        sim.say("UANNA", "C1", f"Remark {number}", thread_ts=root)
    sim.faults.add(Fault(method="chat.postMessage", lose_reply=True, times=1))
    bench.queue.put(post_all("once", Place("C1", root, "UANNA"), [say("The answer.")]))
    bench.work(until=bench.clock.now + 120)
    assert [m.text for m in sim.messages("C1", root)].count("The answer.") == 1
