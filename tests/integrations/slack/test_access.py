"""Who gets an answer, who reads it, and what is not a request of Slack at all."""

from __future__ import annotations

import json
import logging

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.domain.work import Queue
from integrations.slack.simulator import Fault
from tests.integrations.slack.conftest import Company

SECRETIVE = "Yard slotting"


@pytest.fixture
def transport() -> str:
    return "http"


def _hide(company: Company) -> None:
    change = RecordChange(kind=RecordKind.INITIATIVE, subject="yard-slotting", fields={"label": "board"})
    company.office.record(LOCAL_CALLER, [change], door="test")


@pytest.mark.parametrize("user", ["UGUEST", "USTRANGE"])
def test_guests_and_strangers_get_no_answer(company: Company, user: str) -> None:
    sim = company.sim
    if user == "USTRANGE":
        sim.add_channel("CX", "mixed", ["USTRANGE", "UANNA"])
    channel = "C1" if user == "UGUEST" else "CX"
    ts = sim.say(user, channel, "<@UBOT> How should we choose KPIs?")
    company.settle()
    assert len(sim.messages(channel, ts)) == 1
    (told,) = sim.ephemerals(user, channel)
    assert "KPI" not in told.text
    dm = sim.dm(user)
    ts = sim.say(user, dm, "How are our initiatives doing?")
    company.settle()
    assert "does not answer guests" in sim.messages(dm, ts)[-1].text or "only" in sim.messages(dm, ts)[-1].text


def test_a_shared_channel_gets_no_answer(company: Company) -> None:
    ts = company.sim.say("UANNA", "CSHARED", "<@UBOT> How are our initiatives doing?")
    company.settle()
    assert len(company.sim.messages("CSHARED", ts)) == 1
    assert "other companies" in company.sim.ephemerals("UANNA", "CSHARED")[0].text


def test_a_channel_reads_what_all_its_members_may_see(company: Company) -> None:
    _hide(company)
    question = "<@UBOT> How are our initiatives doing?"
    public = company.sim.say("UEVA", "C1", question)
    board = company.sim.say("UEVA", "CBOARD", question)
    direct = company.sim.say("UEVA", company.sim.dm("UEVA"), "How are our initiatives doing?")
    company.settle()
    assert SECRETIVE not in str(company.sim.messages("C1", public)[1].blocks)
    assert SECRETIVE in str(company.sim.messages("CBOARD", board)[1].blocks)
    assert SECRETIVE in company.sim.messages(company.sim.dm("UEVA"), direct)[1].markdown
    company.sim.add_channel("CMIXED", "mixed", ["UEVA", "UANNA"], private=True)
    mixed = company.sim.say("UEVA", "CMIXED", question)
    company.settle()
    assert SECRETIVE not in str(company.sim.messages("CMIXED", mixed)[1].blocks)


def test_a_private_answer_is_shared_as_the_channel_may_see_it(company: Company) -> None:
    _hide(company)
    ts = company.sim.command("UEVA", "C1", "/advisor", "ask How are our initiatives doing?")
    company.settle()
    (private,) = company.sim.ephemerals("UEVA", "C1")
    assert SECRETIVE in str(private.blocks)
    assert not company.sim.messages("C1")
    company.sim.click("UEVA", "C1", private.ts, "share")
    company.settle()
    (shared,) = company.sim.messages("C1")
    assert SECRETIVE not in str(shared.blocks)
    assert "Eva Board asked" in str(shared.blocks)
    assert ts is not None


def test_a_private_first_channel_shows_nothing_until_it_is_shared(company: Company) -> None:
    ts = company.sim.say("UANNA", "CPRIVATE", "<@UBOT> How should we choose KPIs?")
    company.settle()
    assert len(company.sim.messages("CPRIVATE", ts)) == 1
    (private,) = company.sim.ephemerals("UANNA", "CPRIVATE")
    company.sim.click("UANNA", "CPRIVATE", private.ts, "keep_private")
    company.settle()
    assert len(company.sim.messages("CPRIVATE", ts)) == 1


def test_what_people_write_mentions_and_alarms_nobody(company: Company) -> None:
    evil = "<!channel> & <@UEVA> <https://evil.example/?q=secret|click> is our plan at Győr"
    change = RecordChange(
        kind=RecordKind.STATUS_UPDATE,
        fields={"initiative": "cnc-tool-wear", "health": "at_risk", "summary": evil},
    )
    company.office.record(LOCAL_CALLER, [change], door="test")
    ts = company.sim.say("UANNA", "C1", "<@UBOT> How is CNC tool wear doing?")
    dm = company.sim.say("UANNA", company.sim.dm("UANNA"), "How is CNC tool wear doing?")
    company.settle()
    in_channel = company.sim.messages("C1", ts)[1]
    assert "evil.example" in str(in_channel.blocks)
    for message in (in_channel, company.sim.messages(company.sim.dm("UANNA"), dm)[1]):
        for text in (message.text, message.markdown):
            assert "<!channel>" not in text
            assert "<@UEVA>" not in text
        assert "https://evil" not in message.markdown
        assert "'type': 'link'" not in str(message.blocks)
    posts = [call.arguments for call in company.sim.calls if call.method == "chat.postMessage"]
    assert all(str(post["unfurl_links"]).lower() in {"false", "0"} for post in posts)


def _event(ts: str = "1.5") -> bytes:
    event = {"type": "message", "channel_type": "im", "channel": "DUANNA", "user": "UANNA", "ts": ts, "text": "KPIs?"}
    return json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev9", "event": event}).encode()


@pytest.mark.owasp("ASVS V3", "ASVS V9")
@pytest.mark.parametrize(
    ("headers", "timestamp", "status"),
    [
        ({"X-Slack-Signature": "v0=" + "0" * 64}, None, 401),
        ({}, "1000000000", 401),
        ({"X-Slack-Signature": None}, None, 400),
        ({"X-Slack-Request-Timestamp": None}, None, 400),
        ({"X-Slack-Request-Timestamp": "tomorrow"}, None, 400),
        ({"X-Slack-Request-Timestamp": "١٢٣"}, None, 400),
    ],
)
@pytest.mark.fault("R14")
def test_what_is_not_signed_by_slack_does_no_work(
    company: Company, headers: dict[str, str | None], timestamp: str | None, status: int
) -> None:
    encoded = {name: value.encode() if value and not value.isascii() else value for name, value in headers.items()}
    url = str(company.sim.events_url)
    reply = company.sim.post_signed(url, _event(), encoded, timestamp=timestamp)  # type: ignore[arg-type]
    assert reply.status_code == status
    assert company.door.queue.count(Queue.IN) == {"waiting": 0, "done": 0, "failed": 0}


@pytest.mark.fault("R14")
@pytest.mark.owasp("ASVS V3", "ASVS V9")
def test_what_is_replayed_is_answered_once(company: Company) -> None:
    dm = company.sim.dm("UANNA")
    ts = company.sim.say("UANNA", dm, "How should we choose KPIs?")
    url = str(company.sim.events_url)
    for _ in range(5):
        assert company.sim.post_signed(url, _event(ts)).status_code == 200
    company.settle()
    assert company.door.queue.count(Queue.IN)["done"] == 1
    assert len(company.sim.messages(dm, ts)) == 2


def test_a_command_is_answered_where_the_advisor_is_not_a_member(company: Company) -> None:
    sim = company.sim
    sim.add_channel("CAWAY", "away", ["UANNA"], private=True, bot=False)
    for number, text in enumerate(("ask How should we choose KPIs?", "gates", "nonsense"), 1):
        sim.command("UANNA", "CAWAY", "/advisor", text)
        company.settle()
        assert len(sim.ephemerals("UANNA", "CAWAY")) == number


def test_what_people_write_is_never_logged(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    company.sim.faults.add(Fault(method="chat.postMessage", status=500, times=2))
    company.sim.say("UANNA", "C1", "<@UBOT> How should the marmalade factory choose KPIs?")
    company.sim.command("UANNA", "C1", "/advisor", "ask How is the marmalade line doing?")
    company.settle()
    told = [r for r in caplog.records if not r.name.startswith(("integrations.slack.simulator", "asyncio", "uvicorn"))]
    assert told
    assert not [record for record in told if "marmalade" in record.getMessage()]
