"""The manifest, the doctor, the weekly work and the demonstration."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.domain.work import Queue
from advisor.errors import InvalidInputError
from advisor.settings import Settings
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from integrations.cli.app import app
from integrations.slack import jobs
from integrations.slack.doctor import check_slack
from integrations.slack.jobs import due_work, find_slot
from integrations.slack.manifest import BOT_EVENTS, BOT_SCOPES, make_manifest
from integrations.slack.simulator import Simulator
from tests.conftest import ROOT
from tests.integrations.slack.conftest import Company

SCOPE_OF = {
    "chat": "chat:write",
    "users_info": "users:read",
    "users_list": "users:read",
    "conversations_open": "im:write",
    "conversations_members": "channels:read",
    "conversations_info": "channels:read",
    "conversations_history": "im:history",
    "conversations_replies": "channels:history",
    "assistant": "assistant:write",
}
SCOPE_OF_EVENT = {"app_mention": "app_mentions:read", "message.im": "im:history"}
MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC).timestamp()


def test_the_manifest_holds_the_scopes_of_every_call_and_event() -> None:
    source = "".join(path.read_text() for path in (ROOT / "integrations" / "slack").glob("*.py"))
    calls = set(re.findall(r"client\.([a-z]+_\w+)\(", source)) - {"views_open", "views_update", "auth_test"}
    needed = {scope for call in calls for start, scope in SCOPE_OF.items() if call.startswith(start)}
    assert needed <= set(BOT_SCOPES)
    assert {SCOPE_OF_EVENT[event] for event in BOT_EVENTS if event in SCOPE_OF_EVENT} <= set(BOT_SCOPES)


@pytest.mark.parametrize("transport", ["socket", "http"])
def test_the_manifest_keeps_to_slack_s_limits(transport: str) -> None:
    manifest = make_manifest(transport=transport, url="https://advisor.example.com")
    assert len(manifest["display_information"]["name"]) <= 35
    assert len(manifest["display_information"]["description"]) <= 140
    assert len(manifest["features"]["agent_view"]["agent_description"]) <= 300
    assert len(manifest["features"]["agent_view"]["suggested_prompts"]) <= 4
    assert all(len(shortcut["name"]) <= 24 + 10 for shortcut in manifest["features"]["shortcuts"])
    assert manifest["settings"]["socket_mode_enabled"] is (transport == "socket")
    assert ("https://advisor.example.com/slack/events" in json.dumps(manifest)) is (transport == "http")
    assert "assistant_view" not in manifest["features"]


def test_the_doctor_says_what_is_wrong_and_what_is_right() -> None:
    bad = {check.name: check for check in check_slack(Settings(_env_file=None))}
    assert not bad["Bot token"].ok
    assert "manifest" in bad["Bot token"].detail
    with Simulator() as sim:
        sim.add_channel("CHELP", "help", [])
        sim.add_channel("CFAR", "far", [], bot=False)
        settings = Settings(
            _env_file=None, slack_bot_token=SecretStr("xoxb-sim"), slack_app_token=SecretStr("xapp-sim"),
            slack_api_url=sim.base_url, slack_help_channel="CHELP", slack_digest_channel="CFAR",
        )  # fmt: skip
        found = {check.name: check for check in check_slack(settings)}
        assert found["Bot token"].ok
        assert found["Transport"].ok
        assert found["Help channel"].detail == "#help"
        assert "Invite it" in found["Digest channel"].detail
        sim.world.scopes = ("chat:write",)
        assert "users:read.email" in check_slack(settings)[0].detail
        wrong = settings.model_copy(update={"slack_bot_token": SecretStr("xoxb-wrong")})
        assert "invalid_auth" in check_slack(wrong)[0].detail


@pytest.mark.parametrize("weekly", ["someday", "mon 25:00", "mon"])
def test_a_week_that_is_none_is_refused(weekly: str) -> None:
    with pytest.raises(InvalidInputError, match="no day and time"):
        find_slot(weekly, MONDAY)


def test_the_weekly_slot_is_the_last_one_that_has_come() -> None:
    assert find_slot("mon 09:00", MONDAY).timestamp() == MONDAY
    assert find_slot("mon 09:00", MONDAY - 1).timestamp() == MONDAY - 7 * 86400
    assert find_slot("fri 17:30", MONDAY) == datetime(2026, 11, 13, 17, 30, tzinfo=UTC)


FAR = 50 * 365 * 86_400


class TestWeek:
    @pytest.fixture
    def transport(self) -> str:
        return "http"

    def test_late_owners_are_asked_once_and_reminded_once(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "REMIND_AFTER_DAYS", FAR // 86_400)  # the workers' clock is the real one
        change = RecordChange(
            kind=RecordKind.INITIATIVE, subject="packing-line-quality", fields={"accountable_owner": "Jonas Weber"}
        )
        company.office.record(LOCAL_CALLER, [change], door="test")
        for _ in range(4):
            company.door.queue.put(due_work("mon 09:00", "T1", MONDAY + 60, since=MONDAY - 60))
        company.door.workers.wake()
        company.wait_until_sent()
        asked = company.sim.messages(company.sim.dm("UJONAS"))
        assert len(asked) == 1
        assert "Packing line quality" in asked[0].text
        assert "open_check_in" in str(asked[0].blocks)
        assert len([m for m in company.sim.messages("C1") if "Gap summary" in m.text]) == 1
        reminder = company.door.queue.take(Queue.IN, MONDAY + 2 * FAR, lease=1)
        assert reminder is not None
        assert reminder.payload["kind"] == "remind"


def test_the_demonstration_writes_its_transcript(
    indexed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVISOR_DATA_DIR", str(indexed.data_dir))
    page = tmp_path / "day.html"
    url = f"sqlite:///{tmp_path}/kept.sqlite"
    monkeypatch.setenv("ADVISOR_DATABASE_URL", url)
    run = CliRunner().invoke(app, ["slack", "demo", "--keep", "--output", str(page)])
    assert run.exit_code == 0, run.output
    assert any(entry.door == "slack" for entry in SqlRegisterLog(open_database(url)).read())
    assert "Gap summary" in page.read_text()
    assert "Recorded as" in page.read_text()
