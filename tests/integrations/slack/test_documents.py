"""The company's documents in Slack: each reader, and each channel, is told what it may see."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.settings import Settings
from tests.integrations.slack.conftest import Company

QUESTION = "Where does the gearbox alarm line of Nordwerk move, and when does it close?"


@pytest.fixture
def transport() -> str:
    return "http"


@pytest.fixture
def home(library: Settings) -> Settings:
    """The company has documents."""
    return library


def test_documents_are_told_to_those_who_hold_their_label(company: Company, tmp_path: Path) -> None:
    sim = company.sim
    direct = {user: sim.say(user, sim.dm(user), QUESTION) for user in ("UEVA", "UANNA")}
    public = sim.say("UEVA", "C1", f"<@UBOT> {QUESTION}")
    board = sim.say("UEVA", "CBOARD", f"<@UBOT> {QUESTION}")
    company.settle()
    assert "Zwolle" in sim.messages(sim.dm("UEVA"), direct["UEVA"])[1].markdown
    assert "Zwolle" in str(sim.messages("CBOARD", board)[1].blocks)
    for told in (*sim.messages(sim.dm("UANNA"), direct["UANNA"])[1:], *sim.messages("C1", public)[1:]):
        everything = f"{told.text} {told.blocks} {told.markdown}"
        assert not any(word in everything for word in ("Zwolle", "osprey", "nordwerk-plan"))
