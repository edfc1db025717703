from __future__ import annotations

from tests.integrations.slack.conftest import Company, wait_for


def test_a_mention_is_answered_once_in_its_thread_with_sources(company: Company) -> None:
    ts = company.sim.say("UANNA", "C1", "<@UBOT> How long should a shadow period be?")
    reply = wait_for(lambda: company.sim.messages("C1", ts)[1:])
    company.settle()
    assert len(company.sim.messages("C1", ts)) == 2
    assert "four to six weeks" in str(reply[0].blocks)
    assert "feedback_buttons" in str(reply[0].blocks)
    assert not company.sim.warnings
