"""A day in the life, over both transports."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from advisor.domain.identity import LOCAL_CALLER
from integrations.slack.jobs import due_work
from tests.integrations.slack.conftest import Company, wait_for


def test_a_day_in_the_life(company: Company, transport: str) -> None:
    sim, office = company.sim, company.office
    dm = sim.dm("UANNA")
    sim.open_agent_tab("UANNA")
    assert sim.call_count("assistant.threads.setSuggestedPrompts") == 1

    # A question, a follow-up and more detail in the agent tab
    question = sim.say("UANNA", dm, "How should we choose KPIs?")
    first = wait_for(lambda: [m for m in sim.messages(dm, question)[1:] if not m.streaming])[0]
    assert "[1]" in first.text or "[1]" in first.markdown
    company.settle()
    sim.say("UANNA", dm, "Why?", thread_ts=question)
    company.settle()
    sim.click("UANNA", dm, first.ts, "more_detail")
    company.settle()
    assert len(sim.messages(dm, question)) == 5

    # The answer as a checklist
    sim.click("UANNA", dm, first.ts, "as_checklist")
    company.settle()
    offer = sim.messages(dm, question)[-1]
    sim.click("UANNA", dm, offer.ts, "open_adopt")
    wait_for(lambda: (sim.view_of("UANNA") or {}).get("callback_id") == "adopt")
    sim.submit("UANNA", {"initiative": "cnc-tool-wear", "owner": "Sofia Varga", "due_on": "2026-12-01"})
    company.settle()
    added = [i for i in office.list_items(LOCAL_CALLER, initiative="cnc-tool-wear") if i.owner == "Sofia Varga"]
    assert added
    assert all(item.source for item in added)

    # Feedback with a reason
    thumb = re.search(r"no/\w+", str(first.blocks))
    assert thumb
    sim.click("UANNA", dm, first.ts, "feedback", value=thumb[0])
    wait_for(lambda: (sim.view_of("UANNA") or {}).get("callback_id") == "reason")
    sim.submit("UANNA", {"reason": "Too long"})
    company.settle()

    # A check-in with a KPI reading, through the form
    sim.command("UANNA", "C1", "/advisor", "status")
    wait_for(lambda: (sim.view_of("UANNA") or {}).get("callback_id") == "check_in")
    sim.click_in_view("UANNA", "initiative", "line-3-predictive-maintenance")
    form = wait_for(lambda: sim.view_of("UANNA") if "reading_" in str(sim.view_of("UANNA")) else None)
    reading = next(b["element"]["action_id"] for b in form["blocks"] if b.get("block_id", "").startswith("reading_"))
    sim.submit(
        "UANNA",
        {"initiative": "line-3-predictive-maintenance", "health": "on_track", "summary": "Two good weeks.",
         "on": "2026-11-20", reading: "4.5"},
    )  # fmt: skip
    company.settle()
    line = next(i for i in office.list_status(LOCAL_CALLER) if i.initiative == "line-3-predictive-maintenance")
    assert (line.health, line.summary, line.age) == ("on track", "Two good weeks.", 0)

    # Status in plain words, confirmed
    plain = sim.say("UANNA", dm, "CNC tool wear is amber as of yesterday, sensor drift on spindle 2")
    company.settle()
    proposal = sim.messages(dm, plain)[-1]
    before = office.read_register(LOCAL_CALLER).head
    pressed = 2
    for _ in range(pressed):
        sim.click("UANNA", dm, proposal.ts, "confirm_status")
    company.settle()
    assert office.read_register(LOCAL_CALLER).head == before + 1
    assert "Recorded as" in sim.messages(dm, plain)[-1].text
    assert all(message.metadata for message in sim.messages(dm, plain)[1:]), (
        "no message of ours passes for a broken stream"
    )

    # Gates, gaps, checklist, assessment: for her alone
    for command in ("gates", "gaps", "checklist", "initiatives", "assess", "help"):
        sim.command("UANNA", "C1", "/advisor", command)
        company.settle()
    private = sim.ephemerals("UANNA", "C1")
    assert len(private) >= 6
    assert "Decision wanted" in str(private)
    item = next(m for m in private if "open_item" in str(m.blocks))
    sim.click("UANNA", "C1", item.ts, "open_item")
    wait_for(lambda: (sim.view_of("UANNA") or {}).get("callback_id") == "item")
    sim.submit("UANNA", {"evidence": "Signed on Friday"})
    company.settle()
    asked = next(m for m in private if "assess_yes" in str(m.blocks))
    sim.click("UANNA", "C1", asked.ts, "assess_yes")
    company.settle()

    # The weekly requests and the digest, once however often they are asked for
    now = time.time()
    for _ in range(3):
        company.door.queue.put(due_work("mon 09:00", "T1", now, since=now - 8 * 86400))
    company.door.workers.wake()
    company.settle()
    digests = [m for m in sim.messages("C1") if "Gap summary" in m.text]
    assert len(digests) == 1
    assert not sim.warnings
    if folder := os.environ.get("ADVISOR_TEST_TRANSCRIPTS"):
        page = sim.render_transcript(title=f"A day in the life, {transport}")
        (Path(folder) / f"day-{transport}.html").write_text(page)
