"""No answer carries an address that somebody else chose: no link, no picture, no call of people, on any door."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from advisor.answering.generative import UNAVAILABLE
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from tests.security.attacks import ADDRESSES, TOKEN, ask_fact, state_fact
from tests.security.conftest import DOORS, House

pytestmark = pytest.mark.owasp("LLM05", "LLM02")

SHADOW = "How long should a shadow period be?"
SHAPES = (
    "- {fact} {address} [1]",
    "- {fact}, see {address}. [1]",
    "{address} [1]",
    "- {fact} [1]{address}",
    "> {fact} ({address}) [1]",
)
_STATEMENT = re.compile(r"^\[(\d+)\] \([^)]*\) (.+)$", re.MULTILINE)


class Smuggler:
    """A model that writes good lines, and among them the same line with an address in it."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ADDRESSES

    def __call__(self, instructions: str) -> str:
        told = [f"{text} [{number}]" for number, text in _STATEMENT.findall(instructions)[:2]]
        fact = told[0].rpartition(" [")[0].rstrip(".") if told else "Plan ahead"
        bad = [SHAPES[n % len(SHAPES)].format(fact=fact, address=a) for n, a in enumerate(self.addresses)]
        return "\n".join([*(f"- {line}" for line in told), *bad])


@pytest.fixture(scope="module")
def smuggler() -> Smuggler:
    return Smuggler()


@pytest.fixture(scope="module")
def house(
    make_worded_house: Callable[..., Any],
    provider_key: None,
    smuggler: Smuggler,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    notes = {
        str(number): f"# Note {number}\n\n{state_fact(number)} Read {address} about the {number % 40 + 11} days.\n"
        for number, address in enumerate(ADDRESSES)
    }
    with make_worded_house(tmp_path_factory.mktemp("smuggled"), notes, smuggler) as made:
        yield made


def find_leak(told: str) -> str:
    """Return what stands around an address that was let through, or nothing."""
    found = re.search(rf".{{0,60}}{TOKEN}.{{0,20}}", told, re.IGNORECASE | re.DOTALL)
    return found[0] if found else ""


def test_each_address_that_a_model_writes_is_held_back(house: House, smuggler: Smuggler) -> None:
    leaks = {}
    for address in ADDRESSES:
        smuggler.addresses = (address,) * len(SHAPES)
        answer = house.advisor.ask(Caller(id="anna"), SHADOW)
        assert UNAVAILABLE not in answer.notices  # the good lines were shown
        if leak := find_leak(answer.model_dump_json()):
            leaks[address] = leak
    assert leaks == {}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_an_address_of_a_model(house: House, smuggler: Smuggler, door: str) -> None:
    smuggler.addresses = ADDRESSES[DOORS.index(door) :: len(DOORS)]
    told = house.ask(door, SHADOW)
    assert "weeks" in told
    assert not find_leak(told)


CARRIED = tuple(n for n, a in enumerate(ADDRESSES) if re.search(r"://|www\.|\]\(|<|\.com|@\w+\.", a))
"""What a reader of Markdown, a browser or Slack would make a link of; the rest is text that a document may hold."""


@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_an_address_of_a_document_as_one_to_follow(house: House, door: str) -> None:
    for number in CARRIED[DOORS.index(door) :: len(DOORS)]:
        told = house.ask(door, ask_fact(number))
        assert state_fact(number) in told
        assert not re.search(rf"(?:https?://|www\.|\]\(|src=|href=|@)[^\s\"']{{0,20}}{TOKEN}", told, re.IGNORECASE)


def test_slack_unfurls_nothing_and_alarms_nobody(house: House) -> None:
    summary = f"<!channel> <@UEVA> see <https://{TOKEN}.example/q|here> and https://{TOKEN}.example/p.png"
    fields = {"initiative": "cnc-tool-wear", "health": "at_risk", "summary": summary}
    house.office.record(LOCAL_CALLER, [RecordChange(kind=RecordKind.STATUS_UPDATE, fields=fields)], door="test")
    told = house.ask("slack", "How is CNC tool wear doing?")
    assert "'type': 'link'" not in told
    assert "<!channel>" not in told.split("[{", 1)[0]
    sim = house.slack.sim
    posts = [call for call in sim.calls if call.method == "chat.postMessage"]
    assert posts
    for post in posts:
        flags = {str(post.arguments.get(name)).lower() for name in ("unfurl_links", "unfurl_media")}
        assert flags <= {"false", "0"}
    for call in sim.calls:
        if call.method in {"chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update"}:
            assert f"https://{TOKEN}" not in json.dumps(dict(call.arguments), default=str).split('"blocks"', 1)[0]
