from __future__ import annotations

import pytest

from integrations.slack.simulator import Fault
from tests.integrations.slack.conftest import Company, wait_for


def test_a_mention_is_answered_once_in_its_thread_with_sources(company: Company) -> None:
    ts = company.sim.say("UANNA", "C1", "<@UBOT> How long should a shadow period be?")
    reply = wait_for(lambda: company.sim.messages("C1", ts)[1:])
    company.settle()
    assert len(company.sim.messages("C1", ts)) == 2
    assert "four to six weeks" in str(reply[0].blocks)
    assert "feedback_buttons" in str(reply[0].blocks)
    assert not company.sim.warnings


@pytest.mark.fault("R17")
def test_a_follow_up_is_understood_though_slack_s_history_cannot_be_read(company: Company) -> None:
    for method in ("conversations.replies", "conversations.history"):
        company.sim.faults.add(Fault(method, error="not_allowed_token_type"))
    ts = company.sim.say("UANNA", "C1", "<@UBOT> How long should a shadow period be?")
    company.settle()
    company.sim.say("UANNA", "C1", "<@UBOT> Why?", thread_ts=ts)
    company.settle()
    first, second = (message for message in company.sim.messages("C1", ts) if message.user == "UBOT")
    assert "four to six weeks" in str(first.blocks)
    assert "shadow" in str(second.blocks).lower()
    assert second.blocks != first.blocks
